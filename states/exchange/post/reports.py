"""What mail servers report about messages of ours: delivery status notifications, saved as .eml.

Read by RFC 3464 (2003) and RFC 3463 (2003). A report is traced by the number in our Message-ID, never by an address.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message as Mail
from pathlib import Path
from typing import Final

from states.errors import FileRefused
from states.exchange.files import read_bytes, shown_name
from states.mail_ports import Fate, Report

LARGEST: Final = 5_000_000
"""Bytes of one report; our messages have two thousand."""

MOST: Final = 5_000
"""Reports in a folder."""

DEEPEST: Final = 40
"""Parts of a report; one has three, and some servers wrap it once more."""

NUMBER: Final = re.compile(r"\bD[0-9]{1,15}\.[0-9]{1,15}\.[0-9a-f]{16}\b", re.ASCII)
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
_PART: Final = re.compile(rb"^content-type[ \t]*:\s*(multipart|message)/", re.IGNORECASE | re.MULTILINE)
_NAMING: Final = ("Message-ID", "In-Reply-To", "References", "Original-Envelope-Id", "X-Original-Message-ID")
_FATES: Final[dict[str, Fate]] = {"failed": "failed", "delayed": "delayed"}
_CLASSES: Final = {"5": "failed", "4": "delayed"}
"""What a status says where the action is left out."""


def read_reports(path: Path) -> tuple[list[Report], list[FileRefused]]:
    """Read one report, or every .eml of a folder in the order of their names.

    Those of a folder that cannot be read come second, so that one of them does not hold up the others. Raises
    FileRefused for a file that cannot be read, and for a folder of more than 5,000.
    """
    if not path.is_dir():
        return [read_report(path)], []
    files = sorted(each for each in path.iterdir() if each.suffix.casefold() == ".eml")
    name = shown_name(path)
    if not files:
        raise FileRefused(name, "the folder holds no .eml file", "Save the reports as .eml in it.")
    if len(files) > MOST:
        raise FileRefused(name, f"the folder holds more than {MOST:,} reports", "Take them in by parts.")
    reports: list[Report] = []
    refused: list[FileRefused] = []
    for file in files:
        try:
            reports.append(read_report(file))
        except FileRefused as wrong:
            refused.append(wrong)
    return reports, refused


def read_report(path: Path) -> Report:
    """Read one report; raises FileRefused for a file that is no e-mail, is too large, or is built too deep.

    An e-mail that is no report of ours comes back with the fate `other`, or without a number.
    """
    name, data = shown_name(path), read_bytes(path, limit=LARGEST)
    if b"\x00" in data:
        raise FileRefused(name, "it holds NUL bytes, so it is no e-mail", "Save the message as .eml.")
    if len(_PART.findall(data)) > DEEPEST:
        raise FileRefused(name, f"it has more than {DEEPEST} parts", "Look at it in your mail program.")
    try:
        mail = message_from_bytes(data)
        if not mail.keys():
            raise FileRefused(name, "it does not begin as an e-mail does", "Save the message as .eml.")
        fate, status = _fate(mail)
        numbers = dict.fromkeys(_numbers(mail))
    except FileRefused:
        raise
    except Exception:  # noqa: BLE001 - the parser of e-mail slips in many ways on what is made to break it
        raise FileRefused(name, "it cannot be read as an e-mail", "Look at it in your mail program.") from None
    number = next(iter(numbers)) if len(numbers) == 1 else ""
    return Report(name=name, digest=hashlib.sha256(data).hexdigest(), number=number, fate=fate, status=status)


def _fate(mail: Mail) -> tuple[Fate, str]:
    """What became of the message: the worst that is said of any recipient, with its status.

    A server that has given up says failed, also where it gave up on a passing trouble (4.4.7: it took too long).
    """
    worst: tuple[Fate, str] = ("other", "")
    for block in _inside(mail, "message/delivery-status"):
        if not (block["Final-Recipient"] or block["Original-Recipient"]):
            continue
        action = str(block["Action"] or "").strip().casefold()
        found = _STATUS.match(str(block["Status"] or "").strip())
        status = found[0] if found else ""
        fate = _FATES.get(action or _CLASSES.get(status[:1], ""), "other")
        if fate == "failed":
            return fate, status
        if fate == "delayed":
            worst = fate, status
    return worst


def _numbers(mail: Mail) -> Iterator[str]:
    """Our number, wherever a report names the message it is about."""
    for one in (mail, *_inside(mail, "message/rfc822"), *_inside(mail, "message/delivery-status")):
        yield from NUMBER.findall(" ".join(str(one[name]) for name in _NAMING if one[name]))
    for part in _parts(mail, "text/rfc822-headers"):
        text = part.get_payload(decode=True)
        if isinstance(text, bytes):
            headers = message_from_bytes(text)
            yield from NUMBER.findall(" ".join(str(headers[name]) for name in _NAMING if headers[name]))


def _parts(mail: Mail, kind: str) -> list[Mail]:
    return [part for part in mail.walk() if part.get_content_type() == kind]


def _inside(mail: Mail, kind: str) -> list[Mail]:
    """The messages, or blocks of fields, that the parts of a kind hold."""
    held = [part.get_payload() for part in _parts(mail, kind)]
    return [one for listed in held if isinstance(listed, list) for one in listed if isinstance(one, Mail)]
