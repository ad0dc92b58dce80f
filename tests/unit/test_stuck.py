"""Stuck is four different things, counted in working days, and none of them moves anyone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.loan import loan_route
from workflow.stuck import blocked, due_on, last_day, late_before, overdue, owed, reasons_of, unanswered
from workflow.working_days import after, microseconds, start_of

ROUTE = loan_route()
OPEN: frozenset[date] = frozenset()
MONDAY = date(2026, 3, 2)
FRIDAY = date(2026, 3, 6)


def at(day: date, hour: int = 9) -> int:
    return microseconds(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


@dataclass(frozen=True)
class Row:
    """A case, a refusal, a place in a file: whatever is asked about."""

    case: int = 1
    state: str = "requested"
    cohort: str = ""
    entered_at: int = at(MONDAY)
    clock_from: int | None = at(MONDAY)
    trigger: str = "lend"
    said: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    asked_at: int = at(MONDAY)
    dispatch: int = 7
    kind: str = "letter"
    dispatch_state: str = "sent"
    prepared_at: int = at(MONDAY)
    sent_at: int | None = at(MONDAY)


@dataclass(frozen=True)
class Owing:
    """An open duty."""

    duty: str
    opened_at: int = at(MONDAY)
    case: int | None = 1
    dispatch: int | None = None
    state: str = "returned"
    entered_at: int | None = at(MONDAY)


NO = {"rule": "L1.2", "held": False, "code": "banned", "message": "the reader may not borrow", "field": "reader"}
WARNING = {"rule": "L2.1", "held": True, "code": "torn", "message": "the book is torn"}
FORGOTTEN = {"rule": "given.1", "held": False, "code": "reason_missing", "message": "say why"}


# --- due_on: the earlier of the clock and the deadline


def test_a_case_is_due_so_many_working_days_after_its_clock_began():
    assert due_on(ROUTE, "requested", at(FRIDAY), None, OPEN) == date(2026, 3, 10)


def test_a_closed_day_is_not_counted():
    assert due_on(ROUTE, "requested", at(MONDAY), None, frozenset({date(2026, 3, 3)})) == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("deadline", "due"),
    [
        (None, date(2026, 3, 23)),
        (date(2026, 12, 31), date(2026, 3, 23)),
        (date(2026, 3, 12), date(2026, 3, 9)),
        (date(2026, 3, 3), date(2026, 2, 26)),
    ],
)
def test_the_earlier_of_clock_and_deadline_holds(deadline, due):
    assert due_on(ROUTE, "lent", at(MONDAY), deadline, OPEN) == due


def test_a_clock_that_has_no_known_start_is_not_due():
    assert due_on(ROUTE, "overdue", None, None, OPEN) is None


def test_a_final_state_is_never_due():
    assert due_on(ROUTE, "returned", at(MONDAY), None, OPEN) is None


def test_a_deadline_holds_for_its_cohort_only():
    days = {("due_back", "A"): FRIDAY, ("something", "B"): FRIDAY}
    assert last_day(ROUTE, "lent", "A", days) == FRIDAY
    assert last_day(ROUTE, "lent", "B", days) is None
    assert last_day(ROUTE, "requested", "A", days) is None


# --- overdue


def test_a_case_on_its_last_day_is_not_overdue_and_on_the_next_it_is():
    row = Row()
    assert overdue([row], ROUTE, date(2026, 3, 4), OPEN, {}) == []
    (found,) = overdue([row], ROUTE, date(2026, 3, 5), OPEN, {})
    assert (found.kind, found.case, found.owner, found.due) == ("overdue", 1, "desk", date(2026, 3, 4))
    assert (found.waited, found.clock) == (3, 2)
    assert [r.code for r in found.reasons] == ["past_clock"]


def test_a_passed_deadline_is_the_reason_when_the_clock_still_runs():
    row = Row(state="lent", cohort="A")
    (found,) = overdue([row], ROUTE, date(2026, 3, 10), OPEN, {("due_back", "A"): date(2026, 3, 12)})
    assert found.due == date(2026, 3, 9)
    assert [(r.code, r.field) for r in found.reasons] == [("past_deadline", "due_back")]


def test_waiting_is_counted_from_entering_though_the_clock_began_elsewhere():
    row = Row(state="overdue", entered_at=at(FRIDAY), clock_from=at(MONDAY))
    (found,) = overdue([row], ROUTE, date(2026, 3, 10), OPEN, {})
    assert found.waited == 2


@given(
    began=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    clock=st.integers(0, 30),
    today=st.dates(date(2026, 1, 1), date(2027, 3, 1)),
    closed=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 3, 1)), max_size=12),
)
def test_the_moment_for_a_query_agrees_with_counting_each_case(began, clock, today, closed):
    past = after(began, clock, closed) < today
    moment = late_before(clock, today, closed)
    for instant in (start_of(began), start_of(began + timedelta(days=1)) - 1):
        assert (instant < moment) is past


# --- blocked


def test_a_remembered_refusal_blocks_with_its_rules_and_not_its_warnings():
    (found,) = blocked([Row(said=(NO, WARNING))], ROUTE, FRIDAY, OPEN, {})
    assert (found.kind, found.trigger, found.asked_at) == ("blocked", "lend", at(MONDAY))
    assert [(r.code, r.said, r.field) for r in found.reasons] == [("L1", "banned", "reader")]


def test_a_command_that_lacked_its_reason_blocks_nobody():
    assert blocked([Row(said=(FORGOTTEN,))], ROUTE, FRIDAY, OPEN, {}) == []


def test_a_refusal_of_a_trigger_the_state_no_longer_has_blocks_nobody():
    assert blocked([Row(state="lent", said=(NO,))], ROUTE, FRIDAY, OPEN, {}) == []


def test_rules_named_as_being_about_the_command_are_left_out():
    assert reasons_of([NO, FORGOTTEN], {"L1"}) == reasons_of([FORGOTTEN], frozenset())


# --- unanswered


def waits(*rows: Row, today: date, **options: Any):
    given_options = {"patience": {"letter": 2}, "unsent": 1, **options}
    return unanswered(rows, ROUTE, today, OPEN, **given_options)


def test_a_file_nobody_sent_is_unanswered_after_its_own_time():
    row = Row(dispatch_state="prepared", sent_at=None)
    assert waits(row, today=date(2026, 3, 3)) == []
    (found,) = waits(row, today=date(2026, 3, 4))
    assert (found.kind, found.dispatch, found.reasons[0].code) == ("unanswered", 7, "never_sent")


def test_a_file_without_reply_is_unanswered_after_the_patience_of_its_kind():
    row = Row(prepared_at=at(MONDAY - timedelta(days=7)))
    assert waits(row, today=date(2026, 3, 4)) == []
    assert [s.reasons[0].code for s in waits(row, today=date(2026, 3, 5))] == ["no_reply"]


def test_a_reply_that_leaves_a_case_out_makes_it_stuck_at_once():
    row = Row(dispatch_state="partly_answered")
    assert waits(row, today=MONDAY) == []
    assert [s.reasons[0].code for s in waits(row, today=MONDAY, whole={"letter"})] == ["left_out"]


def test_a_case_at_rest_waits_for_no_file():
    assert waits(Row(state="lost"), today=date(2026, 4, 1)) == []


def test_a_kind_without_patience_is_not_waited_for():
    assert waits(Row(kind="newsletter"), today=date(2026, 4, 1)) == []


# --- owed


def test_an_open_duty_past_its_clock_is_owed_in_a_final_state_too():
    duty = Owing("send_letter")
    assert owed([duty], ROUTE, date(2026, 3, 3), OPEN) == []
    (found,) = owed([duty], ROUTE, date(2026, 3, 4), OPEN)
    assert (found.kind, found.duty, found.owner, found.state) == ("owed", "send_letter", "desk", "returned")


def test_a_duty_about_a_file_has_no_case():
    (found,) = owed([Owing("block_card", case=None, dispatch=3, state="", entered_at=None)], ROUTE, FRIDAY, OPEN)
    assert (found.case, found.dispatch, found.waited) == (None, 3, 4)


def test_a_duty_the_route_no_longer_has_is_passed_over():
    assert owed([Owing("forgotten")], ROUTE, FRIDAY, OPEN) == []


def test_nothing_that_is_found_changes_what_was_handed_in():
    row = Row(said=(NO,))
    before = replace(row)
    blocked([row], ROUTE, FRIDAY, OPEN, {})
    assert row == before
