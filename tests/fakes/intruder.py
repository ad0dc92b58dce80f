"""Somebody with SQL access who knows the tables and gets past the guards, on either database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import orjson
import psycopg

from tests.fakes.loan import Desk
from workflow.event import leaf_hash
from workflow.store.guards import SQLITE, TRIGGERS

Rows = list[tuple[Any, ...]]


class Intruder:
    """A plain connection of the driver, none of ours; statements are written as SQLite has them."""

    def __init__(self, raw: Any, kind: str) -> None:
        self.raw, self.kind = raw, kind

    def run(self, sql: str, arguments: Sequence[Any] = ()) -> Rows:
        """One statement; its rows, if it gives any."""
        text = sql if self.kind == "sqlite" else _for_postgres(sql)
        cursor = self.raw.execute(text, arguments or None if self.kind != "sqlite" else arguments)
        return cursor.fetchall() if cursor.description else []

    def changes(self, sql: str) -> int:
        """One statement; how many rows it touched."""
        return int(self.raw.execute(sql if self.kind == "sqlite" else _for_postgres(sql)).rowcount)

    def body(self, position: int) -> bytes:
        return bytes(self.run("SELECT body FROM event WHERE position=?", (position,))[0][0])

    def record(self, position: int) -> dict[str, Any]:
        """What the body at a position says."""
        record: dict[str, Any] = orjson.loads(self.body(position))
        return record

    def put(self, position: int, body: bytes) -> None:
        """A body with the leaf that goes with it: what a careful forger writes."""
        self.run("UPDATE event SET body=?, leaf=? WHERE position=?", (body, leaf_hash(body), position))

    def take_guards_away(self) -> None:
        """As whoever owns the table can."""
        if self.kind == "sqlite":
            for name in SQLITE:
                self.raw.execute(f"DROP TRIGGER {name}")
        else:
            self.raw.execute("ALTER TABLE event DISABLE TRIGGER ALL")

    def put_guards_back(self) -> None:
        """So that nothing is to be seen of it."""
        if self.kind == "sqlite":
            for statement in SQLITE.values():
                self.raw.execute(statement)
        else:
            for name in TRIGGERS:
                self.raw.execute(f"ALTER TABLE event ENABLE ALWAYS TRIGGER {name}")


def _for_postgres(sql: str) -> str:
    """The few words that the two spell differently."""
    text = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", sql.replace("?", "%s"))
    return text.replace("CAST('{}' AS BLOB)", "'{}'::bytea").replace("zeroblob(32)", "decode(repeat('00', 32), 'hex')")


@contextmanager
def connected(desk: Desk) -> Iterator[Intruder]:
    """A connection past the engine, what it did kept at the end."""
    kind = desk.database.kind
    if kind == "sqlite":
        with closing(sqlite3.connect(desk.database.path)) as raw:
            yield Intruder(raw, kind)
            raw.commit()
    else:
        with psycopg.connect(str(desk.database.where)) as server:
            yield Intruder(server, kind)


@contextmanager
def unguarded(desk: Desk) -> Iterator[Intruder]:
    """The same for someone who takes the guards away and puts them back."""
    with connected(desk) as intruder:
        intruder.take_guards_away()
        yield intruder
        intruder.put_guards_back()
