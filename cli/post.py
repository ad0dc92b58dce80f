"""The post put together: words and layout checked, the mail server chosen, PDF where its library is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.exchange.post.mail import NEEDED, TemplatePostbox
from states.exchange.post.templates import Letter, TemplateFault, check_layout, check_words
from states.mail_ports import Mailer
from workflow.errors import DefinitionError

TEMPLATES: Final = ("letters/uln.txt", "letters/name.txt", "letters/letter.html")
"""The words with the ULN, those without it, and the layout of letters."""


def postbox(read: Callable[[str], str], centre: str) -> TemplatePostbox:
    """The postbox of a centre of this name from its templates; raises DefinitionError."""
    words, other, layout = map(read, TEMPLATES)
    return TemplatePostbox(uln_template=words, name_template=other, layout=layout, write_pdf=write_pdf, centre=centre)


def mailer(mail: Mapping[str, Any], sender: str, file: str) -> Mailer:
    """The mail server that the settings in a file name; raises DefinitionError where they name none."""
    if not mail["host"]:
        raise DefinitionError(
            file, ["mail.host: names no mail server; set host, security and user under [mail] (docs/files.md)"]
        )
    if mail["user"] and not mail["password"].get_secret_value():
        raise DefinitionError(file, ["mail.user: needs its password; set it as ULNFLOW_MAIL__PASSWORD"])
    from states.exchange.post.smtp import SmtpMailer  # noqa: PLC0415 - only sending needs it

    return SmtpMailer(**{**mail, "password": mail["password"].get_secret_value()}, sender=sender)


def write_pdf(letters: Sequence[Letter], centre: str, day: str, target: BinaryIO) -> None:
    """Write letters as PDF; raises DefinitionError where the library for it is not installed."""
    try:
        from states.exchange.post.pdf import write_letters  # noqa: PLC0415 - an extra that may not be there
    except ModuleNotFoundError:
        raise DefinitionError(
            "PDF letters", ['the package reportlab is not there: pip install "ulnflow[letters]", or use --letters html']
        ) from None
    write_letters(letters, centre, day, target)


def check_template(name: str, text: str) -> list[TemplateFault]:
    """Every fault of a template: a layout when its name ends in .html, else the words of a message."""
    path = Path(name)
    if path.suffix.casefold() == ".html":
        return check_layout(text)
    return check_words(text, NEEDED.get(path.stem, ""))
