"""Fresh databases for loans, by where they are: a process of its own opens them again."""

from __future__ import annotations

from pathlib import Path

from tests.contract.stores import STORES


def fresh_where(kind: str, folder: Path) -> Path | str:
    """A fresh database with the engine's tables in it."""
    database = STORES[kind](folder)
    database.close()
    return database.where
