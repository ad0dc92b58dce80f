"""Counts working days: Monday to Friday without the days handed in as closed."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, timedelta
from typing import Final

ONE_DAY: Final = timedelta(days=1)
SATURDAY: Final = 5
MICROSECONDS: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_working(day: date, closed: Container[date]) -> bool:
    """Whether people are at work on that day."""
    return day.weekday() < SATURDAY and day not in closed


def after(day: date, count: int, closed: Container[date]) -> date:
    """The day `count` working days after `day`; before it when `count` is negative, `day` itself when 0."""
    step = ONE_DAY if count > 0 else -ONE_DAY
    for _ in range(abs(count)):
        day += step
        while not is_working(day, closed):
            day += step
    return day


def between(start: date, end: date, closed: Container[date]) -> int:
    """Working days after `start` up to and including `end`; negative when `end` comes first."""
    if end < start:
        return -between(end, start, closed)
    count = 0
    day = start
    while day < end:
        day += ONE_DAY
        count += is_working(day, closed)
    return count


def day_of(moment: int) -> date:
    """The UTC day of a time in microseconds since 1970."""
    return (EPOCH + timedelta(microseconds=moment)).date()


def start_of(day: date) -> int:
    """The first microsecond of a day, UTC, since 1970."""
    return (day - EPOCH.date()).days * 86_400 * MICROSECONDS


def microseconds(moment: datetime) -> int:
    """An aware time as whole microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(value: int) -> datetime:
    """Microseconds since 1970 as an aware time, UTC."""
    return EPOCH + timedelta(microseconds=value)


def minute(moment: int) -> str:
    """A time as YYYY-MM-DD HH:MM, UTC."""
    return moment_of(moment).strftime("%Y-%m-%d %H:%M")


def second(moment: int) -> str:
    """A time as YYYY-MM-DD HH:MM:SS, UTC."""
    return moment_of(moment).strftime("%Y-%m-%d %H:%M:%S")
