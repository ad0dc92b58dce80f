"""What is known of a learner: the seven items the awarding organisation asks for, and what goes beside them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final

SEVEN_ITEMS: Final = (
    "given_name",
    "family_name",
    "date_of_birth",
    "gender",
    "postcode",
    "ability_to_share",
    "id_type",
)
"""The items of ILM's recommended route; an eighth, `id_description`, counts only for ID type 999."""

FIVE_DETAILS: Final = ("given_name", "family_name", "date_of_birth", "gender", "postcode")
"""What the LRS and the awarding organisation match a learner by: a change of one makes a match stale."""

LABELS: Final = {
    "given_name": "Given name",
    "family_name": "Family name",
    "date_of_birth": "Date of birth",
    "gender": "Gender",
    "postcode": "Postcode",
    "ability_to_share": "Ability to share (privacy notice)",
    "id_type": "ID verification type",
    "id_description": "ID verification description",
    "preferred_name": "Preferred name",
    "previous_family_name": "Previous family name",
    "email": "E-mail",
    "existing_uln": "Existing ULN",
    "notice_version": "Privacy notice version",
    "notice_date": "Privacy notice date",
    "id_checked_by": "ID checked by",
    "id_checked_on": "ID checked on",
}
"""The words a person reads for each field."""

DATE_FIELDS: Final = frozenset({"date_of_birth", "notice_date", "id_checked_on"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Details:
    """One numbered version of a learner's personal details; an empty text or None means not known yet.

    Texts are NFC with outer blanks removed. `gender` is 0, 1, 2 or 9; `ability_to_share` 0, 1 or 2;
    `id_type` a code of the LRS verification types. Its repr shows no value, so that no trace can leak one.
    """

    given_name: str = ""
    family_name: str = ""
    date_of_birth: date | None = None
    gender: str = ""
    postcode: str = ""
    ability_to_share: str = ""
    id_type: str = ""
    id_description: str = ""
    preferred_name: str = ""
    previous_family_name: str = ""
    email: str = ""
    existing_uln: str = ""
    notice_version: str = ""
    notice_date: date | None = None
    id_checked_by: str = ""
    id_checked_on: date | None = None

    def __repr__(self) -> str:
        known = ", ".join(f.name for f in fields(self) if getattr(self, f.name))
        return f"Details(known: {known})"

    def missing(self) -> tuple[str, ...]:
        """The names of the required items that are not known."""
        gone = [name for name in SEVEN_ITEMS if not getattr(self, name)]
        if self.id_type == "999" and not self.id_description:
            gone.append("id_description")
        return tuple(gone)

    def with_changes(self, changes: dict[str, Any]) -> Details:
        """The same details with some fields replaced."""
        return replace(self, **changes)

    def to_record(self) -> dict[str, str]:
        """The known fields as plain texts, dates as YYYY-MM-DD."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name in self.__slots__
            if (value := getattr(self, name))
        }

    @classmethod
    def from_record(cls, record: dict[str, str]) -> Details:
        """The details that `to_record` gave."""
        return cls(**{k: date.fromisoformat(v) if k in DATE_FIELDS else v for k, v in record.items()})  # type: ignore[arg-type]  # keys decide the types


def match_key(details: Details) -> str:
    """The five details as one text for finding the same person twice: case-folded, blanks collapsed."""
    parts = (
        details.given_name,
        details.family_name,
        details.date_of_birth.isoformat() if details.date_of_birth else "",
        details.gender,
        details.postcode.replace(" ", ""),
    )
    return "|".join(" ".join(part.casefold().split()) for part in parts)


BLANK: Final = match_key(Details())
"""What details without any of the five are found by."""


def changed_fields(old: Details, new: Details) -> tuple[str, ...]:
    """The names of the fields in which two versions differ, in their declared order."""
    return tuple(f.name for f in fields(old) if getattr(old, f.name) != getattr(new, f.name))
