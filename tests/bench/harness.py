"""Runs contenders in turns, each repetition in a fresh process, and keeps the medians."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = {"eventsourcing": "eventsourcing", "django": "django_fsm_log", "dbos": "dbos", "psycopg": "psycopg"}
"""First word of a contender -> the module it needs; without it the contender is left out."""


@dataclass(slots=True)
class Taken:
    """What the repetitions of one contender took."""

    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median of the seconds."""
        return self.median("seconds")

    @property
    def repeats(self) -> int:
        """How often it ran."""
        return len(self.runs)

    def median(self, name: str) -> float:
        """The median of something a contender reports."""
        return statistics.median(run[name] for run in self.runs)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done how often."""

    cases: int
    repeats: int


Database = Callable[[], AbstractContextManager[str]]


@contextmanager
def no_server() -> Iterator[str]:
    """The address of a contender that keeps its own file."""
    yield ""


def installed(contender: str) -> bool:
    """Whether what a contender needs is there."""
    module = PEERS.get(contender.split("-", maxsplit=1)[0])
    return module is None or find_spec(module) is not None


def once(contender: str, cases: int, folder: Path, url: str = "") -> dict[str, Any]:
    """One repetition in a process of its own; what it says when it fails is shown."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.worker", contender, str(folder), str(cases), *([url] if url else [])],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        raise RuntimeError(f"{contender} failed:\n{run.stderr[-3000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def in_turns(
    contenders: Sequence[str], size: Size, *, database: Database = no_server, place: Path | None = None
) -> Mapping[str, Taken]:
    """Every contender so often, by name; the one that begins changes, so that the machine's moods meet all alike.

    Each repetition gets an empty folder (and, for PostgreSQL, an empty database), unless `place` holds what is read.
    """
    going = [name for name in contenders if installed(name)]
    taken = {name: Taken() for name in going}
    for number in range(size.repeats):
        turn = number % len(going)
        for name in going[turn:] + going[:turn]:
            say(f"{name}, {size.cases:,}, {number + 1} of {size.repeats}")
            with tempfile.TemporaryDirectory(prefix="bench-") as folder, database() as url:
                taken[name].runs.append(once(name, size.cases, place or Path(folder), url))
    say("")
    return taken


def say(words: str) -> None:
    """What is going on, where somebody looks on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words[:100]}", end="", file=sys.stderr, flush=True)
