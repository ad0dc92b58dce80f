"""Copy everything from one database to another, of either kind, and prove that every byte arrived.

The source is held against writers meanwhile. What is half copied bears a mark and serves nobody; copying again goes on
behind the last row of each table. The log is only ever added to, with its guards on; tables that show the present are
made anew where they differ. In the end the old database is shut, and only when that is on disk is the new one opened:
two databases that both go on would be two truths. Both marks carry the name of the move, so that one that ended between
the two is finished by repeating it, and no other copy can take its place.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import SQLModel

from workflow.errors import StoreError
from workflow.store import guards, meta
from workflow.store.connection import Connection
from workflow.store.database import Database

CHUNK: Final = 2_000
LOG: Final = "event"
MARKS: Final = frozenset({meta.MOVING, meta.MOVED})
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """A table as it stands on both sides: how many rows, and the SHA-256 over all of them in order."""

    table: str
    rows: int
    digest: str


def tables() -> dict[str, tuple[str, ...]]:
    """Every table but `meta`, with the columns of its key; the log first."""
    found = {
        name: tuple(column.name for column in table.primary_key)
        for name, table in sorted(SQLModel.metadata.tables.items())
        if name != "meta"
    }
    return {LOG: found.pop(LOG), **found}


def count(connection: Connection) -> int:
    """How many rows there are to copy."""
    return sum(int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in tables())


def copy(source: Connection, target: Database, progress: Progress = lambda _done: None) -> list[Moved]:
    """Copy what is missing, then compare; `source` is a transaction that keeps writers out.

    Raises StoreError for a target that is in use, or that holds another history.
    """
    _claim(source, target)
    for name, key in tables().items():
        _copy(source, target, name, key, progress)
    return [_settled(source, target, name, key) for name, key in tables().items()]


def shut(source: Connection, target: Database) -> None:
    """Shut the old database, by the commit of its transaction; nobody can work on either until `open_up`."""
    if meta.MOVED in meta.read(source):
        return
    with target.reading() as connection:
        name = meta.read(connection)[meta.MOVING]
    guards.shut(source)
    meta.write(source, meta.MOVED, name)


def open_up(target: Database) -> None:
    """Open the new database for work, once the old one is shut for good."""
    with target.writing() as connection:
        meta.erase(connection, meta.MOVING)


def _claim(source: Connection, target: Database) -> None:
    """Mark the target as half copied; raises StoreError when it is not ours to fill."""
    ours = meta.read(source)
    if meta.ORIGIN not in ours:
        raise StoreError("the database belongs to no centre yet: there is nothing to move")
    if meta.MOVING in ours:
        raise StoreError("this database is half copied itself; move the one it is copied from")
    with target.writing() as connection:
        theirs = meta.read(connection)
        if meta.MOVED in ours and ours[meta.MOVED] != theirs.get(meta.MOVING):
            raise StoreError("this database was moved already; the new one is to be named in ulnflow.toml")
        if not theirs:
            if any(connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in tables()):
                raise StoreError("the new database is not empty, and nothing says whose it is; nothing was changed")
            for name, value in {**ours, meta.MOVING: secrets.token_hex(8)}.items():
                meta.write(connection, name, value)
            return
        if theirs.get(meta.ORIGIN) != ours[meta.ORIGIN]:
            raise StoreError(
                "the new database holds the log of another origin, as one does on which ulnflow init was run; "
                "move into a database that is empty. Nothing was changed"
            )
        if not MARKS & theirs.keys():
            raise StoreError("the new database holds this log already and is in use; nothing was changed")
        head = int(connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0])
        key = tables()[LOG]
        if _digest(source, LOG, key, head) != _digest(connection, LOG, key, head):
            raise StoreError("the new database holds another history than this one; nothing was changed")
        if meta.MOVED in theirs:
            guards.reopen(connection)
            meta.erase(connection, meta.MOVED)
        if meta.MOVING not in theirs:
            meta.write(connection, meta.MOVING, secrets.token_hex(8))


def _copy(source: Connection, target: Database, name: str, key: Sequence[str], progress: Progress) -> None:
    """Copy the rows behind the last one that is there, a transaction a chunk."""
    columns, place = ", ".join(key), ", ".join("?" * len(key))
    down = ", ".join(f"{column} DESC" for column in key)
    with target.reading() as connection:
        last = connection.execute(f"SELECT {columns} FROM {name} ORDER BY {down} LIMIT 1").fetchone()
        progress(int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]))
    while True:
        behind = f"WHERE ({columns}) > ({place})" if last else ""
        rows = source.execute(
            f"SELECT {columns}, t.* FROM {name} t {behind} ORDER BY {columns} LIMIT {CHUNK}", tuple(last or ())
        ).fetchall()
        if not rows:
            return
        with target.writing() as connection:
            connection.insert(name, len(rows[0]) - len(key), [row[len(key) :] for row in rows])
        last = rows[-1][: len(key)]
        progress(len(rows))


def _settled(source: Connection, target: Database, name: str, key: Sequence[str]) -> Moved:
    """A table that is the same on both sides; made anew once where it is not, unless it is the log."""
    ours = _digest(source, name, key)
    if _read(target, name, key) != ours:
        if name != LOG:
            with target.writing() as connection:
                connection.execute(f"DELETE FROM {name}")
            _copy(source, target, name, key, lambda _done: None)
        if name == LOG or _read(target, name, key) != ours:
            raise StoreError(f"{name} differs between the two databases; the old one stays the one to use")
    return Moved(name, *ours)


def _read(target: Database, name: str, key: Sequence[str]) -> tuple[int, str]:
    with target.reading() as connection:
        return _digest(connection, name, key)


def _digest(connection: Connection, name: str, key: Sequence[str], until: int | None = None) -> tuple[int, str]:
    """How many rows, and SHA-256 over all of them: whole numbers, texts, bytes and nothing spell alike on both."""
    where = f"WHERE {key[0]} <= ?" if until is not None else ""
    digest, number = hashlib.sha256(), 0
    for row in _rows(connection, f"SELECT * FROM {name} {where} ORDER BY {', '.join(key)}", until):
        digest.update(repr(tuple(row)).encode())
        number += 1
    return number, digest.hexdigest()


def _rows(connection: Connection, sql: str, until: int | None) -> Iterator[Sequence[Any]]:
    return connection.stream(sql, () if until is None else (until,))
