"""What passes between the centre and an awarding organisation: registrations out; answers, reports, lists in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from states.learner.details import Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One learner as registered with the awarding organisation; `uln` is empty on the alternative route."""

    reference: str
    details: Details
    uln: str
    qualification: str
    cohort: str
    funded: bool | None
    start: date | None = None
    planned_end: date | None = None
    candidate_number: str = ""
    order_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationFile:
    """One registration file to be written: what its name is made of, and who stands in it, row by row."""

    profile: str
    word: str
    extension: str
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """When learners must be registered at the latest: a day, or calendar days from the start or before the end."""

    last_day: date | None = None
    days_after_start: int | None = None
    days_before_end: int | None = None

    def last(self, start: date | None, end: date | None) -> date | None:
        """The earliest of the days that are known; None when none is."""
        days = [self.last_day]
        if self.days_after_start is not None and start is not None:
            days.append(start + timedelta(days=self.days_after_start))
        if self.days_before_end is not None and end is not None:
            days.append(end - timedelta(days=self.days_before_end))
        return min((day for day in days if day is not None), default=None)

    def lacks(self, start: date | None, end: date | None) -> str:
        """Which day is missing, in words, without which not every last day is known; empty where none is."""
        if self.days_after_start is not None and start is None:
            return "no start day"
        if self.days_before_end is not None and end is None:
            return "no planned end"
        return "" if self.last(start, end) else "no last day to register by"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedRow:
    """One line of the awarding organisation's confirmation; by reference or by ULN.

    `outcome` says what it stands for; only a registered learner has a candidate number for certain. `said` is what the
    organisation wrote beside it.
    """

    row: int
    reference: str
    candidate_number: str
    order_number: str
    uln: str = ""
    outcome: Literal["registered", "refused", "waiting"] = "registered"
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A confirmation file as read."""

    name: str
    digest: str
    rows: tuple[ConfirmedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MismatchRow:
    """One line of a mismatch report: whom it is about, in the organisation's words why, and a code for the log."""

    row: int
    reference: str
    uln: str
    candidate_number: str
    qualification: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchReport:
    """A mismatch report as read."""

    name: str
    digest: str
    rows: tuple[MismatchRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ListedRow:
    """One learner in the awarding organisation's own list; `values` holds what it says, by field, blanks left out."""

    row: int
    values: Mapping[str, str | date]

    def text(self, field: str) -> str:
        """What stands there as text; empty when nothing does."""
        return str(self.values.get(field, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyList:
    """The awarding organisation's own list as read; `fields` are those it has columns for."""

    name: str
    digest: str
    fields: tuple[str, ...]
    rows: tuple[ListedRow, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """A field of which two systems hold different values."""

    field: str
    ours: str
    theirs: str
