"""How alike the details of two records are: a hint for the person who decides, never a decision.

The five details are compared without regard to case, blanks and diacritics. A detail one record lacks, and a gender
that is not known or not specified, is not compared.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from rapidfuzz import fuzz

from states.learner.details import FIVE_DETAILS, Details

WEIGHTS: Final = {"given_name": 3, "family_name": 3, "date_of_birth": 3, "gender": 1, "postcode": 2}
"""How much each detail tells of a person; people move more often than they are renamed, and gender tells two apart."""
UNTOLD: Final = frozenset({"0", "9"})
"""Gender codes of the LRS that say nothing: not known, not specified."""
NEARLY: Final = 99


@dataclass(frozen=True, slots=True)
class Likeness:
    """`percent` is 0 to 100, and 100 only where all five details are known and equal.

    `differs` and `unknown` name details: those that are not equal, and those that could not be compared.
    """

    percent: int
    differs: tuple[str, ...]
    unknown: tuple[str, ...]


def compare(ours: Details, theirs: Details) -> Likeness:
    """Compare the five details; names that stand the wrong way round still count as alike."""
    unknown = tuple(name for name in FIVE_DETAILS if not (_text(ours, name) and _text(theirs, name)))
    known = [name for name in FIVE_DETAILS if name not in unknown]
    alike = {name: fuzz.ratio(_text(ours, name), _text(theirs, name)) for name in known}
    if "gender" in alike:
        alike["gender"] = 100.0 if ours.gender == theirs.gender else 0.0
    if {"given_name", "family_name"} <= alike.keys():
        turned = fuzz.token_sort_ratio(_whole_name(ours), _whole_name(theirs))
        if turned > (alike["given_name"] + alike["family_name"]) / 2:
            alike["given_name"] = alike["family_name"] = turned
    differs = tuple(name for name in known if _text(ours, name) != _text(theirs, name))
    weight = sum(WEIGHTS[name] for name in known)
    percent = round(sum(WEIGHTS[name] * alike[name] for name in known) / weight) if weight else 0
    return Likeness(min(percent, NEARLY) if differs or unknown else 100, differs, unknown)


def _text(details: Details, name: str) -> str:
    value = getattr(details, name)
    if isinstance(value, date):
        return value.isoformat()
    if name == "gender":
        return "" if value in UNTOLD else str(value)
    return _folded(str(value or "")).replace(" ", "")


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def _whole_name(details: Details) -> str:
    return f"{_folded(details.given_name)} {_folded(details.family_name)}"
