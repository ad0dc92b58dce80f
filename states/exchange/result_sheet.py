"""Sheets in which people read what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from states.exchange.sheets import write_for_people_xlsx


class ResultSheets:
    """Port `ResultSheets`: workbooks whose every text is neutralised."""

    def write(self, rows: Sequence[Sequence[str]], target: BinaryIO) -> None:
        """Write rows, headings first."""
        width = max((len(row) for row in rows), default=0)
        write_for_people_xlsx(rows, target, sheet="Findings", text_columns=range(width))
