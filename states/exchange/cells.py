"""Cells of a sheet: what one may hold, and texts that a spreadsheet program must not take for a formula."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from typing import Final

Cell = str | int | float | bool | date | datetime | None

FORMULA_STARTS: Final = "=+-@"


def neutralise(cell: Cell) -> Cell:
    """Put an apostrophe before a text that a spreadsheet program would take for a formula (OWASP, 2025).

    That is a text beginning with =, +, -, @ or their full-width forms, TAB, CR or LF, after blanks too.
    """
    return f"'{cell}" if isinstance(cell, str) and _looks_active(cell) else cell


def restore(cell: Cell) -> Cell:
    """Take off the apostrophe that `neutralise` put before a text."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _looks_active(cell[1:]) else cell


def _looks_active(text: str) -> bool:
    if text[:1].isascii() and text[:1].isalnum():
        return False  # what most texts are
    for character in text:
        if unicodedata.category(character) == "Zs":
            continue
        return character in "\t\r\n" or unicodedata.normalize("NFKC", character)[0] in FORMULA_STARTS
    return False
