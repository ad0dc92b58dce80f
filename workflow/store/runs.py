"""Bulk runs: who is in one, and how far it got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

COLUMNS = "id, command_id, trigger, members, size, cursor, first_position, last_position, stopped"


@dataclass(frozen=True, slots=True)
class Run:
    """A bulk run; `members` are packed case numbers, `cursor` counts those done, `stopped` is empty while it goes."""

    id: int
    command_id: str
    trigger: str
    members: bytes
    size: int
    cursor: int
    first_position: int
    last_position: int
    stopped: str


class RunLog:
    """The bulk runs within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw: Any = connection.connection.driver_connection

    def next_id(self) -> int:
        """The number the next run will have."""
        return int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM run").fetchone()[0])

    def add(self, run: Run) -> None:
        """Write a run that begins."""
        self._raw.execute(
            f"INSERT INTO run ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",
            (run.id, run.command_id, run.trigger, run.members, run.size, run.cursor, run.first_position,
             run.last_position, run.stopped),
        )  # fmt: skip

    def get(self, command_id: str) -> Run | None:
        """The run a command began."""
        row = self._raw.execute(f"SELECT {COLUMNS} FROM run WHERE command_id=?", (command_id,)).fetchone()
        return Run(*row) if row else None

    def cursor(self, run: int) -> int:
        """How many members are done."""
        return int(self._raw.execute("SELECT cursor FROM run WHERE id=?", (run,)).fetchone()[0])

    def advance(self, run: int, cursor: int, last_position: int, stopped: str) -> None:
        """Write how far a run got, in the transaction that got it there."""
        self._raw.execute(
            "UPDATE run SET cursor=?, last_position=?, stopped=? WHERE id=?", (cursor, last_position, stopped, run)
        )

    def unfinished(self, trigger: str) -> list[Run]:
        """Runs of a trigger that did not come to an end, oldest first."""
        rows = self._raw.execute(f"SELECT {COLUMNS} FROM run WHERE stopped='' AND trigger=? ORDER BY id", (trigger,))
        return [Run(*row) for row in rows]

    def counts(self, run: int) -> dict[str, int]:
        """Events of a run by kind, counted in the log itself."""
        return dict(
            self._raw.execute(
                "SELECT kind, count(*) FROM event WHERE run=:run AND position BETWEEN "
                "(SELECT first_position FROM run WHERE id=:run) AND (SELECT last_position FROM run WHERE id=:run) "
                "AND case_id IS NOT NULL GROUP BY kind",
                {"run": run},
            )
        )
