"""Bulk runs: who is in one, and how far it got."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from workflow.event import parse
from workflow.store.connection import Connection

COLUMNS = "id, command_id, trigger, members, size, cursor, first_position, last_position, stopped, counts"


@dataclass(frozen=True, slots=True)
class Run:
    """A bulk run; `members` are packed case numbers, `cursor` counts those done, `stopped` is empty while it goes.

    `counts` says how many came to which result; it is written with the events it counts, and verified against them.
    """

    id: int
    command_id: str
    trigger: str
    members: bytes
    size: int
    cursor: int
    first_position: int
    last_position: int
    stopped: str
    counts: Mapping[str, int]

    def cases(self) -> array[int]:
        """The members, in the order they are moved."""
        members = array("q")
        members.frombytes(zlib.decompress(self.members))
        return members


def packed(cases: Sequence[int]) -> bytes:
    """Case numbers as they are stored with a run."""
    return zlib.compress(array("q", cases).tobytes())


class RunLog:
    """The bulk runs within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    def next_id(self) -> int:
        """The number the next run will have."""
        return int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM run").fetchone()[0])

    def add(self, run: Run) -> None:
        """Write a run that begins."""
        self._raw.execute(
            f"INSERT INTO run ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (run.id, run.command_id, run.trigger, run.members, run.size, run.cursor, run.first_position,
             run.last_position, run.stopped, _text(run.counts)),
        )  # fmt: skip

    def get(self, command_id: str) -> Run | None:
        """The run a command began."""
        row = self._raw.execute(f"SELECT {COLUMNS} FROM run WHERE command_id=?", (command_id,)).fetchone()
        return _run(row) if row else None

    def progress(self, run: int) -> tuple[int, dict[str, int], str]:
        """How many members are done, what came of them, and why the run stopped (empty while it goes)."""
        row = self._raw.execute("SELECT cursor, counts, stopped FROM run WHERE id=?", (run,)).fetchone()
        return int(row[0]), orjson.loads(row[1]), str(row[2])

    def advance(self, run: int, cursor: int, last_position: int, stopped: str, counts: Mapping[str, int]) -> None:
        """Write how far a run got, in the transaction that got it there."""
        self._raw.execute(
            "UPDATE run SET cursor=?, last_position=?, stopped=?, counts=? WHERE id=?",
            (cursor, last_position, stopped, _text(counts), run),
        )

    def unfinished(self, trigger: str) -> list[Run]:
        """Runs of a trigger that did not come to an end, oldest first."""
        rows = self._raw.execute(f"SELECT {COLUMNS} FROM run WHERE stopped='' AND trigger=? ORDER BY id", (trigger,))
        return [_run(row) for row in rows]

    def given(self, run: Run) -> Mapping[str, Any] | None:
        """What was given with the command that began a run, by the event of its beginning; None when that says nothing.

        Raises ValueError when that event is no event.
        """
        row = self._raw.execute("SELECT body FROM event WHERE position=?", (run.first_position,)).fetchone()
        return parse(row[0]).evidence.get("given") if row else None


def _run(row: Any) -> Run:
    values = [*row[:9], orjson.loads(row[9])]
    return Run(*values)


def _text(counts: Mapping[str, int]) -> str:
    return orjson.dumps(dict(counts), option=orjson.OPT_SORT_KEYS).decode()
