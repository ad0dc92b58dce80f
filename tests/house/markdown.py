"""Markdown of the pages that are made."""

from __future__ import annotations


def table(headings: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Rows as a Markdown table."""
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return "\n".join(lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows])
