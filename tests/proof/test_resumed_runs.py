"""What a bulk command gave its run stays with the run, whoever finishes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proof.places import KINDS, Place, place_at
from tests.proof.points import CONFIRMED, Points, fail, watched

PASS = ("advance", "pass_uln_to_learner", "-e", "by=Ann", "-e")


@pytest.fixture(params=KINDS)
def interrupted(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A centre where a bulk run over three learners ended after its first: they were told by e-mail."""
    monkeypatch.setattr("workflow.engine.CHUNK", 1)
    place = place_at("received", request.param, tmp_path / "centre", size=4)
    with watched(Points(only=CONFIRMED)) as points:
        place.do("status")
    with watched(Points(len(points.passed) + 4, fail, only=CONFIRMED)):
        assert place.run(*PASS, "how=email", "P-00001", "P-00002", "P-00003").code == 4
    told = place.count("kind='moved' AND trigger='pass_uln_to_learner'")
    assert 0 < told < 3
    return place


def how_told(place: Place) -> dict[int, str]:
    rows = place.rows("SELECT case_id, body FROM event WHERE kind='moved' AND trigger='pass_uln_to_learner'")
    return {case: json.loads(body)["evidence"]["how"] for case, body in rows}


def test_who_was_left_in_a_run_is_moved_once_and_not_asked_again(interrupted: Place) -> None:
    """The next command of this trigger finishes the run, then does its own; nobody is refused for being moved."""
    interrupted.do(*PASS, "how=email", "--state", "uln_received")
    assert set(how_told(interrupted)) == {1, 2, 3, 4}
    assert interrupted.count("kind='refused'") == 0
    size = interrupted.count()
    assert "nothing was changed" in interrupted.do(*PASS, "how=email", "--state", "uln_received").said
    assert interrupted.count() == size
    interrupted.holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_of_refusals_stays_with_the_run(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated word for word after a crash, the command stops where it was told to, and says so by its exit code."""
    monkeypatch.setattr("workflow.engine.CHUNK", 1)
    place = place_at("received", kind, tmp_path / "centre", size=4)
    words = ("advance", "confirm_lar_update", "--all", "--stop-after", "2")
    with watched(Points(only=CONFIRMED)) as points:
        place.do("status")
    with watched(Points(len(points.passed) + 3, fail, only=CONFIRMED)):
        assert place.run(*words).code == 4
    again = place.run(*words)
    assert again.code == 1
    assert "stopped after too many refusals; not asked: 2 learners" in again.said
    place.holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_id_again_ends_as_the_first_time(kind: str, tmp_path: Path) -> None:
    place = place_at("received", kind, tmp_path / "centre", size=3)
    place.do("learner", "withdraw", "P-00001", "--reason", "left_course")
    words = ("advance", "pass_uln_to_learner", "-e", "by=Ann", "-e", "how=email", "--all", "--command-id", "W2")
    first, size = place.run(*words), place.count()
    assert (first.code, place.run(*words).code, place.count() - size) == (1, 1, 0)


def test_who_was_left_in_a_run_is_moved_with_the_evidence_given_for_them(interrupted: Place) -> None:
    """Three were told by e-mail; a letter to a fourth must not turn the rest of the three into letters."""
    interrupted.do(*PASS, "how=letter", "P-00004")
    assert how_told(interrupted) == {1: "email", 2: "email", 3: "email", 4: "letter"}
