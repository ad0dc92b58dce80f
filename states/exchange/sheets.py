"""Sheets in and out: a sheet as rows of cells, whatever its format, and two writers for files that people open."""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from time import time as time_of_day
from typing import Any, BinaryIO, Final, Protocol

import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.exceptions import XlsxWriterException  # type: ignore[import-untyped]  # as above

from states.errors import FileRefused
from states.exchange.cells import Cell, neutralise
from states.exchange.csv_file import TEXT_LIMIT, CsvFile, checked_delimiter, checked_encoding
from states.exchange.files import opened, shown_name
from states.exchange.workbook import WorkbookSheet
from states.exchange.workbook_gate import ZIP_MARK
from states.exchange.xls_gate import OLE_MARK

HELD_ROWS: Final = 5_000
"""Up to so many rows a workbook is made in memory; longer ones need a folder of the centre's own."""

_FIRST_EXCEL_YEAR = 1900
_EXACT_DIGITS = 10**15
_CELL_TEXT_LIMIT = 32_767
_STALE = 86_400
"""Seconds after which no command works on what it made any more."""
_WORKBOOKS = {".xlsx", ".xls", ".ods"}


class Grid(Protocol):
    """A sheet of a file as rows of cells, read anew at each asking, nothing interpreted.

    `sheet` is empty for CSV. `digest` is the SHA-256 of the file, known once all rows were read. `formulas` and
    `errors` are places as (row number, column counted from 0).
    """

    @property
    def name(self) -> str:
        """The file's name, fit for messages."""
        ...

    @property
    def sheet(self) -> str:
        """The sheet's name."""
        ...

    @property
    def digest(self) -> str:
        """64 hexadecimal digits."""
        ...

    @property
    def formulas(self) -> frozenset[tuple[int, int]]:
        """Where formulas stand."""
        ...

    @property
    def errors(self) -> frozenset[tuple[int, int]]:
        """Where error values stand."""
        ...

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row as the spreadsheet program shows it, cells), blank rows too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Table:
    """A sheet as rows of cells, all of it held; its repr shows no cell.

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


def open_grid(path: Path, *, sheet: str | None = None, encoding: str = "", delimiter: str = "") -> Grid:
    """Open a CSV, XLSX, XLS or ODS file, told apart by its first bytes.

    `encoding` and `delimiter` are for CSV alone, and found out when empty. Raises FileRefused for what the gates
    refuse, for a sheet that is not there, and when several sheets are filled and none is named; NotPossible for an
    encoding or a separator that is not known.
    """
    name, suffix = shown_name(path), path.suffix.casefold()
    told = [word for word, said in (("--encoding", encoding), ("--delimiter", delimiter)) if said]
    checked_encoding(encoding)
    checked_delimiter(delimiter)
    if suffix in {".xlsm", ".xltm", ".xlsb"}:
        raise FileRefused(name, "workbooks with macros, and binary ones, are not read", "Save it as .xlsx.")
    with opened(path) if suffix in _WORKBOOKS else opened(path, limit=TEXT_LIMIT) as source:
        head = source.read(512)
    if head.startswith((OLE_MARK, ZIP_MARK)):
        if told:
            raise FileRefused(name, "a workbook has neither encoding nor separator", f"Leave {told[0]} out.")
        return WorkbookSheet(path, sheet=sheet)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        fix = "Open it in a spreadsheet program and save it as .xlsx or CSV UTF-8."
        raise FileRefused(name, "it is a web page or XML, whatever its name says", fix)
    if suffix in _WORKBOOKS:
        fix = f"Save it as {suffix}, or name it .csv."
        raise FileRefused(name, f"it is named {suffix} but is no workbook", fix)
    if sheet:
        raise FileRefused(name, "a CSV file has no sheets", "Leave --sheet out.")
    return CsvFile(path, encoding=encoding, delimiter=delimiter)


def read_table(path: Path, *, sheet: str | None = None, encoding: str = "", delimiter: str = "") -> Table:
    """Read a whole file of at most 50 MB as `open_grid` opens it."""
    with opened(path):
        grid = open_grid(path, sheet=sheet, encoding=encoding, delimiter=delimiter)
        rows = list(grid.rows())
    return Table(
        name=grid.name, digest=grid.digest, sheet=grid.sheet, rows=rows, formulas=grid.formulas, errors=grid.errors
    )


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
    scratch: Path | None = None,
) -> None:
    """Write rows as XLSX for people: every text neutralised and kept as text, dates as dates.

    `header` is the 1-based row of the headings, which are in bold and stay in view. Numbers in `text_columns`
    become text, such as ULNs; the columns in `tinted` are coloured lightly. Columns count from 0. The workbook is made
    whole and then written at once: in memory, or in a folder below `scratch` that only its owner can read and that is
    removed again, so that rows need not be held. Raises OSError for a disk that is full.
    """
    with _making(scratch) as (made, options):
        book = xlsxwriter.Workbook(made, options)
        try:
            _write_page(book, rows, header=header, sheet=sheet, text_columns=text_columns, tinted=tinted)
            book.close()
        except XlsxWriterException as wrong:
            raise OSError(f"the workbook cannot be made ({type(wrong).__name__})") from None
        finally:
            book.fileclosed = 1  # else it tries again at its end, and complains
            for page in book.worksheets():
                if page.row_data_fh is not None:
                    page.row_data_fh.close()
        if isinstance(made, io.BytesIO):
            target.write(made.getbuffer())
        else:
            with Path(made).open("rb") as source:
                shutil.copyfileobj(source, target)


@contextmanager
def _making(scratch: Path | None) -> Iterator[tuple[io.BytesIO | str, dict[str, Any]]]:
    """Where a workbook is made, and how: no copy of personal data in the system's temporary folder."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    if scratch is None:
        yield io.BytesIO(), {**options, "in_memory": True}
        return
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in scratch.iterdir():  # by a command that was killed
        if time_of_day() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=scratch) as own:
        yield str(Path(own) / "made.xlsx"), {**options, "constant_memory": True, "tmpdir": own}


def _write_page(
    book: Any,
    rows: Iterable[Sequence[Cell]],
    *,
    header: int,
    sheet: str,
    text_columns: Collection[int],
    tinted: Collection[int],
) -> None:
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


def _write_cell(page: Any, row: int, column: int, cell: Cell, look: dict[str, Any], *, as_text: bool) -> None:
    if type(cell) is str:
        page.write_string(row, column, str(neutralise(cell))[:_CELL_TEXT_LIMIT], look["plain"])
    elif cell is None:
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
