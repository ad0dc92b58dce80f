"""Candidates of a possible match, as the LRS portal shows them: a short list, read whole or refused.

It is typed by a person or saved from the portal, so nothing in it is corrected: a value that cannot be read refuses
the list, with its row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.cohort_values import (
    Row,
    read_day,
    read_gender,
    read_postcode,
    read_text,
    read_uln,
    word_key,
    word_table,
)
from states.exchange.files import read_records
from states.exchange.sheets import read_table
from states.learner.details import FIVE_DETAILS, Details
from states.sheet_ports import Candidate

TYPED: Final = "standard input"
LABELS: Final = {
    "existing_uln": "ULN",
    "given_name": "Given name",
    "family_name": "Family name",
    "date_of_birth": "Date of birth",
    "gender": "Gender",
    "postcode": "Postcode",
}
NEEDED: Final = ("existing_uln", "given_name", "family_name", "date_of_birth")
MOST: Final = 50
"""Rows of a list; the LRS names at most ten possible matches (WSRC0003, service description as kept in 2026)."""


class CandidateLists:
    """Reads lists of candidates by the headings and words of config/headings.toml."""

    def __init__(self, headings: Mapping[str, Any]) -> None:
        self._fields = {word_key(word): name for name in LABELS for word in headings["headings"][name]}
        self._genders = word_table(headings["words"]["gender"])

    def read(self, source: Path | bytes, *, day_first: bool) -> tuple[Candidate, ...]:
        """Read a CSV or XLSX file, or CSV that was typed; raises FileRefused for anything that cannot be right."""
        if isinstance(source, bytes):
            rows = [(n, [c or None for c in cells]) for _, n, cells in read_records(source, TYPED)]
            return self._read(TYPED, list[tuple[int, Sequence[Cell]]](rows), frozenset(), day_first=day_first)
        table = read_table(source)
        return self._read(table.name, table.rows, table.formulas | table.errors, day_first=day_first)

    def _read(
        self,
        file: str,
        rows: Sequence[tuple[int, Sequence[Cell]]],
        spoiled: frozenset[tuple[int, int]],
        *,
        day_first: bool,
    ) -> tuple[Candidate, ...]:
        filled = [(number, cells) for number, cells in rows if any(_text(cell) for cell in cells)]
        columns = self._columns(file, filled[0] if filled else None)
        if len(filled) > MOST + 1:
            raise FileRefused(file, f"it has more than {MOST} rows", "List only the candidates of one learner.")
        found: dict[str, Candidate] = {}
        for number, cells in filled[1:]:
            if len(cells) > len(filled[0][1]) and any(_text(cell) for cell in cells[len(filled[0][1]) :]):
                fix = "Look for an extra separator in this row."
                raise FileRefused(file, "the row has more cells than the headings", fix, line=number)
            values = {name: cells[at] if at < len(cells) else None for name, at in columns.items()}
            bad = {name for name, at in columns.items() if (number, at) in spoiled}
            one = self._candidate(file, number, values, bad, day_first=day_first)
            if one.uln in found:
                rule = f"it is the ULN of row {found[one.uln].row} too"
                raise FileRefused(file, rule, "Name each candidate once.", line=number, column="ULN")
            found[one.uln] = one
        return tuple(found.values())

    def _columns(self, file: str, first: tuple[int, Sequence[Cell]] | None) -> dict[str, int]:
        """Field -> column, by the headings of the first row that holds anything."""
        wanted = f"Head the columns {', '.join(LABELS.values())}, in any order."
        if first is None:
            raise FileRefused(file, "there is nothing in it", wanted)
        line, cells = first
        columns: dict[str, int] = {}
        for at, cell in enumerate(cells):
            name = self._fields.get(word_key(_text(cell)), "")
            if name in columns:
                rule = f"two columns are headed as {LABELS[name]}"
                raise FileRefused(file, rule, "Rename or remove one of them.", line=line)
            if name:
                columns[name] = at
        if missing := [LABELS[name] for name in NEEDED if name not in columns]:
            raise FileRefused(file, f"no column is headed {', '.join(missing)}", wanted, line=line)
        return columns

    def _candidate(
        self, file: str, number: int, values: Mapping[str, Cell], bad: set[str], *, day_first: bool
    ) -> Candidate:
        row = Row(cells=values, formulas=bad, errors=frozenset(), day_first=day_first)
        uln = read_uln(row)
        details = Details(
            given_name=read_text(row, "given_name", 35),
            family_name=read_text(row, "family_name", 35),
            date_of_birth=read_day(row, "date_of_birth"),
            gender=read_gender(row, self._genders),
            postcode=read_postcode(row),
        )
        for finding in row.findings:
            if finding.weight == "malformed" or finding.code == "formula":
                label, said = LABELS[finding.field], finding.message.partition(": ")[2].rstrip(".")
                fix = finding.fix or "Type the value itself into the cell."
                raise FileRefused(file, said, fix, line=number, column=label)
        if not uln:
            fix = "Every candidate has one: copy it from the portal."
            raise FileRefused(file, "there is no ULN", fix, line=number, column="ULN")
        if not any(getattr(details, name) for name in FIVE_DETAILS):
            raise FileRefused(file, "there are no details to compare", "Copy them from the portal.", line=number)
        return Candidate(row=number, uln=uln, details=details)


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip()
