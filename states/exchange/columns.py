"""Values on their way into files for machines: what each may hold, and what is said where it does not fit.

Values are never altered and never truncated on the way out: what does not fit is a finding, and no file is written.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date
from typing import BinaryIO, Final

from states.errors import FileRefused
from states.learner import uln as uln_number
from states.learner.checks import Fault, email_fault, name_fault, normalise_postcode, postcode_fault
from states.learner.details import LABELS, Details
from states.registration import Registration
from states.sheet_ports import Finding

OWN_LABELS: Final = {
    "reference": "Learner reference",
    "uln": "ULN",
    "candidate_number": "Candidate number",
    "qualification": "Qualification",
    "cohort": "Cohort",
    "funded": "Funded or not",
    "start": "Start",
    "planned_end": "Planned end",
    "order_number": "Order number",
}
"""What a registration says beside the learner's details."""

DETAIL_FIELDS: Final = frozenset(field.name for field in fields(Details))
NAME_FIELDS: Final = frozenset({"given_name", "family_name", "preferred_name", "previous_family_name"})

NAME_LIMIT: Final = 35
"""Characters of a name where the profile sets no limit: the LRS's own."""

SHOWN: Final = 40
"""A longer reference is not shown in messages."""

_NOT_TEXT: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORMULA: Final = frozenset("=+@")


def label_of(field: str) -> str:
    """The words a person reads for a field of a registration or of the details."""
    return OWN_LABELS.get(field) or LABELS.get(field, field)


def text_finding(field: str, text: str) -> Finding | None:
    """What is wrong with a text no file should carry: control or invisible characters, a formula; None when fine.

    A leading hyphen is fine. Full-width forms of `=`, `+` and `@` count as the plain ones.
    """
    label = label_of(field)
    if any(unicodedata.category(character) in _NOT_TEXT for character in text):
        return Finding(
            "refused",
            field,
            "not_text",
            f"{label} holds control or invisible characters",
            "Type it again, on one line.",
        )
    if unicodedata.normalize("NFKC", text.lstrip()[:1])[:1] in _FORMULA:
        return Finding(
            "refused",
            field,
            "formula",
            f"{label} begins like a spreadsheet formula",
            "Remove the leading sign: = + or @.",
        )
    return None


def too_long(field: str, text: str, limit: int | None) -> Finding | None:
    """The finding for a text of more than `limit` characters; None when it fits or there is no limit."""
    if limit is None or len(text) <= limit:
        return None
    message = f"{label_of(field)} has {len(text)} characters, {limit} are allowed"
    return Finding("refused", field, "too_long", message, "Shorten it; ulnflow never cuts a value off.")


def missing(field: str, fix: str = "") -> Finding:
    """The finding for a needed value that is absent."""
    return Finding("missing", field, "missing", f"{label_of(field)} is missing", fix or "Fill it in.")


def uln_finding(field: str, text: str) -> Finding | None:
    """The finding for a ULN that must not leave the house: wrong, or the placeholder; None when right or blank."""
    fault = uln_number.fault(text) if text else None
    if fault is None:
        return None
    return Finding("refused", field, "uln", "The ULN is not valid", "Leave it blank, or type the right ULN.")


def from_fault(field: str, fault: Fault | None) -> Finding | None:
    """A fault of the learner's checks as a finding, with the field's name before it."""
    if fault is None:
        return None
    said = fault.message[:1].lower() + fault.message[1:].removesuffix(".")
    return Finding("refused", field, fault.code, f"{label_of(field)}: {said}", fault.fix)


def postcode_finding(field: str, text: str) -> Finding | None:
    """What is wrong with a postcode as it stands: a machine file gets it unaltered, so blanks count."""
    found = from_fault(field, postcode_fault(text))
    normal = normalise_postcode(text)
    if found is None and text.upper() not in (normal, normal.replace(" ", "")):
        message = f"{label_of(field)} has blanks too many"
        return Finding("refused", field, "postcode_form", message, "Write it with one blank inside.")
    return found


def value_finding(field: str, text: str, limit: int | None) -> Finding | None:
    """The first thing wrong with one value that is not blank, judged by what the field is; None when fine."""
    if field == "uln":
        return uln_finding(field, text)
    if field in NAME_FIELDS:
        return from_fault(field, name_fault(text, limit or NAME_LIMIT)) or too_long(field, text, limit)
    if field == "postcode":
        return postcode_finding(field, text) or too_long(field, text, limit)
    if field == "email":
        return from_fault(field, email_fault(text)) or too_long(field, text, limit)
    return text_finding(field, text) or too_long(field, text, limit)


def named(reference: str, place: int) -> str:
    """How an error names a learner: by reference, or by place (1-based) where the reference cannot be shown."""
    plain = reference and len(reference) <= SHOWN and text_finding("reference", reference) is None
    return f"learner {reference}" if plain else f"learner number {place}"


class _Utf8:
    """Hands the texts of csv.writer on as bytes."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        return self._target.write(text.encode("utf-8"))


def write_cells(target: BinaryIO, rows: Iterable[Sequence[str]], *, quote_all: bool) -> None:
    """Write rows as CSV: UTF-8 without a byte order mark, CRLF, cells exactly as given."""
    out = _Utf8(target)
    if quote_all:
        csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(out, lineterminator="\r\n").writerows(rows)


def funded_unknown() -> Finding:
    """The finding for a learner of whom nobody said whether they are funded."""
    return Finding(
        "missing",
        "funded",
        "funded_unknown",
        "It is not known whether the learner is funded",
        "Say so in the cohort sheet: Funded yes or no. Funded and non-funded learners go into separate files.",
    )


def format_date(value: date, pattern: str) -> str:
    """A date in a pattern made of DD, MM and YYYY."""
    text = pattern.replace("YYYY", f"{value.year:04}")
    return text.replace("MM", f"{value.month:02}").replace("DD", f"{value.day:02}")


def refuse_unfit(
    file: str, registrations: Sequence[Registration], judge: Callable[[Registration], Sequence[Finding]]
) -> None:
    """Raise FileRefused for nobody to write, for a learner named twice, and for the first one with a finding.

    `judge` gives the findings of one registration.
    """
    if not registrations:
        raise FileRefused(file, "there is no learner to write", "Choose at least one learner.")
    seen: set[tuple[str, str]] = set()
    for place, one in enumerate(registrations, start=1):
        key = (one.reference, one.qualification)
        if key in seen:
            rule = f"{named(one.reference, place)} stands in it twice for the same qualification"
            raise FileRefused(file, rule, "Name each learner once.")
        seen.add(key)
        for finding in judge(one):
            rule = f"{named(one.reference, place)}: {finding.message}"
            raise FileRefused(file, rule, finding.fix, column=label_of(finding.field))
