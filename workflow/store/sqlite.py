"""What is special about SQLite: pragmas, the way transactions begin, the write gate, and what its errors mean.

The driver's own habit of starting no transaction before a SELECT let eight racing threads write eight events; so
every transaction here begins explicitly, a writer's with the write lock in hand.

SQLite 3.7.0 to 3.51.2 may damage a WAL database when one connection writes while another one checkpoints (fixed in
3.51.3, 2026). On those a writer holds a file lock from before it begins until its commit, and the checkpoint that may
follow it, are over.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from errno import EROFS
from pathlib import Path
from typing import Any, Final

from workflow.errors import Conflict, LogProtected, StoreError, WorkflowError
from workflow.store import sqlite_pages
from workflow.store.connection import SqliteConnection
from workflow.store.guards import LEFT, LEFT_ADVICE
from workflow.store.side import Side

BUSY_MS: Final = 30_000
PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-32768",
    "PRAGMA wal_autocheckpoint=4000",
)
SOUND_SQLITE: Final = (3, 51, 3)
PAUSES: Final = (0.0005, 0.02)
"""Seconds between two tries for the write gate: the first, and the longest."""
ADVICE: Final = (
    (LEFT, LEFT_ADVICE),
    ("locked", "another ulnflow is writing to it; wait until that has finished and repeat the command"),
    ("readonly", "it cannot be written; give your account the right to change the file and its folder"),
    ("unable to open", "it cannot be opened; check that its folder exists and that you may write in it"),
    ("disk is full", "the disk is full; make room and repeat the command: nothing was lost"),
    ("disk I/O", "the disk reports an error; check the disk, then run: ulnflow audit verify"),
    ("not a database", "it is no database of ours, or its key is another; check path and key, or restore a backup"),
    ("decode to UTF-8", "a text in it is not UTF-8, which no ulnflow has written; keep it, run: ulnflow audit verify"),
    ("image is malformed", "the file is damaged; keep it, restore the last backup, and run: ulnflow audit verify"),
)
"""What the database says -> what to do."""

HARMLESS: Final = ("no such table", "no such column", "no such index", "table ", "interrupted", "out of memory")
"""How its texts begin that can hold no value; of any other only the name of the error is shown."""


class Sqlite(Side):
    """A database in one file."""

    kind = "sqlite"
    dialect = "sqlite://"
    driver: Any = sqlite3
    wrong: type[Exception] = sqlite3.DatabaseError

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self.name = path.name
        self._gate = f"{path}.lock"

    def connect(self) -> Any:
        """A connection with our pragmas; a file that is not there yet is made for its owner alone."""
        if not self.path.exists() and self.path.parent.is_dir() and os.access(self.path.parent, os.W_OK):
            self.path.touch(mode=0o600)
        raw = self.driver.connect(self.path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        self.unlock(raw)
        for pragma in PRAGMAS:
            raw.execute(pragma)
        return raw

    def unlock(self, raw: Any) -> None:
        """Open what is locked; a plain file is not."""

    def begin_migrating(self, raw: Any) -> None:
        """Begin with the write lock in hand."""
        raw.execute("BEGIN IMMEDIATE")

    def begin_writing(self, raw: Any) -> SqliteConnection:
        """Begin with the write lock in hand."""
        raw.execute("BEGIN IMMEDIATE")
        return SqliteConnection(raw)

    def begin_reading(self, raw: Any) -> SqliteConnection:
        """Begin a transaction that sees one moment."""
        raw.execute("BEGIN")
        return SqliteConnection(raw)

    def scrub(self, raw: Any, _tables: Sequence[str]) -> bool:
        """Bring the write-ahead log home and empty it; deleted rows were overwritten already, by `secure_delete`."""
        return not raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    def pages(self, raw: Any, tables: Sequence[str]) -> Sequence[int]:
        """The root pages of tables and of their indexes."""
        marks = ", ".join("?" * len(tables))
        found = raw.execute(f"SELECT rootpage FROM sqlite_master WHERE tbl_name IN ({marks}) AND rootpage > 0", tables)
        return [int(page) for (page,) in found]

    def holds(self, pages: Sequence[int], words: Sequence[bytes]) -> bool:
        """Whether the file holds words where SQLite left copies of moved rows."""
        return sqlite_pages.hold(self.path, pages, words)

    def rewrite(self, raw: Any) -> None:
        """Write every page anew, by VACUUM."""
        raw.execute("VACUUM")

    def enter(self) -> int | None:
        """Let one writer at a time through, where the library needs that; raises StoreError after the busy time."""
        if is_sound(self.driver.sqlite_version_info):
            return None
        try:
            gate = os.open(self._gate, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise StoreError(self._advice("readonly")) from None
        except OSError as wrong:
            raise StoreError(self._advice("readonly" if wrong.errno == EROFS else "unable to open")) from None
        try:
            _lock(gate)
        except (BlockingIOError, PermissionError):  # held: what POSIX and Windows say
            try:
                self._wait_for(gate)
            except BaseException:
                os.close(gate)
                raise
        return gate

    def leave(self, gate: int | None) -> None:
        """Let the next writer through."""
        if gate is not None:
            os.close(gate)  # which also gives the lock back

    def _wait_for(self, gate: int) -> None:
        pause, longest = PAUSES
        until = time.monotonic() + BUSY_MS / 1000
        while True:
            with suppress(BlockingIOError, PermissionError):  # held: what POSIX and Windows say
                _lock(gate)
                return
            if time.monotonic() > until:
                raise StoreError(self._advice("locked"))
            time.sleep(pause)
            pause = min(pause * 2, longest)

    def meaning(self, wrong: BaseException) -> WorkflowError | None:
        """What an error of the driver means for a person; None when it is no matter of the database."""
        said = str(wrong)
        if "append-only" in said:
            return LogProtected(f"{self.name}: {said}. Nothing was changed; record a correction instead.")
        if "event.case_id, event.sequence" in said:
            return Conflict(
                f"{self.name}: another event took this place in the case; nothing was written. Repeat the command."
            )
        driver = self.driver
        if isinstance(wrong, driver.OperationalError) or type(wrong) is driver.DatabaseError or LEFT in said:
            return StoreError(self._advice(said, getattr(wrong, "sqlite_errorname", "")))
        return None

    def _advice(self, said: str, name: str = "") -> str:
        for word, advice in ADVICE:
            if word in said:
                return f"{self.name}: {advice}"
        words = said if said.startswith(HARMLESS) else name or "an error of its own"
        return f"{self.name}: the database says: {words}"


def is_sound(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite may write and checkpoint a WAL database from two connections at the same instant."""
    return version >= SOUND_SQLITE


if sys.platform == "win32":
    import msvcrt

    def _lock(gate: int) -> None:
        msvcrt.locking(gate, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(gate: int) -> None:
        fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
