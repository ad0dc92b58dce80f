"""Append and read the log: event, standing, duties and reasons change together in one transaction.

Everything here runs on a raw driver connection inside a transaction that `Database` began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from workflow.case import Standing
from workflow.errors import Conflict
from workflow.event import canonical, leaf_hash

STANDING = "id, route, route_version, state, sequence, entered_at, clock_from, occurred_at, leaf, facts"


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
        self._raw: Any = connection.connection.driver_connection
        self.origin = origin

    def head(self) -> int:
        """The position of the last event; 0 for an empty log."""
        return int(self._raw.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0])

    def next_case(self) -> int:
        """The number the next case will have."""
        return int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0])

    def load(self, cases: Sequence[int]) -> dict[int, Standing]:
        """The standings of some cases, by number; unknown numbers are absent."""
        if len(cases) == 1:
            rows = self._raw.execute(f"SELECT {STANDING} FROM cases WHERE id = ?", (cases[0],))
        else:
            rows = self._raw.execute(
                f"SELECT {STANDING} FROM cases WHERE id IN (SELECT value FROM json_each(?))",
                (orjson.dumps(list(cases)).decode(),),
            )
        return {row[0]: standing_of(row) for row in rows}

    def append(self, drafts: Sequence[Draft], recorded_at: int) -> list[int]:
        """Give each draft the next position, write it and what it changes; returns the positions.

        Raises Conflict when a case is no longer where its draft saw it; nothing of the transaction stands then.
        """
        first = self.head() + 1
        events: list[tuple[Any, ...]] = []
        moves: list[tuple[Any, ...]] = []
        fresh: list[tuple[Any, ...]] = []
        for position, draft in enumerate(drafts, first):
            body = draft.body
            body["position"], body["recorded_at"], body["origin"] = position, recorded_at, self.origin
            body.setdefault("occurred_at", recorded_at)
            data = canonical(body)
            leaf = leaf_hash(data)
            get = body.get
            events.append(
                (position, get("case"), get("sequence"), body["kind"], get("trigger"), get("source"), get("target"),
                 body["occurred_at"], recorded_at, body["actor"], get("dispatch"), body["command_id"], get("run"),
                 data, leaf)
            )  # fmt: skip
            after = draft.after
            if after is not None:
                (fresh if draft.fresh else moves).append(_standing_row(after, leaf))
        if moves:
            self._move(moves)
        if fresh:
            self._raw.executemany(
                "INSERT INTO cases (state, sequence, entered_at, clock_from, occurred_at, leaf, facts, cohort, "
                "id, subject, route, route_version) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                fresh,
            )
        self._raw.executemany("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", events)
        positions = list(range(first, first + len(drafts)))
        self._project(drafts, positions, recorded_at)
        return positions

    def _move(self, rows: list[tuple[Any, ...]]) -> None:
        written = self._raw.executemany(
            "UPDATE cases SET state=?, sequence=?, entered_at=?, clock_from=?, occurred_at=?, leaf=?, facts=?, "
            "cohort=? WHERE id=? AND sequence=?",
            [(*row[:9], row[1] - 1) for row in rows],
        ).rowcount
        if written != len(rows):
            raise Conflict(
                "someone else moved a learner at the same moment; nothing of this command was written. Repeat it."
            )

    def _project(self, drafts: Sequence[Draft], positions: Sequence[int], recorded_at: int) -> None:
        opened, closed, settled, blocked, moved = [], [], [], [], []
        for position, draft in zip(positions, drafts, strict=True):
            body = draft.body
            case = body.get("case")
            for duty in body.get("opens", ()):
                opened.append((position, duty, case, body.get("dispatch"), recorded_at))
            for opening, duty in body.get("closes", ()):
                closed.append((position, opening, duty))
            if "settles" in body:
                settled.append((body["settles"], body["dispatch"], case))
            if draft.blocked is not None:
                trigger, reasons, said = draft.blocked
                text = orjson.dumps(said).decode()
                blocked.append((case, trigger, reasons, text, recorded_at, position))
            elif body["kind"] == "moved":
                moved.append((case,))
        run = self._raw.executemany
        if opened:
            run("INSERT INTO duty (position, duty, case_id, dispatch, opened_at) VALUES (?,?,?,?,?)", opened)
        if closed:
            run("UPDATE duty SET closed=? WHERE position=? AND duty=? AND closed IS NULL", closed)
        if settled:
            run("UPDATE dispatch_member SET state=? WHERE dispatch=? AND case_id=?", settled)
        if moved:
            run("DELETE FROM blocked WHERE case_id=?", moved)
        if blocked:
            run("INSERT OR REPLACE INTO blocked VALUES (?,?,?,?,?,?)", blocked)

    def touch_blocked(self, asked: Sequence[tuple[int, str]], asked_at: int) -> None:
        """Remember that the same reasons were found again, without an event."""
        self._raw.executemany(
            "UPDATE blocked SET asked_at=? WHERE case_id=? AND trigger=?",
            [(asked_at, case, trigger) for case, trigger in asked],
        )

    def reasons(self, cases: Sequence[int], trigger: str) -> dict[int, str]:
        """The reasons remembered for a trigger, by case."""
        rows = self._raw.execute(
            "SELECT case_id, reasons FROM blocked WHERE trigger=? AND case_id IN (SELECT value FROM json_each(?))",
            (trigger, orjson.dumps(list(cases)).decode()),
        )
        return dict(rows)

    def repeats(self, case: int, command_id: str) -> tuple[int, str | None, str | None] | None:
        """(position, source, target) of what this command already did to this case; refusals do not count."""
        row = self._raw.execute(
            "SELECT position, source, target FROM event WHERE case_id=? AND command_id=? AND kind<>'refused' "
            "ORDER BY position LIMIT 1",
            (case, command_id),
        ).fetchone()
        return tuple(row) if row else None

    def repeats_without_case(self, kind: str, command_id: str) -> int | None:
        """The position of what this command already recorded beside the cases."""
        row = self._raw.execute(
            "SELECT position FROM event WHERE case_id IS NULL AND sequence IS NULL AND command_id=? AND kind=? LIMIT 1",
            (command_id, kind),
        ).fetchone()
        return int(row[0]) if row else None

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
            "SELECT case_id, position, duty FROM duty WHERE closed IS NULL "
            "AND case_id IN (SELECT value FROM json_each(?)) ORDER BY position",
            (orjson.dumps(list(cases)).decode(),),
        )
        found: dict[int, list[tuple[int, str]]] = {}
        for case, position, duty in rows:
            found.setdefault(case, []).append((position, duty))
        return found

    def open_duties_of_dispatch(self, dispatch: int) -> list[tuple[int, str]]:
        """Open duties of a file, as (opening position, duty)."""
        return list(
            self._raw.execute(
                "SELECT position, duty FROM duty WHERE closed IS NULL AND case_id IS NULL AND dispatch=?", (dispatch,)
            )
        )

    def keep_definition(self, digest: str, name: str, version: int, body: bytes) -> None:
        """Remember a route that cases run on."""
        self._raw.execute("INSERT OR IGNORE INTO definition VALUES (?,?,?,?)", (digest, name, version, body))


def standing_of(row: Sequence[Any]) -> Standing:
    """A standing from its row, whose columns come in the order of STANDING."""
    case, route, version, state, sequence, entered_at, clock_from, occurred_at, leaf, facts = row[:10]
    return Standing(
        case, route, version, state, sequence, entered_at, clock_from, occurred_at, leaf, orjson.loads(facts)
    )


def _standing_row(standing: Standing, leaf: bytes) -> tuple[Any, ...]:
    facts: Mapping[str, Any] = standing.facts
    return (
        standing.state, standing.sequence, standing.entered_at, standing.clock_from, standing.occurred_at, leaf,
        orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode(), facts.get("cohort", ""),
        standing.case, facts["subject"], standing.route, standing.route_version,
    )  # fmt: skip
