"""A desk on each database that the contract holds for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stores import STORES
from tests.fakes.loan import Desk, desk_on


@pytest.fixture(params=STORES)
def desk(request: Any, tmp_path: Path) -> Iterator[Desk]:
    made = desk_on(STORES[request.param](tmp_path))
    yield made
    made.database.close()
