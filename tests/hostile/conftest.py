"""A centre of one's own, and the promise that a refused command leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.centre import Result
from tests.unit.commands import Centre, centre_at


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str], Centre]:
    """A centre whose tidy cohort stands at a place of the route."""
    return lambda place: centre_at(place, tmp_path)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre without learners."""
    return centre_at("new", tmp_path)


def untouched(centre: Centre, *args: Any, code: int, says: tuple[str, ...] = (), **more: Any) -> Result:
    """Run a command that must be refused whole: no event, no row, no file, no trace, and the words that help."""
    before = centre.snapshot()
    result = centre.run(*args, **more)
    told = " ".join((result.out + result.err).split())
    assert result.code == code, told
    assert centre.snapshot() == before
    assert "Traceback" not in told
    assert "nobody foresaw" not in told
    for words in says:
        assert words in told
    return result
