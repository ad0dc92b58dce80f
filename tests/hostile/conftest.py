"""A centre of one's own, and the promise that a refused command leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.centre import DATA, Result
from tests.unit.commands import Centre, centre_at


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str], Centre]:
    """A centre whose tidy cohort stands at a place of the route."""
    return lambda place: centre_at(place, tmp_path)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """A centre without learners."""
    return centre_at("new", tmp_path)


TIDY = ("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")


@pytest.fixture
def sealed(centre: Centre) -> Centre:
    """A centre with learners, whose log is sealed; key and checkpoints are files beside either database."""
    if centre.on != "sqlite":
        pytest.skip("the files lie beside either database")
    centre.do(*TIDY)
    return centre


def kept(centre: Centre) -> list[Path]:
    """The checkpoints in the folder, oldest first."""
    return sorted((centre.folder / "seals").iterdir())


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
