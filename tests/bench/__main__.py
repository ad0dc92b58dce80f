"""Measures and prints a table: python -m tests.bench. Ratios travel between machines, seconds do not."""

from __future__ import annotations

import sys

from tests.bench import imports, moves, startup


def main(asked: list[str]) -> int:
    """Print what was asked for, or all; exit 1 when a bar is not reached."""
    missed = 0
    print(f"{'what':44} {'ours':>12} {'beside':>12} {'ratio':>7}  bar")
    if not asked or "startup" in asked:
        ours, bare = startup.measure()
        missed += ours / bare > startup.BAR
        line("ulnflow --help / a bare Typer app, ms", ours * 1e3, bare * 1e3, f"<= {startup.BAR}")
    if not asked or "single" in asked:
        ours, raw = moves.single()
        line("one durable move / sqlite3, ms", ours * 1e3, raw * 1e3)
    if not asked or "bulk" in asked:
        ours, raw = moves.bulk()
        line(f"{moves.BULK:,} moves in bulk / executemany, s", ours, raw)
        print(f"{'':44} {moves.BULK / ours:>10,.0f}/s {moves.BULK / raw:>10,.0f}/s")
    if not asked or "import" in asked:
        ours, raw = imports.measure()
        line(f"import of {imports.ROWS:,} rows / csv alone, s", ours, raw)
        print(f"{'':44} {imports.ROWS / ours:>10,.0f}/s {imports.ROWS / raw:>10,.0f}/s")
    return int(bool(missed))


def line(what: str, ours: float, beside: float, bar: str = "") -> None:
    print(f"{what:44} {ours:>12.3f} {beside:>12.3f} {ours / beside:>7.2f}  {bar}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
