"""Who is late, counted in the database: no learner is loaded to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from states.learner.case_facts import courses
from states.registration import Window
from states.unit_of_work import Glance, Office
from workflow.errors import DefinitionError
from workflow.route import State
from workflow.store.queries import Queries
from workflow.stuck import Deadlines, late_before
from workflow.working_days import ONE_DAY, after

REGISTER_BY = "register_by"
FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Late:
    """How many learners of a cohort in a state are overdue, and how many are due today."""

    overdue: int = 0
    due_today: int = 0


def unreadable(office: Office) -> str:
    """Why no registration window is known, where the profiles that say so cannot be read; empty where they can."""
    try:
        len(office.policy.windows)
    except DefinitionError as wrong:
        return str(wrong)
    return ""


def deadlines(look: Glance, states: Sequence[str] = ()) -> dict[tuple[str, str], date]:
    """Each cohort's last day to register: its own or, where it has none, the one its registration window gives.

    A window counts from the courses of those who stand in some states, or in those that have this deadline.
    """
    cohorts = look.learners.cohorts()
    own = {name: cohort.register_by for name, cohort in cohorts.items() if cohort.register_by is not None}
    found = {(REGISTER_BY, name): day for name, day in own.items()}
    windows = {} if unreadable(look.office) else look.office.policy.windows
    if not any(window != Window() for window in windows.values()):
        return found
    route = look.office.route
    own_states = [name for name, s in route.states.items() if s.deadline and s.deadline.name == REGISTER_BY]
    for course in courses(look.connection, states or own_states):
        window = windows.get(course.qualification, windows.get("", Window()))
        last = window.last(course.start, course.planned_end)
        if last is not None and course.cohort and course.cohort not in own:
            found[REGISTER_BY, course.cohort] = min(last, found.get((REGISTER_BY, course.cohort), last))
    return found


def past_deadline(look: Glance, state: State, days: Deadlines, today: date) -> list[str]:
    """Cohorts that should have left a state by now."""
    return [cohort for cohort, last in _last_days(look, state, days).items() if last < today]


def cutoff(look: Glance, state: State, today: date) -> int | None:
    """The moment before which the clock of an overdue learner began; None for a state without a clock."""
    return None if state.clock is None else late_before(state.clock, today, look.office.policy.closed)


def duties_cut_off(look: Glance) -> dict[str, int]:
    """The moment before which a duty that is past its clock was opened, by duty."""
    today, closed = look.office.today(), look.office.policy.closed
    return {name: late_before(duty.clock, today, closed) for name, duty in look.office.route.duties.items()}


def count(look: Glance) -> dict[tuple[str, str], Late]:
    """Late learners by (cohort, state); those without anybody late are absent."""
    queries, today, days = Queries(look.connection), look.office.today(), deadlines(look)
    found: dict[tuple[str, str], Late] = {}
    for name, state in look.office.route.states.items():
        before, next_before = cutoff(look, state, today), cutoff(look, state, today + ONE_DAY)
        if before is None or next_before is None:
            continue
        last_days = _last_days(look, state, days)
        moments = [before, next_before, *([FOREVER] if last_days else ())]
        for cohort, (late, due, *everyone) in queries.began_before_each(name, moments).items():
            last = last_days.get(cohort)
            if last is not None and last < today:
                found[cohort, name] = Late(sum(everyone), 0)
            elif last == today:
                found[cohort, name] = Late(late, sum(everyone) - late)
            elif due:
                found[cohort, name] = Late(late, due - late)
    return found


def _last_days(look: Glance, state: State, days: Deadlines) -> dict[str, date]:
    named, closed = state.deadline, look.office.policy.closed
    if named is None:
        return {}
    return {cohort: after(day, -named.before, closed) for (name, cohort), day in days.items() if name == named.name}
