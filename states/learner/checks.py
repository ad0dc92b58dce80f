"""Checks of single values: what the LRS takes as a name, postcode, code, e-mail address or date.

Every message names what is wrong and never the value. Sources: LRS batch file and web service guides as kept
in November 2026 (lengths, codes, the postcode's form).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

UNKNOWN_POSTCODE: Final = "ZZ99 9ZZ"
GENDERS: Final = ("0", "1", "2", "9")
ABILITIES: Final = ("0", "1", "2")
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
EMAIL_LIMIT: Final = 254

_POSTCODE = re.compile(
    r"[a-zA-Z]{1,2}[0-9rR][0-9a-zA-Z]? ?[0-9][abdefghjlnpqrstuwxyzABDEFGHJLNPQRSTUWXYZ]{2} {0,4}"
    r"|[bB][fF][pP][oO] ?[0-9]{1,4} {0,4}",
    re.ASCII,
)
_POSTCODE_LIMIT: Final = 9
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,6}",
    re.ASCII,
)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_SPLIT_DATE = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})", re.ASCII)

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_EMOJI = re.compile("[\u20e3\U0001f000-\U0001faff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value: a code, a sentence and the way to put it right; never the value."""

    code: str
    message: str
    fix: str


def clean_name(text: str) -> str:
    """Give a text its stored form: NFC, outer blanks removed; it is never split or re-cased."""
    return _trim(unicodedata.normalize("NFC", text))


def _trim(text: str) -> str:
    if text.isascii():
        return text.strip(" ")
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start]) == "Zs":
        start += 1
    while end > start and unicodedata.category(text[end - 1]) == "Zs":
        end -= 1
    return text[start:end]


def name_fault(text: str, limit: int = 35) -> Fault | None:
    """Say why a name does not fit the LRS, or None; `limit` counts characters after NFC (LRS guide, 2026).

    Refused are controls, hidden characters, lone surrogates, emoji, and a beginning of =, +, @ or TAB, in
    their full-width forms and after blanks too. Leading hyphens, apostrophes and diacritics are kept.
    """
    cleaned = clean_name(text)
    if not cleaned:
        return Fault("empty", "Nothing but blanks.", "Fill it in.")
    if unicodedata.normalize("NFKC", cleaned[0]) in "=+@":
        return Fault("formula_start", "Begins with =, + or @, as a formula does.", "Remove the character at the start.")
    plain = cleaned.isascii() and cleaned.isprintable()
    for character in "" if plain else cleaned:
        if found := _character_fault(character):
            return found
    if not any(unicodedata.category(character)[0] in "LNPS" for character in cleaned):
        return Fault("empty", "Holds no visible character.", "Fill it in.")
    if len(cleaned) > limit:
        return Fault("too_long", f"Longer than {limit} characters.", f"Shorten it to {limit} characters.")
    return None


def _character_fault(character: str) -> Fault | None:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return Fault("control", "Holds a control character, such as a TAB or a line break.", "Type it again by hand.")
    if category == "Cs":
        return Fault("surrogate", "Holds half of a character (a lone surrogate).", "Type it again by hand.")
    if category in {"Cf", "Co", "Cn"} or _IGNORABLE.match(character):
        return Fault("hidden", "Holds a character that cannot be seen or turns the writing.", "Type it again by hand.")
    if category == "So" or _EMOJI.match(character):
        return Fault("emoji", "Holds an emoji or a symbol.", "Remove it.")
    return None


def normalise_postcode(text: str) -> str:
    """Write a postcode in upper case, one space before its last three characters (BFPO: after the letters).

    What cannot be a postcode comes back with outer blanks removed only, for `postcode_fault` to refuse.
    """
    trimmed = _trim(text)
    joined = "".join(c for c in trimmed if unicodedata.category(c) != "Zs")
    if not joined.isascii():
        return trimmed
    joined = joined.upper()
    if re.fullmatch(r"BFPO[0-9]{1,4}", joined, re.ASCII):
        spaced = f"BFPO {joined[4:]}"
    else:
        spaced = f"{joined[:-3]} {joined[-3:]}"
    return spaced if _POSTCODE.fullmatch(spaced) else trimmed


