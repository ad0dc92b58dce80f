"""Starts workers, lets them go at the same moment, and reads what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def start(*arguments: object) -> subprocess.Popen[str]:
    """A worker that is ready and waits for its line."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.fakes.worker", *map(str, arguments)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


def ready(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if json.loads(line or "null") != "ready":
        raise AssertionError(worker.communicate()[1])


def go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


def answers(worker: subprocess.Popen[str]) -> list[Any]:
    """Every line the worker said, to its end; what it wrote to stderr fails the test unless it was killed."""
    out, err = worker.communicate(timeout=60)
    assert not err, err
    return [json.loads(line) for line in out.splitlines() if line.endswith(("}", '"'))]


def together(*all_arguments: tuple[object, ...]) -> list[list[Any]]:
    """What workers say that were let go at the same moment."""
    workers = [start(*arguments) for arguments in all_arguments]
    for worker in workers:
        ready(worker)
    for worker in workers:
        go(worker)
    return [answers(worker) for worker in workers]
