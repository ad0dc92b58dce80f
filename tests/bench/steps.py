"""The work every contender does: a case goes six guarded steps, each step an event written beside the new state."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

TRIGGERS: Final = ("pay", "pack", "send", "deliver", "sign", "close")
STATES: Final = ("placed", "paid", "packed", "sent", "delivered", "signed", "closed")
TARGETS: Final = {(trigger, STATES[n]): STATES[n + 1] for n, trigger in enumerate(TRIGGERS)}
"""(trigger, state) -> the state it leads to."""

ACTOR: Final = "Ada Example"
COMMAND: Final = "order"
ORIGIN: Final = "shop.example/orders"
PRODUCT: Final = "bench 0"
HELD: Final = ("G1.1", "G2.1")
CHUNK: Final = 1_000


@dataclass(frozen=True)
class Job:
    """What a contender is asked to do: where, with how many cases, and for PostgreSQL at which address."""

    folder: Path
    cases: int
    url: str = ""


Phases = Iterator[Mapping[str, Any] | None]
"""A contender is a generator: it prepares, yields, does the work while the clock runs, yields, and checks itself."""


def facts_of(number: int) -> dict[str, Any]:
    """What is known of a case."""
    return {"cohort": f"week-{number % 50}", "fee": 250, "subject": number}


def fee_is_set(facts: Mapping[str, Any]) -> bool:
    """The first guard."""
    return facts.get("fee", 0) > 0


def nothing_holds(facts: Mapping[str, Any]) -> bool:
    """The second guard."""
    return not facts.get("hold")


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


def new_id() -> str:
    """A command id."""
    return uuid4().hex


def chunks(cases: Sequence[int], size: int = CHUNK) -> Iterator[Sequence[int]]:
    """The cases, some at a time."""
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


CONSTANT: Final = {
    "actor": ACTOR, "command": COMMAND, "kind": "moved", "origin": ORIGIN, "product": PRODUCT, "route": "order",
    "route_hash": "0" * 64, "route_version": 1, "rules": "0" * 12, "schema": 1,
}  # fmt: skip
"""What every event of a run says alike; the same keys, and as many bytes, as our own events."""


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes of an event as one writes them by hand."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def moved(
    case: int, sequence: int, trigger: str, source: str, target: str, *, at: int, command_id: str, **more: Any
) -> dict[str, Any]:
    """An event as a table: `more` adds position, the hash of the event before, or the run."""
    return {
        **CONSTANT, "case": case, "command_id": command_id, "held": HELD, "occurred_at": at, "recorded_at": at,
        "sequence": sequence, "source": source, "target": target, "trigger": trigger, **more,
    }  # fmt: skip
