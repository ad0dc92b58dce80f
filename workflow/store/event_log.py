"""Append and read the log: event, standing, duties and reasons change together in one transaction.

Everything here runs on a raw driver connection inside a transaction that `Database` began.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from workflow.case import Standing
from workflow.errors import Conflict, Unwritable
from workflow.event import Event, Mould, leaf_hash, parse, written
from workflow.store.connection import HEAD, Change, Connection

STANDING = "id, route, route_version, state, sequence, entered_at, clock_from, occurred_at, leaf, facts"

LOAD_ONE: Final = f"SELECT {STANDING}, ({HEAD}) FROM cases WHERE id = ?"
COLUMNS: Final = 15
"""How many columns an event has."""

PROJECTED: Final = frozenset({"opens", "closes", "settles", "facts", "voids"})
"""Keys of an event that change a row beside the case's own."""

OPEN: Final = (
    "INSERT INTO cases (state, sequence, entered_at, clock_from, occurred_at, leaf, facts, "
    "id, subject, cohort, route, route_version) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
)
FOLLOW: Final = (
    "UPDATE cases SET state=?, sequence=e.sequence, leaf=e.leaf, entered_at=e.occurred_at, clock_from=e.occurred_at, "
    "occurred_at=CASE WHEN cases.occurred_at > e.occurred_at THEN cases.occurred_at ELSE e.occurred_at END "
    "FROM event e WHERE e.position BETWEEN ? AND ? AND cases.id=e.case_id AND cases.sequence=e.sequence-1"
)
"""Bring cases to where the events just written say; who no longer stands before his event is not found."""

BESIDE: Final = "someone else moved a case at the same moment; nothing of this command was written. Repeat it."
FORGET: Final = "DELETE FROM blocked WHERE case_id=?"

KEPT: Final = (
    ("state", "text"), ("sequence", "bigint"), ("entered_at", "bigint"), ("clock_from", "bigint"),
    ("occurred_at", "bigint"), ("leaf", "bytea"),
)  # fmt: skip
SEEN: Final = (("id", "bigint"), ("sequence", "bigint"))
"""A case is changed only where it still stands as it was seen; who comes second finds nothing to change."""

MOVE_AND_LEARN: Final = Change("cases", (*KEPT, ("facts", "text")), SEEN)


@dataclass(slots=True)
class Draft:
    """An event that has no position yet: its body without position, time and origin.

    `after` is the standing it leads to (None for an event without a case), `blocked` the trigger, the reasons and
    what was said of a refusal to remember, `fresh` marks a case that is being opened.
    """

    body: dict[str, Any]
    after: Standing | None = None
    blocked: tuple[str, str, list[dict[str, Any]]] | None = None
    fresh: bool = False


