"""The compiled machine, how many rows a second a cohort sheet is taken in, and one learner erased among many."""

from __future__ import annotations

from tests.bench.harness import Size, in_turns
from tests.bench.report import Result, against

LONGER = 1.5
"""How much more time an erasure may take among a hundred thousand than among a thousand."""


def machine(*, quick: bool) -> list[Result]:
    """Where to, and may it: G11."""
    size = Size(50_000, 3) if quick else Size(200_000, 7)
    taken = in_turns(["ours-machine", "ours-machine-guards", "raw-machine"], size)
    ours, plain = taken["ours-machine"], taken["raw-machine"]
    held = int(ours.median("bytes"))
    what = f"where to, and two rules, {size.cases:,}"
    return [
        against("G11", f"{what}, a verdict each", "a dict and two functions", (ours, plain), 0.33),
        Result(
            "G11", f"{held} bytes a case stay with the machine", "0 bytes", float(held == 0), ours.seconds,
            plain.seconds, ours.repeats, 1.0,
        ),
        against("", f"{what}, bare functions", "a dict and two functions", (taken["ours-machine-guards"], plain)),
    ]  # fmt: skip


def imports(*, quick: bool) -> list[Result]:
    """A cohort sheet read, judged and taken in; no goal, for nobody else does it."""
    size = Size(5_000, 3) if quick else Size(100_000, 1)
    taken = in_turns(["ours-import", "raw-import"], size)
    ours = taken["ours-import"]
    what = f"import of {size.cases:,} rows: {size.cases / ours.seconds:,.0f} a second"
    return [against("", what, "csv alone", (ours, taken["raw-import"]))]


def erasures(*, quick: bool) -> list[Result]:
    """One learner erased among few and among many, by the command: no file written anew, pages looked through for copies."""
    few, many = Size(1_000, 3 if quick else 5), Size(20_000 if quick else 100_000, 1 if quick else 2)
    small, large = in_turns(["ours-erase"], few)["ours-erase"], in_turns(["ours-erase"], many)["ours-erase"]
    times = large.median("each") / small.median("each")
    inside = large.median("inside") / small.median("inside")
    what = f"one erased of {many.cases:,}: {times:.2f} times as long (without the program's start {inside:.2f})"
    return [
        Result(
            "E3", what, f"one of {few.cases:,}, x {LONGER}", LONGER / times, large.median("each"), small.median("each"),
            large.repeats, 1.0,
        ),
    ]  # fmt: skip
