"""Named facts about a database: whose log it is, and whether it holds made-up learners."""

from __future__ import annotations

from typing import Final

from workflow.store.connection import Connection

ORIGIN: Final = "origin"
MODE: Final = "mode"
PRACTICE: Final = "practice"
REAL: Final = "real"
PRACTISED: Final = "ulnflow-practice"
"""How the origin of a log about made-up learners begins; every event bears it."""

MOVING: Final = "moving"
"""The mark of a database that is half copied from another; its value is the name of the move."""

MOVED: Final = "moved"
"""The mark of a database that was left for another, with the name of the move."""


def read(connection: Connection) -> dict[str, str]:
    """Every named fact."""
    raw = connection
    return dict(raw.execute("SELECT name, value FROM meta"))


def write(connection: Connection, name: str, value: str) -> None:
    """Name a fact once; raises on a second time, for it never changes."""
    raw = connection
    raw.execute("INSERT INTO meta VALUES (?, ?)", (name, value))


def erase(connection: Connection, name: str) -> None:
    """Take a mark away."""
    connection.execute("DELETE FROM meta WHERE name = ?", (name,))
