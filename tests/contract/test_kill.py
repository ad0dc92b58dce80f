"""kill -9 at any moment: what was acknowledged is there, nothing is there twice, and the same command goes on."""

from __future__ import annotations

import json
import random
import time
from collections import Counter

import pytest

from tests.fakes.loan import Desk
from tests.fakes.processes import answers, go, ready, start

CASES = 8_000
CHUNK = 20
KILLS = 6


@pytest.mark.parametrize("seed", [random.SystemRandom().randrange(10**6)], ids=["random moment"])
def test_a_bulk_run_killed_at_random_moments_moves_each_case_exactly_once(desk: Desk, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    cases = desk.open(CASES)
    task = ("many", desk.database.where, "lend", "killed", CHUNK, json.dumps(cases))
    acknowledged = 0
    for _ in range(KILLS):
        worker = start(*task)
        ready(worker)
        go(worker)
        time.sleep(chance.uniform(0.0, 0.12))
        worker.kill()
        done = [line["done"] for line in answers(worker) if "done" in line]
        acknowledged += sum(done)
        moved = desk.count(where="kind='moved'")
        print(f"killed at {moved} of {CASES}")
        assert acknowledged <= moved <= CASES
        assert moved % CHUNK == 0
        acknowledged = moved
        assert desk.verify().faults == ()
    worker = start(*task)
    ready(worker)
    go(worker)
    assert answers(worker)[-1] == {"counts": {"moved": CASES}, "size": CASES, "stopped": "finished"}
    moved_cases = Counter(case for (case,) in desk.rows("SELECT case_id FROM event WHERE kind='moved'"))
    assert moved_cases == dict.fromkeys(cases, 1)
    kinds = Counter(kind for (kind,) in desk.rows("SELECT kind FROM event WHERE case_id IS NULL"))
    assert kinds == {"run_began": 1, "run_ended": 1}
    assert desk.verify().faults == ()
