"""A centre of its own for each story, on Monday 7 September 2026 at nine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tests.fakes.centre import MONDAY, Centre


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=True) as travelling:
        yield travelling


@pytest.fixture
def centre(tmp_path: Path, clock: Any) -> Centre:
    return Centre(tmp_path / "centre", clock).init()
