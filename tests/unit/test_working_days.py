"""Working days are Monday to Friday without the days handed in as closed; times are UTC microseconds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.working_days import after, between, day_of, is_working, microseconds, moment_of, start_of

FRIDAY, SATURDAY, MONDAY = date(2026, 4, 3), date(2026, 4, 4), date(2026, 4, 6)
DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("day", "working"), [(FRIDAY, True), (SATURDAY, False), (date(2026, 4, 5), False), (MONDAY, True)]
)
def test_weekends_are_not_working_days(day: date, working: bool) -> None:
    assert is_working(day, ()) is working


def test_a_closed_day_is_not_a_working_day() -> None:
    assert not is_working(FRIDAY, {FRIDAY})


def test_one_working_day_after_friday_is_monday_and_tuesday_when_monday_is_closed() -> None:
    assert after(FRIDAY, 1, ()) == MONDAY
    assert after(FRIDAY, 1, {MONDAY}) == date(2026, 4, 7)


def test_a_negative_count_goes_back_and_zero_stays() -> None:
    assert after(MONDAY, -1, ()) == FRIDAY
    assert after(SATURDAY, 0, ()) == SATURDAY


def test_nothing_lies_between_a_day_and_itself() -> None:
    assert between(MONDAY, MONDAY, ()) == 0


def test_between_counts_the_end_and_not_the_start() -> None:
    assert between(FRIDAY, MONDAY, ()) == 1
    assert between(FRIDAY, SATURDAY, ()) == 0
    assert between(MONDAY, FRIDAY, ()) == -1


@given(DAYS, st.integers(1, 60), st.frozensets(DAYS, max_size=5))
def test_counting_back_what_was_counted_forward_gives_the_same_number(
    day: date, count: int, closed: frozenset[date]
) -> None:
    end = after(day, count, closed)
    assert is_working(end, closed)
    assert between(day, end, closed) == count


@given(DAYS, DAYS, DAYS, st.frozensets(DAYS, max_size=5))
def test_two_stretches_add_up_to_the_whole(a: date, b: date, c: date, closed: frozenset[date]) -> None:
    first, middle, last = sorted((a, b, c))
    assert between(first, middle, closed) + between(middle, last, closed) == between(first, last, closed)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))
def test_a_time_survives_as_microseconds_past_2038(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert moment_of(microseconds(moment)) == moment
    assert day_of(microseconds(moment)) == moment.date()


def test_a_day_begins_at_its_first_microsecond() -> None:
    assert day_of(start_of(MONDAY)) == MONDAY
    assert day_of(start_of(MONDAY) - 1) == MONDAY - timedelta(days=1)
