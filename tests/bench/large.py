"""A million cases, questions over a year of work, and the whole log read again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.harness import Size, in_turns, once, say
from tests.bench.report import Result, against, seconds

MILLION, TENTH = 1_000_000, 100_000
MEMORY_MB = 300
LONGER = 1.3
"""How much more time a case may take among a million than among a hundred thousand."""

LOG = Size(20_000, 5)
QUESTIONS = {
    "stuck": "stuck, by state and cohort",
    "oldest": "the oldest 100 of a state",
    "history": "the histories of 200 cases",
    "export": "one person's 30 days",
}


def million(*, quick: bool) -> list[Result]:
    """A million cases through six moves: G7. It takes minutes, so it is done once; --quick takes a tenth."""
    cases = TENTH if quick else MILLION
    taken = in_turns(["raw-load", "ours-bulk"], Size(cases, 1))
    small = in_turns(["ours-bulk"], Size(cases // 10, 3))["ours-bulk"]
    ours = taken["ours-bulk"]
    what = f"{cases:,} cases x 6 moves, SQLite"
    peak = ours.median("peak_mb")
    slower = ours.seconds / (10 * small.seconds)
    return [
        against("G7", what, "loading the rows unchained, indexes after", (ours, taken["raw-load"]), 0.5),
        Result(
            "G7", f"{what}: {peak:.0f} MB at most", f"{MEMORY_MB} MB", MEMORY_MB / peak, ours.seconds, ours.seconds,
            1, 1.0,
        ),
        Result(
            "G7", f"a case among {cases:,}: {slower:.2f} times as long", f"a case among {cases // 10:,}, x {LONGER}",
            LONGER / slower, ours.seconds / cases, small.seconds / (cases // 10), 1, 1.0,
        ),
    ]  # fmt: skip


def queries(*, quick: bool) -> list[Result]:
    """Who is stuck, the oldest, one history, one person's month: G8."""
    size = Size(TENTH, 3) if quick else Size(MILLION, 5)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        say(f"a year of {size.cases:,} cases is made")
        once("build-year", size.cases, place)
        taken = in_turns(["ours-queries", "raw-queries"], size, place=place)
    ours, plain = taken["ours-queries"], taken["raw-queries"]
    rows = []
    for name, words in QUESTIONS.items():
        sizes = {side.median(f"{name}_size") for side in (ours, plain)}
        if len(sizes) != 1:
            raise RuntimeError(f"both sides answer {name} differently: {sorted(sizes)}")
        what = f"{words}, {size.cases:,} cases: {int(sizes.pop()):,} found"
        pair = (ours.median(name), plain.median(name))
        rows.append(seconds("G8", what, "plain SQL, same index", pair, size.repeats, 0.77))
    return rows


def verify(*, quick: bool) -> list[Result]:
    """The whole log verified: G9."""
    size = Size(LOG.cases, 3) if quick else LOG
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        once("build-log", size.cases, place)
        taken = in_turns(["ours-verify", "raw-verify"], size, place=place)
    ours = taken["ours-verify"]
    what = f"verify {int(ours.median('events')):,} events"
    return [against("G9", what, "read, orjson, SHA-256", (ours, taken["raw-verify"]), 0.5)]
