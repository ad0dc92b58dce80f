"""The one engine factory: connections that begin as writers or readers on purpose, and never print a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as AlchemyConnection
from sqlalchemy import PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from workflow.store.connection import Connection, Kind
from workflow.store.side import Side
from workflow.store.sqlite import Sqlite


class Database:
    """A database by its file or, on PostgreSQL, by its address; connections are made when first needed.

    With a `key`, a new file is encrypted and one that is encrypted is opened; a plain one stays plain.
    """

    def __init__(self, where: Path | str, key: str = "") -> None:
        self.where = where
        self.side = _side(where, key)
        self.kind: Kind = self.side.kind
        self.name = self.side.name
        self.idle: list[tuple[PoolProxiedConnection, Any]] = []
        """Connections between two transactions, each with the driver's own, the last used last.

        Asking the pool, or a connection for the driver's, costs a tenth of a move.
        """

        self._engine = create_engine(
            self.side.dialect,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_reset_on_return=None,
            creator=self.side.connect,
        )
        event.listen(self._engine, "begin", lambda one: self.side.begin_migrating(one.connection.driver_connection))

    @property
    def path(self) -> Path:
        """The file of an embedded database; raises AttributeError on a server."""
        if self.side.path is None:
            raise AttributeError("a database on a server has no file")
        return self.side.path

    def writing(self) -> Transaction:
        """A transaction alone among writers, committed when the block ends well and rolled back when not."""
        return Transaction(self, writes=True)

    def reading(self) -> Transaction:
        """A transaction that sees one moment and writes nothing."""
        return Transaction(self, writes=False)

    @contextmanager
    def migrating(self) -> Iterator[AlchemyConnection]:
        """A transaction as `writing`, for tools that want SQLAlchemy's own connection."""
        side = self.side
        gate = side.enter()
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except Exception as wrong:
            if isinstance(wrong, (DBAPIError, side.wrong)):
                raise _explained(side, wrong) from None
            raise
        finally:
            side.leave(gate)

    def scrub(self, tables: Sequence[str], words: Sequence[bytes] = ()) -> bool:
        """Leave as little as can be of rows that were deleted from some tables; whether it could be done now.

        `words` stood in those rows: a file that holds one still, in space it does not use, is written anew.
        """
        side = self.side
        gate = side.enter()
        try:
            return self._scrubbed(tables, words)
        except side.wrong as wrong:
            raise _explained(side, wrong) from None
        finally:
            side.leave(gate)

    def _scrubbed(self, tables: Sequence[str], words: Sequence[bytes]) -> bool:
        done, pages = self._scrub(tables)
        if not (done and pages and words):
            return done
        self.close()
        if self.side.holds(pages, words):
            pooled, raw = self.take()
            self.side.rewrite(raw)
            self.idle.append((pooled, raw))
            done, _ = self._scrub(tables)
        return done

    def _scrub(self, tables: Sequence[str]) -> tuple[bool, Sequence[int]]:
        pooled, raw = self.take()
        try:
            return self.side.scrub(raw, tables), self.side.pages(raw, tables)
        finally:
            self.idle.append((pooled, raw))

    def close(self) -> None:
        """Give every connection back."""
        self.forget_idle()
        self._engine.dispose()

    def forget_idle(self) -> None:
        """Give back every connection that no transaction uses."""
        while self.idle:
            self.idle.pop()[0].invalidate()

    def take(self) -> tuple[PoolProxiedConnection, Any]:
        """A connection that no transaction uses, and the driver's own in it."""
        try:
            return self.idle.pop()
        except IndexError:
            pooled = self._engine.raw_connection()
            return pooled, pooled.driver_connection


class Transaction:
    """One transaction from begin to end; every error of the driver leaves as advice."""

    __slots__ = ("_database", "_gate", "_pooled", "_raw", "_side", "_writes")

    def __init__(self, database: Database, *, writes: bool) -> None:
        self._database, self._side, self._writes = database, database.side, writes
        self._gate: Any = None
        self._pooled: Any = None
        self._raw: Any = None

    def __enter__(self) -> Connection:
        side = self._side
        self._gate = side.enter() if self._writes else None
        try:
            return self._begin()
        except side.wrong as wrong:
            self._end()
            raise _explained(side, wrong) from None
        except BaseException:
            self._end()
            raise

    def _begin(self) -> Connection:
        """A connection in a transaction; one that went while it lay in the pool is replaced."""
        side = self._side
        begin = side.begin_writing if self._writes else side.begin_reading
        self._pooled, self._raw = self._database.take()
        try:
            return begin(self._raw)
        except side.wrong:
            if not side.is_lost(self._raw):
                raise
            self._pooled.invalidate()
            self._pooled = None
            self._database.forget_idle()
            self._pooled, self._raw = self._database.take()
            return begin(self._raw)

    def __exit__(self, kind: object, wrong: BaseException | None, _trace: object) -> None:
        side = self._side
        try:
            if wrong is None:
                side.commit(self._raw)
        except side.wrong as refused:
            wrong = refused
            raise _explained(side, refused) from None
        finally:
            self._end(broken=wrong is not None)
        if isinstance(wrong, side.wrong):
            raise _explained(side, wrong) from None

    def _end(self, *, broken: bool = True) -> None:
        """Undo what was not confirmed, and give connection and gate back."""
        pooled = self._pooled
        try:
            if pooled is not None:
                if broken:
                    try:
                        self._raw.rollback()
                    except self._side.wrong:
                        pooled.invalidate()
                        return
                self._database.idle.append((pooled, self._raw))
        finally:
            self._side.leave(self._gate)


def _explained(side: Side, wrong: Exception) -> Exception:
    """What an error of the driver, or of SQLAlchemy around it, means for a person; itself when nothing."""
    original = wrong.orig if isinstance(wrong, DBAPIError) else wrong
    meaning = side.meaning(original) if original is not None else None
    return wrong if meaning is None else meaning


def _side(where: Path | str, key: str) -> Side:
    if isinstance(where, Path):
        if not key:
            return Sqlite(where)
        from workflow.store import encrypted  # noqa: PLC0415 - its driver is an extra, and few centres have it

        return Sqlite(where) if encrypted.is_plain(where) else encrypted.Encrypted(where, key)
    from workflow.store.postgres import Postgres  # noqa: PLC0415 - its driver is slow to import, and few centres need it

    return Postgres(where)
