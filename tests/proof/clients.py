"""What a process of several does to the loans of one database, and the journal it keeps of it."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import workflow.engine
from tests.fakes.loan import DESK, Desk, desk_on
from workflow import Move
from workflow.errors import Refused, WorkflowError
from workflow.store.database import Database

TRIGGERS: Final = ("lend", "renew", "remind", "take_back", "write_off", "find_again")
WEIGHTS: Final = (3, 4, 2, 1, 2, 3)
GIVEN: Final[dict[str, Any]] = {"reason": "other", "evidence": {"shelf": "B2"}}


def now() -> int:
    """Microseconds since 1970 by the machine, which all processes share."""
    return time.time_ns() // 1_000


class Journal:
    """One line of JSON an entry, each in the file before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, command: str, **more: Any) -> None:
        entry = {"at": time.monotonic_ns(), "what": what, "command": command, **more}
        os.write(self._file, json.dumps(entry).encode() + b"\n")


def desk_at(where: Path | str) -> Desk:
    """A desk by the machine's clock."""
    desk = desk_on(Database(where))
    desk.engine.clock = now
    return desk


def fire_at_random(
    _pipe: Any, gate: Any, where: Path | str, name: str, seed: int, rounds: int, cases: list[int], path: Path
) -> None:
    """Single moves and bulk runs on some of the cases, now and then the last command once more."""
    chance = random.Random(seed)  # noqa: S311 - choices, no secret
    workflow.engine.CHUNK = 3
    desk, journal = desk_at(where), Journal(path)
    desk.count()
    gate.wait()
    last: tuple[str, str, list[int]] | None = None
    for number in range(rounds):
        if last is not None and chance.random() < 0.15:
            call, again = last, True
        else:
            some = chance.sample(cases, chance.randint(2, 8)) if chance.random() < 0.3 else [chance.choice(cases)]
            call, again = (f"{name}-{number}", chance.choices(TRIGGERS, WEIGHTS)[0], some), False
        last = call
        _call(desk, journal, *call, again=again)
    desk.database.close()


def _call(desk: Desk, journal: Journal, command: str, trigger: str, cases: list[int], *, again: bool) -> None:
    act = replace(DESK, command_id=command)
    journal.write("invoked", command, trigger=trigger, cases=cases, again=again)
    try:
        if len(cases) == 1:
            outcome = desk.engine.fire(trigger, Move(case=cases[0], **GIVEN), act)
            journal.write("acknowledged", command, result=outcome.result, position=outcome.position)
        else:
            result = desk.engine.fire_many(trigger, cases, act, move=lambda case: Move(case=case, **GIVEN))
            journal.write("acknowledged", command, counts=dict(result.counts), run=result.run)
    except Refused as refusal:
        journal.write("acknowledged", command, result=type(refusal).__name__)
    except WorkflowError as wrong:
        journal.write("failed", command, error=type(wrong).__name__, says=str(wrong))


def run_through(pipe: Any, where: Path | str, command: str, chunk: int, cases: list[int], gate: Any = None) -> None:
    """One bulk run, saying after each chunk how many it acknowledged."""
    workflow.engine.CHUNK = chunk
    desk = desk_at(where)
    if gate is not None:
        desk.count()
        gate.wait()
    done = desk.engine.fire_many("lend", cases, replace(DESK, command_id=command), progress=pipe.send)
    pipe.send(dict(done.counts))
    desk.database.close()
