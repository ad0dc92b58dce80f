"""Each statement, commit and step of the file system fails once: a clear error, nothing half done, a repeat that ends it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.centre import Result
from tests.proof.places import DONE, KINDS, STAGES, Place, place_at
from tests.proof.points import Points, fail, watched
from tests.proof.scale import at_scale

STRIDE = {"sqlite": 1, "postgresql": at_scale(7, 1)}
"""Every point on SQLite; on PostgreSQL, in a short run, every seventh and all that are no statements."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_fails_once_costs_an_error_and_a_repeat(
    stage: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9, C10: for n = 1, 2, ... the n-th point fails, until a run passes clean."""
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    calm = place_at(stage, kind, tmp_path / "calm")
    points, undisturbed = typed(calm, stage, 0)
    assert undisturbed.code == 0
    finished = calm.picture()
    left: Counter[str] = Counter()
    place = place_at(stage, kind, tmp_path / "first")
    before = place.snapshot()
    for n in range(1, len(points.passed) + 1):
        name = points.passed[n - 1]
        if name == "statement" and n % STRIDE[kind]:
            continue
        met, result = typed(place, stage, n)
        assert met.met, "the same command passes the same points"
        explained(result, name)
        if place.snapshot() == before:
            assert result.code == 4
            left["nothing"] += 1
            continue
        place.holds()
        left[how_far(place, finished)] += 1
        goes_on(place, stage, finished)
        place = place_at(stage, kind, tmp_path / f"centre-{n}")
        before = place.snapshot()
    typed(place, stage, 0)
    assert place.picture() == finished
    kinds = Counter(points.passed)
    print(
        f"{kind}, {' '.join(DONE[stage][:2])}: {sum(left.values())} of {len(points.passed)} points failed; left {dict(left)}"
    )
    print(f"  points: {dict(kinds)}")


def typed(place: Place, stage: str, n: int) -> tuple[Points, Result]:
    """The command, the n-th point of which fails."""
    words: list[Any] = [place.folder / word if word.endswith(".csv") else word for word in DONE[stage]]
    with watched(Points(n, fail)) as points:
        return points, place.run(*words)


def explained(result: Result, name: str) -> None:
    """Exit code 4 and words that help, or a success where what failed does not matter."""
    assert result.code in {0, 4}, (name, result.said)
    if result.code:
        assert "nobody foresaw" not in result.said, name
        assert "Traceback" not in result.said, name
        assert result.err.strip(), name


def how_far(place: Place, finished: dict[str, Any]) -> str:
    """What stands after a failure: the beginning of what would have been, in whole transactions."""
    after = place.picture()
    if after == finished:
        return "all of it"
    if after["events"] == finished["events"]:
        assert after["cases"] == finished["cases"]
        assert place.drafts(), "the file is neither there nor on its way"
        return "all but the file's name"
    assert after["events"] == finished["events"][: len(after["events"])]
    assert after["outbox"] == finished["outbox"]
    return "some chunks"


def goes_on(place: Place, stage: str, finished: dict[str, Any]) -> None:
    """The same command finishes what was begun, and once more changes nothing."""
    _, result = typed(place, stage, 0)
    assert result.code == 0, result.said
    assert place.picture() == finished
    done = place.snapshot()
    assert typed(place, stage, 0)[1].code == 0
    assert place.snapshot() == done
