"""The databases the contract suites run on: each a factory of fresh, migrated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.fakes.loan import fresh_database
from tests.fakes.postgres import fresh_on_postgres
from workflow.store.database import Database
from workflow.store.schema import ENGINE, Lineage


class Factory(Protocol):
    """Makes a database of its own with the tables of some lineages in it."""

    def __call__(self, folder: Path, lineages: Sequence[Lineage] = (ENGINE,)) -> Database: ...


def on_sqlite(folder: Path, lineages: Sequence[Lineage] = (ENGINE,)) -> Database:
    return fresh_database(folder / "ulnflow.db", lineages)


def on_postgres(folder: Path, lineages: Sequence[Lineage] = (ENGINE,)) -> Database:
    return fresh_on_postgres(lineages)


STORES: Mapping[str, Factory] = {"sqlite": on_sqlite, "postgresql": on_postgres}
