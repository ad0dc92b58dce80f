"""Messages to learners: one carries the ULN or the given name, never both.

Rule: a ULN together with a name, date of birth, gender or postcode in an unencrypted e-mail is a breach
(LRS guide for learning providers, "Common security breaches", 2024).
"""

from __future__ import annotations

import re
import unicodedata
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, BinaryIO, Final, Literal

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from states.errors import FileRefused
from states.learner import uln as uln_number
from states.learner.checks import email_fault
from states.ports import Message
from workflow.errors import DefinitionError

IDENTITY: Final = ("given_name", "family_name", "date_of_birth", "postcode", "gender")
"""What must not stand beside the ULN."""

VARIABLES: Final = frozenset({"uln", "given_name"})
"""What a template may use; each message is given one of the two."""

_SUBJECT: Final = "Subject:"
_DIGITS: Final = re.compile(r"[0-9](?:[\s.\-]?[0-9])*", re.ASCII)
_TEMPLATES = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # plain text, no HTML is made
    keep_trailing_newline=True,
)


def check_template(text: str) -> list[str]:
    """What is wrong with a message template, in words; empty when it may be used.

    Refused are a ULN beside identity data, variables no message is given, other templates, and a subject line
    that is missing or carries a variable.
    """
    try:
        tree = _TEMPLATES.parse(text)
    except TemplateError as error:
        return [f"it is not a valid template (line {getattr(error, 'lineno', '?')})"]
    used = meta.find_undeclared_variables(tree)
    faults = []
    together = [name for name in IDENTITY if name in used]
    if "uln" in used and together:
        faults.append(f"it carries the ULN together with {', '.join(together)}: the LRS counts that as a breach")
    unknown = sorted(used - VARIABLES - set(IDENTITY))
    faults += [f"it uses {name}, which no message is given" for name in unknown]
    faults += [f"it uses {name}: only the given name may be used" for name in together if name not in VARIABLES]
    if next(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)), None) is not None:
        faults.append("it draws in another template")
    first, _, body = text.partition("\n")
    if not first.startswith(_SUBJECT) or not first.removeprefix(_SUBJECT).strip():
        faults.append("its first line is not a subject line, such as Subject: Your Unique Learner Number")
    if "{" in first:
        faults.append("its subject line carries a variable: subjects are read by everyone")
    if not body.strip():
        faults.append("it has no text")
    return faults


class TemplatePostbox:
    """Port `Postbox` from two template texts; raises DefinitionError for a template that must not be used."""

    def __init__(self, *, uln_template: str, name_template: str) -> None:
        self._texts = {"uln": uln_template, "name": name_template}
        for carries, needed in (("uln", "uln"), ("name", "given_name")):
            text = self._texts[carries]
            faults = check_template(text)
            if not faults and meta.find_undeclared_variables(_TEMPLATES.parse(text)) != {needed}:
                faults.append(f"it must use {needed} and nothing else")
            if faults:
                raise DefinitionError(f"letters/{carries}.txt", faults)

    def compose(
        self, *, reference: str, address: str, uln: str, carries: Literal["uln", "name"], given_name: str
    ) -> Message:
        """Fill the template; raises FileRefused when the text would carry the ULN together with the name.

        `address` may be empty for a letter.
        """
        if carries == "uln" and uln_number.fault(uln) is not None:
            raise FileRefused("message", "there is no valid ULN to tell", "Obtain the ULN first.")
        if carries == "name" and not given_name.strip():
            raise FileRefused("message", "the given name is missing", "Complete the learner's details.")
        given = {"uln": uln} if carries == "uln" else {"given_name": given_name}
        template = self._texts[carries]
        try:
            text = _TEMPLATES.from_string(template).render(given)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
            raise FileRefused("message", "the template cannot be filled", "Correct the template.") from None
        if _has_number(text, uln) and _has_name(text, given_name, template):
            rule = "the message would carry the ULN together with the given name"
            raise FileRefused("message", rule, "Take one of them out of the template.")
        first, _, body = text.partition("\n")
        subject = first.removeprefix(_SUBJECT).strip()
        return Message(
            reference=reference,
            address=address,
            subject=subject,
            body=body.lstrip("\n").rstrip() + "\n",
            carries=carries,
        )

    def write_mail(self, message: Message, *, sender: str, target: BinaryIO) -> None:
        """Write the message as .eml, its address without a display name and without a date.

        Without a `sender` the file opens in a mail program as a draft of whoever opens it. Raises FileRefused for
        an address or a sender that mail cannot carry.
        """
        if not message.address or email_fault(message.address):
            raise FileRefused("message", "there is no usable e-mail address", "Correct it, or write a letter.")
        mail = EmailMessage(policy=SMTP)
        try:
            if sender:
                mail["From"] = sender
                senders = mail["From"].addresses
                if not sender.isprintable() or len(senders) != 1 or email_fault(senders[0].addr_spec):
                    raise ValueError  # one answer for every sender mail cannot carry
            else:
                mail["X-Unsent"] = "1"
            mail["To"] = message.address
            mail["Subject"] = message.subject
        except (ValueError, IndexError, MessageError):  # the parser of headers slips on broken ones
            raise FileRefused("message", "the sender is no e-mail address", "Set the sender's address.") from None
        encoding = "7bit" if message.body.isascii() else "quoted-printable"
        mail.set_content(message.body, charset="utf-8", cte=encoding)
        target.write(mail.as_bytes())

    def write_letter(self, message: Message, target: BinaryIO) -> None:
        """Write the message as printable UTF-8 text, headed by the learner's reference so it can be handed over."""
        text = f"{message.subject}\nOur reference: {message.reference}\n\n{message.body}"
        target.write(text.encode("utf-8"))


def _has_number(text: str, uln: str) -> bool:
    """Whether the ULN stands in a text, its digits perhaps parted by blanks, dots or hyphens."""
    return bool(uln) and any(uln in re.sub(r"[^0-9]", "", found[0]) for found in _DIGITS.finditer(text))


def _has_name(text: str, name: str, template: str) -> bool:
    """Whether the name stands in a text as words of its own.

    A name that the template itself uses as an ordinary word in lower case (Will, May) says nothing of the learner.
    """
    wanted = _words(name)
    if not wanted.strip():
        return False
    ordinary = f" {_words(name)} " in f" {_words(template, fold=False)} "
    return not ordinary and f" {wanted} " in f" {_words(text)} "


def _words(text: str, *, fold: bool = True) -> str:
    """The words of a text parted by single blanks."""
    plain: Any = unicodedata.normalize("NFC", text)
    return " ".join(re.findall(r"[^\W_]+", plain.casefold() if fold else plain))
