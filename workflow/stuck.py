"""Stuck: the union of four different things, each its own kind. Pure: it is handed rows, a day and the closed days.

overdue     longer in the state than its clock, or past the deadline the state must be left before
blocked     the rules said no when the next trigger was last asked
unanswered  in a file that was never sent, got no reply, or got a reply that leaves this case out
owed        an open duty past its clock

One case may be stuck in more than one way; each gives its own finding. Nothing here moves anyone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, Literal, Protocol

from workflow.route import Route
from workflow.working_days import ONE_DAY, after, between, day_of, start_of

Kind = Literal["overdue", "blocked", "unanswered", "owed"]
Deadlines = Mapping[tuple[str, str], date]
"""(deadline name, cohort) -> day."""

GIVEN: Final = frozenset({"given", "cohorts"})
"""What the engine says of a command that lacked a reason or evidence, or of who gave it: that blocks nobody."""


class Placed(Protocol):
    """What is looked at in a standing, or in a row that holds as much of one."""

    @property
    def case(self) -> int:
        """The number of the case."""
        ...

    @property
    def state(self) -> str:
        """Where it is."""
        ...

    @property
    def cohort(self) -> str:
        """The group it goes with."""
        ...

    @property
    def entered_at(self) -> int:
        """Since when (microseconds, UTC)."""
        ...

    @property
    def clock_from(self) -> int | None:
        """When the clock of the state began, None while unknown."""
        ...


class Refused(Placed, Protocol):
    """A case with a refusal that is remembered; `said` holds the objections as the log stores them."""

    @property
    def trigger(self) -> str:
        """What was asked."""
        ...

    @property
    def said(self) -> Iterable[Mapping[str, Any]]:
        """The objections."""
        ...

    @property
    def asked_at(self) -> int:
        """When it was last asked (microseconds, UTC)."""
        ...


class InFile(Placed, Protocol):
    """A case whose place in a file is open, and that file."""

    @property
    def dispatch(self) -> int:
        """The number of the file."""
        ...

    @property
    def kind(self) -> str:
        """What kind of file."""
        ...

    @property
    def dispatch_state(self) -> str:
        """How far the file got: prepared, sent or partly_answered."""
        ...

    @property
    def prepared_at(self) -> int:
        """When it was written (microseconds, UTC)."""
        ...

    @property
    def sent_at(self) -> int | None:
        """When it went out."""
        ...


class Owing(Protocol):
    """An open duty, with the case or the file it is about; state and entered_at are empty without a case."""

    @property
    def case(self) -> int | None:
        """The case, None for a duty about a file."""
        ...

    @property
    def dispatch(self) -> int | None:
        """The file, if it is about one."""
        ...

    @property
    def duty(self) -> str:
        """The name of the duty."""
        ...

    @property
    def opened_at(self) -> int:
        """When it began (microseconds, UTC)."""
        ...

    @property
    def state(self) -> str:
        """Where the case is."""
        ...

    @property
    def entered_at(self) -> int | None:
        """Since when."""
        ...


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a rule's code, or never_sent, no_reply, left_out, past_clock, past_deadline, or a duty's name.

    `said` is the code of a rule's objection.
    """

    code: str
    message: str
    field: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """One way in which one case is stuck.

    `waited` counts working days in the state, `clock` those it allows. `asked_at` says how fresh a refusal is.
    `case` is None for a duty about a file. `owner` makes the next move.
    """

    case: int | None
    kind: Kind
    state: str
    owner: str
    waited: int
    clock: int | None
    due: date | None
    reasons: tuple[Reason, ...]
    trigger: str = ""
    asked_at: int | None = None
    dispatch: int | None = None
    duty: str = ""


def due_on(
    route: Route, state: str, clock_from: int | None, deadline: date | None, closed: Container[date]
) -> date | None:
    """The last day a case should be in a state; None where nothing is due.

    The clock and the named deadline are both counted in working days, and the earlier one holds. A clock whose
    start is unknown is not due.
    """
    place = route.states[state]
    if place.clock is None or clock_from is None:
        return None
    by_clock = after(day_of(clock_from), place.clock, closed)
    if place.deadline is None or deadline is None:
        return by_clock
    return min(by_clock, after(deadline, -place.deadline.before, closed))


def late_before(clock: int, today: date, closed: Container[date]) -> int:
    """The moment (microseconds, UTC) before which a clock of so many working days must have begun to be past."""
    day = today - ONE_DAY
    while after(day, clock, closed) >= today:
        day -= ONE_DAY
    return start_of(day + ONE_DAY)


def last_day(route: Route, state: str, cohort: str, deadlines: Deadlines) -> date | None:
    """The deadline day that holds for a cohort in a state, if the state has one and the day is known."""
    named = route.states[state].deadline
    return deadlines.get((named.name, cohort)) if named else None


