"""Numbers in words for people."""

from __future__ import annotations


def counted(number: int, what: str, many: str = "") -> str:
    """A number and its noun: 1 learner, 2 learners; `many` where there is more to it than an s."""
    return f"{number} {what if number == 1 else many or f'{what}s'}"
