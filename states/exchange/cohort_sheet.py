"""A centre's own cohort sheet: understood by its headings, read row by row, and given back with what to put right."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.cohort_headings import RESULT_HEADINGS, Header, Headings, filled, heading
from states.exchange.cohort_values import REFERENCE_LIMIT, Row, has_letter, read_code, read_day, read_details, read_key
from states.exchange.cohort_values import word_table as table_of
from states.exchange.mappings import Mappings
from states.exchange.sheets import HELD_ROWS, Grid, open_grid, write_for_people_csv, write_for_people_xlsx
from states.learner.details import FIVE_DETAILS, match_key
from states.sheet_ports import Finding, Reading, RowResult, SheetFacts, SheetRow

XLSX_ROWS: Final = 20_000
"""A longer CSV goes back as CSV: to make a workbook of it takes a third of the import."""

_FIRST_ROWS = 200
_SKIPPED = 50
_TELLING = ("gender", "postcode", "existing_uln", "email")
"""A row without name and date of birth is still a learner when one of these is filled beside the reference."""
_SHOWN_ALIKE = 4

Words = Mapping[str, Mapping[str, str]]


class CohortSheets:
    """Opens cohort sheets by a table of headings and words.

    `headings` is the content of config/headings.toml: `headings` (field -> headings) and `words`
    (table -> code -> words); raises DefinitionError for a heading under two fields. `memory` keeps what a person said
    of columns; long workbooks are made below `scratch`. It does not judge ages: the rules do.
    """

    def __init__(
        self, headings: Mapping[str, Any], *, memory: Mappings | None = None, scratch: Path | None = None
    ) -> None:
        self._headings, self._scratch = Headings(headings["headings"], memory), scratch
        tables = {name: table_of(words) for name, words in headings["words"].items()}
        self._words = {
            "gender": tables["gender"],
            "id_type": tables["id_type"],
            "ability_to_share": tables["yes_no"] | {"2": "2"},
            "funded": tables["funded"],
        }

    def open(self, path: Path, reading: Reading) -> CohortSheet:
        """Open a CSV, XLSX, XLS or ODS file and look through it once.

        Raises FileRefused for what cannot be opened, a sheet without understood headings or without learner
        references, two columns for one field, and a CSV row whose width differs from the headings'; NotPossible for
        what is said of columns that are not there.
        """
        grid = _grid(path, reading)
        first = list(islice(grid.rows(), max(_FIRST_ROWS, reading.header_row or 0)))
        header = self._headings.find(
            grid.name, first, row=reading.header_row, said=reading.columns, forget=reading.forget
        )
        return CohortSheet(grid, header, self._headings, self._words, reading, self._scratch)

    def forget(self, path: Path, reading: Reading) -> bool:
        """Forget what a person once said of the columns of such a sheet; whether there was anything."""
        return self._headings.forget(list(islice(_grid(path, reading).rows(), _FIRST_ROWS)))


def _grid(path: Path, reading: Reading) -> Grid:
    return open_grid(path, sheet=reading.sheet, encoding=reading.encoding, delimiter=reading.delimiter)


class CohortSheet:
    """A cohort sheet that is open; its rows are read anew at each asking, and none is kept.

    What is kept of a row is its reference and eight bytes that stand for its five details.
    """

    def __init__(
        self, grid: Grid, header: Header, headings: Headings, words: Words, reading: Reading, scratch: Path | None
    ) -> None:
        self._grid, self._header, self._headings, self._words = grid, header, headings, words
        self._day_first, self._scratch = reading.day_first, scratch
        self._references: list[str] = []
        self._details = array("q")
        self._numbers = array("q")
        self._width = 0
        self.about = self._look_through()

    @property
    def results_suffix(self) -> str:
        """How the name of the sheet that goes back ends."""
        return ".csv" if not self._grid.sheet and self.about.rows > XLSX_ROWS else ".xlsx"

    def rows(self) -> Iterator[SheetRow]:
        """Read the learners in their order; a reference that stood before makes a row refused."""
        first: dict[str, int] = {}
        self._references, self._details, self._numbers = [], array("q"), array("q")
        for number, by_field in self._learners():
            row = self._read_row(number, by_field)
            reference = row.reference
            if reference and (before := first.setdefault(reference, number)) != number:
                message = f"Learner reference: row {before} has the same one."
                fix = "Give each learner a reference of their own, or delete one of the rows."
                twice = Finding("refused", "reference", "reference_twice", message, fix)
                row = replace(row, findings=(*row.findings, twice))
            details = row.details
            whole = all(getattr(details, name) for name in FIVE_DETAILS)
            self._references.append(reference)
            self._numbers.append(number)
            self._details.append(hash(match_key(details)) if whole else 0)
            yield row

    def alike(self) -> Mapping[int, Finding]:
        """By row, who has the same five details; once every row was read."""
        more = {key for key, times in _repeated(self._details) if key and times > 1}
        groups: dict[int, list[int]] = {}
        for at, key in enumerate(self._details):
            if key in more:
                groups.setdefault(key, []).append(at)
        found: dict[int, Finding] = {}
        for group in groups.values():
            known = dict.fromkeys(self._references[at] for at in group if self._references[at])
            references = list(islice(known, _SHOWN_ALIKE))
            for at in group:
                if others := [reference for reference in references if reference != self._references[at]]:
                    message = f"The five details are those of {', '.join(others)} too."
                    fix = "Check whether this is one person entered twice."
                    found[self._numbers[at]] = Finding("note", "reference", "same_details", message, fix)
        return found

    def write_results(self, results: Iterable[RowResult], target: BinaryIO) -> None:
        """Write the sheet again with Result and How to fix at its right, safe to open.

        Raises FileRefused when the file is not the one that was looked through.
        """
        rows = self._with_results(iter(results))
        if self.results_suffix == ".csv":
            write_for_people_csv(rows, target)
            return
        kept, columns = self._kept(), self._header.columns
        write_for_people_xlsx(
            rows,
            target,
            header=self._header.row,
            sheet=self._grid.sheet or "Sheet1",
            text_columns={place for place, c in enumerate(kept) if columns.get(c) == "existing_uln"},
            tinted=(len(kept), len(kept) + 1),
            scratch=self._scratch if self.about.rows > HELD_ROWS else None,
        )

    def remember(self) -> bool:
        """Keep what a person said of the columns for the next sheet with these headings."""
        return self._headings.remember(self._header)

    def _look_through(self) -> SheetFacts:
        header, grid = self._header, self._grid
        skipped: list[tuple[int, str]] = []
        counts = Counter[str]()
        for number, by_field, cells in self._sorted():
            self._width = max(self._width, len(cells))
            if by_field is None:
                if any(map(filled, cells)) and number != header.row:
                    counts["skipped"] += 1
                    above = number < header.row
                    skipped.append((number, "above the headings" if above else "no name and no date of birth"))
                    del skipped[_SKIPPED:]
                continue
            counts["rows"] += 1
            if not grid.sheet and len(cells) != len(header.cells):
                rule = f"the row has {len(cells)} cells, the headings have {len(header.cells)}"
                fix = "Look for a missing or an extra separator in this row."
                raise FileRefused(grid.name, rule, fix, line=number)
        return SheetFacts(
            name=grid.name,
            digest=grid.digest,
            sheet=grid.sheet,
            header_row=header.row,
            columns={heading(header.cells[c]): field for c, field in header.columns.items()},
            unknown_columns=header.unknown,
            rows=counts["rows"],
            skipped=tuple(skipped),
            skipped_rows=counts["skipped"],
            told=header.told,
            left_out=header.left_out,
            remembered=header.remembered,
            likely=self._headings.likely(header) if header.unknown else {},
        )

    def _sorted(self) -> Iterator[tuple[int, dict[str, Cell] | None, list[Cell]]]:
        """Every row as (number, its cells by field if it is a learner's, its cells)."""
        columns, head = list(self._header.columns.items()), self._header.row
        for number, cells in self._grid.rows():
            if number <= head or not any(map(filled, cells)):
                yield number, None, cells
                continue
            size = len(cells)
            by_field = {field: cells[c] if c < size else None for c, field in columns}
            yield number, by_field if _is_learner(by_field) else None, cells

    def _learners(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        for number, by_field, _ in self._sorted():
            if by_field is not None:
                yield number, by_field

    def _read_row(self, number: int, by_field: Mapping[str, Cell]) -> SheetRow:
        columns, grid = self._header.columns, self._grid
        row = Row(
            cells=by_field,
            formulas={f for c, f in columns.items() if (number, c) in grid.formulas} if grid.formulas else (),
            errors={f for c, f in columns.items() if (number, c) in grid.errors} if grid.errors else (),
            day_first=self._day_first,
        )
        reference = read_key(row, "reference", REFERENCE_LIMIT)
        if not reference and not any(finding.weight == "refused" for finding in row.findings):
            fix = "Fill in the centre's own key of this learner."
            row.say("refused", "reference", "reference_missing", "missing, or not usable.", fix)
        details = read_details(row, self._words)
        funded = read_code(row, "funded", self._words["funded"], truth=True)
        return SheetRow(
            row=number,
            reference=reference,
            details=details,
            cohort=read_key(row, "cohort"),
            qualification=read_key(row, "qualification"),
            funded=None if not funded else funded == "yes",
            start=read_day(row, "start"),
            planned_end=read_day(row, "planned_end"),
            findings=tuple(row.findings),
        )

    def _kept(self) -> list[int]:
        """The columns that go back: all but those that an earlier import added."""
        cells = self._header.cells
        old = {c for c, cell in enumerate(cells) if filled(cell) and heading(cell) in RESULT_HEADINGS}
        return [c for c in range(self._width) if c not in old]

    def _with_results(self, results: Iterator[RowResult]) -> Iterator[list[Cell]]:
        kept, head = self._kept(), self._header.row
        told = next(results, None)
        for number, cells in self._grid.rows():
            size = len(cells)
            row = [cells[c] if c < size else None for c in kept]
            if number == head:
                yield [*row, *RESULT_HEADINGS]
            elif told is not None and told.row == number:
                yield [*row, told.result, "\n".join(told.fixes)]
                told = next(results, None)
            else:
                yield [*row, None, None]
        for _ in chain(() if told is None else (told,), results):
            raise FileRefused(self._grid.name, "the file was changed since it was read", "Import it again.")


def _is_learner(by_field: Mapping[str, Cell]) -> bool:
    named = any(has_letter(by_field.get(name)) for name in ("given_name", "family_name"))
    if named or filled(by_field.get("date_of_birth")):
        return True
    return filled(by_field.get("reference")) and any(filled(by_field.get(name)) for name in _TELLING)


def _repeated(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(key, how often) of keys that came more than once, by sorting: a table of them all would weigh ten times more."""
    times, before = 1, None
    for key in chain(sorted(keys), (None,)):
        if key == before:
            times += 1
            continue
        if before is not None and times > 1:
            yield before, times
        times, before = 1, key
