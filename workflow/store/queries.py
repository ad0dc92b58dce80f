"""Read side: who stands in which state, since when, how many, why refused, what waits for an answer.

Plain SQL on the raw driver connection, written for the index cases_by_state: states are named, never excluded.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from workflow.store.connection import Connection
from workflow.store.dispatch_log import ANSWERED, OPEN_STATES, PARTLY, RECEIVED, SENT, Dispatch
from workflow.store.history import UNLIMITED, History, marks, matching, where

PLACE: Final = "c.id, c.state, c.cohort, c.entered_at, c.clock_from"
GROUP: Final = "CAST(cohort AS text)"
"""The cohort to count by, in words that no index by cohort answers to: SQLite would walk that one, and every row."""

DISPATCH: Final = "d.id, d.direction, d.kind, d.name, d.folder, d.digest, d.state, d.prepared_at, d.sent_at, d.members"
IN_OPEN_FILE: Final = (
    "EXISTS (SELECT 1 FROM dispatch_member m JOIN dispatch d ON d.id = m.dispatch WHERE m.case_id = c.id "
    f"AND m.state = 'open' AND d.state IN {OPEN_STATES} AND d.kind IN [?])"
)
"""Whether an open file holds a case; its argument are the kinds of file that count."""

RULE: Final = "rtrim(rtrim(s.value::json ->> 'rule', '0123456789'), '.')"
COUNTS: Final = f"EXISTS (SELECT 1 FROM json_array_elements(b.said::json) s WHERE {RULE} NOT IN [?])"
"""Whether a remembered refusal rests on a rule that is not left out; its argument is the list of those."""

BLOCKED: Final = f"EXISTS (SELECT 1 FROM blocked b WHERE b.case_id = c.id AND {COUNTS})"
ROUTE: Final = "route"
"""Who says that a trigger does not leave a state: a slip of whoever asked, which blocks nobody."""


class Place(NamedTuple):
    """A case in its state: as much of a standing as a list of many needs."""

    case: int
    state: str
    cohort: str
    entered_at: int
    clock_from: int | None


class Remembered(NamedTuple):
    """A refusal that is remembered: the place, what was asked, the objections, when it was last asked, the event."""

    case: int
    state: str
    cohort: str
    entered_at: int
    clock_from: int | None
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


class Waiting(NamedTuple):
    """A case whose place in a file is open; `dispatch_state` is partly_answered only when somebody was answered."""

    case: int
    state: str
    cohort: str
    entered_at: int
    clock_from: int | None
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


Row = TypeVar("Row", bound=tuple[Any, ...])


def as_rows(kind: type[Row], rows: Iterable[Any]) -> list[Row]:
    """Rows as what they are, in a third of the time `_make` takes."""
    return list(map(tuple.__new__, repeat(kind), rows))


class Queries(History):
    """Questions about many cases, and about the log, within one transaction.

    A refusal blocks only when it rests on a rule that is not in `ignoring`: those are about the command, not the case.
    """

    def __init__(self, connection: Connection, *, ignoring: Iterable[str] = ()) -> None:
        super().__init__(connection)
        self._left_out = sorted({ROUTE, *ignoring})

    # --- who stands where ---------------------------------------------------------------------------------------

    def counts(self, cohort: str | None = None) -> dict[tuple[str, str], int]:
        """How many cases, by (cohort, state)."""
        conditions, arguments = matching(cohort=cohort)
        rows = self._raw.execute(
            f"SELECT cohort, state, count(*) FROM cases c {where(conditions)} GROUP BY 1, 2", arguments
        )
        return {(group, state): count for group, state, count in rows}

    def each(self, cohort: str | None = None) -> Iterator[tuple[int, str]]:
        """(case, state) of everybody, by number, one at a time."""
        conditions, arguments = matching(cohort=cohort)
        return self._raw.stream(f"SELECT id, state FROM cases c {where(conditions)} ORDER BY id", arguments)

    def cohorts_of(self, subject: int) -> set[str]:
        """The cohorts of the cases of a subject."""
        return {row[0] for row in self._raw.execute("SELECT cohort FROM cases WHERE subject = ?", (subject,))}

    def numbers(self, *, cohort: str = "", states: Sequence[str] = (), limit: int | None = None) -> array[int]:
        """The numbers of the cases of a cohort and of some states, eight bytes each; nothing named means all."""
        conditions, arguments = matching(cohort=cohort or None)
        if states:
            conditions.append(f"state IN {marks(states)}")
            arguments += states
        sql = f"SELECT id FROM cases c {where(conditions)} ORDER BY id"
        if limit is not None:
            sql, arguments = f"{sql} LIMIT ?", [*arguments, limit]
        return array("q", (row[0] for row in self._raw.stream(sql, arguments)))

    def began_before(self, state: str, moment: int, *, free: Sequence[str] | None = None) -> dict[str, int]:
        """How many cases of a state whose clock began before a moment, by cohort.

        With `free` only those that no open file of these kinds holds and no remembered refusal blocks.
        """
        more = "" if free is None else f" AND NOT {IN_OPEN_FILE} AND NOT {BLOCKED}"
        return dict(
            self._raw.execute(
                f"SELECT {GROUP}, count(*) FROM cases c WHERE state = ? AND clock_from < ?{more} GROUP BY 1",
                (state, moment) if free is None else (state, moment, list(free), self._left_out),
            )
        )

    def began_before_each(self, state: str, moments: Sequence[int]) -> dict[str, tuple[int, ...]]:
        """As `began_before` for several moments, the latest last, counted in one walk."""
        counts = ", ".join(["count(*) FILTER (WHERE clock_from < ?)"] * len(moments))
        rows = self._raw.execute(
            f"SELECT {GROUP}, {counts} FROM cases c WHERE state = ? AND clock_from < ? GROUP BY 1",
            (*moments, state, moments[-1]),
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def free(self, kinds: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """How many cases of some states neither an open file holds nor a refusal blocks, by state.

        Files count by state: those of the kinds whose answer is what the state waits for.
        """
        counts = {}
        for state, waits_for in kinds.items():
            row = self._raw.execute(
                f"SELECT count(*) FROM cases c WHERE state = ? AND NOT {IN_OPEN_FILE} AND NOT {BLOCKED}",
                (state, list(waits_for), self._left_out),
            ).fetchone()
            counts[state] = int(row[0])
        return {state: number for state, number in counts.items() if number}

    def free_cases(self, state: str, kinds: Sequence[str], limit: int) -> list[int]:
        """Some cases of a state that neither an open file of these kinds nor a refusal holds, oldest clock first."""
        rows = self._raw.execute(
            f"SELECT id FROM cases c WHERE state = ? AND NOT {IN_OPEN_FILE} AND NOT {BLOCKED} "
            "ORDER BY clock_from, cohort, id LIMIT ?",
            (state, list(kinds), self._left_out, limit),
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
        arguments: list[Any] = [*states] if before is None else [*states, before]
        if cohorts is not None:
            arguments += cohorts
        sql = _places(
            len(states), before=before is not None, cohorts=None if cohorts is None else len(cohorts), limit=int(limit)
        )
        rows = self._raw.execute(sql, arguments)
        return as_rows(Place, rows)

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
        conditions, arguments = [f"c.state IN {marks(states)}", COUNTS], list[Any]((*states, self._left_out))
        if cases is not None:
            conditions.append("b.case_id IN [?]")
            arguments.append(list(cases))
        if cohort is not None:
            conditions.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            f"SELECT {PLACE}, b.trigger, b.said, b.asked_at, b.position FROM blocked b CROSS JOIN cases c "
            f"WHERE c.id = b.case_id AND {' AND '.join(conditions)} ORDER BY c.entered_at, c.id, b.trigger LIMIT ?",
            (*arguments, limit),
        )
        return [Remembered(*(*row[:6], _said(row[6]), *row[7:])) for row in rows]

    def shared_refusals(self, states: Sequence[str], cohort: str | None = None) -> list[SharedRefusal]:
        """The same refusals counted: by cohort, state, trigger and reasons."""
        conditions, arguments = [f"c.state IN {marks(states)}", COUNTS], list[Any]((*states, self._left_out))
        if cohort is not None:
            conditions.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            "SELECT c.cohort, c.state, b.trigger, max(b.said), count(*) FROM blocked b CROSS JOIN cases c "
            f"WHERE c.id = b.case_id AND {' AND '.join(conditions)} GROUP BY c.cohort, c.state, b.trigger, b.reasons",
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
        which, arguments = _owing(opened_before, cohort, case)
        rows = self._raw.execute(
            "SELECT y.position, y.duty, y.case_id, y.dispatch, y.opened_at, coalesce(c.state, ''), "
            f"coalesce(c.cohort, ''), c.entered_at {which} ORDER BY y.opened_at, y.position, y.duty LIMIT ?",
            (*arguments, limit),
        )
        return [OpenDuty(*row) for row in rows]

    def count_duties(self, opened_before: Mapping[str, int], cohort: str | None = None) -> dict[str, int]:
        """How many duties are open that were opened before the moment their name says, by name."""
        which, arguments = _owing(opened_before, cohort)
        return dict(self._raw.execute(f"SELECT y.duty, count(*) {which} GROUP BY 1", arguments))

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
        conditions, arguments = ["m.state = 'open'"], list[Any]((list(dispatches), list(dispatches)))
        if cohort is not None:
            conditions.append("c.cohort = ?")
            arguments.append(cohort)
        rows = self._raw.execute(
            f"SELECT {PLACE}, m.dispatch, m.row, d.kind, CASE WHEN d.state = '{PARTLY}' AND k.answered = 0 "
            f"THEN '{SENT}' ELSE d.state END, d.prepared_at, d.sent_at FROM "
            "(SELECT dispatch, count(*) FILTER (WHERE state = 'answered') AS answered "
            f"FROM dispatch_member WHERE dispatch IN [?] GROUP BY 1) k JOIN dispatch d "
            "ON d.id = k.dispatch JOIN dispatch_member m ON m.dispatch = d.id JOIN cases c ON c.id = m.case_id "
            f"WHERE d.id IN [?] AND {' AND '.join(conditions)} ORDER BY m.dispatch, m.row LIMIT ?",
            (*arguments, limit),
        )
        return as_rows(Waiting, rows)

    def open_members_by_state(self, cohort: str | None = None) -> dict[tuple[int, str], int]:
        """How many open places each open file has, by (file, state of the case)."""
        conditions, arguments = matching(cohort=cohort)
        rows = self._raw.execute(
            "SELECT m.dispatch, c.state, count(*) FROM dispatch d JOIN dispatch_member m ON m.dispatch = d.id "
            f"AND m.state = 'open' AND d.state IN {OPEN_STATES} JOIN cases c ON c.id = m.case_id {where(conditions)} "
            "GROUP BY 1, 2",
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


@cache
def _places(states: int, *, before: bool, cohorts: int | None, limit: int) -> str:
    """The statement for `places`; the limit stands in it as a number, so that PostgreSQL keeps the plan."""
    conditions = [f"state IN {marks(range(states))}"]
    if before:
        conditions.append("clock_from < ?")
    if cohorts is not None:
        conditions.append(f"{GROUP} IN {marks(range(cohorts))}")
    return f"SELECT {PLACE} FROM cases c WHERE {' AND '.join(conditions)} ORDER BY clock_from, cohort, id LIMIT {limit}"


def _said(text: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(orjson.loads(text))


def _owing(opened_before: Mapping[str, int], cohort: str | None, case: int | None = None) -> tuple[str, list[Any]]:
    which = (
        "FROM duty y LEFT JOIN cases c ON c.id = y.case_id WHERE y.closed IS NULL "
        f"AND y.duty IN [?] AND y.opened_at < CASE y.duty {'WHEN ? THEN ? ' * len(opened_before)}ELSE 0 END"
    )
    arguments: list[Any] = [list(opened_before), *chain.from_iterable(opened_before.items())]
    for column, value in (("c.cohort", cohort), ("y.case_id", case)):
        if value is not None:
            which += f" AND {column} = ?"
            arguments.append(value)
    return which, arguments
