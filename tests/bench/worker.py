"""One repetition in a process of its own: python -m tests.bench.worker CONTENDER FOLDER CASES [URL].

Only the work is timed; what was prepared before and checked after is not.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.contenders import contender
from tests.bench.steps import Job


def main(name: str, folder: str, cases: str, url: str = "") -> dict[str, Any]:
    """Run one contender; it raises when its own check fails, and then nothing is measured."""
    phases = contender(name)(Job(Path(folder), int(cases), url))
    next(phases)
    gc.collect()
    begin, busy = time.perf_counter(), time.process_time()
    more = next(phases)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    peak = peak_megabytes()
    for _ in phases:
        raise AssertionError(f"{name} has more than three phases")
    return {"seconds": seconds, "cpu": busy, "peak_mb": peak, **(more or {})}


def peak_megabytes() -> float:
    """The most memory this process held at once; Linux counts in kibibytes, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
