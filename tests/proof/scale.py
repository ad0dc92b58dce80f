"""Short in every run of the tests, long by `make soak`; figures are printed either way."""

from __future__ import annotations

import os
import random
from typing import Final, TypeVar

Value = TypeVar("Value")
SOAK: Final = os.environ.get("ULNFLOW_SOAK", "") not in {"", "0"}


def at_scale(short: Value, long: Value) -> Value:
    """The first in every run, the second in a soak."""
    return long if SOAK else short


def chance() -> random.Random:
    """Randomness whose seed is printed; ULNFLOW_SEED plays a run again."""
    seed = int(os.environ.get("ULNFLOW_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed} (again: ULNFLOW_SEED={seed})")
    return random.Random(seed)  # noqa: S311 - moments and choices, no secret
