"""The log read: events by who, when and about what, and where everybody stood at a moment.

Plain SQL on the raw driver connection. Each question walks an index of the log, and long answers come one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from contextlib import suppress
from dataclasses import fields
from functools import cache
from itertools import islice
from typing import Any, Final, Literal

import orjson

from workflow.errors import EventUnreadable
from workflow.event import CORRECTED, MOVED, NOTED, OPENED, REFUSED, SCHEMA, TUPLES, Event
from workflow.store.connection import Connection
from workflow.uncollected import uncollected

LOOKED_UP: Final = "looked_up"
"""The kind of an event that says somebody looked."""

By = Literal["happened", "recorded"]
"""Which of the two times of an event is meant."""

TIMES: Final[dict[By, str]] = {"happened": "occurred_at", "recorded": "recorded_at"}
COMMON: Final = frozenset({OPENED, MOVED, NOTED, REFUSED})
"""Kinds of events of which a log is full."""

RARE: Final = f"(case_id IS NULL OR kind = '{CORRECTED}')"
"""The other events, in the words of the index that holds them alone."""

COMPARED: Final = {"since": "recorded_at >= ?", "until": "recorded_at < ?"}
UNLIMITED: Final = 2**62
PAGE: Final = 2_000
"""So many events are read at once, and more page by page."""


class Read(Event):
    """An event as it was read: a field is taken from the parsed body when it is asked for, which few ever are."""

    __slots__ = ("_body",)
    _body: dict[str, Any]

    def __init__(self) -> None:
        raise TypeError("an event is read by `event_of`")

    def __getattr__(self, name: str) -> Any:
        if name not in ABSENT:
            raise AttributeError(name)
        value = self._body.get(name)
        if value is None:
            return ABSENT[name]
        if name in TUPLES:
            return tuple(value)
        return tuple((int(at), str(duty)) for at, duty in value) if name == "closes" else value


NOTHING: Final = Event(
    position=0, origin="", kind="", occurred_at=0, recorded_at=0, actor="", command="", command_id="", product=""
)
ABSENT: Final = {field.name: getattr(NOTHING, field.name) for field in fields(Event)}
"""What a field is of an event that does not bear it."""


_NEW, _HOLD = object.__new__, Read.__dict__["_body"].__set__


def event_of(body: bytes) -> Event:
    """The event that these bytes hold, whose fields are read when asked for; raises EventUnreadable."""
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if type(found) is not dict or found.get("schema") != SCHEMA:
        raise EventUnreadable
    event = _NEW(Read)
    _HOLD(event, found)
    return event


class History:
    """Questions about the log, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    def events(
        self,
        *,
        case: int | None = None,
        actor: str | None = None,
        kind: str | None = None,
        trigger: str | None = None,
        dispatch: int | None = None,
        since: int | None = None,
        until: int | None = None,
        refusals: bool = False,
        reads: bool = False,
        limit: int = UNLIMITED,
        latest: int | None = None,
    ) -> Iterator[Event]:
        """Events in the order of the log, one at a time; `since` and `until` (not included) are times of recording.

        Refusals and reads are left out unless asked for, by their flag or as the kind. `limit` keeps the first so
        many, `latest` the last. Raises EventUnreadable.
        """
        columns = {
            "case_id": case, "actor": actor, "kind": kind, "trigger": trigger, "dispatch": dispatch, "since": since,
            "until": until,
        }  # fmt: skip
        given = {name: value for name, value in columns.items() if value is not None}
        arguments = list(given.values())
        hidden: tuple[str, ...] = ()
        if kind is None:
            hidden = tuple(name for name, shown in ((REFUSED, refusals), (LOOKED_UP, reads)) if not shown)
            arguments += hidden
        most = limit if latest is None else latest
        if most < UNLIMITED:
            arguments.append(most)
        rare = kind is not None and case is None and kind not in COMMON
        sql = _listing(tuple(given), len(hidden), rare=rare, last=latest is not None, limited=most < UNLIMITED)
        ask = self._raw.execute if case is not None or most <= PAGE else self._raw.stream
        rows = iter(ask(sql, arguments))
        while page := list(islice(rows, PAGE)):
            with uncollected():
                found = [event_of(body) for (body,) in page]
            yield from found

    def readable(self, kind: str) -> list[Event]:
        """The events of a kind, none of a case, that can be read: who checks the log must not fall over the others."""
        found = []
        for (body,) in self._raw.stream(f"SELECT body FROM event WHERE {RARE} AND kind = ? ORDER BY position", (kind,)):
            with suppress(EventUnreadable):
                found.append(event_of(body))
        return found

    def looks_at(self, case: int) -> list[Event]:
        """The events that say somebody looked at what is known of a case."""
        rows = self._raw.stream(f"SELECT body FROM event WHERE {RARE} AND kind = ? ORDER BY position", (LOOKED_UP,))
        said = b'"case":%d' % case
        looks = (event_of(body) for (body,) in rows if said in body)
        return [event for event in looks if event.evidence.get("case") == case]

    def last_events(self, count: int) -> list[Event]:
        """The last events of the log, oldest first, whatever their kind."""
        return list(self.events(refusals=True, reads=True, latest=count))

    def count_events(self) -> int:
        """How many events the log holds."""
        return int(self._raw.execute("SELECT count(*) FROM event").fetchone()[0])

    def dispatch_events(self, dispatch: int) -> list[Event]:
        """The events that opened and closed the duty to send a file: prepared, and sent, rejected or superseded."""
        rows = self._raw.execute(
            "SELECT body FROM event WHERE position IN (SELECT position FROM duty WHERE case_id IS NULL "
            "AND dispatch = ? UNION SELECT closed FROM duty WHERE case_id IS NULL AND dispatch = ?) ORDER BY position",
            (dispatch, dispatch),
        )
        return [event_of(body) for (body,) in rows]

    # --- as of a moment -----------------------------------------------------------------------------------------

    def as_of(self, moment: int, *, by: By = "happened", cohort: str | None = None) -> dict[tuple[str, str], int]:
        """How many cases stood where at the end of a moment, by (cohort they are in now, state).

        Folded from the log: the last opening or move of each case up to then. By what happened every correction
        counts, whenever it was made; by what was recorded those that had been made, so that the answer is the one
        that could be given at the time.
        """
        state, arguments = self._stood(moment, by, None)
        conditions, more = matching(cohort=cohort)
        rows = self._raw.execute(
            f"SELECT cohort, {state}, count(*) FROM cases c {where(conditions)} GROUP BY 1, 2", (*arguments, *more)
        )
        return {(group, name): count for group, name, count in rows if name is not None}

    def each_as_of(
        self,
        moment: int,
        *,
        by: By = "happened",
        cohort: str | None = None,
        known: int | None = None,
        cases: Sequence[int] | None = None,
    ) -> Iterator[tuple[int, str]]:
        """(case, state) of everybody who was on the route at a moment, or of some cases, by number; see `as_of`.

        With `known`, by what had happened by the one moment and was recorded by the other.
        """
        state, arguments = self._stood(moment, by, known)
        conditions, more = matching(cohort=cohort)
        if cases is not None:
            conditions.append("id IN [?]")
            more.append(list(cases))
        rows = self._raw.stream(f"SELECT id, {state} FROM cases c {where(conditions)} ORDER BY id", (*arguments, *more))
        return ((case, name) for case, name in rows if name is not None)

    def _stood(self, moment: int, by: By, known: int | None) -> tuple[str, list[Any]]:
        """The state of case `c` at a moment, as SQL and its arguments.

        A case whose last move had happened by then stands where it stands now, and the log need not be asked.
        """
        sql = (
            "(SELECT e.target FROM event e WHERE e.case_id = c.id "
            f"AND e.kind IN {(OPENED, MOVED)} AND e.{TIMES[by]} <= ?"
        )
        arguments: list[Any] = [moment]
        if known is not None:
            sql += " AND e.recorded_at <= ?"
            arguments.append(known)
        if void := self._voided(moment if by == "recorded" else known):
            sql += f" AND (e.kind = '{OPENED}' OR e.position NOT IN [?])"
            arguments.append(void)
        sql += " ORDER BY e.sequence DESC LIMIT 1)"
        if by == "recorded" or known is not None:
            return sql, arguments
        return f"CASE WHEN c.occurred_at <= ? THEN c.state ELSE {sql} END", [moment, *arguments]

    def _voided(self, until: int | None) -> list[int]:
        """The positions that corrections void: all of them, or those recorded up to a moment."""
        rows = self._raw.execute(f"SELECT body FROM event WHERE {RARE} AND kind = ? ORDER BY position", (CORRECTED,))
        found = (event_of(body) for (body,) in rows)
        return [e.voids for e in found if e.voids is not None and (until is None or e.recorded_at <= until)]


@cache
def _listing(columns: tuple[str, ...], hidden: int, *, rare: bool, last: bool, limited: bool) -> str:
    """The statement that lists events by the values of some columns; few there are, and each is put together once."""
    conditions = [COMPARED.get(name, f"{name} = ?") for name in columns]
    if hidden:
        conditions.append(f"kind NOT IN {marks(range(hidden))}")
    if rare:
        conditions.append(RARE)
    order = "sequence" if "case_id" in columns else "position"
    found = f"FROM event {where(conditions)} ORDER BY {order}"
    if last:
        return f"SELECT body FROM (SELECT body, {order} {found} DESC LIMIT ?) latest ORDER BY {order}"
    return f"SELECT body {found} LIMIT ?" if limited else f"SELECT body {found}"


def marks(values: Sized) -> str:
    """As many question marks as there are values, in brackets."""
    return f"({', '.join('?' * len(values))})"


def matching(**columns: Any) -> tuple[list[str], list[Any]]:
    """The conditions that columns have these values, and their arguments; None means any value."""
    given = {name: value for name, value in columns.items() if value is not None}
    return [f"{name} = ?" for name in given], list(given.values())


def where(conditions: Sequence[str]) -> str:
    """The clause that demands every condition; nothing when there is none."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
