"""Files an awarding organisation would send or hand out, made up for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Protection
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

FIRST = 6
"""The row of the first learner in the template."""


def template(path: Path, *, rows: int = 20, headings: Sequence[str] = ("Ref", "Surname", "DOB")) -> Path:
    """A locked template: title, headings in row 5, unlocked cells below, a formula, a drop-down list, a hidden sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Learners"
    page["B2"] = "Order form of a made-up body"
    page["B3"] = f"=COUNTA(B{FIRST}:B{FIRST + rows - 1})"
    for column, heading in enumerate(headings, start=2):
        page.cell(FIRST - 1, column, heading)
        for row in range(FIRST, FIRST + rows):
            page.cell(row, column).protection = Protection(locked=False)
    choice = DataValidation(type="list", formula1='"Yes,No"')
    choice.add(f"E{FIRST}:E{FIRST + rows - 1}")
    page.add_data_validation(choice)
    page.protection.sheet = True
    page.protection.password = "theirs"
    hidden = book.create_sheet("Codes")
    hidden["A1"] = "=HIDDEN"
    hidden["A1"].data_type = "s"
    hidden.sheet_state = "hidden"
    book.defined_names["Codes"] = DefinedName("Codes", attr_text="Codes!$A$1")
    book.save(path)
    return path


def workbook(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def csv_file(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A CSV file with the headings of the first row."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\r\n".join([*lines, ""]), "utf-8")
    return path


def cells(path: Path, sheet: str = "") -> list[list[Any]]:
    """What stands in a workbook, formulas as they are written."""
    book = openpyxl.load_workbook(path)
    page = book[sheet] if sheet else book.active
    return [[cell.value for cell in row] for row in page.iter_rows()]
