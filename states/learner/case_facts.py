"""What is known of cases, asked in the database: when courses begin and end, whose a candidate number is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from workflow.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Course:
    """The earliest start and planned end known among a cohort's learners for one qualification."""

    cohort: str
    qualification: str
    start: date | None
    planned_end: date | None


def courses(connection: Connection, states: Sequence[str]) -> list[Course]:
    """The courses of those who stand in some states."""
    rows = connection.execute(
        "SELECT cohort, coalesce(facts::json ->> 'qualification', ''), min(facts::json ->> 'start'), "
        "min(facts::json ->> 'planned_end') FROM cases WHERE state IN [?] GROUP BY 1, 2",
        (list(states),),
    )
    return [Course(cohort, code, _day(start), _day(end)) for cohort, code, start, end in rows]


def by_candidate(connection: Connection, numbers: Collection[str]) -> dict[str, int]:
    """The latest case that ILM knows by each candidate number, of learners not erased; every case is looked through."""
    if not numbers:
        return {}
    rows = connection.execute(
        "SELECT facts::json ->> 'candidate_number', max(id) FROM cases "
        "WHERE facts::json ->> 'candidate_number' IN [?] AND facts::json ->> 'erased' IS NULL GROUP BY 1",
        (list(numbers),),
    )
    return dict(rows)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
