"""The databases the contract suites run on: each a factory of fresh, migrated ones. PostgreSQL joins here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fakes.loan import fresh_database
from workflow.store.database import Database

Factory = Callable[[Path], Database]


def on_sqlite(folder: Path) -> Database:
    return fresh_database(folder / "ulnflow.db")


STORES: Mapping[str, Factory] = {"sqlite": on_sqlite}
