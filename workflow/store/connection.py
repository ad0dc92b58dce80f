"""One open transaction on either database: the same SQL text, the same answers.

The text is written once. `?` stands for a value and `IN [?]` for a list of values, as `NOT IN [?]` does; JSON in a
text is read as PostgreSQL spells it: `::json ->>` and `json_array_elements`. Everything else in the text must mean the
same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Final, Literal, Protocol

import orjson

Kind = Literal["sqlite", "postgresql"]
Row = Any
Statement = tuple[str, Sequence[Any]]
LISTS: Final = (list, tuple, set, frozenset, array)


@dataclass(frozen=True)
class Change:
    """An UPDATE of many rows, each by its own values: columns to set, columns to find by, each (name, type)."""

    table: str
    sets: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]

    @cached_property
    def each(self) -> str:
        """The statement for one row; values come in the order of `sets` and `keys`."""
        sets = ", ".join(f"{name}=?" for name, _ in self.sets)
        return f"UPDATE {self.table} SET {sets} WHERE " + " AND ".join(f"{name}=?" for name, _ in self.keys)

    @cached_property
    def all(self) -> str:
        """The statement for all rows at once on PostgreSQL; each column comes as an array."""
        names = [f"v{n}" for n in range(len(self.sets) + len(self.keys))]
        columns = (*self.sets, *self.keys)
        sets = ", ".join(f"{name}=v.{value}" for (name, _), value in zip(self.sets, names, strict=False))
        found = zip(self.keys, names[len(self.sets) :], strict=True)
        return (
            f"UPDATE {self.table} t SET {sets} FROM unnest({', '.join(f'?::{kind}[]' for _, kind in columns)}) "
            f"AS v({', '.join(names)}) WHERE " + " AND ".join(f"t.{name}=v.{value}" for (name, _), value in found)
        )


class Rows(Protocol):
    """What a statement gave: rows one by one, and how many it touched."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        ...

    def fetchone(self) -> Row:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Row]:
        """Every row that is left."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """The rows, one by one."""
        ...


class Connection(Protocol):
    """A transaction that `Database` began; the database ends it.

    `head` is the last position of the log as this transaction sees it, once it has looked; None before.
    """

    kind: Kind
    head: int | None

    @property
    def raw(self) -> Any:
        """The driver's own connection."""
        ...

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> Rows:
        """Run one statement."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row; returns how many rows were written."""
        ...

    def stream(self, sql: str, arguments: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query too large to hold, in constant memory."""
        ...

    def insert(self, table: str, columns: int, rows: Sequence[Sequence[Any]]) -> None:
        """Write whole rows, all columns in their order, by the fastest way there is."""
        ...

    def update(self, change: Change, rows: Sequence[Sequence[Any]]) -> int:
        """Change many rows, each by its own values; returns how many were found."""
        ...

    def update_and_insert(
        self, change: Change, row: Sequence[Any], table: str, added: Sequence[Any], more: Sequence[Statement]
    ) -> bool:
        """Change one row and, if it is found, add one to another table and run `more`, in one trip where it is far."""
        ...

    def tables(self) -> set[str]:
        """The names of the tables that are there."""
        ...

    def forgives(self, wrong: Exception) -> bool:
        """Whether that was text in no encoding of ours; if so, it is read with marks in it from now on."""
        ...


class SqliteConnection:
    """A transaction on SQLite."""

    kind: Kind = "sqlite"

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.raw.text_factory = str
        self.head: int | None = None

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> Rows:
        """Run one statement; a list travels as JSON."""
        text = _for_sqlite(sql)
        if text is not sql:
            arguments = [orjson.dumps(list(a)).decode() if isinstance(a, LISTS) else a for a in arguments]
        rows: Rows = self.raw.execute(text, arguments)
        return rows

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row."""
        return int(self.raw.executemany(sql, rows).rowcount)

    def stream(self, sql: str, arguments: Sequence[Any] = ()) -> Iterator[Row]:
        """SQLite hands rows out one by one anyway."""
        return iter(self.execute(sql, arguments))

    def insert(self, table: str, columns: int, rows: Sequence[Sequence[Any]]) -> None:
        """One prepared statement, run for every row."""
        self.raw.executemany(_insert(table, columns), rows)

    def update(self, change: Change, rows: Sequence[Sequence[Any]]) -> int:
        """One prepared statement, run for every row."""
        return int(self.raw.executemany(change.each, rows).rowcount)

    def update_and_insert(
        self, change: Change, row: Sequence[Any], table: str, added: Sequence[Any], more: Sequence[Statement]
    ) -> bool:
        """One after the other: there is no trip to save."""
        run = self.raw.execute
        if run(change.each, row).rowcount != 1:
            return False
        run(_insert(table, len(added)), added)
        for sql, arguments in more:
            run(sql, arguments)
        return True

    def tables(self) -> set[str]:
        """The names in the schema."""
        return {row[0] for row in self.raw.execute("SELECT name FROM sqlite_master WHERE type='table'")}

    def forgives(self, wrong: Exception) -> bool:
        """SQLite keeps whatever bytes it is given for text."""
        if "decode to UTF-8" not in str(wrong):
            return False
        self.raw.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        return True


class PostgresConnection:
    """A transaction on PostgreSQL by psycopg."""

    kind: Kind = "postgresql"
    PAGE: Final = 2_000

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.head: int | None = None
        self._cursors = 0

    def execute(self, sql: str, arguments: Sequence[Any] = ()) -> Rows:
        """Run one statement; a list travels as an array."""
        rows: Rows = self.raw.execute(_for_postgres(sql), _arrays(arguments) if arguments else None)
        return rows

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row, in one pipeline."""
        with self.raw.cursor() as cursor:
            cursor.executemany(_for_postgres(sql), rows)
            return int(cursor.rowcount)

    def stream(self, sql: str, arguments: Sequence[Any] = ()) -> Iterator[Row]:
        """A cursor on the server, read page by page."""
        self._cursors += 1
        with self.raw.cursor(name=f"ulnflow_{self._cursors}", binary=True) as cursor:
            cursor.itersize = self.PAGE
            cursor.execute(_for_postgres(sql), _arrays(arguments) if arguments else None)
            yield from cursor

    def insert(self, table: str, columns: int, rows: Sequence[Sequence[Any]]) -> None:
        """COPY, or one statement where the rows are few."""
        if len(rows) <= FEW:
            self.executemany(_insert(table, columns), rows)
            return
        types = self._types(table)
        with self.raw.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _types(self, table: str) -> list[str]:
        """The types of a table's columns, in their order; asked once, for a table is as it was made."""
        if table not in TYPES:
            TYPES[table] = [row[0] for row in self.execute(COLUMN_TYPES, (table,))]
        return TYPES[table]

    def update(self, change: Change, rows: Sequence[Sequence[Any]]) -> int:
        """One statement for all rows, or one each where they are few."""
        if len(rows) <= FEW:
            return self.executemany(change.each, rows)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return int(self.raw.execute(_for_postgres(change.all), columns).rowcount)

    def update_and_insert(
        self, change: Change, row: Sequence[Any], table: str, added: Sequence[Any], more: Sequence[Statement]
    ) -> bool:
        """One statement whose parts write."""
        text = _as_one(change.each, table, len(added), tuple(sql for sql, _ in more))
        rest = [value for _, values in more for value in values]
        return bool(self.raw.execute(text, [*row, *added, *rest]).fetchone()[0])

    def tables(self) -> set[str]:
        """The names in the schema that tables are made in."""
        return {row[0] for row in self.raw.execute("SELECT tablename FROM pg_tables WHERE schemaname=current_schema()")}

    def forgives(self, wrong: Exception) -> bool:  # noqa: ARG002 - as SQLite does it
        """The server takes no such text."""
        return False


COLUMN_TYPES: Final = (
    "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 "
    "AND NOT attisdropped ORDER BY attnum"
)
TYPES: Final[dict[str, list[str]]] = {}
HEAD: Final = "SELECT coalesce(max(position), 0) FROM event"
SPELLED: Final = (
    ("[?]", "(SELECT value FROM json_each(?))"),
    ("::json", ""),
    ("json_array_elements", "json_each"),
)
FEW: Final = 8
"""Up to so many rows a statement each is faster than COPY."""


@cache
def _for_sqlite(sql: str) -> str:
    """The text for SQLite, the same object where nothing in it differs."""
    text = sql
    for theirs, ours in SPELLED:
        text = text.replace(theirs, ours)
    return text


@cache
def _for_postgres(sql: str) -> str:
    """The text for psycopg."""
    text = sql.replace("%", "%%").replace("NOT IN [?]", "<> ALL(?)").replace("IN [?]", "= ANY(?)")
    return text.replace("?", "%s")


@cache
def _as_one(change: str, table: str, columns: int, more: tuple[str, ...]) -> str:
    parts = [
        f"found AS ({change} RETURNING 1)",
        f"added AS (INSERT INTO {table} SELECT {','.join('?' * columns)} FROM found)",
        *[f"more{n} AS ({sql})" for n, sql in enumerate(more)],
    ]
    return _for_postgres(f"WITH {', '.join(parts)} SELECT count(*) FROM found")


@cache
def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"


def _arrays(arguments: Sequence[Any]) -> list[Any]:
    return [list(a) if isinstance(a, LISTS) else a for a in arguments]
