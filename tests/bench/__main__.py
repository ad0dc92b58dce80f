"""Measures and prints a table: python -m tests.bench [NAMES...]. Ratios travel between machines, seconds do not.

Each repetition is a fresh process, only the work is timed, contenders take turns, medians are kept, and what a
contender did is checked after each run. The exit code is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.bench.harness import PEERS, installed
from tests.bench.report import FILE, Result, show, write

SUITES: Final = {
    "single": "moves:single",
    "bulk": "moves:bulk",
    "pg-single": "moves:pg_single",
    "pg-bulk": "moves:pg_bulk",
    "million": "large:million",
    "queries": "large:queries",
    "verify": "large:verify",
    "startup": "startup:startup",
    "machine": "small:machine",
    "import": "small:imports",
    "erase": "small:erasures",
}
"""Name -> module of this folder and its function."""

SLOW: Final = frozenset({"million"})
"""Left out with --quick, unless named."""


def main(arguments: list[str]) -> int:
    """Print what was asked for, or all; exit 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(SUITES)}; none means all")
    parser.add_argument("--quick", action="store_true", help="short sizes and three repeats")
    parser.add_argument("--output", type=Path, default=FILE, help="where the results go")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.names) - SUITES.keys()):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(SUITES)}")
    names = asked.names or [name for name in SUITES if not (asked.quick and name in SLOW)]
    results: list[Result] = []
    failed: list[str] = []
    for name in names:
        module, function = SUITES[name].split(":")
        try:
            results += getattr(import_module(f"tests.bench.{module}"), function)(quick=asked.quick)
        except (RuntimeError, ImportError) as wrong:
            failed.append(f"{name} was not measured: {str(wrong)[-300:]}")
        write(results, asked.output)
    missing = [
        f"{peer} is not installed and was left out; make bench installs it" for peer in PEERS if not installed(peer)
    ]
    show(results, [*missing, *failed])
    return int(bool(failed) or any(one.missed for one in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
