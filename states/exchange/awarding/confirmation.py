"""The awarding organisation's confirmation as rows: which learner got which candidate and order number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.columns import label_of, text_finding
from states.exchange.sheets import Table
from states.ports import ConfirmedRow
from workflow.errors import DefinitionError

FIELDS: Final = ("reference", "candidate_number", "order_number")
NEEDED: Final = ("reference", "candidate_number")
CELL_LIMIT: Final = 128
NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", re.ASCII)
"""What a number may look like: it goes into the log, so it can be nobody's name or address."""


class ConfirmationTable:
    """Finds the columns by the headings a profile names; case, blanks and punctuation do not count."""

    def __init__(self, origin: str, headings: Mapping[str, Sequence[str]]) -> None:
        self._field_of = {_plain(text): field for field in FIELDS for text in headings.get(field, ())}
        self._example = {field: next(iter(headings.get(field, ())), "") for field in FIELDS}
        faults = [f"[confirmation] names no heading for {field}" for field in NEEDED if not self._example[field]]
        if faults:
            raise DefinitionError(origin, faults)

    def read(self, table: Table) -> tuple[ConfirmedRow, ...]:
        """The rows of a sheet; `row` is the number the spreadsheet program shows (1-based), blank rows are left out.

        Raises FileRefused for a missing or doubled column, an empty reference or candidate number, and for a
        reference or candidate number that stands there twice.
        """
        file = table.name
        filled = [(number, [_text(cell) for cell in cells]) for number, cells in table.rows if any(cells)]
        if not filled:
            raise FileRefused(file, "the file holds no heading row", "Export it again.")
        top, headings = filled[0]
        places = self._places(headings, file, top)
        for number, place in sorted(table.formulas | table.errors):
            if place in places.values():
                rule = "a formula or an error stands where a plain value is needed"
                raise FileRefused(file, rule, "Paste it as a value.", line=number)
        rows = [_row(number, cells, places, file, len(headings)) for number, cells in filled[1:]]
        for field in NEEDED:
            seen: set[str] = set()
            for row in rows:
                text = getattr(row, field)
                if text in seen:
                    rule = f"the {label_of(field).lower()} stands in an earlier row too"
                    raise FileRefused(file, rule, "Keep one row a learner.", line=row.row, column=label_of(field))
                seen.add(text)
        return tuple(rows)

    def _places(self, headings: Sequence[str], file: str, top: int) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, text in enumerate(headings):
            field = self._field_of.get(_plain(text))
            if field is None:
                continue
            if field in places:
                rule = f"two columns look like the {_label(field).lower()}"
                raise FileRefused(file, rule, "Remove one, or name the right one in the profile.", line=top)
            places[field] = place
        for field in NEEDED:
            if field not in places:
                rule = f"no column holds the {_label(field).lower()}"
                fix = f"Head it {self._example[field]}, or add its heading to the profile."
                raise FileRefused(file, rule, fix, line=top)
        return places


def _row(line: int, cells: Sequence[str], places: Mapping[str, int], file: str, width: int) -> ConfirmedRow:
    if any(cells[width:]):
        rule = f"the row has more cells than the {width} headings"
        raise FileRefused(file, rule, "Look for an extra separator in this row.", line=line)
    values: dict[str, str] = {}
    for field in FIELDS:
        place = places.get(field, len(cells))
        text = cells[place].strip() if place < len(cells) else ""
        if field in NEEDED and not text:
            rule = f"the {_label(field).lower()} is empty"
            raise FileRefused(file, rule, "Fill it in, or remove the row.", line=line, column=_label(field))
        if text and (len(text) > CELL_LIMIT or text_finding(field, text)):
            rule = f"the {_label(field).lower()} is too long or not plain text"
            raise FileRefused(file, rule, "Correct it.", line=line, column=_label(field))
        if text and field != "reference" and not NUMBER.fullmatch(text):
            rule = f"the {_label(field).lower()} is not letters, digits and - . / _"
            raise FileRefused(file, rule, "Correct it, or name the right column.", line=line, column=_label(field))
        values[field] = text
    return ConfirmedRow(row=line, **values)


def _text(cell: Cell) -> str:
    """A cell as text; whole numbers as their digits."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _label(field: str) -> str:
    return "Order number" if field == "order_number" else label_of(field)


def _plain(heading: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", heading).casefold() if c.isalnum())
