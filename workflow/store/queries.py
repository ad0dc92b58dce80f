"""Read side: who stands in which state, since when, how many, why refused, what waits for an answer.

Plain SQL on the raw driver connection, written for the index cases_by_state: states are named, never excluded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import orjson

from workflow.event import REFUSED, Event, parse
from workflow.store.connection import Connection
from workflow.store.dispatch_log import ANSWERED, OPEN_STATES, PARTLY, RECEIVED, SENT, Dispatch

LOOKED_UP: Final = "looked_up"
"""The kind of an event that says somebody looked."""

HIDDEN_UNLESS_ASKED: Final = {"refusals": REFUSED, "reads": LOOKED_UP}
UNLIMITED: Final = 2**62
PLACE: Final = "c.id, c.state, c.cohort, c.entered_at, c.clock_from"
DISPATCH: Final = "d.id, d.direction, d.kind, d.name, d.folder, d.digest, d.state, d.prepared_at, d.sent_at, d.members"
IN_OPEN_FILE: Final = (
    "EXISTS (SELECT 1 FROM dispatch_member m JOIN dispatch d ON d.id = m.dispatch WHERE m.case_id = c.id "
    f"AND m.state = 'open' AND d.state IN {OPEN_STATES})"
)
RULE: Final = "rtrim(rtrim(s.value::json ->> 'rule', '0123456789'), '.')"
COUNTS: Final = f"EXISTS (SELECT 1 FROM json_array_elements(b.said::json) s WHERE {RULE} NOT IN [?])"
"""Whether a remembered refusal rests on a rule that is not left out; its argument is the list of those."""

BLOCKED: Final = f"EXISTS (SELECT 1 FROM blocked b WHERE b.case_id = c.id AND {COUNTS})"
ROUTE: Final = "route"
"""Who says that a trigger does not leave a state: a slip of whoever asked, which blocks nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """A case in its state: as much of a standing as a list of many needs."""

    case: int
    state: str
    cohort: str
    entered_at: int
    clock_from: int | None


@dataclass(frozen=True, slots=True)
class Remembered(Place):
    """A refusal that is remembered: what was asked, the objections, when it was last asked, the event."""

    trigger: str
    said: tuple[Mapping[str, Any], ...]
    asked_at: int
    position: int


@dataclass(frozen=True, slots=True)
class SharedRefusal:
    """How many cases of a cohort in a state were refused a trigger for the same reasons; `said` is one of them."""

    cohort: str
    state: str
    trigger: str
    said: tuple[Mapping[str, Any], ...]
    cases: int


@dataclass(frozen=True, slots=True)
class Waiting(Place):
    """A case whose place in a file is open; `dispatch_state` is partly_answered only when somebody was answered."""

    dispatch: int
    row: int
    kind: str
    dispatch_state: str
    prepared_at: int
    sent_at: int | None


@dataclass(frozen=True, slots=True)
class OpenDuty:
    """An open duty: who or what it is about; the texts are empty and entered_at None without a case."""

    position: int
    duty: str
    case: int | None
    dispatch: int | None
    opened_at: int
    state: str
    cohort: str
    entered_at: int | None


