"""The one engine factory: connections that begin as writers or readers on purpose, and never print a value.

The driver's own habit of starting no transaction before a SELECT let eight racing threads write eight events; so
every transaction here begins explicitly, a writer's with the write lock in hand.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._engine = _sqlite_engine(path)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction with the write lock, committed when the block ends well and rolled back when not."""
        with _explained(self.path), self._engine.begin() as connection:
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
