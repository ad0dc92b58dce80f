"""The points at which a command touches the database or the disk, counted, and something done at one of them.

A point lies before each statement, begin, commit and step of the file system, and one more lies right after each commit:
there the work is confirmed, and nobody has been told.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final

import psycopg

from states.exchange import outbox
from workflow.store.connection import PostgresConnection, SqliteConnection
from workflow.store.postgres import Postgres
from workflow.store.side import Side
from workflow.store.sqlite import Sqlite

STATEMENTS: Final = ("execute", "executemany", "insert", "stream")
COMMIT, CONFIRMED = "commit", "confirmed"
DISK: Final = "disk: "
Do = Callable[[str, Any], None]


class Points:
    """Counts the points passed; at the one with the number `at` it does `do` with its name and the connection.

    `only` counts those of one name.
    """

    def __init__(self, at: int = 0, do: Do | None = None, *, only: str = "") -> None:
        self.at, self.do, self.only = at, do, only
        self.passed: list[str] = []

    def at_point(self, name: str, raw: Any = None) -> None:
        if self.only and name != self.only:
            return
        self.passed.append(name)
        if len(self.passed) == self.at and self.do is not None:
            self.do(name, raw)

    @property
    def met(self) -> bool:
        """Whether the point came."""
        return 0 < self.at <= len(self.passed)


class WatchedOs:
    """The module `os` as the outbox uses it."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in {"open", "fsync", "link"}:
            return real

        def watched(*args: Any, **more: Any) -> Any:
            self._points.at_point(DISK + name)
            return real(*args, **more)

        return watched


class WatchedFile:
    """A new file of the outbox."""

    def __init__(self, target: Any, points: Points) -> None:
        self._target, self._points = target, points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def __enter__(self) -> WatchedFile:
        return self

    def __exit__(self, *_end: object) -> None:
        self._target.close()

    def write(self, data: Any) -> int:
        self._points.at_point(DISK + "write")
        return int(self._target.write(data))


@contextmanager
def watched(points: Points) -> Iterator[Points]:
    """Everything this process does to a database or the outbox passes these points."""
    kept: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, value)

    for kind in (SqliteConnection, PostgresConnection):
        for name in STATEMENTS:
            put(kind, name, _before(points, kind.__dict__[name], "statement", lambda self: self.raw))
    for side in (Sqlite, Postgres):
        for name in ("begin_writing", "begin_reading"):
            put(side, name, _before_raw(points, side.__dict__[name], "begin"))
    for side in (Side, Postgres):
        put(side, "commit", _around_commit(points, side.__dict__["commit"]))
    for name in ("unlink", "replace", "rename", "mkdir"):
        put(Path, name, _in_outbox(points, Path.__dict__[name], name))
    real = outbox._open_new
    put(outbox, "os", WatchedOs(points))
    put(outbox, "_open_new", lambda path: WatchedFile(real(path), points))
    try:
        yield points
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)


def _before(points: Points, real: Any, name: str, raw: Callable[[Any], Any]) -> Any:
    def stands_in(self: Any, *args: Any, **more: Any) -> Any:
        points.at_point(name, raw(self))
        return real(self, *args, **more)

    return stands_in


def _before_raw(points: Points, real: Any, name: str) -> Any:
    def stands_in(self: Any, raw: Any) -> Any:
        points.at_point(name, raw)
        return real(self, raw)

    return stands_in


def _around_commit(points: Points, real: Any) -> Any:
    def stands_in(self: Any, raw: Any) -> None:
        points.at_point(COMMIT, raw)
        real(self, raw)
        points.at_point(CONFIRMED, raw)

    return stands_in


def _in_outbox(points: Points, real: Any, name: str) -> Any:
    def stands_in(self: Path, *args: Any, **more: Any) -> Any:
        if "outbox" in self.parts:
            points.at_point(DISK + name)
        return real(self, *args, **more)

    return stands_in


def fail(name: str, raw: Any) -> None:
    """The disk is full, or the server went away."""
    if name.startswith(DISK):
        raise OSError(ENOSPC, os.strerror(ENOSPC))
    if isinstance(raw, sqlite3.Connection):
        raise sqlite3.OperationalError("disk I/O error")
    raw.close()
    raise psycopg.OperationalError("server closed the connection unexpectedly")


def die(_name: str, _raw: Any) -> None:
    """This process is killed on the spot."""
    os.kill(os.getpid(), 9)
