"""One process of several: `python -m tests.fakes.worker TASK DATABASE ...`; answers in lines of JSON.

It says that it is ready, waits for a line, and then does its task on the loans of that database.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import workflow.engine
from tests.fakes.loan import DESK, desk_on
from workflow import Move, WorkflowError
from workflow.store.database import Database


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def main(task: str, where: str, *arguments: str) -> None:
    database = Database(where if "host=" in where else Path(where))
    try:
        work(database, task, *arguments)
    finally:
        database.close()


def work(database: Database, task: str, *arguments: str) -> None:
    desk = desk_on(database)
    desk.count()
    say("ready")
    sys.stdin.readline()
    if task == "fire":
        trigger, case = arguments
        try:
            say(desk.engine.fire(trigger, Move(case=int(case)), DESK).result)
        except WorkflowError as wrong:
            say(type(wrong).__name__)
        return
    trigger, command_id, chunk, cases = arguments
    workflow.engine.CHUNK = int(chunk)
    result = desk.engine.fire_many(
        trigger, json.loads(cases), replace(DESK, command_id=command_id), progress=lambda done: say({"done": done})
    )
    say({"counts": dict(result.counts), "size": result.size, "stopped": result.stopped})


if __name__ == "__main__":
    main(*sys.argv[1:])
