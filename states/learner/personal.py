"""Values of a person met where none belongs: in what goes into the log for good, and in what is shown.

Found are ULNs by their check digit, e-mail addresses, and postcodes written with their blank. A number of another kind
passes with letters before it, such as WG-1000102504: one in eleven numbers of ten digits looks like a ULN.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from states.learner import checks, uln

Kind = Literal["", "a ULN", "an e-mail address", "a postcode"]

HOW_TO_WRITE: Final = (
    "another number is written with letters before it, such as WG- or S-, another name with hyphens for its blanks"
)

_TEN = re.compile(
    r"(?<![0-9])(?:[0-9]{10}|[0-9]{5}[ ._-][0-9]{5}|[0-9]{3}[ ._-][0-9]{3}[ ._-][0-9]{4}"
    r"|[0-9]{3}[ ._-][0-9]{4}[ ._-][0-9]{3}|[0-9]{4}[ ._-][0-9]{3}[ ._-][0-9]{3})(?![0-9])",
    re.ASCII,
)
_LETTERS_BEFORE = re.compile(r"(?<![A-Za-z0-9])(?!uln[._/-]?\Z)[A-Za-z]+[._/-]?\Z", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>,;:\"'()]+@[^\s@<>,;:\"'()]+\.[A-Za-z]{2,}")
_POSTCODE = re.compile(
    r"(?<![a-z0-9-])(?:[a-z]{1,2}[0-9r][0-9a-z]?|bfpo) (?:[0-9][a-z]{2}|[0-9]{1,4})(?![a-z0-9-])",
    re.ASCII | re.IGNORECASE,
)
_ORDINAL = re.compile(r" (?:1st|2nd|3rd|[04-9]th)\Z")
_MANY_DIGITS = re.compile(r"\d(?:[ -]?\d){9,}")


def found(text: str) -> Kind:
    """What tells of a person in a text, or nothing; blanks and digits of every script count."""
    plain = _plain(text)
    if "@" in plain and _EMAIL.search(plain):
        return "an e-mail address"
    if any(_is_uln(hit) for hit in _TEN.finditer(plain)):
        return "a ULN"
    return "a postcode" if any(_is_postcode(hit) for hit in _POSTCODE.finditer(plain)) else ""


def masked(text: str) -> str:
    """A text without what tells of a person, for the screen; what is masked says so."""
    text = _EMAIL.sub("(an e-mail address, not repeated here)", text)
    text = _TEN.sub(
        lambda hit: "(a number, not repeated here)" if _stands_alone(hit) and _is_uln(hit) else hit[0], text
    )
    return _POSTCODE.sub(lambda hit: "(a postcode, not repeated here)" if _is_postcode(hit) else hit[0], text)


def unrepeated(text: str) -> str:
    """A text that was typed and names nothing there is, for the screen: any long number in it may be a ULN mistyped."""
    return _MANY_DIGITS.sub("(a number, not repeated here)", masked(text))


def _plain(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return " ".join(text.split())


def _is_uln(hit: re.Match[str]) -> bool:
    digits = "".join(filter(str.isdigit, hit[0]))
    return uln.fault(digits) is None and not _LETTERS_BEFORE.search(hit.string, max(hit.start() - 12, 0), hit.start())


def _stands_alone(hit: re.Match[str]) -> bool:
    """Whether a number is no part of a longer word, such as a digest."""
    return (
        not hit.string[hit.start() - 1 : hit.start()].isalnum() and not hit.string[hit.end() : hit.end() + 1].isalnum()
    )


def _is_postcode(hit: re.Match[str]) -> bool:
    if hit[0] == checks.UNKNOWN_POSTCODE or _ORDINAL.search(hit[0]):
        return False
    return checks.postcode_fault(hit[0]) is None
