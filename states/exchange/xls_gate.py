"""What is asked of a workbook in the old .xls format before a library opens it.

An .xls file is a container of streams (MS-CFB) that holds records (MS-XLS, BIFF8), as Microsoft has described both
since 2008. Only what tells of size, sheets, passwords, macros and formulas is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from states.errors import FileRefused
from states.exchange.workbook_gate import SheetScan, check_area

OLE_MARK: Final = bytes.fromhex("d0cf11e0a1b11ae1")

_SAVE = "Save it as .xlsx."
_END = 0xFFFFFFFA
"""Sector numbers from here on are marks, no sectors."""
_BOF, _EOF, _SHEET, _PASSWORD, _LINKS, _SIZE = 0x0809, 0x000A, 0x0085, 0x002F, 0x01AE, 0x0200
_FORMULA, _TRUTH_OR_ERROR, _MANY_NUMBERS = 0x0006, 0x0205, 0x00BD
_CELLS = frozenset({_FORMULA, _TRUTH_OR_ERROR, 0x0203, 0x0204, 0x00D6, 0x00FD, 0x027E})
_OWN_LINKS = frozenset({0x0401, 0x3A01})
_SHORT = 4


def check_xls(data: bytes, file: str) -> dict[str, SheetScan]:
    """Check a workbook in the old format and scan its sheets, by name.

    Raises FileRefused for a password, macros, links to other workbooks, sheets too large to lay out, formats older
    than Excel 97, and damage.
    """
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise _locked(file)
    try:
        streams = _Container(data)
        if any(name.startswith("_VBA_PROJECT") for name in streams.names):
            raise FileRefused(file, "the workbook holds macros", "Save it as .xlsx, without macros.")
        if "Workbook" not in streams.names:
            raise FileRefused(file, "it is no old .xls workbook of Excel 97 or later", _SAVE)
        return _scan(streams.read("Workbook"), file)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        raise FileRefused(file, "the old .xls workbook is damaged", _SAVE) from None


def _locked(file: str) -> FileRefused:
    return FileRefused(file, "the workbook is protected by a password", "Remove the password and save it again.")


class _Container:
    """The streams of a container by name; raises ValueError or struct.error when it is damaged."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._shift, self._mini_shift = struct.unpack_from("<HH", data, 30)
        if self._shift not in {9, 12} or self._mini_shift != 6:  # noqa: PLR2004 - the sizes MS-CFB knows
            raise ValueError
        first_folder, _, self._cutoff, first_mini = struct.unpack_from("<4I", data, 48)
        first_more, more = struct.unpack_from("<2I", data, 68)
        tables = list(struct.unpack_from("<109I", data, 76))
        for sector in self._linked(first_more, more):
            tables += sector
        self._next = [n for table in tables if table < _END for n in self._numbers(table)]
        folder = self._chain(first_folder)
        self.names: dict[str, tuple[int, int]] = {}
        root = (0, 0)
        for at in range(0, len(folder) - 127, 128):
            length, kind = struct.unpack_from("<HB", folder, at + 64)
            start, size = struct.unpack_from("<IQ", folder, at + 116)
            name = folder[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le")
            root = (start, size) if kind == 5 else root  # noqa: PLR2004 - the root, MS-CFB 2.6.1
            if kind:
                self.names[name] = (start, size & 0xFFFFFFFF)
        self._mini = self._chain(root[0]) if root[1] else b""
        small = self._chain(first_mini) if first_mini < _END else b""
        self._mini_next = list(struct.unpack(f"<{len(small) // 4}I", small))

    def read(self, name: str) -> bytes:
        """A whole stream."""
        start, size = self.names[name]
        if size >= self._cutoff:
            return self._chain(start)[:size]
        step = 1 << self._mini_shift
        parts = (self._mini[number * step : (number + 1) * step] for number in _followed(start, self._mini_next))
        return b"".join(parts)[:size]

    def _sector(self, number: int) -> bytes:
        begin = (number + 1) << self._shift
        return self._data[begin : begin + (1 << self._shift)]

    def _numbers(self, sector: int) -> tuple[int, ...]:
        return struct.unpack(f"<{1 << (self._shift - 2)}I", self._sector(sector))

    def _linked(self, first: int, count: int) -> Iterator[list[int]]:
        for _ in range(min(count, len(self._data) >> self._shift)):
            if first >= _END:
                return
            *numbers, first = self._numbers(first)
            yield numbers

    def _chain(self, first: int) -> bytes:
        return b"".join(self._sector(number) for number in _followed(first, self._next))


def _followed(number: int, following: list[int]) -> Iterator[int]:
    """The sectors of a chain; raises ValueError for one that bites its tail."""
    for _ in range(len(following) + 1):
        if number >= _END:
            return
        yield number
        number = following[number]
    raise ValueError


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(type, where its data begin, length) of the records from a place to the end of that part."""
    depth, size = 0, len(stream)
    while at + _SHORT <= size:
        kind, length = struct.unpack_from("<HH", stream, at)
        at += _SHORT
        if at + length > size:
            raise ValueError
        depth += (kind == _BOF) - (kind == _EOF)
        if depth <= 0:
            return
        if depth == 1:
            yield kind, at, length
        at += length
    raise ValueError


def _scan(stream: bytes, file: str) -> dict[str, SheetScan]:
    scans: dict[str, SheetScan] = {}
    area = 0
    for kind, at, _length in list(_records(stream, 0)):
        if kind == _PASSWORD:
            raise _locked(file)
        if kind == _LINKS and struct.unpack_from("<H", stream, at + 2)[0] not in _OWN_LINKS:
            raise FileRefused(file, "the workbook links to other workbooks", "Break the links, or save as CSV UTF-8.")
        if kind == _SHEET:
            begin, _hidden, what, letters, wide = struct.unpack_from("<IBBBB", stream, at)
            raw = stream[at + 8 : at + 8 + letters * (2 if wide & 1 else 1)]
            name = raw.decode("utf-16-le" if wide & 1 else "latin-1")
            if what == 0:
                scans[name], size = _scan_sheet(stream, begin, file)
                area += size
                check_area(area, 1, file)
    return scans


def _scan_sheet(stream: bytes, begin: int, file: str) -> tuple[SheetScan, int]:
    """What a sheet holds, and the cells that a reader sets room aside for."""
    formulas, errors, filled, rows, columns = set(), set(), 0, 0, 0
    for kind, at, length in _records(stream, begin):
        if kind == _SIZE:
            top, bottom, left, right = struct.unpack_from("<IIHH", stream, at)
            check_area(max(bottom - top, 0), max(right - left, 0), file)
        if kind not in _CELLS and kind != _MANY_NUMBERS:
            continue
        row, column = struct.unpack_from("<HH", stream, at)
        last = struct.unpack_from("<H", stream, at + length - 2)[0] if kind == _MANY_NUMBERS else column
        filled += last - column + 1
        rows, columns = max(rows, row + 1), max(columns, last + 1)
        if kind == _FORMULA:
            formulas.add((row + 1, column))
            value = stream[at + 6 : at + 14]
            if value[6:] == b"\xff\xff" and value[:1] == b"\x02":
                errors.add((row + 1, column))
        elif kind == _TRUTH_OR_ERROR and stream[at + 7]:
            errors.add((row + 1, column))
    check_area(rows, columns, file)
    return SheetScan(filled, frozenset(formulas), frozenset(errors)), rows * columns
