"""A desk on each database that the contract holds for."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import conninfo

from tests.contract.sealed import Kept, fill
from tests.contract.stores import STORES
from tests.fakes import postgres
from tests.fakes.loan import Desk, desk_on
from workflow.store.database import Database

NUMBERS = itertools.count(1)


@pytest.fixture(params=STORES)
def desk(request: Any, tmp_path: Path) -> Iterator[Desk]:
    made = desk_on(STORES[request.param](tmp_path))
    yield made
    made.database.close()


@pytest.fixture(scope="module", params=STORES)
def made_once(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    desk = desk_on(STORES[request.param](tmp_path_factory.mktemp("made")))
    kept = fill(desk)
    desk.database.close()
    return Kept(desk, kept)


@pytest.fixture
def sealed_log(made_once: Kept, tmp_path: Path) -> Iterator[Kept]:
    """A copy of it."""
    old = made_once.desk.database
    if old.kind == "sqlite":
        shutil.copy(old.path, tmp_path / "ulnflow.db")
        database = Database(tmp_path / "ulnflow.db")
    else:
        name = f"ulnflow_tampered_{next(NUMBERS)}"
        postgres.run(f"CREATE DATABASE {name} TEMPLATE {conninfo.conninfo_to_dict(str(old.where))['dbname']}")
        database = Database(postgres.address_of(name))
    yield Kept(desk_on(database), made_once.outside)
    if database.kind == "sqlite":
        database.close()
    else:
        postgres.drop(database)
