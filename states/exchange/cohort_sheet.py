"""A centre's own cohort sheet: found, understood by its headings, and given back with what to put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.cohort_values import (
    REFERENCE_LIMIT,
    Row,
    has_letter,
    read_code,
    read_day,
    read_details,
    read_text,
    word_key,
    word_table,
)
from states.exchange.sheets import Table, read_table, write_for_people_xlsx
from states.learner.details import FIVE_DETAILS, LABELS, match_key
from states.ports import Finding, RowResult, Sheet, SheetRow
from workflow.errors import DefinitionError

RESULT_HEADINGS: Final = ("Result", "How to fix")

_SEARCHED_ROWS = 50
_NAMING = frozenset({"given_name", "family_name", "date_of_birth"})
_TELLING = ("gender", "postcode", "existing_uln", "email")
"""A row without name and date of birth is still a learner when one of these is filled beside the reference."""
_SHOWN_HEADINGS = 12
_SHOWN_ALIKE = 4


class CohortSheets:
    """Reads cohort sheets by a table of headings and words, and writes them back with results.

    `headings` is the content of config/headings.toml: `headings` (field -> headings) and `words`
    (table -> code -> words); raises DefinitionError for a heading under two fields. It does not judge ages: the
    rules do.
    """

    def __init__(self, headings: Mapping[str, Any]) -> None:
        self._known: Mapping[str, Sequence[str]] = headings["headings"]
        self._fields = _fields_by_heading(self._known)
        tables = {name: word_table(words) for name, words in headings["words"].items()}
        yes_no = tables["yes_no"]
        self._words = {
            "gender": tables["gender"],
            "id_type": tables["id_type"],
            "ability_to_share": yes_no | {"2": "2"},
            "funded": tables["funded"],
        }

    def read(self, path: Path, *, day_first: bool, sheet: str | None = None) -> Sheet:
        """Read a CSV or XLSX file.

        Raises FileRefused for what cannot be opened, a sheet without understood headings or without learner
        references, two columns for one field, and a CSV row whose width differs from the headings'.
        """
        table = read_table(path, sheet=sheet)
        at = self._find_header(table)
        number, header = table.rows[at]
        columns = self._columns(table.name, number, header)
        skipped = [(row, "above the headings") for row, cells in table.rows[:at] if any(_filled(c) for c in cells)]
        rows: list[SheetRow] = []
        for row_number, cells in table.rows[at + 1 :]:
            if not any(_filled(cell) for cell in cells):
                continue
            by_field = {field: cells[c] if c < len(cells) else None for c, field in columns.items()}
            if not _is_learner(by_field):
                skipped.append((row_number, "no name and no date of birth"))
                continue
            _check_width(table, row_number, cells, header)
            rows.append(self._read_row(table, row_number, by_field, columns, day_first=day_first))
        return Sheet(
            name=table.name,
            digest=table.digest,
            sheet=table.sheet,
            header_row=number,
            columns={_heading(header[c]): field for c, field in columns.items()},
            unknown_columns=tuple(
                _heading(cell)
                for c, cell in enumerate(header)
                if _filled(cell) and c not in columns and _heading(cell) not in RESULT_HEADINGS
            ),
            rows=_compare(rows),
            skipped=tuple(skipped),
        )

    def write_results(self, path: Path, source: Sheet, results: Sequence[RowResult], target: BinaryIO) -> None:
        """Write the sheet at `path` again as XLSX with Result and How to fix at its right, safe to open.

        Raises FileRefused when the file is not the one that `source` was read from.
        """
        table = read_table(path, sheet=source.sheet or None)
        if table.digest != source.digest:
            raise FileRefused(table.name, "the file was changed since it was read", "Import it again.")
        header = next(cells for number, cells in table.rows if number == source.header_row)
        old = {c for c, cell in enumerate(header) if _filled(cell) and _heading(cell) in RESULT_HEADINGS}
        kept = [c for c in range(max(len(cells) for _, cells in table.rows)) if c not in old]
        told = {result.row: result for result in results}
        rows: list[list[Cell]] = []
        for number, cells in table.rows:
            row = [cells[c] if c < len(cells) else None for c in kept]
            rows.append(row + _result_cells(number, source.header_row, told.get(number)))
        ulns = {
            place
            for place, c in enumerate(kept)
            if c < len(header) and self._fields.get(word_key(_heading(header[c]))) == "existing_uln"
        }
        write_for_people_xlsx(
            rows,
            target,
            header=source.header_row,
            sheet=source.sheet or "Sheet1",
            text_columns=ulns,
            tinted=(len(kept), len(kept) + 1),
        )

    def _find_header(self, table: Table) -> int:
        """Find the row with the most understood headings; titles may stand above it."""
        best, best_hits = -1, frozenset[str]()
        for at, (_, cells) in enumerate(table.rows[:_SEARCHED_ROWS]):
            hits = frozenset(f for cell in cells if (f := self._field_of(cell)))
            if len(hits) > len(best_hits):
                best, best_hits = at, hits
        understood = "; ".join(f"{_label(field)}: {', '.join(self._known[field][:4])}" for field in self._known)
        if len(best_hits & _NAMING) < len(_NAMING) - 1:
            # only understood headings are named: in a sheet without headings the rest is people
            found = ", ".join(sorted(_label(field) for field in best_hits)) or "none"
            rule = f"no row of headings was found (understood in the likeliest row: {found})"
            fix = f"Put headings above the table. Understood among others are {understood}."
            raise FileRefused(table.name, rule, fix)
        if "reference" not in best_hits:
            line, cells = table.rows[best]
            unknown = [_heading(c) for c in cells if _filled(c) and not self._field_of(c)][:_SHOWN_HEADINGS]
            rule = "there is no column with the learner reference"
            if unknown:
                rule += f" (not understood: {', '.join(unknown)})"
            fix = (
                "Add the centre's own key of each learner under the heading Learner reference; understood too: "
                + ", ".join(self._known["reference"][1:8])
                + "."
            )
            raise FileRefused(table.name, rule, fix, line=line)
        return best

    def _field_of(self, cell: Cell) -> str | None:
        return self._fields.get(word_key(cell)) if isinstance(cell, str) else None

    def _columns(self, file: str, line: int, header: Sequence[Cell]) -> dict[int, str]:
        """Column -> field; two columns for one field are refused."""
        columns: dict[int, str] = {}
        first: dict[str, str] = {}
        for c, cell in enumerate(header):
            field = self._field_of(cell)
            if not field:
                continue
            if field in first:
                rule = f"two columns are understood as {_label(field)}: {first[field]} and {_heading(cell)}"
                raise FileRefused(file, rule, "Rename or remove one of them.", line=line)
            first[field] = _heading(cell)
            columns[c] = field
        return columns

    def _read_row(
        self,
        table: Table,
        number: int,
        by_field: Mapping[str, Cell],
        columns: Mapping[int, str],
        *,
        day_first: bool,
    ) -> SheetRow:
        row = Row(
            cells=by_field,
            formulas={f for c, f in columns.items() if (number, c) in table.formulas},
            errors={f for c, f in columns.items() if (number, c) in table.errors},
            day_first=day_first,
        )
        reference = read_text(row, "reference", REFERENCE_LIMIT)
        if not reference:
            fix = "Fill in the centre's own key of this learner."
            row.say("refused", "reference", "reference_missing", "missing, or not usable.", fix)
        details = read_details(row, self._words)
        funded = read_code(row, "funded", self._words["funded"], truth=True)
        return SheetRow(
            row=number,
            reference=reference,
            details=details,
            cohort=read_text(row, "cohort"),
            qualification=read_text(row, "qualification"),
            funded=None if not funded else funded == "yes",
            start=read_day(row, "start"),
            planned_end=read_day(row, "planned_end"),
            findings=tuple(row.findings),
        )


def _fields_by_heading(known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    pairs = [(word_key(alias), field, alias) for field, listed in known.items() for alias in listed]
    fields = {key: field for key, field, _ in pairs}
    twice = [f"the heading {alias} stands under two fields" for key, field, alias in pairs if fields[key] != field]
    if twice:
        raise DefinitionError("headings.toml", twice)
    return fields


def _filled(cell: Cell) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _heading(cell: Cell) -> str:
    """A heading as written, blanks and control characters made single spaces, 60 characters at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(cell)).split())[:60]