@dataclass(frozen=True, slots=True)
class OpenDispatch:
    """A dispatch that is not settled, with how many of its members are open, answered and released."""

    dispatch: Dispatch
    open: int
    answered: int
    released: int


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A bulk run that did not come to its end."""

    id: int
    trigger: str
    size: int
    done: int


class Queries:
    """Questions about many cases, within one transaction.

    A refusal blocks only when it rests on a rule that is not in `ignoring`: those are about the command, not the case.
    """

    def __init__(self, connection: Connection, *, ignoring: Iterable[str] = ()) -> None:
        self._raw = connection
        self._left_out = sorted({ROUTE, *ignoring})

    # --- who stands where ---------------------------------------------------------------------------------------

    def counts(self, cohort: str | None = None) -> dict[tuple[str, str], int]:
        """How many cases, by (cohort, state)."""
        where, arguments = _where(cohort=cohort)
        rows = self._raw.execute(f"SELECT cohort, state, count(*) FROM cases c {where} GROUP BY 1, 2", arguments)
        return {(group, state): count for group, state, count in rows}

    def began_before(self, state: str, moment: int, *, free: bool = False) -> dict[str, int]:
        """How many cases of a state whose clock began before a moment, by cohort.

        `free` counts only those that no open file holds and no remembered refusal blocks.
        """
        more = f" AND NOT {IN_OPEN_FILE} AND NOT {BLOCKED}" if free else ""
        return dict(
            self._raw.execute(
                f"SELECT cohort, count(*) FROM cases c WHERE state = ? AND clock_from < ?{more} GROUP BY 1",
                (state, moment, self._left_out) if free else (state, moment),
            )
        )

    def free(self, states: Sequence[str]) -> dict[str, int]:
        """How many cases of some states neither an open file holds nor a refusal blocks, by state."""
        return dict(
            self._raw.execute(
                f"SELECT state, count(*) FROM cases c WHERE state IN {_marks(states)} AND NOT {IN_OPEN_FILE} "
                f"AND NOT {BLOCKED} GROUP BY 1",
                (*states, self._left_out),
            )
        )

    def free_cases(self, state: str, limit: int) -> list[int]:
        """Some cases of a state that neither an open file holds nor a refusal blocks, oldest clock first."""
        rows = self._raw.execute(
            f"SELECT id FROM cases c WHERE state = ? AND NOT {IN_OPEN_FILE} AND NOT {BLOCKED} "
            "ORDER BY clock_from, cohort, id LIMIT ?",
            (state, self._left_out, limit),
        )
        return [row[0] for row in rows]

    def places(
        self,
        states: Sequence[str],
        *,
        before: int | None = None,
        cohorts: Sequence[str] | None = None,
        limit: int = UNLIMITED,
    ) -> list[Place]:
        """Cases in some states, oldest clock first: those whose clock began before a moment, those of some cohorts."""
        where, arguments = [f"state IN {_marks(states)}"], list[Any](states)
        if before is not None:
            where.append("clock_from < ?")
            arguments.append(before)
        if cohorts is not None:
            where.append(f"cohort || '' IN {_marks(cohorts)}")
            arguments += cohorts
        rows = self._raw.execute(
            f"SELECT {PLACE} FROM cases c WHERE {' AND '.join(where)} ORDER BY clock_from, cohort, id LIMIT ?",
            (*arguments, limit),
        )
        return [Place(*row) for row in rows]

    # --- why not ------------------------------------------------------------------------------------------------

    def refusals(
        self,
        states: Sequence[str],
        *,
        cases: Sequence[int] | None = None,
        cohort: str | None = None,
        limit: int = UNLIMITED,
    ) -> list[Remembered]:
        """Remembered refusals of cases in some states, the longest waiting first."""
        where, arguments = [f"c.state IN {_marks(states)}", COUNTS], list[Any]((*states, self._left_out))
        if cases is not None:
            where.append("b.case_id IN [?]")
            arguments.append(list(cases))
        if cohort is not None:
            where.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            f"SELECT {PLACE}, b.trigger, b.said, b.asked_at, b.position FROM blocked b CROSS JOIN cases c "
            f"WHERE c.id = b.case_id AND {' AND '.join(where)} ORDER BY c.entered_at, c.id, b.trigger LIMIT ?",
            (*arguments, limit),
        )
        return [Remembered(*(*row[:6], _said(row[6]), *row[7:])) for row in rows]

    def shared_refusals(self, states: Sequence[str], cohort: str | None = None) -> list[SharedRefusal]:
        """The same refusals counted: by cohort, state, trigger and reasons."""
        where, arguments = [f"c.state IN {_marks(states)}", COUNTS], list[Any]((*states, self._left_out))
        if cohort is not None:
            where.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            "SELECT c.cohort, c.state, b.trigger, max(b.said), count(*) FROM blocked b CROSS JOIN cases c "
            f"WHERE c.id = b.case_id AND {' AND '.join(where)} GROUP BY c.cohort, c.state, b.trigger, b.reasons",
            arguments,
        )
        return [SharedRefusal(*(*row[:3], _said(row[3]), row[4])) for row in rows]

    # --- duties and files ---------------------------------------------------------------------------------------

    def duties(
        self,
        opened_before: Mapping[str, int],
        *,
        cohort: str | None = None,
        case: int | None = None,
        limit: int = UNLIMITED,
    ) -> list[OpenDuty]:
        """Open duties, oldest first: each one's name says before which moment it must have been opened."""
        where, arguments = _owing(opened_before, cohort, case)
        rows = self._raw.execute(
            "SELECT y.position, y.duty, y.case_id, y.dispatch, y.opened_at, coalesce(c.state, ''), "
            f"coalesce(c.cohort, ''), c.entered_at {where} ORDER BY y.opened_at, y.position, y.duty LIMIT ?",
            (*arguments, limit),
        )
        return [OpenDuty(*row) for row in rows]

    def count_duties(self, opened_before: Mapping[str, int], cohort: str | None = None) -> dict[str, int]:
        """How many duties are open that were opened before the moment their name says, by name."""
        where, arguments = _owing(opened_before, cohort)
        return dict(self._raw.execute(f"SELECT y.duty, count(*) {where} GROUP BY 1", arguments))

    def open_dispatches(self) -> list[OpenDispatch]:
        """Files that are prepared, sent or partly answered, oldest first."""
        rows = self._raw.execute(
            f"SELECT {DISPATCH}, count(*) FILTER (WHERE m.state = 'open'), "
            "count(*) FILTER (WHERE m.state = 'answered'), count(*) FILTER (WHERE m.state = 'released') "
            "FROM dispatch d LEFT JOIN dispatch_member m ON m.dispatch = d.id "
            f"WHERE d.state IN {OPEN_STATES} GROUP BY d.id ORDER BY d.id"
        )
        return [OpenDispatch(Dispatch(*row[:10]), *row[10:]) for row in rows]

    def open_members(
        self, dispatches: Sequence[int], *, cohort: str | None = None, limit: int = UNLIMITED
    ) -> list[Waiting]:
        """The cases whose place in one of these files is open, in file and row order."""
        where, arguments = ["m.state = 'open'"], list[Any]((*dispatches, *dispatches))
        if cohort is not None:
            where.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            f"SELECT {PLACE}, m.dispatch, m.row, d.kind, CASE WHEN d.state = '{PARTLY}' AND k.answered = 0 "
            f"THEN '{SENT}' ELSE d.state END, d.prepared_at, d.sent_at FROM "
            "(SELECT dispatch, count(*) FILTER (WHERE state = 'answered') AS answered "
            f"FROM dispatch_member WHERE dispatch IN {_marks(dispatches)} GROUP BY 1) k JOIN dispatch d "
            "ON d.id = k.dispatch JOIN dispatch_member m ON m.dispatch = d.id JOIN cases c ON c.id = m.case_id "
            f"WHERE d.id IN {_marks(dispatches)} AND {' AND '.join(where)} ORDER BY m.dispatch, m.row LIMIT ?",
            (*arguments, limit),
        )
        return [Waiting(*row) for row in rows]

    def open_members_by_state(self, cohort: str | None = None) -> dict[tuple[int, str], int]:
        """How many open places each open file has, by (file, state of the case)."""
        where, arguments = _where(cohort=cohort)
        rows = self._raw.execute(
            "SELECT m.dispatch, c.state, count(*) FROM dispatch d JOIN dispatch_member m ON m.dispatch = d.id "
            f"AND m.state = 'open' AND d.state IN {OPEN_STATES} JOIN cases c ON c.id = m.case_id {where} GROUP BY 1, 2",
            arguments,
        )
        return {(dispatch, state): count for dispatch, state, count in rows}

    def latest_answers(self, limit: int) -> list[Dispatch]:
        """The files that came in or were answered last, latest first."""
        rows = self._raw.execute(
            f"SELECT {DISPATCH} FROM dispatch d WHERE d.state IN {(RECEIVED, ANSWERED, PARTLY)} "
            "ORDER BY coalesce(d.sent_at, d.prepared_at) DESC, d.id DESC LIMIT ?",
            (limit,),
        )
        return [Dispatch(*row) for row in rows]

    def unfinished_runs(self) -> list[OpenRun]:
        """Bulk runs of any trigger that did not come to their end, oldest first."""
        rows = self._raw.execute("SELECT id, trigger, size, cursor FROM run WHERE stopped = '' ORDER BY id")
        return [OpenRun(*row) for row in rows]

    # --- events -------------------------------------------------------------------------------------------------

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
        many, `latest` the last.
        """
        where, arguments = _where(
            case_id=case, actor=actor, kind=kind, trigger=trigger, dispatch=dispatch, since=since, until=until
        )
        wanted = {"refusals": refusals or kind == REFUSED, "reads": reads or kind == LOOKED_UP}
        hidden = [name for flag, name in HIDDEN_UNLESS_ASKED.items() if not wanted[flag]]
        where += f" {'AND' if where else 'WHERE'} kind NOT IN {_marks(hidden)}" if hidden else ""
        order = "sequence" if case is not None else "position"
        sql = f"SELECT body, {order} FROM event {where} ORDER BY {order}"
        sql = f"{sql} LIMIT ?" if latest is None else f"SELECT body FROM ({sql} DESC LIMIT ?) latest ORDER BY {order}"
        rows = self._raw.execute(sql, (*arguments, *hidden, limit if latest is None else latest))
        for row in rows:
            yield parse(row[0])

    def looks_at(self, case: int) -> list[Event]:
        """The events that say somebody looked at what is known of a case."""
        rows = self._raw.execute(
            "SELECT body FROM event WHERE case_id IS NULL AND sequence IS NULL AND kind = ? ORDER BY position",
            (LOOKED_UP,),
        )
        return [event for (body,) in rows if (event := parse(body)).evidence.get("case") == case]

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
        return [parse(body) for (body,) in rows]


def _said(text: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(orjson.loads(text))


def _marks(values: Sequence[Any]) -> str:
    return f"({', '.join('?' * len(values))})"


def _owing(opened_before: Mapping[str, int], cohort: str | None, case: int | None = None) -> tuple[str, list[Any]]:
    where = (
        "FROM duty y LEFT JOIN cases c ON c.id = y.case_id WHERE y.closed IS NULL "
        f"AND y.duty IN [?] AND y.opened_at < CASE y.duty {'WHEN ? THEN ? ' * len(opened_before)}ELSE 0 END"
    )
    arguments: list[Any] = [list(opened_before), *chain.from_iterable(opened_before.items())]
    for column, value in (("c.cohort", cohort), ("y.case_id", case)):
        if value is not None:
            where += f" AND {column} = ?"
            arguments.append(value)
    return where, arguments


def _where(**columns: Any) -> tuple[str, list[Any]]:
    comparing = {"since": "recorded_at >= ?", "until": "recorded_at < ?"}
    given = {name: value for name, value in columns.items() if value is not None}
    parts = [comparing.get(name, f"{name} = ?") for name in given]
    return f"WHERE {' AND '.join(parts)}" if parts else "", list(given.values())
