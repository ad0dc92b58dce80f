"""kill -9 at random moments over real commands and bulk runs: all or nothing, and the same command goes on."""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.proof.children import start, typed
from tests.proof.clients import desk_at, run_through
from tests.proof.databases import fresh_where
from tests.proof.places import DONE, KINDS, STAGES, Place, place_at
from tests.proof.scale import at_scale, chance

LEARNERS = at_scale(15, 60)
KILLS = at_scale(5, 50)
"""In the middle of the work, for each of the four commands on each database; as many again over a bulk run."""
CHUNK = 7
BULK = at_scale(700, 4_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_command_killed_at_random_moments_has_done_all_or_nothing_and_goes_on(
    stage: str, kind: str, tmp_path: Path
) -> None:
    """C9: the log holds, what was acknowledged is there, nothing twice, files whole; a repeat changes nothing."""
    lot = chance()
    finished, seconds, points = undisturbed(stage, kind, tmp_path)
    near_disk = [n for n, name in enumerate(points, 1) if name != "statement"]
    left: Counter[str] = Counter()
    hits = tries = 0
    while hits < KILLS:
        tries += 1
        assert tries <= KILLS * 12, "the moments do not meet the work"
        place = place_at(stage, kind, tmp_path / f"centre-{tries}", size=LEARNERS)
        before = place.snapshot()
        by_time = tries % 3 == 0
        at = 0 if by_time else lot.choice(near_disk) if tries % 3 == 1 else lot.randint(1, len(points))
        running = typed(place, *DONE[stage], chunk=CHUNK, at=at)
        running.child.begun()
        if by_time:
            running.child.send(lot.uniform(0, seconds), signal.SIGKILL)
        acknowledged = running.ended() == 0
        hits += running.child.hit
        found = what_is_left(place, before, finished, stage)
        left[found if running.child.hit else "over before the kill"] += 1
        if acknowledged:
            assert found == "all of it"
        goes_on(place, stage, finished)
    print(f"{kind}, {' '.join(DONE[stage][:2])}: {tries} kills, {hits} in the middle of the work; left {dict(left)}")


def undisturbed(stage: str, kind: str, folder: Path) -> tuple[dict[str, Any], float, list[str]]:
    """What the command comes to when nothing happens, how long its process is at work, and the points it passes."""
    place = place_at(stage, kind, folder / "undisturbed", size=LEARNERS)
    running = typed(place, *DONE[stage], chunk=CHUNK)
    running.child.begun()
    begin = time.perf_counter()
    assert running.ended() == 0, running.said
    return place.picture(), time.perf_counter() - begin, running.child.heard[-1]


def what_is_left(place: Place, before: tuple[Any, Any], finished: dict[str, Any], stage: str) -> str:
    """How far the killed command came, checked to be a place between two transactions."""
    place.settled()
    place.holds()
    after = place.picture()
    if place.snapshot() == before:
        return "a draft" if place.drafts() else "nothing"
    if after == finished:
        return "all of it"
    events = after["events"]
    assert events == finished["events"][: len(events)], "what is there is the beginning of what would have been"
    if stage == "received":
        moved = sum(event[0] == "moved" for event in events) - LEARNERS * 2
        assert moved % CHUNK == 0 or moved == LEARNERS
        return "some chunks"
    assert events == finished["events"], "one transaction was half done"
    assert set(after["outbox"].items()) <= set(finished["outbox"].items())
    assert place.drafts(), "the file is neither there nor on its way"
    return "all but the file's name"


def goes_on(place: Place, stage: str, finished: dict[str, Any]) -> None:
    """The same command finishes what was begun, and once more changes nothing."""
    place.do(*words(place, stage))
    assert place.picture() == finished
    done = place.snapshot()
    place.do(*words(place, stage))
    assert place.snapshot() == done
    place.holds()


def words(place: Place, stage: str) -> list[Any]:
    return [place.folder / word if word.endswith(".csv") else word for word in DONE[stage]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bulk_run_killed_again_and_again_acknowledges_nothing_that_is_lost(kind: str, tmp_path: Path) -> None:
    """C9, on the engine: each chunk acknowledged is there, each case moved once, the run begun and ended once."""
    lot = chance()
    desk = desk_at(fresh_where(kind, tmp_path))
    hits = runs = 0
    while hits < KILLS:
        runs += 1
        name, cases = f"killed-{runs}", desk.open(BULK)
        acknowledged, over = 0, False
        while not over:
            child = start(run_through, desk.database.where, name, CHUNK, cases).begun()
            if hits < KILLS:
                child.hear().send(lot.uniform(0, 0.05), signal.SIGKILL)
            over = child.ended() == 0
            hits += child.hit
            with desk.database.writing():
                pass  # a server finishes what it was given before it lets us through
            acknowledged += sum(said for said in child.heard if isinstance(said, int))
            moved = desk.count(where=f"kind='moved' AND command_id='{name}'")
            assert acknowledged <= moved <= BULK
            assert moved % CHUNK == 0 or moved == BULK
            acknowledged = moved
        assert child.heard[-1] == {"moved": BULK}
        moves = desk.rows("SELECT case_id FROM event WHERE kind='moved' AND command_id=?", name)
        assert Counter(case for (case,) in moves) == dict.fromkeys(cases, 1)
        kinds = Counter(k for (k,) in desk.rows("SELECT kind FROM event WHERE case_id IS NULL AND command_id=?", name))
        assert kinds == {"run_began": 1, "run_ended": 1}
        assert desk.verify().faults == ()
    desk.database.close()
    print(f"{kind}, fire_many: {hits} kills in the middle of {runs} runs over {BULK} cases each")
