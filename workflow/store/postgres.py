"""What is special about PostgreSQL: how a writer begins, and what its errors mean.

Every writer takes one advisory lock as the first act of its transaction and holds it to the commit. So the order of
positions is the order of commits, without gaps; rules that look at other cases are asked while nobody else writes;
and because row locks are only ever taken behind that one lock, two writers cannot deadlock. The price is that writers
queue: the longest wait is the longest transaction, and readers never wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import ExecStatus, TransactionStatus

from workflow.errors import Conflict, LogProtected, NotAllowed, StoreError, WorkflowError
from workflow.store.connection import PostgresConnection
from workflow.store.guards import LEFT, LEFT_ADVICE
from workflow.store.side import Side
from workflow.store.writer import WRITER

PATIENCE_S: Final = 30
CONNECT_S: Final = 10
SESSION: Final = (
    f"SET lock_timeout = '{PATIENCE_S}s'; SET TimeZone = 'UTC'; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""Acknowledged means durable: a server that is set to answer before its log is on disk is overruled."""

WAIT_TO_WRITE: Final = f"SELECT pg_advisory_xact_lock({WRITER})"
TRY_TO_WRITE: Final = f"BEGIN; SELECT pg_try_advisory_xact_lock({WRITER})".encode()
OWNED: Final = "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE oid = ANY(%s::regclass[])"
BEGIN_READING: Final = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Postgres(Side):
    """A database on a PostgreSQL server, version 15 or later; its address may hold a password and is never shown."""

    kind = "postgresql"
    dialect = "postgresql+psycopg://"
    wrong = psycopg.Error
    path = None

    def __init__(self, address: str) -> None:
        try:
            known = conninfo.conninfo_to_dict(address)
        except psycopg.Error:
            raise StoreError(
                "the address of the database cannot be read; write it as postgresql://USER@HOST/DATABASE"
            ) from None
        self._address = conninfo.make_conninfo(address, connect_timeout=known.get("connect_timeout") or CONNECT_S)
        self.name = str(known.get("dbname") or "the database")

    def connect(self) -> Any:
        """A connection with our settings; raises StoreError for a database that does not hold UTF-8."""
        raw = psycopg.connect(self._address, autocommit=True)
        raw.execute(SESSION, prepare=False)
        if raw.info.encoding != "utf-8":
            raise StoreError("the database does not hold UTF-8; make it anew: CREATE DATABASE ... ENCODING 'UTF8'")
        return raw

    def begin_migrating(self, raw: Any) -> None:
        """Begin, and wait for the writer before; the first try costs a quarter of what asking for the lock costs."""
        if _at_once(raw, TRY_TO_WRITE).get_value(0, 0) != b"t":
            raw.execute(WAIT_TO_WRITE)

    def begin_writing(self, raw: Any) -> PostgresConnection:
        """Begin, alone among writers."""
        self.begin_migrating(raw)
        return PostgresConnection(raw)

    def begin_reading(self, raw: Any) -> PostgresConnection:
        """Begin a transaction that sees one moment."""
        _at_once(raw, BEGIN_READING)
        return PostgresConnection(raw)

    def commit(self, raw: Any) -> None:
        """Confirm; raises when a statement before has failed, for then there is nothing to confirm."""
        if raw.info.transaction_status == TransactionStatus.INERROR:
            raise errors.InFailedSqlTransaction("a statement failed before")
        _at_once(raw, b"COMMIT")

    def scrub(self, raw: Any, tables: Sequence[str]) -> bool:
        """Vacuum the tables, which only their owner may; elsewhere the rows are there until the server does it."""
        owned = raw.execute(OWNED, (list(tables),)).fetchone()[0]
        if owned:
            raw.execute(f"VACUUM {', '.join(tables)}", prepare=False)
        return bool(owned)

    def is_lost(self, raw: Any) -> bool:
        """Whether the connection is gone, as after a restart of the server."""
        return bool(raw.closed)

    def meaning(self, wrong: BaseException) -> WorkflowError | None:
        """What an error of the driver means for a person; None when it is no matter of the database."""
        said = wrong.diag.message_primary or "" if isinstance(wrong, psycopg.Error) else ""
        if "append-only" in said:
            return LogProtected(f"{self.name}: {said}. Nothing was changed; record a correction instead.")
        if LEFT in said:
            return StoreError(f"{self.name}: {LEFT_ADVICE}")
        if isinstance(wrong, errors.UniqueViolation) and wrong.diag.constraint_name in {"event_once", "event_pkey"}:
            return Conflict(
                f"{self.name}: another event took this place in the case; nothing was written. Repeat the command."
            )
        if isinstance(wrong, errors.InsufficientPrivilege):
            return NotAllowed(f"{self.name}: your role may not do that; ask whoever keeps the database")
        if isinstance(wrong, psycopg.OperationalError) and wrong.sqlstate is None:  # so it says nothing but words
            for word, advice in AT_THE_DOOR:
                if word in str(wrong):
                    return StoreError(f"{self.name}: {advice}")
        for kinds, advice in ADVICE:
            if isinstance(wrong, kinds):
                return StoreError(f"{self.name}: {advice}")
        return None


def _at_once(raw: Any, statements: bytes) -> Any:
    """Run statements without values by the simple protocol, past psycopg's cursors; the last one's result."""
    result = raw.pgconn.exec_(statements)
    if result.status not in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        wrong = errors.error_from_result(result)
        raise psycopg.OperationalError("the connection is lost") if raw.closed else wrong
    return result


WHO: Final = "the server refuses the account; check user and password (PGPASSWORD, or a password file)"
AT_THE_DOOR: Final = (
    ("permission denied for database", "your role may not do that; ask whoever keeps the database"),
    ("authentication failed", WHO),
    ("no password supplied", WHO),
    ("no pg_hba.conf entry", WHO),
    ('FATAL:  role "', WHO),
    ('FATAL:  database "', "there is no such database on the server; make it first: CREATE DATABASE"),
    ("too many", "the server has no connection left; repeat the command in a minute"),
    ("starting up", "the server is just starting; repeat the command in a minute"),
)
"""What a server that speaks English says to whoever it lets not in -> what to do."""

ADVICE: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    (
        (errors.LockNotAvailable,),
        "another ulnflow is writing to it; wait until that has finished and repeat the command",
    ),
    ((errors.DiskFull,), "the disk of the server is full; make room and repeat the command: nothing was lost"),
    ((errors.ReadOnlySqlTransaction,), "the server takes no changes; it may be a copy that only follows another"),
    ((errors.UndefinedTable,), "a table is missing; run: ulnflow db upgrade"),
    (
        (psycopg.OperationalError, psycopg.InterfaceError),
        "the server cannot be reached, or the connection was lost; repeat the command: what was confirmed is kept",
    ),
    ((psycopg.InternalError, psycopg.NotSupportedError), "the server reports an error; see its log"),
)
"""What the driver raises -> what to do; the first that fits."""
