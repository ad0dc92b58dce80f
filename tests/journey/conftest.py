"""A centre of its own for each story, on Monday 7 September 2026 at nine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.fakes.centre import MONDAY, Centre


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    with time_machine.travel(MONDAY, tick=True) as clock:
        yield Centre(tmp_path / "centre", clock).init()
