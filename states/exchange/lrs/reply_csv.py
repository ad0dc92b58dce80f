"""Reads an LRS reply file: the batch's columns as sent, and the return code as the last one."""

from __future__ import annotations

import hashlib

from states.exchange.lrs.grid import read_details, read_grid
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.return_codes import ReturnCodes
from states.ports import Reply, ReplyRow


def read_reply(data: bytes, file: str, layout: BatchLayout, codes: ReturnCodes) -> Reply:
    """Read a reply; whether a ULN is right is for the step to judge. Raises FileRefused."""
    grid = read_grid(data, file, layout, reply=True)
    reference_at, uln_at = layout.place("reference"), layout.place("uln")
    rows = []
    for number, (line, cells) in enumerate(grid.rows, start=1):
        outcome, meaning = codes.classify(cells[-1])
        rows.append(
            ReplyRow(
                row=number,
                reference=cells[reference_at],
                code=codes.normalise(cells[-1]),
                outcome=outcome,
                meaning=meaning,
                uln=cells[uln_at],
                echo=read_details(cells, file, line, layout),
            )
        )
    return Reply(
        name=file,
        digest=hashlib.sha256(data).hexdigest(),
        ukprn=grid.ukprn,
        batch_reference=grid.reference,
        rows=tuple(rows),
        echoed=layout.echoed(),
        practice=grid.reference.startswith(layout.practice_prefix),
    )
