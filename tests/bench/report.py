"""A result, the table of all results, and the file they are written to."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.harness import Taken

FILE = Path("bench-results.json")
PACKAGES = (
    "sqlalchemy", "transitions", "orjson", "eventsourcing", "django", "django-fsm-2", "django-fsm-log", "dbos",
    "psycopg", "typer",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Python, SQLite and every package that takes part; those that are not installed are left out."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Cores and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


@dataclass(slots=True)
class Result:
    """One comparison: `ratio` is our speed over theirs, `bar` what it must reach (None where nothing must be)."""

    goal: str
    what: str
    against: str
    ratio: float
    ours_median_s: float
    theirs_median_s: float
    repeats: int
    bar: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def missed(self) -> bool:
        """Whether the bar is there and not reached."""
        return self.bar is not None and self.ratio < self.bar


def against(
    goal: str, what: str, words: str, pair: tuple[Taken, Taken], bar: float | None = None, *, share: float = 1.0
) -> Result:
    """Ours beside theirs; `share` is how much of our work theirs did, where sizes or parts differ."""
    ours, theirs = pair
    return seconds(goal, what, words, (ours.seconds, theirs.seconds / share), min(ours.repeats, theirs.repeats), bar)


def seconds(
    goal: str, what: str, words: str, pair: tuple[float, float], repeats: int, bar: float | None = None
) -> Result:
    """The same from seconds."""
    return Result(goal, what, words, pair[1] / pair[0], *pair, repeats, bar)


def show(results: Sequence[Result], left_out: Sequence[str]) -> None:
    """Print the table."""
    table = Table(title="Our speed over theirs: higher is better", title_justify="left")
    for name in ("goal", "what", "against"):
        table.add_column(name, overflow="fold")
    for name in ("ours s", "theirs s", "ratio", "bar", "n"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in results:
        mark = "" if one.bar is None else "[red]MISSED[/red]" if one.missed else "reached"
        bar = "" if one.bar is None else f"{one.bar:g}"
        table.add_row(
            one.goal, one.what, one.against, _short(one.ours_median_s), _short(one.theirs_median_s),
            _ratio(one.ratio), bar, str(one.repeats), mark,
        )  # fmt: skip
    console = Console(width=None if Console().is_terminal else 150)
    console.print(table)
    console.print(f"{machine()}. {', '.join(f'{name} {found}' for name, found in _all(results).items())}", style="dim")
    for words in left_out:
        console.print(words)
    missed = [one for one in results if one.missed]
    for one in missed:
        console.print(f"missed: {one.goal} {one.what} / {one.against}: {_ratio(one.ratio)}, the bar is {one.bar:g}")


def write(results: Sequence[Result], file: Path = FILE) -> None:
    """Write every result, with the versions it rests on."""
    common = versions() | {"machine": machine()}
    rows: list[dict[str, Any]] = []
    for one in results:
        row = asdict(one)
        row["versions"] = common | dict(one.versions)
        rows.append(row)
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _all(results: Sequence[Result]) -> dict[str, str]:
    found = versions()
    for one in results:
        found |= one.versions
    return found


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _short(value: float) -> str:
    return f"{value:.3f}" if value >= 0.1 else f"{value:.3g}"
