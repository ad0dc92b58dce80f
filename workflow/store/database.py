"""The one engine factory: connections that begin as writers or readers on purpose, and never print a value.

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from workflow.errors import Conflict, LogProtected, StoreError

BUSY_MS: Final = 30_000
PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
)
READING: Final = "ulnflow_reading"
SOUND_SQLITE: Final = (3, 51, 3)
PAUSES: Final = (0.0005, 0.02)
"""Seconds between two tries for the write gate: the first, and the longest."""
ADVICE: Final = (
    ("locked", "another ulnflow is writing to it; wait until that has finished and repeat the command"),
    ("readonly", "it cannot be written; give your account the right to change the file and its folder"),
    ("unable to open", "it cannot be opened; check that its folder exists and that you may write in it"),
    ("disk is full", "the disk is full; make room and repeat the command: nothing was lost"),
    ("disk I/O", "the disk reports an error; check the disk, then run: ulnflow audit verify"),
    ("not a database", "it is no database of ours; check the path, or restore a backup"),
    ("malformed", "the file is damaged; keep it, restore the last backup, and run: ulnflow audit verify"),
)
"""What the database says -> what to do."""


class Database:
    """A database by its file; connections are made when first needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gate = f"{path}.lock"
        self._engine = _sqlite_engine(path)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction with the write lock, committed when the block ends well and rolled back when not."""
        with _explained(self.path), _write_gate(self._gate, self.path), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment and writes nothing."""
        with (
            _explained(self.path),
            self._engine.connect().execution_options(**{READING: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def is_sound(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite may write and checkpoint a WAL database from two connections at the same instant."""
    return version >= SOUND_SQLITE


@contextmanager
def _write_gate(file: str, path: Path) -> Iterator[None]:
    """Let one writer at a time through, where the library needs that; raises StoreError after the busy time."""
    if is_sound():
        yield
        return
    try:
        gate = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        raise StoreError(_advice(path, "readonly")) from None
    except OSError:
        raise StoreError(_advice(path, "unable to open")) from None
    try:
        _wait_for(gate, path)
        yield
    finally:
        os.close(gate)  # which also gives the lock back


def _wait_for(gate: int, path: Path) -> None:
    pause, longest = PAUSES
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        with suppress(BlockingIOError, PermissionError):  # held: what POSIX and Windows say
            _lock(gate)
            return
        if time.monotonic() > until:
            raise StoreError(_advice(path, "locked"))
        time.sleep(pause)
        pause = min(pause * 2, longest)


if sys.platform == "win32":
    import msvcrt

    def _lock(gate: int) -> None:
        msvcrt.locking(gate, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(gate: int) -> None:
        fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLAlchemy or the driver below it says into advice; both are met, for the hot paths use the driver."""
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as wrong:
        original = wrong.orig if isinstance(wrong, DBAPIError) else wrong
        said = str(original)
        if "append-only" in said:
            raise LogProtected(f"{path.name}: {said}. Nothing was changed; record a correction instead.") from None
        if "event.case_id, event.sequence" in said:
            raise Conflict(
                f"{path.name}: another event took this place in the case; nothing was written. Repeat the command."
            ) from None
        if isinstance(original, sqlite3.OperationalError) or type(original) is sqlite3.DatabaseError:
            raise StoreError(_advice(path, said)) from None
        raise


def _advice(path: Path, said: str) -> str:
    for word, advice in ADVICE:
        if word in said:
            return f"{path.name}: {advice}"
    return f"{path.name}: the database says: {said}"


def _sqlite_engine(path: Path) -> Engine:
    if not path.exists() and path.parent.is_dir() and os.access(path.parent, os.W_OK):
        path.touch(mode=0o600)
    engine = create_engine(
        f"sqlite:///{path.as_posix()}",
        hide_parameters=True,
        poolclass=QueuePool,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(raw: Any, _record: object) -> None:
    raw.isolation_level = None
    for pragma in PRAGMAS:
        raw.execute(pragma)


def _on_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    raw: Any = connection.connection.driver_connection
    raw.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
