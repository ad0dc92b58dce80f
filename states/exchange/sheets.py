"""Sheets in and out: CSV and XLSX read into rows of cells, and two writers for files that people open.

No promise is made for merged cells (the value stands in the first one) or for hidden sheets (read only when
named). A formula's value is the last one the spreadsheet program calculated.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import python_calamine
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from states.errors import FileRefused
from states.exchange.cells import Cell, neutralise
from states.exchange.files import decode_text, read_bytes, read_records, shown_name
from states.exchange.workbook_gate import ZIP_MARK, SheetScan, check_old_container, check_workbook

_DELIMITERS = (",", ";", "\t")
_FIRST_EXCEL_YEAR = 1900
_EXACT_DIGITS = 10**15
_CELL_TEXT_LIMIT = 32_767


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Table:
    """A sheet as rows of cells, nothing interpreted; its repr shows no cell.

    `rows` holds (row number as the spreadsheet program shows it, cells), blank rows too. `formulas` and
    `errors` are places as (row number, column counted from 0). `sheet` is empty for CSV; `digest` is the SHA-256
    of the file.
    """

    name: str
    digest: str
    sheet: str
    rows: list[tuple[int, list[Cell]]]
    formulas: frozenset[tuple[int, int]] = frozenset()
    errors: frozenset[tuple[int, int]] = frozenset()

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} rows)"


def read_table(path: Path, *, sheet: str | None = None) -> Table:
    """Read a CSV or XLSX file, told apart by its first bytes.

    Raises FileRefused for what the gates refuse, for a sheet that is not there, and when several sheets are
    filled and none is named.
    """
    name = shown_name(path)
    if path.suffix.casefold() in {".xlsm", ".xltm", ".xlsb"}:
        raise FileRefused(name, "workbooks with macros, and binary ones, are not read", "Save it as .xlsx.")
    data = read_bytes(path)
    check_old_container(data, name)
    if data.startswith(ZIP_MARK):
        return _read_workbook(data, name, sheet)
    if path.suffix.casefold() == ".xlsx":
        raise FileRefused(name, "it is named .xlsx but is no workbook", "Save it as .xlsx, or name it .csv.")
    if sheet:
        raise FileRefused(name, "a CSV file has no sheets", "Leave --sheet out.")
    delimiter = _delimiter(decode_text(data, name))
    rows: list[tuple[int, list[Cell]]] = [
        (number, [cell or None for cell in cells])
        for _line, number, cells in read_records(data, name, delimiter=delimiter)
    ]
    return Table(name=name, digest=_digest(data), sheet="", rows=rows)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _delimiter(text: str) -> str:
    """Find the separator seen most often in the first twenty lines; a comma when in doubt."""
    head = "\n".join(text[:20_000].splitlines()[:20])
    return max(_DELIMITERS, key=head.count)


def _read_workbook(data: bytes, name: str, sheet: str | None) -> Table:
    scans = check_workbook(data, name)
    try:
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            chosen = _choose(book, scans, name, sheet)
            raw = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, ValueError, OSError):
        raise FileRefused(name, "the workbook is damaged", "Save it again as .xlsx or CSV UTF-8.") from None
    except BaseException as error:  # a panic of the Rust reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise FileRefused(name, "the workbook is damaged", "Save it again as .xlsx or CSV UTF-8.") from None
    rows = [(number, [_cell(value) for value in cells]) for number, cells in enumerate(raw, start=1)]
    scan = scans[chosen]
    return Table(
        name=name,
        digest=_digest(data),
        sheet=chosen,
        rows=rows,
        formulas=scan.formulas,
        errors=scan.errors,
    )


def _choose(book: python_calamine.CalamineWorkbook, scans: dict[str, SheetScan], name: str, sheet: str | None) -> str:
    if sheet is not None:
        if sheet in book.sheet_names and sheet in scans:
            return sheet
        raise FileRefused(name, "it has no such sheet", f"Choose one with --sheet: {_list(scans)}.")
    visible = python_calamine.SheetVisibleEnum.Visible
    filled = [
        each.name
        for each in book.sheets_metadata
        if each.visible == visible and each.name in scans and scans[each.name].filled
    ]
    if not filled:
        raise FileRefused(name, "no visible sheet holds anything", "Name a hidden one with --sheet, or export again.")
    if len(filled) > 1:
        raise FileRefused(name, "more than one sheet is filled", f"Choose one with --sheet: {_list(filled)}.")
    return filled[0]


def _list(names: Iterable[str]) -> str:
    return ", ".join("".join(c if c.isprintable() else "?" for c in each) for each in names)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value or None
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    kept: Cell = value
    return kept


def write_for_people_csv(rows: Iterable[Sequence[Cell]], target: BinaryIO) -> None:
    """Write rows as CSV for a spreadsheet program: UTF-8 with a mark, CRLF, every text neutralised."""
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_as_text(neutralise(cell)) for cell in row])
    text.detach()


def _as_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_DIGITS:
        return str(int(cell))
    return str(cell)


def write_for_people_xlsx(
    rows: Iterable[Sequence[Cell]],
    target: BinaryIO,
    *,
    header: int = 1,
    sheet: str = "Sheet1",
    text_columns: Collection[int] = (),
    tinted: Collection[int] = (),
) -> None:
    """Write rows as XLSX for people: every text neutralised and kept as text, dates as dates.

    `header` is the 1-based row of the headings, which are in bold and stay in view. Numbers in `text_columns`
    become text, such as ULNs; the columns in `tinted` are coloured lightly. Columns count from 0. The workbook is made
    in memory and written at once: on a full disk xlsxwriter would raise an error of its own and complain at its end.
    """
    options = {
        "in_memory": True,  # no copy of personal data in the system's temporary folder
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, options) as book:
        page = book.add_worksheet(_sheet_name(sheet))
        looks = {
            (bold, tint): {
                kind: book.add_format(
                    {"bold": bold, "text_wrap": tint, "valign": "top"}
                    | ({"bg_color": "#FFF4D6"} if tint else {})
                    | ({"num_format": pattern} if pattern else {})
                )
                for kind, pattern in (("plain", ""), ("date", "dd/mm/yyyy"), ("time", "dd/mm/yyyy hh:mm"))
            }
            for bold in (False, True)
            for tint in (False, True)
        }
        width = 0
        for number, row in enumerate(rows):
            width = max(width, len(row))
            for column, cell in enumerate(row):
                look = looks[number == header - 1, column in tinted and number >= header - 1]
                _write_cell(page, number, column, cell, look, as_text=column in text_columns)
        page.set_column(0, max(width - 1, 0), 18)
        for column in tinted:
            page.set_column(column, column, 40)
        page.freeze_panes(header, 0)
    target.write(made.getbuffer())


def _write_cell(page: Any, row: int, column: int, cell: Cell, look: dict[str, Any], *, as_text: bool) -> None:
    if cell is None:
        page.write_blank(row, column, None, look["plain"])
    elif isinstance(cell, bool):
        page.write_boolean(row, column, cell, look["plain"])
    elif isinstance(cell, date) and cell.year >= _FIRST_EXCEL_YEAR:
        timed = isinstance(cell, datetime) and cell.time() != time()
        page.write_datetime(row, column, cell, look["time" if timed else "date"])
    elif isinstance(cell, int | float) and not as_text and abs(cell) < _EXACT_DIGITS:
        page.write_number(row, column, cell, look["plain"])
    else:
        text = _as_text(neutralise(cell))[:_CELL_TEXT_LIMIT]
        page.write_string(row, column, text, look["plain"])


def _sheet_name(name: str) -> str:
    cleaned = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip().strip("'")[:31].strip().strip("'")
    return cleaned or "Sheet1"