def postcode_fault(text: str) -> Fault | None:
    """Say why a postcode has not the LRS form once normalised, or None (LRS schema; nine characters)."""
    normal = normalise_postcode(text)
    if not normal:
        return Fault("empty", "Nothing but blanks.", "Fill it in.")
    if len(normal) > _POSTCODE_LIMIT or not _POSTCODE.fullmatch(normal):
        return Fault(
            "postcode_form",
            "Not a UK postcode as the LRS takes it.",
            f"Correct it; for an unknown address or one abroad use {UNKNOWN_POSTCODE}.",
        )
    return None


def gender_fault(code: str) -> Fault | None:
    """Say why a gender code is none of the LRS, or None (0 not known, 1 male, 2 female, 9 not specified)."""
    if code in GENDERS:
        return None
    return Fault(
        "gender_code",
        "Not a gender code of the LRS.",
        "Use 1 (male), 2 (female), 9 (not specified) or 0 (not known).",
    )


def ability_fault(code: str) -> Fault | None:
    """Say why a code for the ability to share is none of the LRS, or None (0, 1 or 2)."""
    if code in ABILITIES:
        return None
    return Fault(
        "ability_code",
        "Not a code for the ability to share.",
        "Use 1 when the privacy notice was shown, 0 when it was not; 2 only on old records.",
    )


def id_type_fault(code: str, known: Collection[str]) -> Fault | None:
    """Say why an ID verification type is not among the known codes, or None."""
    if code in known:
        return None
    return Fault(
        "id_type_code",
        "Not an ID verification type of the LRS.",
        f"Use one of {', '.join(sorted(known, key=lambda each: (len(each), each)))}.",
    )


def email_fault(text: str) -> Fault | None:
    """Say why the LRS refuses an e-mail address, or None (last label 2-6 letters, at most 254 characters)."""
    if len(text) > EMAIL_LIMIT:
        return Fault("too_long", f"Longer than {EMAIL_LIMIT} characters.", "Use a shorter address.")
    if _EMAIL.fullmatch(text):
        return None
    return Fault(
        "email_form",
        "Not an e-mail address as the LRS takes it.",
        "Correct it, or leave it blank; the part after the last dot has 2 to 6 letters.",
    )


def age_on(birth: date, day: date) -> int:
    """Count the full years of age on a day; a birthday on 29 February is kept on 1 March in other years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def read_date(text: str, day_first: bool) -> tuple[date | None, str | None, Fault | None]:  # noqa: FBT001  # a fact
    """Read a date in figures: YYYY-MM-DD, or day and month in the order of the setting, then four digits.

    Gives the date, a note when the other order would be a date too, and the fault when there is no date.
    Separators are / . or -; years 1900 to 2100.
    """
    if found := _ISO_DATE.fullmatch(text):
        return _real_date(int(found[1]), int(found[2]), int(found[3]))
    found = _SPLIT_DATE.fullmatch(text)
    if not found:
        return (
            None,
            None,
            Fault("date_form", "Not a date in a form that can only be read one way.", "Write it as YYYY-MM-DD."),
        )
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    order = "day first" if day_first else "month first"
    day, month = (first, second) if day_first else (second, first)
    value, _, fault = _real_date(year, month, day)
    if fault and fault.code == "date_impossible" and _real_date(year, day, month)[0]:
        return (
            None,
            None,
            Fault(
                "date_impossible",
                f"There is no such day when read {order}, as the setting says.",
                "Write it as YYYY-MM-DD, or change the setting for the order of day and month.",
            ),
        )
    note = None
    if value and day != month and max(day, month) <= 12:  # noqa: PLR2004  # months
        note = f"Read {order}, as the setting says; the other way round it would be another day."
    return value, note, fault


def _real_date(year: int, month: int, day: int) -> tuple[date | None, str | None, Fault | None]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"The year is not between {FIRST_YEAR} and {LAST_YEAR}."
        return None, None, Fault("date_year", message, "Correct the year.")
    try:
        return date(year, month, day), None, None
    except ValueError:
        return None, None, Fault("date_impossible", "There is no such day.", "Correct the day or the month.")
