"""Workbooks as other programs save them: XLSX, XLS and ODS with the same cells."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Rows = Sequence[Sequence[Any]]


def formula(cell: Any) -> bool:
    """Cells that begin with = are formulas, as typed."""
    return isinstance(cell, str) and cell.startswith("=")


def xlsx(rows: Rows, sheet: str = "Sheet1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def xls(rows: Rows, sheet: str = "Sheet1") -> bytes:
    book = xlwt.Workbook()
    page = book.add_sheet(sheet)
    day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if formula(cell):
                page.write(number, column, xlwt.Formula(cell[1:]))
            elif isinstance(cell, date):
                page.write(number, column, cell, day)
            elif cell is not None:
                page.write(number, column, cell)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def ods(rows: Rows, sheet: str = "Sheet1") -> bytes:
    book = OpenDocumentSpreadsheet()
    table = Table(name=sheet)
    for row in rows:
        line = TableRow()
        for cell in row:
            line.addElement(_ods_cell(cell))
        table.addElement(line)
    book.spreadsheet.addElement(table)
    target = io.BytesIO()
    book.write(target)
    return target.getvalue()


def _ods_cell(cell: Any) -> Any:
    if cell is None:
        return TableCell()
    if formula(cell):
        made = TableCell(valuetype="float", value="0", formula=f"of:{cell}")
    elif isinstance(cell, bool):
        made = TableCell(valuetype="boolean", booleanvalue=str(cell).lower())
    elif isinstance(cell, int | float):
        made = TableCell(valuetype="float", value=str(cell))
    elif isinstance(cell, date):
        made = TableCell(valuetype="date", datevalue=cell.isoformat())
    else:
        made = TableCell(valuetype="string")
    made.addElement(P(text=str(cell)))
    return made


MAKERS: dict[str, Callable[..., bytes]] = {".xlsx": xlsx, ".xls": xls, ".ods": ods}


def save(path: Path, rows: Rows, sheet: str = "Sheet1") -> Path:
    """A workbook in the format its name says."""
    path.write_bytes(MAKERS[path.suffix](rows, sheet))
    return path
