"""A practice LRS: answers a batch file the way the LRS might, with made-up numbers, for demonstrations and tests.

Its replies say so: their FileName begins with the practice prefix. It does not promise to decide as the LRS does.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from states.errors import FileRefused
from states.exchange.columns import write_cells
from states.exchange.gate import held
from states.exchange.lrs.layout import HEADER_VALUES, BatchLayout
from states.exchange.lrs.reading import read_records
from states.exchange.lrs.record import Head, Record, read_details, refusing
from states.exchange.lrs.reply import said_by_name
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
    name: str = FILE,
) -> bytes:
    """Answer a batch file with a reply file of the same format, the same one for the same batch and seed.

    `name` is the batch's, which in XML is the only place that says whose it is.

    `table` is the parsed batch table. A submitted ULN is confirmed; a learner whose reference is in `settled`
    succeeds; of the others `shares` (0 to 1: matched, possible, rejected; default from the table) are so answered
    and the rest are new. One person gets one number, whatever the file, but for a clash of two persons' numbers
    inside one file. Raises FileRefused for what is no batch file.
    """
    layout = BatchLayout.from_table(table)
    head, refuse = Head(), refusing(name)
    with held(batch, name) as gate:
        records = list(read_records(gate, layout, None, head, refuse))
    if head.kind != "batch":
        raise FileRefused(name, "this is a reply, not a batch", "Give the file that was sent.")
    practice = table.get("practice", {})
    if set(practice.get("codes", ())) < {"new", *SHARED} or set(practice.get("shares", ())) < set(SHARED):
        raise DefinitionError("lrs/batch.toml", ["[practice] needs codes and shares for each answer"])
    people = [match_key(read_details(record, layout, refuse)) for record in records]
    shares = {**practice["shares"], **(shares or {})}
    answers = _answers(records, layout, people, seed=seed, settled=settled, shares=shares)
    numbers = _numbers(records, layout, people, seed)
    rows = []
    uln_name = layout.name_from("uln")
    for record, person, answer in zip(records, people, answers, strict=True):
        row = {column.name: record.texts.get(column.name, "") for column in layout.learner_columns}
        row[layout.return_code_heading] = practice["codes"][answer]
        if answer in ("new", "matched"):
            row[uln_name] = row[uln_name] or numbers[person]
        rows.append(row)
    ukprn, reference = said_by_name(head, name, layout)
    reference = layout.practice_prefix + reference.removeprefix(layout.practice_prefix)
    own = {"file_version": layout.file_version, "reference": reference, "ukprn": ukprn, "count": str(len(rows))}
    return _as_csv(rows, own, layout) if head.form == "csv" else _as_xml(rows, own, Counter(answers), layout)


def _as_csv(rows: Sequence[Mapping[str, str]], own: Mapping[str, str], layout: BatchLayout) -> bytes:
    reply = io.BytesIO()
    cells = [[*(column.heading for column in layout.columns), layout.return_code_heading]]
    for place, row in enumerate(rows):
        cells.append([*(own[value] if place == 0 else "" for value in HEADER_VALUES), *row.values()])
    write_cells(reply, cells, quote_all=True)
    return reply.getvalue()


def _as_xml(
    rows: Sequence[Mapping[str, str]], own: Mapping[str, str], answers: Mapping[str, int], layout: BatchLayout
) -> bytes:
    from states.exchange.lrs.batch_xml import write_elements  # noqa: PLC0415 - lxml only where XML is written

    root, reply = layout.xml.reply, io.BytesIO()
    counts = {"new": "new", "matched": "updated"}
    totals = Counter({counts.get(answer, answer): number for answer, number in answers.items()})
    values = {layout.header_name(value): own[value] for value in HEADER_VALUES if value != "count"}
    values |= {name: str(totals[kind]) for name, kind in root.counts.items()}
    write_elements(reply, layout, root, values, rows)
    return reply.getvalue()


def _draw(seed: int, *parts: str) -> int:
    """A number of 256 bits that depends on the seed and the parts alone."""
    text = "\x1f".join((str(seed), *parts))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest(), "big")


def _answers(
    records: Sequence[Record],
    layout: BatchLayout,
    people: list[str],
    *,
    seed: int,
    settled: frozenset[str],
    shares: Mapping[str, float],
) -> list[str]:
    """For each row: new, matched, possible or rejected."""
    uln, reference = layout.name_from("uln"), layout.name_from("reference")
    answers = ["matched" if record.texts.get(uln) else "new" for record in records]
    undecided = [
        place
        for place, record in enumerate(records)
        if not record.texts.get(uln) and record.texts.get(reference) not in settled
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


def _numbers(records: Sequence[Record], layout: BatchLayout, people: list[str], seed: int) -> dict[str, str]:
    """A made-up ULN for each person, none of them twice and none of those submitted."""
    uln = layout.name_from("uln")
    taken = {record.texts[uln] for record in records if record.texts.get(uln)}
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
