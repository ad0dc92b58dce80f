"""Sheets of an awarding organisation: columns found by the headings a profile names, in whatever order they come."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.columns import label_of
from states.exchange.profile_section import Section
from states.exchange.sheets import Table

LABELS: Final = {"reason": "Reason", "status": "Status"}
LOOKED_AT: Final = 20
"""Filled rows among which the headings are looked for: titles may stand above them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet program shows it (1-based), and its cells by field."""

    number: int
    cells: Mapping[str, Cell]

    def text(self, field: str) -> str:
        """A cell as text without outer blanks; whole numbers as their digits."""
        return text_of(self.cells.get(field)).strip()


class Headed:
    """Finds columns by headings; case, blanks and punctuation do not count.

    `needed` are groups of fields of which one each must be there.
    """

    def __init__(self, section: Section, fields: Collection[str], needed: Sequence[Sequence[str]]) -> None:
        named = {field: section.texts(field) for field in fields}
        self._field_of = {plain(text): field for field, texts in named.items() for text in texts}
        self._example = {field: next(iter(texts), "") for field, texts in named.items()}
        self._needed = needed
        for group in needed:
            if not any(self._example[field] for field in group):
                section.flaw(group[0], f"names no heading for {' or '.join(group)}")

    def also(self, headings: Mapping[str, str]) -> None:
        """Know more headings, by field; those the profile names itself come first."""
        for field, text in headings.items():
            self._field_of.setdefault(plain(text), field)

    def read(self, table: Table) -> tuple[tuple[str, ...], list[Row]]:
        """The fields there are columns for, in their order, and the rows below the headings, blank ones left out.

        Raises FileRefused for an empty file, a column that is missing or doubled, a formula or an error in a column
        that is read, and a row with more cells than headings.
        """
        file = table.name
        filled = [(number, cells) for number, cells in table.rows if any(cell is not None for cell in cells)]
        if not filled:
            raise FileRefused(file, "the file holds no heading row", "Export it again.")
        at = next((i for i, (_, cells) in enumerate(filled[:LOOKED_AT]) if self._complete(cells)), 0)
        top, headings = filled[at][0], filled[at][1]
        places = self._places(headings, file, top)
        for number, place in sorted(table.formulas | table.errors):
            if place in places.values() and number > top:
                rule = "a formula or an error stands where a plain value is needed"
                raise FileRefused(file, rule, "Paste it as a value.", line=number)
        rows = []
        for number, cells in filled[at + 1 :]:
            if any(cell is not None for cell in cells[len(headings) :]):
                rule = f"the row has more cells than the {len(headings)} headings"
                raise FileRefused(file, rule, "Look for an extra separator in this row.", line=number)
            found = {field: cells[place] if place < len(cells) else None for field, place in places.items()}
            if any(cell is not None for cell in cells):
                rows.append(Row(number, found))
        return tuple(places), rows

    def _complete(self, cells: Iterable[Cell]) -> bool:
        there = {self._field_of.get(plain(text_of(cell))) for cell in cells}
        return all(there & set(group) for group in self._needed)

    def _places(self, headings: Sequence[Cell], file: str, top: int) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, cell in enumerate(headings):
            field = self._field_of.get(plain(text_of(cell)))
            if field is None:
                continue
            if field in places:
                rule = f"two columns look like the {lowered(field)}"
                raise FileRefused(file, rule, "Remove one, or name the right one in the profile.", line=top)
            places[field] = place
        for group in self._needed:
            if not places.keys() & set(group):
                known = [field for field in group if self._example[field]]
                rule = f"no column holds the {' or '.join(lowered(field) for field in known)}"
                heads = " or ".join(self._example[field] for field in known)
                fix = f"Head it {heads}, or add its heading to the profile."
                raise FileRefused(file, rule, fix, line=top)
        return places


def label(field: str) -> str:
    """The words a person reads for a field of such a sheet."""
    return LABELS.get(field) or label_of(field)


def lowered(field: str) -> str:
    """The same within a sentence."""
    words = label(field)
    return words if words.isupper() else words.lower()


def text_of(cell: Cell) -> str:
    """A cell as text; whole numbers as their digits, dates as YYYY-MM-DD."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def plain(heading: str) -> str:
    """A heading as it is compared."""
    return "".join(c for c in unicodedata.normalize("NFKC", heading).casefold() if c.isalnum())