def _label(field: str) -> str:
    return LABELS.get(field, field.replace("_", " ").capitalize())


def _is_learner(by_field: Mapping[str, Cell]) -> bool:
    named = any(has_letter(by_field.get(name)) for name in ("given_name", "family_name"))
    told = any(_filled(by_field.get(name)) for name in _TELLING)
    return named or _filled(by_field.get("date_of_birth")) or (_filled(by_field.get("reference")) and told)


def _check_width(table: Table, number: int, cells: Sequence[Cell], header: Sequence[Cell]) -> None:
    """Refuse a CSV row with more or fewer cells than the headings: its values may stand in wrong columns."""
    if not table.sheet and len(cells) != len(header):
        rule = f"the row has {len(cells)} cells, the headings have {len(header)}"
        fix = "Look for a missing or an extra separator in this row."
        raise FileRefused(table.name, rule, fix, line=number)


def _result_cells(number: int, header_row: int, result: RowResult | None) -> list[Cell]:
    if number == header_row:
        return list(RESULT_HEADINGS)
    return [result.result, "\n".join(result.fixes)] if result else [None, None]


def _compare(rows: list[SheetRow]) -> tuple[SheetRow, ...]:
    """Add what only shows between rows: a reference given twice, and two learners with the same five details."""
    first: dict[str, int] = {}
    alike: dict[str, list[SheetRow]] = {}
    more: dict[int, list[Finding]] = {}
    for row in rows:
        if row.reference and row.reference in first:
            message = f"Learner reference: row {first[row.reference]} has the same one."
            fix = "Give each learner a reference of their own, or delete one of the rows."
            more.setdefault(row.row, []).append(Finding("refused", "reference", "reference_twice", message, fix))
        elif row.reference:
            first[row.reference] = row.row
        if all(getattr(row.details, name) for name in FIVE_DETAILS):
            alike.setdefault(match_key(row.details), []).append(row)
    for group in alike.values():
        references = list(dict.fromkeys(each.reference for each in group if each.reference))[:_SHOWN_ALIKE]
        for row in group:
            others = [reference for reference in references if reference != row.reference]
            if others:
                message = f"The five details are those of {', '.join(others)} too."
                fix = "Check whether this is one person entered twice."
                more.setdefault(row.row, []).append(Finding("note", "reference", "same_details", message, fix))
    return tuple(replace(row, findings=row.findings + tuple(more.get(row.row, ()))) for row in rows)
