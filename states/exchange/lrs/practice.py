"""A practice LRS: answers a batch file the way the LRS might, with made-up numbers, for demonstrations and tests.

Its replies say so: their FileName begins with the practice prefix. It does not promise to decide as the LRS does.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any, Final

from states.errors import FileRefused
from states.exchange.columns import write_cells
from states.exchange.lrs.grid import Grid, read_details, read_grid
from states.exchange.lrs.layout import BatchLayout
from states.learner import uln as uln_number
from states.learner.details import match_key
from workflow.errors import DefinitionError

FILE: Final = "practice batch"
SHARED: Final = ("possible", "rejected", "matched")
"""The answers that have a share; new is what is left over."""
SURE_FROM: Final = 10
"""From so many undecided learners on, at least one is a possible match and one is rejected."""


def answer_batch(
    batch: bytes,
    *,
    seed: int,
    table: Mapping[str, Any],
    settled: frozenset[str] = frozenset(),
    shares: Mapping[str, float] | None = None,
) -> bytes:
    """Answer a batch file with a reply file, the same one for the same batch and seed.

    `table` is the parsed batch table. A submitted ULN is confirmed; a learner whose reference is in `settled`
    succeeds; of the others `shares` (0 to 1: matched, possible, rejected; default from the table) are so answered
    and the rest are new. One person gets one number, whatever the file, but for a clash of two persons' numbers
    inside one file. Raises FileRefused for what is no batch file.
    """
    layout = BatchLayout.from_table(table)
    grid = read_grid(batch, FILE, layout, reply=False)
    practice = table.get("practice", {})
    if set(practice.get("codes", ())) < {"new", *SHARED} or set(practice.get("shares", ())) < set(SHARED):
        raise DefinitionError("lrs/batch.toml", ["[practice] needs codes and shares for each answer"])
    people = [match_key(read_details(cells, FILE, line, layout)) for line, cells in grid.rows]
    shares = {**practice["shares"], **(shares or {})}
    answers = _answers(grid, layout, people, seed=seed, settled=settled, shares=shares)
    numbers = _numbers(grid, layout, people, seed)
    rows = [[*grid.headings, layout.return_code_heading]]
    uln_at = layout.place("uln")
    for (_line, cells), person, answer in zip(grid.rows, people, answers, strict=True):
        row = [*cells, practice["codes"][answer]]
        if answer in ("new", "matched"):
            row[uln_at] = cells[uln_at] or numbers[person]
        rows.append(row)
    if not grid.reference.startswith(layout.practice_prefix):
        name_at = next(i for i, column in enumerate(layout.columns) if column.header == "reference")
        rows[1][name_at] = layout.practice_prefix + grid.reference
    reply = io.BytesIO()
    write_cells(reply, rows, quote_all=True)
    return reply.getvalue()


def _draw(seed: int, *parts: str) -> int:
    """A number of 256 bits that depends on the seed and the parts alone."""
    text = "\x1f".join((str(seed), *parts))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest(), "big")


def _answers(
    grid: Grid,
    layout: BatchLayout,
    people: list[str],
    *,
    seed: int,
    settled: frozenset[str],
    shares: Mapping[str, float],
) -> list[str]:
    """For each row: new, matched, possible or rejected."""
    uln_at, reference_at = layout.place("uln"), layout.place("reference")
    answers = ["matched" if cells[uln_at] else "new" for _line, cells in grid.rows]
    undecided = [
        place
        for place, (_line, cells) in enumerate(grid.rows)
        if not cells[uln_at] and cells[reference_at] not in settled
    ]
    undecided.sort(key=lambda place: (_draw(seed, "answer", people[place]), place))
    start = 0
    for answer in SHARED:
        share = float(shares[answer])
        if not 0 <= share <= 1:
            raise FileRefused(FILE, f"the share of {answer} is not from 0 to 1", "Correct the share.")
        count = int(share * len(undecided) + 0.5)
        if len(undecided) >= SURE_FROM and answer != "matched":
            count = max(1, count)
        for place in undecided[start : start + count]:
            answers[place] = answer
        start += count
    return answers


def _numbers(grid: Grid, layout: BatchLayout, people: list[str], seed: int) -> dict[str, str]:
    """A made-up ULN for each person, none of them twice and none of those submitted."""
    uln_at = layout.place("uln")
    taken = {cells[uln_at] for _line, cells in grid.rows if cells[uln_at]}
    numbers: dict[str, str] = {}
    for person in sorted(set(people)):
        attempt = 0
        while (number := _number(seed, person, attempt)) is None or number in taken:
            attempt += 1
        numbers[person] = number
        taken.add(number)
    return numbers


def _number(seed: int, person: str, attempt: int) -> str | None:
    """The person's number at this attempt; None for nine digits that no valid ULN begins with."""
    first_nine = str(100_000_000 + _draw(seed, "uln", person, str(attempt)) % 900_000_000)
    digit = uln_number.expected_check_digit(first_nine)
    return None if digit is None else f"{first_nine}{digit}"
