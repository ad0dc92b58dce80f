"""Messages to learners: one carries the ULN or the given name, never both; as mail, and as letters to print."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from states.errors import FileRefused
from states.exchange.post.reports import read_reports
from states.exchange.post.templates import (
    PAGES,
    SUBJECT,
    UNFILLABLE,
    WORDS,
    Letter,
    Paragraph,
    check_layout,
    check_words,
    sound,
)
from states.learner import uln as uln_number
from states.learner.checks import email_fault
from states.mail_ports import Message, Report

NEEDED: Final = {"uln": "uln", "name": "given_name"}
"""What each of the two messages must use."""

NOWHERE: Final = "ulnflow.invalid"
"""The domain of a Message-ID where no sender is set (RFC 2606, 1999: never a real one)."""

_DIGITS: Final = re.compile(r"[0-9](?:[\s.\-]?[0-9])*", re.ASCII)

WritePdf = Callable[[Sequence[Letter], str, str, BinaryIO], None]
"""Writes letters as PDF, given the centre's name and the day."""


class TemplatePostbox:
    """Port `Postbox` from template texts; raises DefinitionError for a template that must not be used."""

    def __init__(
        self, *, uln_template: str, name_template: str, layout: str, write_pdf: WritePdf, centre: str = ""
    ) -> None:
        self._texts = {"uln": uln_template, "name": name_template}
        for carries, text in self._texts.items():
            sound(f"letters/{carries}.txt", check_words(text, NEEDED[carries]))
        sound("letters/letter.html", check_layout(layout))
        self._filled = {carries: WORDS.from_string(text) for carries, text in self._texts.items()}
        self._layout, self._write_pdf, self._centre = PAGES.from_string(layout), write_pdf, centre

    def compose(
        self,
        *,
        reference: str,
        address: str,
        uln: str,
        carries: Literal["uln", "name"],
        given_name: str,
        number: str = "",
    ) -> Message:
        """Fill the template; raises FileRefused when the text would carry the ULN together with the name.

        `address` may be empty for a letter.
        """
        if carries == "uln" and uln_number.fault(uln) is not None:
            raise FileRefused("message", "there is no valid ULN to tell", "Obtain the ULN first.")
        if carries == "name" and not given_name.strip():
            raise FileRefused("message", "the given name is missing", "Complete the learner's details.")
        given = {"uln": uln} if carries == "uln" else {"given_name": given_name}
        try:
            text = self._filled[carries].render(given)
        except UNFILLABLE:
            raise FileRefused("message", "the template cannot be filled", "Correct the template.") from None
        if _has_number(text, uln) and _has_name(text, given_name, self._texts[carries]):
            rule = "the message would carry the ULN together with the given name"
            raise FileRefused("message", rule, "Take one of them out of the template.")
        first, _, body = text.partition("\n")
        return Message(
            reference=reference,
            address=address,
            subject=first.removeprefix(SUBJECT).strip(),
            body=body.lstrip("\n").rstrip() + "\n",
            carries=carries,
            number=number,
        )

    def write_mail(self, message: Message, *, sender: str, target: BinaryIO, at: datetime | None = None) -> None:
        """Write the message as .eml, its address without a display name; dated when it is sent, and only then.

        Without a `sender` the file opens in a mail program as a draft of whoever opens it. No auto-responder answers
        it (RFC 3834, 2004). Raises FileRefused for an address or a sender that mail cannot carry.
        """
        if not message.address or email_fault(message.address):
            raise FileRefused("message", "there is no usable e-mail address", "Correct it, or write a letter.")
        mail, domain = EmailMessage(policy=SMTP), NOWHERE
        try:
            if sender:
                mail["From"] = sender
                domain = address_of(mail, sender).rpartition("@")[2]
            else:
                mail["X-Unsent"] = "1"
            mail["To"] = message.address
            mail["Subject"] = message.subject
            if at is not None:
                mail["Date"] = format_datetime(at)
            if message.number:
                mail["Message-ID"] = f"<{message.number}@{domain}>"
            mail["Auto-Submitted"] = "auto-generated"
        except (ValueError, IndexError, MessageError):  # the parser of headers slips on broken ones
            raise FileRefused("message", "the sender is no e-mail address", "Set the sender's address.") from None
        encoding = "7bit" if message.body.isascii() else "quoted-printable"
        mail.set_content(message.body, charset="utf-8", cte=encoding)
        target.write(mail.as_bytes())

    def write_letters(
        self, messages: Sequence[Message], *, day: date, form: Literal["html", "pdf"], target: BinaryIO
    ) -> None:
        """Write messages as one file to print, a page each, headed by the reference so that it can be handed over.

        Raises FileRefused for a letter the PDF's font cannot show, DefinitionError when PDF cannot be written here.
        """
        letters = [Letter(message.reference, message.subject, tuple(paragraphs(message.body))) for message in messages]
        shown = f"{day.day} {calendar.month_name[day.month]} {day.year}"
        if form == "pdf":
            self._write_pdf(letters, self._centre, shown, target)
            return
        try:
            text = self._layout.render(letters=letters, centre=self._centre, day=shown)
        except UNFILLABLE:
            raise FileRefused("letters", "the layout cannot be filled", "Correct letters/letter.html.") from None
        target.write(text.encode("utf-8"))

    def read_reports(self, path: Path) -> tuple[list[Report], list[FileRefused]]:
        """Read a mail server's report, or a folder of them; see `reports.read_reports`."""
        return read_reports(path)


def address_of(mail: EmailMessage, sender: str) -> str:
    """The one address a From header holds; raises ValueError for every sender mail cannot carry."""
    senders = mail["From"].addresses
    if not sender.isprintable() or len(senders) != 1 or email_fault(senders[0].addr_spec):
        raise ValueError
    address: str = senders[0].addr_spec
    return address


def paragraphs(body: str) -> list[Paragraph]:
    """The paragraphs of a message: lines are joined, what is indented stands apart as it is."""
    found = []
    for block in re.split(r"\n\s*\n", body.strip("\n")):
        lines = [line.rstrip() for line in block.split("\n")]
        apart = all(line[:1].isspace() for line in lines if line)
        text = "\n".join(map(str.strip, lines)) if apart else " ".join(map(str.strip, lines))
        if text.strip():
            found.append(Paragraph(text, apart))
    return found


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
