"""A sheet of a workbook (XLSX, XLS, ODS), opened only after its gate has let it pass.

No promise is made for merged cells (the value stands in the first one) or for hidden sheets (read only when
named). A formula's value is the last one the spreadsheet program calculated. A workbook is held while it is read:
packed files tell their rows only as a whole.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import python_calamine

from states.errors import FileRefused
from states.exchange.cells import Cell
from states.exchange.files import read_bytes, shown_name
from states.exchange.ods_gate import check_ods, is_ods
from states.exchange.workbook_gate import ZIP_MARK, SheetScan, check_workbook
from states.exchange.xls_gate import check_xls


class WorkbookSheet:
    """One sheet of a workbook: rows as cells, nothing interpreted.

    `formulas` and `errors` are places as (row number, column counted from 0). Raises FileRefused for what the gates
    refuse, for a sheet that is not there, and when several sheets are filled and none is named.
    """

    def __init__(self, path: Path, *, sheet: str | None = None) -> None:
        self.name = shown_name(path)
        data = read_bytes(path)
        self.digest = hashlib.sha256(data).hexdigest()
        if data.startswith(ZIP_MARK):
            scans = check_ods(data, self.name) if is_ods(data) else check_workbook(data, self.name)
        else:
            scans = check_xls(data, self.name)
        with (
            _reading(self.name),
            python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book,
        ):
            self.sheet = _choose(book, scans, self.name, sheet)
            self._cells = book.get_sheet_by_name(self.sheet)
        self.formulas, self.errors = scans[self.sheet].formulas, scans[self.sheet].errors

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row as the spreadsheet program shows it, cells), blank rows too."""
        with _reading(self.name):
            coming = self._cells.iter_rows()
        number = 0
        while True:
            with _reading(self.name):
                cells = next(coming, None)
            if cells is None:
                return
            number += 1
            yield number, [_cell(value) for value in cells]


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Tell whatever the library says of a workbook as one refusal."""
    try:
        yield
    except python_calamine.PasswordError:
        rule = "the workbook is protected by a password"
        raise FileRefused(name, rule, "Remove the password and save it again.") from None
    except (python_calamine.CalamineError, ValueError, OSError):
        raise FileRefused(name, "the workbook is damaged", "Save it again as .xlsx or CSV UTF-8.") from None
    except BaseException as error:  # a panic of the Rust reader is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise FileRefused(name, "the workbook is damaged", "Save it again as .xlsx or CSV UTF-8.") from None


def _choose(
    book: python_calamine.CalamineWorkbook, scans: Mapping[str, SheetScan], name: str, sheet: str | None
) -> str:
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
