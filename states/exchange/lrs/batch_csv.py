"""Writes the LRS batch file as CSV: every cell in double quotes, CRLF, UTF-8 without a byte order mark, values as is.

Source: LRS batch guides for learning providers, 2024 edition; layout and quoting as one working CSV writer has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from states.exchange.columns import write_cells
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.refusals import texts_of
from states.ports import BatchLearner


def write_csv(
    learners: Sequence[BatchLearner], header: Mapping[str, str], target: BinaryIO, layout: BatchLayout
) -> None:
    """Write the learners of a batch that was judged before; `header` is what the file says of itself."""
    write_cells(target, _rows(learners, header, layout), quote_all=True)


def _rows(learners: Sequence[BatchLearner], header: Mapping[str, str], layout: BatchLayout) -> Iterator[list[str]]:
    yield [column.heading for column in layout.columns]
    for place, learner in enumerate(learners):
        own = [header[column.header] if place == 0 else "" for column in layout.columns if column.header]
        yield [*own, *texts_of(learner, layout).values()]