class EventLog:
    """The log within one transaction."""

    def __init__(self, connection: Connection, origin: str) -> None:
        self._raw = connection
        self.origin = origin

    def head(self) -> int:
        """The position of the last event; 0 for an empty log."""
        if self._raw.head is None:
            return int(self._raw.execute(HEAD).fetchone()[0])
        return self._raw.head

    def next_case(self) -> int:
        """The number the next case will have."""
        return int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0])

    def load(self, cases: Sequence[int]) -> dict[int, Standing]:
        """The standings of some cases, by number; unknown numbers are absent."""
        if len(cases) == 1:
            row = self._raw.execute(LOAD_ONE, (cases[0],)).fetchone()
            if row is None:
                return {}
            self._raw.head = row[10]  # which the move of this one case asks for next
            return {row[0]: standing_of(row)}
        rows = self._raw.execute(f"SELECT {STANDING} FROM cases WHERE id IN [?]", (cases,))
        new, loads = tuple.__new__, orjson.loads
        return {row[0]: new(Standing, (*row[:9], loads(row[9]))) for row in rows}

    def find(self, *, cohort: str = "", states: Sequence[str] = ()) -> list[Standing]:
        """The standings of a cohort and of some states, oldest case first; nothing named means all."""
        where, arguments = ["1=1"], list[Any]()
        if cohort:
            where.append("cohort = ?")
            arguments.append(cohort)
        if states:
            where.append("state IN [?]")
            arguments.append(list(states))
        rows = self._raw.execute(f"SELECT {STANDING} FROM cases WHERE {' AND '.join(where)} ORDER BY id", arguments)
        return [standing_of(row) for row in rows]

    def append(self, drafts: Sequence[Draft], recorded_at: int) -> list[int]:
        """Give each draft the next position, write it and what it changes; returns the positions.

        Each draft's standing gets the leaf of its event. Raises Conflict when a case is no longer where its draft saw
        it, Unwritable when an event holds what the log cannot; nothing of the transaction stands then.
        """
        first = self.head() + 1
        events = [self._event(draft, position, recorded_at) for position, draft in enumerate(drafts, first)]
        standing = [draft.after for draft in drafts if draft.after is not None and not draft.fresh]
        moves = [(*_standing_row(after), after.case, after.sequence - 1) for after in standing]
        old = [draft.body["case"] for draft in drafts if _makes_reasons_old(draft.body)]
        if len(events) == len(moves) == 1:
            self._write_one(events[0], moves[0], old)
        else:
            self._change(MOVE_AND_LEARN, moves)
            self._raw.insert("event", COLUMNS, events)
            self._forget(old)
        positions = list(range(first, first + len(drafts)))
        self._raw.head = first + len(drafts) - 1
        if (
            len(drafts) != 1
            or drafts[0].fresh
            or drafts[0].blocked is not None
            or not PROJECTED.isdisjoint(drafts[0].body)
        ):
            self._project(drafts, positions, recorded_at)
        return positions

    def _event(self, draft: Draft, position: int, recorded_at: int) -> tuple[Any, ...]:
        """The row of an event; its draft learns its bytes' leaf."""
        body = draft.body
        body["position"], body["recorded_at"], body["origin"] = position, recorded_at, self.origin
        body.setdefault("occurred_at", recorded_at)
        try:
            data = written(body)
        except ValueError as wrong:
            raise Unwritable(f"{wrong}; nothing of this command was written") from wrong
        leaf, get = leaf_hash(data), body.get
        if draft.after is not None:
            draft.after = draft.after.sealed(leaf)
        return (
            position, get("case"), get("sequence"), body["kind"], get("trigger"), get("source"), get("target"),
            body["occurred_at"], recorded_at, body["actor"], get("dispatch"), body["command_id"], get("run"),
            data, leaf,
        )  # fmt: skip

    def _write_one(self, event: tuple[Any, ...], move: tuple[Any, ...], old: Sequence[int]) -> None:
        """One event about one case, in one trip where the database is far."""
        more = [(FORGET, (case,)) for case in old]
        if not self._raw.update_and_insert(MOVE_AND_LEARN, move, "event", event, more):
            raise Conflict(BESIDE)

    def append_alike(
        self,
        mould: Mould,
        columns: Mapping[str, Any],
        moves: Sequence[tuple[Standing, int]],
        recorded_at: int,
        after: Sequence[Standing] | None,
    ) -> int:
        """Append a move for each (standing, occurred at), all of one mould; returns the first position.

        `columns` are the copies of what they share. `after` tells where each case stands then; None where that
        follows from the event alone: another state, whose clock begins on entering or never. They open, close and
        settle nothing. Raises Conflict.
        """
        first, at, text = self.head() + 1, None, b""
        what = [columns.get(name) for name in ("kind", "trigger", "source", "target")]
        whose = [columns.get(name) for name in ("actor", "dispatch", "command_id", "run")]
        events: list[tuple[Any, ...]] = []
        for position, (before, occurred_at) in enumerate(moves, first):
            if occurred_at != at:
                at, text = occurred_at, mould.at(occurred_at, recorded_at)
            case, sequence = before.case, before.sequence + 1
            body = text % (case, position, hexlify(before.leaf), sequence)
            leaf = sha256(b"\0" + body).digest()
            events.append((position, case, sequence, *what, occurred_at, recorded_at, *whose, body, leaf))
        last = self._raw.head = first + len(events) - 1
        self._raw.insert("event", COLUMNS, events)
        if after is not None:
            sealed = [standing.sealed(event[-1]) for standing, event in zip(after, events, strict=True)]
            self._change(MOVE_AND_LEARN, [(*_standing_row(s), s.case, s.sequence - 1) for s in sealed])
        elif self._raw.execute(FOLLOW, (columns["target"], first, last)).rowcount != len(events):
            raise Conflict(BESIDE)
        self._forget([event[1] for event in events])
        return first

    def _change(self, change: Change, rows: list[tuple[Any, ...]]) -> None:
        if rows and self._raw.update(change, rows) != len(rows):
            raise Conflict(BESIDE)

    def _project(self, drafts: Sequence[Draft], positions: Sequence[int], recorded_at: int) -> None:
        run, pairs = self._raw.executemany, list(zip(positions, drafts, strict=True))
        if fresh := [_standing_row(d.after) + _fixed_row(d.after) for d in drafts if d.fresh and d.after is not None]:
            run(OPEN, fresh)
        if regrouped := [(d.after.cohort, d.after.case) for d in drafts if _regroups(d) and d.after is not None]:
            run("UPDATE cases SET cohort=? WHERE id=?", regrouped)
        if opened := _opened(pairs, recorded_at):
            run("INSERT INTO duty (position, duty, case_id, dispatch, opened_at) VALUES (?,?,?,?,?)", opened)
        if closed := [(position, *pair) for position, draft in pairs for pair in draft.body.get("closes", ())]:
            run("UPDATE duty SET closed=? WHERE position=? AND duty=? AND closed IS NULL", closed)
        if settled := [(d.body["settles"], d.body["dispatch"], d.body["case"]) for d in drafts if "settles" in d.body]:
            run("UPDATE dispatch_member SET state=? WHERE dispatch=? AND case_id=?", settled)
        if blocked := _blocked(pairs, recorded_at):
            run(
                "INSERT INTO blocked VALUES (?,?,?,?,?,?) ON CONFLICT (case_id, trigger) DO UPDATE SET "
                "reasons=excluded.reasons, said=excluded.said, asked_at=excluded.asked_at, position=excluded.position",
                blocked,
            )

    def any_blocked(self) -> bool:
        """Whether any refusal at all is remembered."""
        return self._raw.execute("SELECT 1 FROM blocked LIMIT 1").fetchone() is not None

    def _forget(self, cases: Sequence[int]) -> None:
        """Forget every refusal of these cases."""
        if self.any_blocked():
            self._raw.execute("DELETE FROM blocked WHERE case_id IN [?]", (cases,))

    def forget_reasons(self, cases: Sequence[int], trigger: str) -> None:
        """Forget why a trigger was refused, where it was asked again and every rule held."""
        self._raw.executemany("DELETE FROM blocked WHERE case_id=? AND trigger=?", [(c, trigger) for c in cases])

    def touch_blocked(self, asked: Sequence[tuple[int, str]], asked_at: int) -> None:
        """Remember that the same reasons were found again, without an event."""
        self._raw.executemany(
            "UPDATE blocked SET asked_at=? WHERE case_id=? AND trigger=?",
            [(asked_at, case, trigger) for case, trigger in asked],
        )

    def reasons(self, cases: Sequence[int], trigger: str) -> dict[int, str]:
        """The reasons remembered for a trigger, by case."""
        rows = self._raw.execute(
            "SELECT case_id, reasons FROM blocked WHERE trigger=? AND case_id IN [?]",
            (trigger, cases),
        )
        return dict(rows)

    def repeats(self, case: int, trigger: str, command_id: str) -> tuple[int, str | None, str | None] | None:
        """(position, source, target) of what this trigger of this command already did to this case.

        A refusal does not count: what was refused may be tried again.
        """
        rows = self._raw.execute(
            "SELECT position, source, target FROM event WHERE case_id=? AND command_id=? AND trigger=? "
            "AND kind<>'refused' ORDER BY position",
            (case, command_id, trigger),
        ).fetchall()
        void = self._voided([case]) if rows else ()
        return next((tuple(row) for row in rows if row[0] not in void), None)

    def _voided(self, cases: Sequence[int]) -> set[int]:
        """The positions of events of these cases that corrections void."""
        rows = self._raw.execute("SELECT body FROM event WHERE kind='corrected' AND case_id IN [?]", (cases,))
        return {orjson.loads(body)["voids"] for (body,) in rows}

    def done_before(self, cases: Sequence[int], triggers: Sequence[str]) -> dict[tuple[int, str], set[str]]:
        """What these triggers already did to these cases, by case and command id; see `repeats`."""
        rows = self._raw.execute(
            "SELECT position, case_id, command_id, trigger FROM event WHERE case_id IN [?] AND trigger IN [?] "
            "AND kind<>'refused'",
            (cases, triggers),
        )
        found: dict[tuple[int, str], set[str]] = {}
        void = self._voided(cases)
        for position, case, command_id, trigger in rows:
            if position not in void:
                found.setdefault((case, command_id), set()).add(trigger)
        return found

    def repeats_without_case(self, kind: str, command_id: str) -> int | None:
        """The position of what this command already recorded beside the cases."""
        row = self._raw.execute(
            "SELECT position FROM event WHERE case_id IS NULL AND sequence IS NULL AND command_id=? AND kind=? LIMIT 1",
            (command_id, kind),
        ).fetchone()
        return int(row[0]) if row else None

    def at(self, position: int) -> Event | None:
        """The event at a position."""
        row = self._raw.execute("SELECT body FROM event WHERE position = ?", (position,)).fetchone()
        return parse(row[0]) if row else None

    def bodies(self, case: int | None = None, *, after: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """(position, body, leaf) in order: of one case, or of the whole log behind a position."""
        if case is None:
            sql, arguments = "SELECT position, body, leaf FROM event WHERE position > ? ORDER BY position", (after,)
        else:
            sql, arguments = "SELECT position, body, leaf FROM event WHERE case_id = ? ORDER BY sequence", (case,)
        yield from self._raw.execute(sql, arguments)

    def open_duties(self, cases: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
        """Open duties as (opening position, duty), by case."""
        rows = self._raw.execute(
            "SELECT case_id, position, duty FROM duty WHERE closed IS NULL AND case_id IN [?] ORDER BY position, duty",
            (cases,),
        )
        found: dict[int, list[tuple[int, str]]] = {}
        for case, position, duty in rows:
            found.setdefault(case, []).append((position, duty))
        return found

    def all_open_duties(self) -> list[tuple[int, str, int | None, int | None, int]]:
        """Every open duty as (opening position, duty, case, dispatch, opened at), oldest first."""
        return list(
            self._raw.execute(
                "SELECT position, duty, case_id, dispatch, opened_at FROM duty WHERE closed IS NULL "
                "ORDER BY position, duty"
            )
        )

    def open_duties_of_dispatch(self, dispatch: int) -> list[tuple[int, str]]:
        """Open duties of a file, as (opening position, duty)."""
        return list(
            self._raw.execute(
                "SELECT position, duty FROM duty WHERE closed IS NULL AND case_id IS NULL AND dispatch=? "
                "ORDER BY position, duty",
                (dispatch,),
            )
        )

    def commands_beside_cases(self) -> list[str]:
        """The ids of the commands that recorded something about no case, such as a file."""
        return [
            row[0]
            for row in self._raw.execute(
                "SELECT DISTINCT command_id FROM event WHERE case_id IS NULL AND sequence IS NULL"
            )
        ]

    def keep_definition(self, digest: str, name: str, version: int, body: bytes) -> None:
        """Remember a route that cases run on."""
        self._raw.execute(
            "INSERT INTO definition VALUES (?,?,?,?) ON CONFLICT DO NOTHING", (digest, name, version, body)
        )


def _is_projected(draft: Draft) -> bool:
    """Whether an event changes a row beside its case's own."""
    return draft.fresh or draft.blocked is not None or not PROJECTED.isdisjoint(draft.body)


def _regroups(draft: Draft) -> bool:
    """Whether a case goes to another cohort by it."""
    return not draft.fresh and ("cohort" in draft.body.get("facts", ()) or "voids" in draft.body)


def _makes_reasons_old(body: dict[str, Any]) -> bool:
    """Whether what was refused before must be asked anew: the case moved, or something else became known of it."""
    return body["kind"] in {"moved", "corrected"} or (body["kind"] == "noted" and "facts" in body)


def standing_of(row: Sequence[Any]) -> Standing:
    """A standing from its row, whose columns come in the order of STANDING."""
    return tuple.__new__(Standing, (*row[:9], orjson.loads(row[9])))


def _standing_row(standing: Standing) -> tuple[Any, ...]:
    return (
        standing.state, standing.sequence, standing.entered_at, standing.clock_from, standing.occurred_at,
        standing.leaf, _facts_text(standing.facts),
    )  # fmt: skip


def _facts_text(facts: Mapping[str, Any]) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


def _fixed_row(standing: Standing) -> tuple[Any, ...]:
    return standing.case, standing.subject, standing.cohort, standing.route, standing.route_version


def _opened(pairs: Iterable[tuple[int, Draft]], recorded_at: int) -> list[tuple[Any, ...]]:
    return [
        (position, duty, draft.body.get("case"), draft.body.get("dispatch"), recorded_at)
        for position, draft in pairs
        for duty in draft.body.get("opens", ())
    ]


def _blocked(pairs: Iterable[tuple[int, Draft]], recorded_at: int) -> list[tuple[Any, ...]]:
    rows = []
    for position, draft in pairs:
        if draft.blocked is not None:
            trigger, reasons, said = draft.blocked
            rows.append((draft.body["case"], trigger, reasons, orjson.dumps(said).decode(), recorded_at, position))
    return rows
