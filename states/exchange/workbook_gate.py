"""What is asked of an XLSX workbook before a library opens it: it can hold far more than it weighs.

The parts, their sizes and their names are judged by the list at the end of the packed file, before any is unpacked.
"""

from __future__ import annotations

import html
import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final

from states.errors import FileRefused

MEMBER_LIMIT: Final = 2_000
RATIO_LIMIT: Final = 100
RATIO_FLOOR: Final = 100_000
"""Members below this size in bytes may be packed as tightly as they like."""
TOTAL_LIMIT: Final = 250_000_000
"""Bytes that all parts of a workbook unpack to."""
AREA_LIMIT: Final = 5_000_000
"""Rows times columns of one sheet, counted from A1: a reader sets aside room for all of them."""

ZIP_MARK: Final = b"PK\x03\x04"

ATTRIBUTES: Final = rb"""((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)"""
_ATTRIBUTE = re.compile(rb"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SHEET = re.compile(rb"<(?:\w+:)?sheet" + ATTRIBUTES + rb"\s*/?>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship" + ATTRIBUTES + rb"\s*/?>")
_CELL = re.compile(rb"<(?:\w+:)?(row|c)" + ATTRIBUTES + rb"\s*(/?)>(?:\s*<(?:\w+:)?(f)[\s/>])?")
_CELL_START = re.compile(rb"<(?:\w+:)?(?:row|c)[\s/>]")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_PLACE = re.compile(rb"([A-Za-z]{1,3})([0-9]{1,7})")
RESAVE: Final = "Open it in a spreadsheet program and save it again as .xlsx."


@dataclass(frozen=True, slots=True)
class SheetScan:
    """What a sheet holds: the number of filled cells, and where formulas and error values stand.

    Places are (row as the program shows it, column counted from 0).
    """

    filled: int
    formulas: frozenset[tuple[int, int]]
    errors: frozenset[tuple[int, int]]


def check_workbook(data: bytes, file: str) -> dict[str, SheetScan]:
    """Check a packed workbook and scan its sheets, by name.

    Raises FileRefused for what `check_archive` refuses, sizes that lie, packed files inside, and a sheet too large
    to lay out.
    """
    members = check_archive(data, file)
    by_name = {member.filename: member for member in members}
    parts = {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"}
    if not parts <= by_name.keys():
        rule = "it is a packed file, but no XLSX or ODS workbook"
        raise FileRefused(file, rule, "Save it as .xlsx or as CSV UTF-8.")
    book = unpack_xml(data, by_name["xl/workbook.xml"], file)
    relations = unpack_xml(data, by_name["xl/_rels/workbook.xml.rels"], file)
    sheets = _sheet_parts(book, relations)
    wanted = {part: name for name, part in sheets.items()}
    scans = {}
    for member in members:
        if member.filename in wanted:
            scans[wanted[member.filename]] = _scan(unpack_xml(data, member, file), file)
        elif member.filename not in parts:
            unpack(data, member, file)
    return scans


def check_archive(data: bytes, file: str) -> list[zipfile.ZipInfo]:
    """The parts of a packed workbook, judged by the list at its end; nothing is unpacked.

    Raises FileRefused for more than 2,000 parts, one packed over 100 times, 250 MB in all, odd paths, macros,
    external links and encryption.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise FileRefused(file, "the workbook is damaged", RESAVE) from None
    _check_members(members, file)
    return members


def _check_members(members: list[zipfile.ZipInfo], file: str) -> None:
    if len(members) > MEMBER_LIMIT:
        raise FileRefused(file, f"the workbook has more than {MEMBER_LIMIT} parts", RESAVE)
    names = [member.filename.replace("\\", "/") for member in members]
    if len({name.casefold() for name in names}) != len(names):
        raise FileRefused(file, "the workbook holds the same part twice", RESAVE)
    for name, member in zip(names, members, strict=True):
        _check_name(name, file)
        if member.flag_bits & 1:
            raise FileRefused(file, "the workbook is encrypted", "Remove the password and save it again.")
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > RATIO_FLOOR and ratio > RATIO_LIMIT:
            raise FileRefused(file, f"a part is packed more than {RATIO_LIMIT} times", RESAVE)
    if sum(member.file_size for member in members) > TOTAL_LIMIT:
        raise FileRefused(file, f"the workbook unpacks to more than {TOTAL_LIMIT:,} bytes", "Split it.")


def _check_name(name: str, file: str) -> None:
    if name.startswith("/") or ".." in name.split("/") or ":" in name:
        raise FileRefused(file, "a part has a path that leads out of the workbook", RESAVE)
    lower = name.casefold()
    if lower.endswith("vbaproject.bin") or lower.startswith(("basic/", "scripts/")):
        raise FileRefused(file, "the workbook holds macros", "Save it as .xlsx, without macros.")
    if lower.startswith("xl/externallinks/"):
        fix = "Break the links (Data, Edit Links), or save as CSV UTF-8."
        raise FileRefused(file, "the workbook links to other workbooks", fix)


def unpack(data: bytes, member: zipfile.ZipInfo, file: str) -> bytes:
    """Unpack one part without believing its size field; never more than one byte beyond it."""
    start = member.header_offset
    header = data[start : start + 30]
    name_length, extra_length = header[26:28], header[28:30]
    begin = start + 30 + int.from_bytes(name_length, "little") + int.from_bytes(extra_length, "little")
    packed = data[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        content, whole = packed, True
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = unpacker.decompress(packed, member.file_size + 1)
        except zlib.error:
            raise FileRefused(file, "the workbook is damaged", RESAVE) from None
        whole = unpacker.eof
    else:
        raise FileRefused(file, "the workbook is packed in an unusual way", RESAVE)
    if not header.startswith(ZIP_MARK) or not whole or len(content) != member.file_size:
        raise FileRefused(file, "a part is not as large as the workbook says", RESAVE)
    if content.startswith(ZIP_MARK):
        raise FileRefused(file, "the workbook holds another packed file", "Remove embedded objects.")
    return content


def unpack_xml(data: bytes, member: zipfile.ZipInfo, file: str) -> bytes:
    """Unpack a part that is XML, without its comments; raises FileRefused for a document type too."""
    content = unpack(data, member, file)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise FileRefused(file, "a part declares a document type", RESAVE)
    return _COMMENT.sub(b"", content)


def attributes(raw: bytes) -> dict[str, str]:
    """The attributes of an element, by name."""
    return {
        found[1].decode(): html.unescape((found[2] or found[3] or b"").decode("utf-8", "replace"))
        for found in _ATTRIBUTE.finditer(raw)
    }


def _sheet_parts(book: bytes, relations: bytes) -> dict[str, str]:
    """Sheet name -> name of the part that holds it."""
    targets = {}
    for found in _RELATION.finditer(relations):
        relation = attributes(found[1])
        target = relation.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        targets[relation.get("Id", "")] = path
    sheets = {}
    for found in _SHEET.finditer(book):
        sheet = attributes(found[1])
        key = next((value for name, value in sheet.items() if name.endswith(":id")), "")
        sheets[sheet.get("name", "")] = targets.get(key, "")
    return sheets


def _scan(content: bytes, file: str) -> SheetScan:
    row, column, last_row, last_column, filled, seen = 0, 0, 0, 0, 0, 0
    formulas, errors = set(), set()
    for found in _CELL.finditer(content):
        seen += 1
        own = attributes(found[2])
        place = own.get("r", "")
        if found[1] == b"row":
            row, column = (int(place) if re.fullmatch(r"[0-9]{1,7}", place, re.ASCII) else row + 1), 0
            continue
        if parts := _PLACE.fullmatch(place.encode()):
            row, column = int(parts[2]), _column(parts[1])
        if not found[3]:
            filled += 1
            last_row, last_column = max(last_row, row), max(last_column, column + 1)
            if found[4]:
                formulas.add((row, column))
            if own.get("t") == "e":
                errors.add((row, column))
        column += 1
    if seen != len(_CELL_START.findall(content)):
        raise FileRefused(file, "a sheet is damaged", RESAVE)
    check_area(last_row, last_column, file)
    return SheetScan(filled, frozenset(formulas), frozenset(errors))


def check_area(rows: int, columns: int, file: str) -> None:
    """Raise FileRefused for a sheet that is too large to lay out, however few of its cells are filled."""
    if rows * columns > AREA_LIMIT:
        rule = f"a sheet reaches to row {rows}, column {columns}: too large to lay out"
        raise FileRefused(file, rule, "Delete what stands far below or right of the table, or save as CSV UTF-8.")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1
