"""The sheet a person keys learners into the LRS portal from, one by one, with room for what the portal says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from states.exchange.cells import Cell
from states.exchange.columns import label_of
from states.exchange.lrs.layout import BatchColumn, BatchLayout
from states.exchange.lrs.refusals import value_of
from states.exchange.sheets import write_for_people_xlsx
from states.learner.details import DATE_FIELDS
from states.ports import BatchLearner

ANSWER_HEADINGS: Final = ("ULN received", "Code")
"""The empty columns to fill in: the ULN the portal shows, or its code."""


def write_keying_sheet(learners: Sequence[BatchLearner], *, title: str, target: BinaryIO, layout: BatchLayout) -> None:
    """Write the sheet: the title in row 1, the headings in row 2, then a row a learner; codes with their words."""
    columns = [column for column in layout.learner_columns if column.source]
    columns.sort(key=lambda column: column.source != "reference")
    headings = [label_of(column.source) for column in columns]
    rows: list[list[Cell]] = [[title], [*headings, *ANSWER_HEADINGS]]
    for learner in learners:
        cells: list[Cell] = [_cell(learner, column) for column in columns]
        rows.append([*cells, *(None for _ in ANSWER_HEADINGS)])
    width = len(headings)
    write_for_people_xlsx(
        rows,
        target,
        header=2,
        sheet="To key",
        text_columns=range(width + len(ANSWER_HEADINGS)),
        tinted=range(width, width + len(ANSWER_HEADINGS)),
    )


def _cell(learner: BatchLearner, column: BatchColumn) -> Cell:
    if column.source in DATE_FIELDS:
        return getattr(learner.details, column.source) or None
    text = value_of(learner, column.source)
    label = (column.codes or {}).get(text)
    return f"{text} ({label})" if label else text or None
