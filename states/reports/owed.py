"""Learners registered without a ULN: what is owed, and how many days are left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Final

from states.reports import asked_now, next_move
from states.reports.words import day, iso
from states.to_type import names_to_type
from states.unit_of_work import Glance, Office
from workflow import Standing
from workflow.store.queries import Queries
from workflow.working_days import after, between, day_of

DEBT: Final = "registered_without_uln"
CHUNK: Final = 1_000
SHOWN: Final = 10
"""How many learners a note names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedRow:
    """One learner who is registered and holds no ULN yet; days left are negative once they have passed.

    `days_left` are working days of the debt's clock, counted from the registration. `placeholder_days_left` are
    calendar days of a funded aim with the placeholder 9999999999 (ILR rules ULN_06 and ULN_07), counted from its start;
    None for who is not funded, or where the start is not known.
    """

    reference: str
    cohort: str
    state: str
    funded: bool | None
    registered: str
    due: str
    days_left: int | None
    placeholder_until: str
    placeholder_days_left: int | None
    next_command: str


def owed(office: Office, cohort: str | None = None) -> list[OwedRow]:
    """Everyone who is owed a ULN, those with the fewest working days left first; raises NotFound."""
    with office.look() as look:
        if cohort:
            look.learners.cohort(cohort)
        found = [_row(look, chunk) for chunk in _owing(look, cohort)]
        rows = [row for chunk in found for row in chunk]
    return sorted(rows, key=lambda row: (row.due or "9999", row.reference))


def undated(rows: Iterable[OwedRow]) -> list[str]:
    """A note where funded learners have no day from which their placeholder counts."""
    names = [row.reference for row in rows if row.funded and not row.placeholder_until]
    if not names:
        return []
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return [f"No start day is known of {shown}, so no placeholder days: ulnflow learner edit {names[0]} start"]


def _owing(look: Glance, cohort: str | None) -> Iterator[list[Standing]]:
    """Cases on the alternative route without a ULN, a chunk at a time."""
    route = look.office.route
    before = [name for name, state in route.states.items() if not state.final]
    numbers = iter(Queries(look.connection).numbers(cohort=cohort or "", states=before))
    while chunk := list(islice(numbers, CHUNK)):
        standings = look.log.load(chunk).values()
        yield [s for s in standings if "alternative_since" in s.facts and not s.facts.get("uln")]


def _row(look: Glance, standings: list[Standing]) -> Iterator[OwedRow]:
    office = look.office
    today, closed, clock = office.today(), office.policy.closed, office.route.states[DEBT].clock
    names, to_type = look.references(standings), names_to_type(look, standings)
    triggers = next_move.expected(look, standings)
    files = next_move.open_files(look, [s.case for s in standings])
    said = asked_now.rules(look, standings, triggers, to_type, files)
    for one in standings:
        since = one.facts.get("registered_at", one.facts["alternative_since"])
        due = None if clock is None else after(day_of(since), clock, closed)
        until = _placeholder_until(one, office.policy.placeholder_days)
        who, trigger = to_type[one.case], triggers.get(one.case, "")
        yield OwedRow(
            reference=names[one.case],
            cohort=one.cohort,
            state=office.route.states[one.state].title,
            funded=one.facts.get("funded"),
            registered=day(since),
            due=iso(due),
            days_left=None if due is None else between(today, due, closed),
            placeholder_until=iso(until),
            placeholder_days_left=None if until is None else (until - today).days,
            next_command=asked_now.command(look, one, trigger, who, files.get(one.case, ()), said.get(one.case, ()))
            if trigger
            else "",
        )


def _placeholder_until(standing: Standing, days: int) -> date | None:
    start = standing.facts.get("start")
    if not standing.facts.get("funded") or not start:
        return None
    return date.fromisoformat(start) + timedelta(days=days)
