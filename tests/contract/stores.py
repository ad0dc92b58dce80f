"""The databases the contract suites run on: each a factory of fresh, migrated ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fakes.loan import fresh_database
from tests.fakes.postgres import fresh_on_postgres
from workflow.store.database import Database

Factory = Callable[[Path], Database]


def on_sqlite(folder: Path) -> Database:
    return fresh_database(folder / "ulnflow.db")


def on_postgres(_folder: Path) -> Database:
    return fresh_on_postgres()


STORES: Mapping[str, Factory] = {"sqlite": on_sqlite, "postgresql": on_postgres}
