"""What is asked of an ODS workbook before a library opens it: a few bytes of it can stand for a million rows."""

from __future__ import annotations

import re
from typing import Final

from states.errors import FileRefused
from states.exchange.workbook_gate import (
    ATTRIBUTES,
    RESAVE,
    SheetScan,
    attributes,
    check_archive,
    check_area,
    unpack,
    unpack_xml,
)

CONTENT: Final = "content.xml"
MIMETYPE: Final = "mimetype"
SPREADSHEET: Final = b"application/vnd.oasis.opendocument.spreadsheet"

_REPEAT_LIMIT = 10_000_000
_PART = re.compile(rb"<(/?)table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])" + ATTRIBUTES + rb"\s*(/?)>")
_PART_START = re.compile(rb"</?table:(?:table|table-row|table-cell|covered-table-cell)[\s/>]")
_OUTSIDE = re.compile(rb"<table:(?:table-source|cell-range-source)[\s/>]|<office:dde-source[\s/>]")


def is_ods(data: bytes) -> bool:
    """Whether packed bytes name themselves an OpenDocument file, as its first part does."""
    return data[30:38] == MIMETYPE.encode() and data[38:].startswith(b"application/vnd.oasis.opendocument.")


def check_ods(data: bytes, file: str) -> dict[str, SheetScan]:
    """Check an ODS workbook and scan its sheets, by name.

    Raises FileRefused as `check_workbook` does, and for another OpenDocument file, a password and links to outside.
    """
    members = check_archive(data, file)
    by_name = {member.filename: member for member in members}
    if CONTENT not in by_name or unpack(data, by_name[MIMETYPE], file).strip() != SPREADSHEET:
        raise FileRefused(file, "it is an OpenDocument file, but no spreadsheet", "Save it as .xlsx or as CSV UTF-8.")
    manifest = by_name.get("META-INF/manifest.xml")
    if manifest is not None and b"encryption-data" in unpack_xml(data, manifest, file):
        raise FileRefused(file, "the workbook is protected by a password", "Remove the password and save it again.")
    for member in members:
        if member.filename not in {CONTENT, MIMETYPE}:
            unpack(data, member, file)
    content = unpack_xml(data, by_name[CONTENT], file)
    if _OUTSIDE.search(content):
        fix = "Break the links (Edit, Links), or save as CSV UTF-8."
        raise FileRefused(file, "the workbook links to other workbooks", fix)
    return _scan(content, file)


class _Sheet:
    """A sheet while it is scanned; places count from 0."""

    def __init__(self) -> None:
        self.row = self.column = self.height = self.rows = self.columns = self.filled = 0
        self.formulas: set[tuple[int, int]] = set()
        self.errors: set[tuple[int, int]] = set()

    def fill(self, own: dict[str, str], times: int, file: str) -> None:
        """Take in a cell that is filled, as often as it is repeated to the right and below."""
        self.rows = max(self.rows, self.row + self.height)
        self.columns = max(self.columns, self.column + times)
        check_area(self.rows, self.columns, file)
        self.filled += times * self.height
        places = [
            (row + 1, column)
            for marked in ("table:formula" in own or own.get("calcext:value-type") == "error",)
            if marked
            for row in range(self.row, self.row + self.height)
            for column in range(self.column, self.column + times)
        ]
        if "table:formula" in own:
            self.formulas.update(places)
        if own.get("calcext:value-type") == "error":
            self.errors.update(places)


def _scan(content: bytes, file: str) -> dict[str, SheetScan]:
    scans: dict[str, SheetScan] = {}
    area, seen = 0, 0
    sheet, name = _Sheet(), ""
    for found in _PART.finditer(content):
        seen += 1
        closing, part, empty = bool(found[1]), found[2], bool(found[4])
        own = {} if closing else attributes(found[3])
        if part == b"table":
            if not closing:
                sheet, name = _Sheet(), own.get("table:name", "")
            if closing or empty:
                area += sheet.rows * sheet.columns
                check_area(area, 1, file)
                scans[name] = SheetScan(sheet.filled, frozenset(sheet.formulas), frozenset(sheet.errors))
        elif part == b"table-row":
            if not closing:
                sheet.column, sheet.height = 0, _times(own, "table:number-rows-repeated", file)
            if closing or empty:
                sheet.row += sheet.height
        elif not closing:
            times = _times(own, "table:number-columns-repeated", file)
            if not empty or "office:value-type" in own or "table:formula" in own:
                sheet.fill(own, times, file)
            sheet.column += times
    if seen != len(_PART_START.findall(content)):
        raise FileRefused(file, "a sheet is damaged", RESAVE)
    return scans


def _times(own: dict[str, str], name: str, file: str) -> int:
    text = own.get(name, "1")
    if not re.fullmatch(r"[0-9]{1,8}", text, re.ASCII) or not 0 < int(text) <= _REPEAT_LIMIT:
        raise FileRefused(file, "a sheet is damaged", RESAVE)
    return int(text)
