"""The Unique Learner Number: ten digits, the first not 0, the last a check digit.

Rule: the weights 10, 9, ... 2 on the first nine digits give a sum; its remainder by 11 taken from 10 is the
tenth digit, and no number exists where that remainder is 0 (LRS guidance; ILR rule DD01, 2026).
"""

from __future__ import annotations

import re
from typing import Final, Literal

PLACEHOLDER: Final = "9999999999"
"""The funding return's temporary number: it means "no ULN yet" and is never sent to the LRS or an AO."""

LENGTH: Final = 10

FaultCode = Literal["empty", "not_ten_digits", "leading_zero", "placeholder", "no_such_number", "check_digit"]

_TEN_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)
_FIRST_NINE = re.compile(r"[1-9][0-9]{8}", re.ASCII)
_LARGEST_SHOWN = 10**15
_REASONS: Final = {
    "empty": "No ULN was given.",
    "leading_zero": "A ULN never begins with 0.",
    "placeholder": "This is the funding return's placeholder: it means that there is no ULN yet.",
    "no_such_number": "No ULN begins with these nine digits; compare all ten with the source.",
}


def fault(text: str) -> FaultCode | None:
    """Say why a text is no ULN, or None when it is one; nothing is trimmed."""
    if not text:
        return "empty"
    if not _TEN_DIGITS.fullmatch(text):
        return "not_ten_digits"
    if text[0] == "0":
        return "leading_zero"
    if text == PLACEHOLDER:
        return "placeholder"
    expected = expected_check_digit(text[:9])
    if expected is None:
        return "no_such_number"
    return None if int(text[9]) == expected else "check_digit"


def expected_check_digit(first_nine: str) -> int | None:
    """Work out the tenth digit, 0 to 9; None where no ULN begins with these nine digits."""
    if not _FIRST_NINE.fullmatch(first_nine):
        return None
    weighed = sum(int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True))
    remainder = weighed % 11
    return None if remainder == 0 else 10 - remainder


def explain(text: str, code: str) -> str:
    """Say in one sentence what is wrong, with the digit it should be: for the screen, never for the log."""
    if code == "not_ten_digits":
        return f"A ULN has exactly ten digits 0-9 and nothing else; this has a length of {len(text)}."
    if code == "check_digit":
        digit = expected_check_digit(text[:9])
        return f"The check digit does not match: after these nine digits the last one would be {digit}."
    return _REASONS.get(code, "This is not a ULN.")


def number_from_cell(value: object) -> tuple[str, str | None]:
    """Turn a cell of a sheet into the text to judge, and a note in words on what was done, if anything.

    Outer blanks of a text are removed; a whole number of a spreadsheet (integer or float) is taken as its
    digits. Anything else comes back as a text that `fault` refuses.
    """
    if value is None:
        return "", None
    if isinstance(value, str):
        trimmed = value.strip(" \u00a0")
        return trimmed, "Blanks around the ULN were ignored." if trimmed != value else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        exact = abs(value) < _LARGEST_SHOWN and value == int(value)
        return (str(int(value)), "The ULN was kept as a number in the sheet.") if exact else ("number", None)
    return type(value).__name__, None


def judge(text: str) -> tuple[bool, str]:
    """Judge a typed ULN: whether it is valid, and the reason in one or two sentences for the screen."""
    trimmed, note = number_from_cell(text)
    code = fault(trimmed)
    reason = "The ULN is valid." if code is None else explain(trimmed, code)
    return code is None, f"{reason} {note}" if note else reason
