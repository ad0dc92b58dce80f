"""The board: how many learners stand where, by cohort, along the route; now, or as of a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

from states.reports import late
from states.unit_of_work import Office
from workflow.store.history import By
from workflow.store.queries import Queries
from workflow.working_days import ONE_DAY, start_of

CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class BoardRow:
    """The learners of one cohort in one state; `cohort` is empty for those in none."""

    cohort: str
    state: str
    title: str
    owner: str
    learners: int
    overdue: int


@dataclass(frozen=True, slots=True)
class StoodRow:
    """The learners of one cohort who stood in one state; `cohort` is the one they are in now."""

    cohort: str
    state: str
    title: str
    learners: int


def board(office: Office, cohort: str | None = None) -> list[BoardRow]:
    """Every cohort's states with somebody in them, in the order of the route; raises NotFound."""
    with office.look() as look:
        if cohort:
            look.learners.cohort(cohort)
        counts = Queries(look.connection).counts(cohort)
        overdue = late.count(look)
    return [
        BoardRow(
            cohort=group,
            state=name,
            title=office.route.states[name].title,
            owner=office.route.states[name].owner,
            learners=counts[group, name],
            overdue=overdue.get((group, name), late.Late()).overdue,
        )
        for group, name in _along(office, counts)
    ]


def board_at(office: Office, day: date, *, by: By = "happened", cohort: str | None = None) -> list[StoodRow]:
    """Where everybody stood at the end of a day, folded from the log: by what had happened or was recorded by then.

    Raises NotFound.
    """
    with office.look() as look:
        if cohort:
            look.learners.cohort(cohort)
        counts = Queries(look.connection).as_of(end_of(day), by=by, cohort=cohort)
    return [
        StoodRow(cohort=group, state=name, title=office.route.states[name].title, learners=counts[group, name])
        for group, name in _along(office, counts)
    ]


def learners(
    office: Office,
    *,
    cohort: str | None = None,
    at: date | None = None,
    by: By = "happened",
    known_at: date | None = None,
    cases: Sequence[int] | None = None,
) -> Iterator[dict[str, Any]]:
    """One row a learner's case, now or at the end of a day, read a chunk at a time however many there are.

    With `known_at`, by what had happened by the one day and was recorded by the other; `cases` then, or at a day.
    Raises NotFound.
    """
    with office.look() as look:
        if cohort:
            look.learners.cohort(cohort)
        queries = Queries(look.connection)
        known = end_of(known_at) if known_at else None
        found = (
            queries.each(cohort)
            if at is None
            else queries.each_as_of(end_of(at), by=by, cohort=cohort, known=known, cases=cases)
        )
        while chunk := dict(islice(found, CHUNK)):
            standings = look.log.load(list(chunk))
            names = look.references(list(standings.values()))
            for case, state in chunk.items():
                yield {
                    "reference": names[case],
                    "cohort": standings[case].cohort,
                    "qualification": standings[case].facts.get("qualification", ""),
                    "state": office.route.states[state].title,
                }


def _along(office: Office, counts: Mapping[tuple[str, str], int]) -> list[tuple[str, str]]:
    """(cohort, state) by cohort, in the order of the route."""
    order = {name: index for index, name in enumerate(office.route.states)}
    return sorted(counts, key=lambda key: (key[0], order[key[1]]))


def end_of(day: date) -> int:
    """The last microsecond of a day, UTC, since 1970."""
    return start_of(day + ONE_DAY) - 1
