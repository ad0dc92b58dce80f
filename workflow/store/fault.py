"""Fault: something that `verify` found wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: the first position or case it shows at, the kind of change, and a sentence."""

    kind: str
    message: str
    position: int | None = None
    case: int | None = None