def overdue(
    cases: Iterable[Placed], route: Route, today: date, closed: Container[date], deadlines: Deadlines
) -> list[Stuck]:
    """Those of the cases that are past their clock or their deadline."""
    waited = _waits(today, closed)
    found = []
    for case in cases:
        place = route.states[case.state]
        due = due_on(route, case.state, case.clock_from, last_day(route, case.state, case.cohort, deadlines), closed)
        if due is None or due >= today or place.clock is None or case.clock_from is None:
            continue
        by_clock = due == after(day_of(case.clock_from), place.clock, closed)
        days = waited(day_of(case.entered_at))
        past = between(due, today, closed)
        reason = (
            Reason("past_clock", f"{_days(place.clock)} allowed, {past} more passed")
            if by_clock or place.deadline is None
            else Reason(
                "past_deadline",
                f"to be left {_days(place.deadline.before)} before its deadline, {past} more passed",
                place.deadline.name,
            )
        )
        found.append(_stuck(case, "overdue", route, days, due, (reason,)))
    return found


def blocked(
    cases: Iterable[Refused],
    route: Route,
    today: date,
    closed: Container[date],
    deadlines: Deadlines,
    *,
    ignoring: Container[str] = GIVEN,
) -> list[Stuck]:
    """Those whose remembered refusal rests on a rule; rules in `ignoring` are about the command, not the case."""
    waited = _waits(today, closed)
    found = []
    for case in cases:
        reasons = reasons_of(case.said, ignoring)
        if not reasons or (case.trigger, case.state) not in route.arrows:
            continue
        due = due_on(route, case.state, case.clock_from, last_day(route, case.state, case.cohort, deadlines), closed)
        days = waited(day_of(case.entered_at))
        found.append(_stuck(case, "blocked", route, days, due, reasons, trigger=case.trigger, asked_at=case.asked_at))
    return found


def unanswered(
    cases: Iterable[InFile],
    route: Route,
    today: date,
    closed: Container[date],
    *,
    patience: Mapping[str, int],
    unsent: int,
    whole: Container[str] = frozenset(),
) -> list[Stuck]:
    """Those whose file was not sent within `unsent` working days, or not answered within the patience of its kind.

    A kind in `whole` answers everybody at once: a case its reply leaves out is stuck the moment the reply is read.
    Kinds without patience are not waited for. Cases at rest are left alone.
    """
    waited = _waits(today, closed)
    found = []
    for case in cases:
        if route.states[case.state].final:
            continue
        prepared = case.dispatch_state == "prepared"
        clock = unsent if prepared else patience.get(case.kind)
        if clock is None:
            continue
        due = after(day_of(case.prepared_at if prepared or case.sent_at is None else case.sent_at), clock, closed)
        left_out = case.dispatch_state == "partly_answered" and case.kind in whole
        if due >= today and not left_out:
            continue
        if prepared:
            reason = Reason("never_sent", f"file {case.dispatch} was prepared, but nobody said that it was sent")
        elif left_out:
            reason = Reason("left_out", f"the reply to file {case.dispatch} does not mention this case")
        else:
            reason = Reason("no_reply", f"file {case.dispatch} was sent, but no answer came")
        days = waited(day_of(case.entered_at))
        found.append(_stuck(case, "unanswered", route, days, due, (reason,), clock=clock, dispatch=case.dispatch))
    return found


def owed(duties: Iterable[Owing], route: Route, today: date, closed: Container[date]) -> list[Stuck]:
    """Those of the open duties that are past their clock, in whatever state their case is."""
    waited = _waits(today, closed)
    found = []
    for one in duties:
        duty = route.duties.get(one.duty)
        if duty is None:
            continue
        due = after(day_of(one.opened_at), duty.clock, closed)
        if due >= today:
            continue
        found.append(
            Stuck(
                case=one.case,
                kind="owed",
                state=one.state,
                owner=duty.owner,
                waited=waited(day_of(one.opened_at if one.entered_at is None else one.entered_at)),
                clock=duty.clock,
                due=due,
                reasons=(Reason(one.duty, duty.title),),
                dispatch=one.dispatch,
                duty=one.duty,
            )
        )
    return found


def reasons_of(said: Iterable[Mapping[str, Any]], ignoring: Container[str] = GIVEN) -> tuple[Reason, ...]:
    """The objections that block, as the log stores them, each under its rule's code without the version."""
    found = []
    for item in said:
        rule = str(item.get("rule", "")).partition(".")[0]
        if not item.get("held", False) and rule not in ignoring:
            found.append(
                Reason(rule, str(item.get("message", "")), str(item.get("field", "")), str(item.get("code", "")))
            )
    return tuple(found)


def _stuck(
    case: Placed,
    kind: Kind,
    route: Route,
    waited: int,
    due: date | None,
    reasons: tuple[Reason, ...],
    *,
    clock: int | None = None,
    **more: Any,
) -> Stuck:
    place = route.states[case.state]
    return Stuck(
        case=case.case,
        kind=kind,
        state=case.state,
        owner=place.owner,
        waited=waited,
        clock=place.clock if clock is None else clock,
        due=due,
        reasons=reasons,
        **more,
    )


def _waits(today: date, closed: Container[date]) -> Callable[[date], int]:
    """Working days since a day, each day counted once however many cases share it."""

    @cache
    def waited(since: date) -> int:
        return max(between(since, today, closed), 0)

    return waited


def _days(count: int) -> str:
    return f"{count} working day{'' if count == 1 else 's'}"
