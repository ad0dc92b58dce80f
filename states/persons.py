"""The names people work under: what one consists of, and how it is told that two of them mean the same person."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

NOTHING: Final = re.compile(r"\b(?:FILLER|BLANK|JOINER|INHERENT|SELECTOR(?:-\d+)?|INVISIBLE)\b")
"""Words in Unicode's names of the letters and marks that show nothing, which belong to no category of their own."""

APOSTROPHE: Final = re.compile(
    r"(?!.* (?:WITH|PRECEDED) )"
    r".*\b(?:APOSTROPHE|QUOTATION MARK|PRIME|(?:TURNED|REVERSED) COMMA|(?:GRAVE|ACUTE) ACCENT|SALTILLO)\b"
)
DASH: Final = re.compile(r"\b(?:HYPHEN|MINUS|DASH)\b")
BESIDE_LETTERS: Final = frozenset(" '-.,_\u00b7")
"""What may stand in a name beside letters and digits, which the names of accounts have."""


def fits(name: str) -> bool:
    """Whether a text can be a person's name: letters with their marks, digits, blanks, apostrophes, hyphens, dots."""
    before = ""
    for sign in unicodedata.normalize("NFC", name):
        category, drawn = unicodedata.category(sign), _drawn(sign)
        if category in {"Cc", "Zl", "Zp"} or not drawn:
            return False
        marked = category[0] == "M" and before in {"L", "M"}
        if not (category[0] == "L" or marked or sign.isdecimal() or drawn in BESIDE_LETTERS):
            return False
        before = category[0]
    return any(map(str.isalpha, name))


@lru_cache(maxsize=1_000)
def told_apart(name: str) -> str:
    """A name as it is compared with others: equal for names that only look different.

    Case, width and composition of letters (NFKC), blanks, the form of apostrophes and hyphens, symbols, and what shows
    nothing make no difference. Letters of other alphabets that look alike do.
    """
    text = unicodedata.normalize("NFKC", "".join(map(_drawn, name)))
    text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join("".join(map(_drawn, text)).split())


def _drawn(sign: str) -> str:
    """A character as it is compared: one apostrophe, one hyphen, one blank; symbols and what shows nothing are gone."""
    if sign.isascii() and sign.isalnum():
        return sign
    group, name = unicodedata.category(sign)[0], unicodedata.name(sign, "")
    if group == "Z" or sign.isspace():
        return " "
    if group == "C" or NOTHING.search(name):
        return ""
    if group == "M":
        return sign
    if APOSTROPHE.match(name):
        return "'"
    if DASH.search(name) or unicodedata.category(sign) == "Pd":
        return "-"
    return "" if group == "S" else sign
