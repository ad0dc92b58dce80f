"""The cells of one row of a cohort sheet, turned into values; what was noticed is kept as findings.

Messages name the field and what to do, never the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from states.exchange.cells import Cell, restore
from states.learner import checks, personal, uln
from states.learner.details import LABELS, Details
from states.sheet_ports import Finding, Weight

ROW_LABELS: Final = {
    "reference": "Learner reference",
    "cohort": "Cohort",
    "qualification": "Qualification",
    "funded": "Funded",
    "start": "Start",
    "planned_end": "Planned end",
}
NAME_FIELDS: Final = ("given_name", "family_name", "preferred_name", "previous_family_name")
REFERENCE_LIMIT: Final = 128
DESCRIPTION_LIMIT: Final = 255
TEXT_LIMIT: Final = 128

_PLAIN_GENDERS = frozenset({"m", "f", "male", "female"})
_EXACT_DIGITS = 10**15
_KEY_FIXES: Final = {
    "reference": f"Use the centre's own number, not the ULN; {personal.HOW_TO_WRITE}.",
    "cohort": f"Give the cohort's name alone; {personal.HOW_TO_WRITE}.",
    "qualification": f"Give the qualification's code alone; {personal.HOW_TO_WRITE}.",
}
_ULN_MESSAGES = {
    "not_ten_digits": "a ULN has exactly ten digits 0-9 and nothing else.",
    "leading_zero": "a ULN never begins with 0.",
    "no_such_number": "no ULN begins with these nine digits.",
    "check_digit": "the check digit does not match the other nine digits.",
}


def word_key(text: str) -> str:
    """Give the form in which headings and words are compared: case, blanks and punctuation do not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def word_table(words: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Turn code -> words into word -> code, the code itself included."""
    table = {word_key(word): code for code, listed in words.items() for word in listed}
    return table | {word_key(code): code for code in words}


@dataclass(kw_only=True, repr=False)
class Row:
    """The cells of one row by field, with the findings made so far."""

    cells: Mapping[str, Cell]
    formulas: Collection[str]
    errors: Collection[str]
    day_first: bool
    findings: list[Finding] = field(default_factory=list)

    def say(self, weight: Weight, name: str, code: str, message: str, fix: str = "") -> None:
        """Keep a finding; the message is put after the field's label."""
        label = LABELS.get(name) or ROW_LABELS[name]
        self.findings.append(Finding(weight, name, code, f"{label}: {message}", fix))

    def fault(self, name: str, found: checks.Fault) -> None:
        """Keep a fault of a value that is left out, as a finding."""
        self.say("malformed", name, found.code, found.message[:1].lower() + found.message[1:], found.fix)


def take(row: Row, name: str) -> Cell:
    """Give the raw cell of a field, or None where it is blank or cannot be trusted; says why."""
    cell = row.cells.get(name)
    if cell is None and not row.formulas and not row.errors:
        return None
    if name in row.errors:
        row.say("malformed", name, "cell_error", "the cell shows an error.", "Correct the cell.")
        return None
    if name in row.formulas:
        if cell is None or name in NAME_FIELDS or name == "existing_uln":
            fix = "Type the value itself into the cell."
            row.say("malformed", name, "formula", "the cell holds a formula, not a value.", fix)
            return None
        row.say("note", name, "formula", "the cell holds a formula; its last calculated value was read.")
    if isinstance(cell, str) and (text := restore(cell)) != cell:
        row.say("note", name, "text_mark", "the apostrophe that marks it as text was left out.")
        return text
    return cell


def read_text(row: Row, name: str, limit: int = TEXT_LIMIT) -> str:
    """Read a text of up to `limit` characters, cleaned; empty when blank or malformed."""
    cell = take(row, name)
    if cell is None:
        return ""
    if isinstance(cell, date):
        message = "the spreadsheet program has turned it into a date."
        row.say("malformed", name, "turned_into_date", message, "Format the cell as text and type it again.")
        return ""
    if name in NAME_FIELDS and not isinstance(cell, str):
        row.say("malformed", name, "number", "a number or a truth value is no name.", "Type the name.")
        return ""
    raw = plain_text(cell)
    cleaned = checks.clean_name(raw)
    if not cleaned:
        return ""
    if found := checks.name_fault(raw, limit):
        row.fault(name, found)
        return ""
    say_what_was_cleaned(row, name, raw)
    return cleaned


def read_key(row: Row, name: str, limit: int = TEXT_LIMIT) -> str:
    """Read a text that goes into the log or into names of files; one that tells of a person refuses the row."""
    text = read_text(row, name, limit)
    if kind := personal.found(text):
        message = f"it looks like {kind}, which may not stand there."
        row.say("refused", name, "tells_of_a_person", message, _KEY_FIXES[name])
        return ""
    return text


def plain_text(cell: Cell) -> str:
    """Give a cell as the text a person sees in it; a whole number without its decimal point."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and abs(cell) < _EXACT_DIGITS and cell == int(cell):
        return str(int(cell))
    return "" if cell is None else str(cell)


def say_what_was_cleaned(row: Row, name: str, raw: str) -> None:
    """Note outer blanks that were removed, and text that was probably decoded wrongly once."""
    if len(checks.clean_name(raw)) != len(raw if raw.isascii() else unicodedata.normalize("NFC", raw)):
        row.say("note", name, "trimmed", "blanks around it were removed.")
    if looks_wrongly_decoded(raw):
        fix = "Compare it with the source; if it is wrong, export the file again as CSV UTF-8."
        row.say("note", name, "mojibake", "some letters look wrongly decoded.", fix)


def looks_wrongly_decoded(text: str) -> bool:
    """Whether a text reads as UTF-8 that somebody once took for Windows-1252."""
    if text.isascii():
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False


def read_day(row: Row, name: str) -> date | None:
    """Read a date: a date cell, or a text by the setting for day and month."""
    cell = take(row, name)
    if cell is None:
        return None
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        value, note, found = checks.read_date(cell.isoformat(), row.day_first)
    elif isinstance(cell, str):
        text = checks.clean_name(cell)
        if not text:
            return None
        value, note, found = checks.read_date(text, row.day_first)
    else:
        message = "a number or a truth value is no date."
        row.say("malformed", name, "date_form", message, "Format the cell as a date, or write YYYY-MM-DD.")
        return None
    if found:
        row.fault(name, found)
    if note:
        row.say("note", name, "date_order", note[:1].lower() + note[1:], "Write dates as YYYY-MM-DD to be sure.")
    return value


def read_code(row: Row, name: str, words: Mapping[str, str], *, truth: bool = False) -> str:
    """Read a code, or a word that stands for one; truth values count only where `truth` says so."""
    cell = take(row, name)
    refused = isinstance(cell, bool) and not truth
    code = "" if refused else words.get(word_key(plain_text(cell)), "")
    if code or cell is None or not plain_text(cell).strip():
        return code
    found = {
        "gender": checks.gender_fault(""),
        "ability_to_share": checks.ability_fault(""),
        "id_type": checks.id_type_fault("", set(words.values())),
    }.get(name)
    row.fault(name, found or checks.Fault("word", "Not a word that is understood.", "Use Y or N."))
    return ""


def read_gender(row: Row, words: Mapping[str, str]) -> str:
    """Read a gender code or word; a word other than M, F, Male, Female gets a note."""
    code = read_code(row, "gender", words)
    key = word_key(plain_text(row.cells.get("gender")))
    if code and key not in _PLAIN_GENDERS and key != code:
        message = f"the word was taken for code {code}."
        row.say("note", "gender", "gender_word", message, "Write the code itself if another is meant.")
    return code


def read_postcode(row: Row) -> str:
    """Read a postcode in the form of the LRS; the unknown one passes with a note."""
    cell = take(row, "postcode")
    raw = plain_text(cell)
    if not checks.clean_name(raw):
        return ""
    if found := checks.postcode_fault(raw):
        row.fault("postcode", found)
        return ""
    normal = checks.normalise_postcode(raw)
    if normal == checks.UNKNOWN_POSTCODE:
        fix = "Ask the learner, if the address is in the UK."
        row.say("note", "postcode", "postcode_unknown", "this one means unknown or abroad.", fix)
    elif normal != raw:
        row.say("note", "postcode", "postcode_rewritten", "it was put into upper case with one space.")
    return normal


def read_email(row: Row) -> str:
    """Read an e-mail address; one that the LRS would refuse is left out."""
    raw = plain_text(take(row, "email"))
    text = checks.clean_name(raw)
    if not text:
        return ""
    if found := checks.email_fault(text):
        row.fault("email", found)
        return ""
    say_what_was_cleaned(row, "email", raw)
    return text


def read_uln(row: Row) -> str:
    """Read an existing ULN; the placeholder counts as none, one that cannot be right is left out."""
    text, note = uln.number_from_cell(take(row, "existing_uln"))
    code = uln.fault(text)
    if code == "empty":
        return ""
    if code == "placeholder":
        message = "the placeholder was read as no ULN yet."
        row.say("note", "existing_uln", "placeholder", message)
        return ""
    if code:
        fix = "Compare all ten digits with the source, or leave it blank: the LRS answers with the right one."
        row.say("malformed", "existing_uln", code, _ULN_MESSAGES[code], fix)
        return ""
    if note:
        kept_as_text = isinstance(row.cells.get("existing_uln"), str)
        kind = "trimmed" if kept_as_text else "number"
        row.say("note", "existing_uln", kind, note[:1].lower() + note[1:])
    return text


def read_details(row: Row, words: Mapping[str, Mapping[str, str]]) -> Details:
    """Read every personal detail of a row, and say which required items are missing."""
    ability = read_code(row, "ability_to_share", words["ability_to_share"], truth=True)
    if ability == "0":
        fix = "Show the learner the privacy notice, then set Ability to share to 1."
        row.say("missing", "ability_to_share", "notice_not_shown", "the privacy notice has not been shown.", fix)
    details = Details(
        given_name=read_text(row, "given_name", 35),
        family_name=read_text(row, "family_name", 35),
        date_of_birth=read_day(row, "date_of_birth"),
        gender=read_gender(row, words["gender"]),
        postcode=read_postcode(row),
        ability_to_share=ability,
        id_type=read_code(row, "id_type", words["id_type"]),
        id_description=read_text(row, "id_description", DESCRIPTION_LIMIT),
        preferred_name=read_text(row, "preferred_name", 35),
        previous_family_name=read_text(row, "previous_family_name", 35),
        email=read_email(row),
        existing_uln=read_uln(row),
        notice_version=read_text(row, "notice_version"),
        notice_date=read_day(row, "notice_date"),
        id_checked_by=read_text(row, "id_checked_by"),
        id_checked_on=read_day(row, "id_checked_on"),
    )
    told = {finding.field for finding in row.findings if finding.weight == "malformed"}
    for name in details.missing():
        if name not in told:
            row.say("missing", name, "missing", "missing.", _fill_in(name))
    return details


def _fill_in(name: str) -> str:
    if name == "id_description":
        return "Say which document was seen; type 999 needs it."
    return f"Fill in {LABELS[name]}."


def has_letter(cell: Cell) -> bool:
    """Whether a cell is a text with at least one letter, as every name has."""
    return isinstance(cell, str) and re.search(r"[^\W\d_]", cell) is not None
