"""The condition a database is in, as findings: version, guards, settings, and whether it can be read whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from workflow.store import guards, meta, roles
from workflow.store.connection import Connection
from workflow.store.sqlite import BUSY_MS, is_sound

Weight = Literal["ok", "note", "wrong"]
OLDEST_SERVER: Final = 150_000
"""PostgreSQL 15, as the server numbers itself."""

PRAGMAS: Final = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "secure_delete": 1,
    "busy_timeout": BUSY_MS,
}
FAULTS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how bad it is, what was found, and what to do about it."""

    about: str
    weight: Weight
    message: str
    fix: str = ""


def findings(connection: Connection, rights: roles.Rights) -> Iterator[Finding]:
    """Everything about a database that is set up; reads all of a file, but of a server only what it says of itself."""
    yield from settings(connection)
    yield from integrity(connection, rights)


def last_recorded(connection: Connection) -> int:
    """When the last event was recorded, in microseconds since 1970; 0 for an empty log."""
    row = connection.execute("SELECT recorded_at FROM event ORDER BY position DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def integrity(connection: Connection, rights: roles.Rights) -> Iterator[Finding]:
    """Guards; pages and indexes of a file; groups, their `rights` and our own account on a server; marks of a move."""
    faults = list(guards.missing(connection))
    for _, message in faults:
        yield Finding("guards", "wrong", message, "find out who did that; then: ulnflow audit verify")
    if not faults:
        yield Finding("guards", "ok", "every trigger that protects the log is there and unchanged")
    yield from _groups(connection, rights) if connection.kind == "postgresql" else _whole(connection)
    marks = meta.read(connection)
    if meta.MOVED in marks:
        yield Finding("database", "wrong", "it was left for another by a move", "name the new one in ulnflow.toml")
    elif meta.MOVING in marks:
        yield Finding("database", "wrong", "it is half copied from another", "ulnflow db move, from where it is copied")


def settings(connection: Connection) -> Iterator[Finding]:
    """The settings in force."""
    yield from _server(connection) if connection.kind == "postgresql" else _file(connection)


def _file(connection: Connection) -> Iterator[Finding]:
    number = str(connection.execute("SELECT sqlite_version()").fetchone()[0])
    version = f"library {number}"
    if is_sound(tuple(map(int, number.split(".")))):
        yield Finding("SQLite", "ok", version)
    else:
        hazard = (
            "before 3.51.3 a write-ahead log may be damaged by two writers; ours hold a lock, so it cannot happen here"
        )
        yield Finding("SQLite", "note", f"{version}: {hazard}", "let no other program write to the database")
    other = {
        name: found
        for name, expected in PRAGMAS.items()
        if (found := connection.execute(f"PRAGMA {name}").fetchone()[0]) != expected
    }
    for name, found in other.items():
        yield Finding(
            "settings", "wrong", f"{name} is {found}", "is the folder on a network drive? Move it to a local disk"
        )
    if not other:
        yield Finding(
            "settings", "ok", "write-ahead log, every commit on disk before it counts, deleted values overwritten"
        )


def _whole(connection: Connection) -> Iterator[Finding]:
    """Whether every page of a file can be read, and the indexes agree with the tables."""
    said = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    for message in said[:FAULTS_SHOWN]:
        yield Finding(
            "file", "wrong", message.replace("\n", " "), "keep the file, restore the last backup, then verify"
        )
    orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    if orphans is not None:
        yield Finding("file", "wrong", "a row points at one that is gone", "restore the last backup, then verify")
    if not said and orphans is None:
        yield Finding("file", "ok", "every page can be read, every index agrees")


def _server(connection: Connection) -> Iterator[Finding]:
    def shown(name: str) -> str:
        return str(connection.execute("SELECT current_setting(?)", (name,)).fetchone()[0])

    number = int(shown("server_version_num"))
    old = number < OLDEST_SERVER
    yield Finding(
        "PostgreSQL",
        "wrong" if old else "ok",
        f"server {shown('server_version')}",
        "15 or later is needed" if old else "",
    )
    encoding = shown("server_encoding")
    if encoding != "UTF8":
        yield Finding(
            "encoding", "wrong", f"the database holds {encoding}", "make it anew with ENCODING 'UTF8', then move"
        )
    else:
        yield Finding("encoding", "ok", "UTF-8")
    for name in ("fsync", "full_page_writes"):
        if shown(name) != "on":
            yield Finding(
                "settings", "wrong", f"{name} is off: a power cut loses the log", f"set {name} = on on the server"
            )
    if shown("synchronous_commit") == "off":
        yield Finding("settings", "wrong", "a commit counts before it is on disk", "set synchronous_commit = on")
    if shown("data_checksums") != "on":
        yield Finding(
            "settings", "note", "the server does not check its pages", "pg_checksums --enable, while it is stopped"
        )
    if shown("session_replication_role") != "origin":
        yield Finding(
            "settings", "wrong", "ordinary triggers are switched off for this account", "ALTER ROLE ... RESET"
        )


def _groups(connection: Connection, rights: roles.Rights) -> Iterator[Finding]:
    there = list(roles.missing(connection, rights))
    for message in there:
        yield Finding("roles", "wrong", message, "ulnflow db roles, as the owner")
    if not there:
        if roles.present(connection):
            yield Finding("roles", "ok", "as they were made")
        else:
            yield Finding("roles", "note", "nobody but the owner has rights", "ulnflow db roles, as the owner")
    yield from account(connection)


def account(connection: Connection) -> Iterator[Finding]:
    """Whom the server takes us for, and whether that is more than daily work needs."""
    who = roles.account(connection)
    if who.superuser:
        yield Finding(
            "account", "wrong", "you work as a superuser, whom nothing stops", "work as a member of the operators"
        )
    elif who.kind == "owner":
        yield Finding(
            "account", "note", "you are the owner: for upgrades, not for daily work", "work with an account of your own"
        )
    else:
        yield Finding("account", "ok", f"you work as {who.kind}")
