"""A CSV file read row by row, however long it is: its encoding and its separator found, or told.

UTF-8 is strict and the default. Another encoding is used only when somebody names it; then every byte has a meaning,
and a wrong choice shows as odd letters, which the reader of the cells reports.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.errors import FileRefused, NotPossible
from states.exchange.cells import Cell
from states.exchange.files import SAVE_AS_UTF8, check_mark, opened, records, shown_name

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
ENCODINGS: Final = (
    "utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "cp850", "cp1250", "mac-roman", "utf-16", "utf-16-le", "utf-16-be",
)  # fmt: skip
TEXT_LIMIT: Final = 1_000_000_000
"""Bytes of a text that is read row by row; it is never held."""

_UTF8 = "utf-8"
_UTF8_MARK = codecs.BOM_UTF8
_HEAD = 65_536
_LOOKED_AT = 20
_LINE_LIMIT = 5_000_000
_CHANGED = "the file was changed since it was read"


def checked_encoding(name: str) -> str:
    """Give the one name of an encoding; raises NotPossible for what is none of those read here."""
    wanted = name.strip().casefold().replace("_", "-")
    wanted = {"utf8": _UTF8, "utf-8-sig": _UTF8, "windows-1252": "cp1252", "latin-1": "iso-8859-1"}.get(wanted, wanted)
    if wanted and wanted not in ENCODINGS:
        raise NotPossible(f"--encoding takes one of: {', '.join(ENCODINGS)}")
    return wanted or _UTF8


def checked_delimiter(name: str) -> str:
    """Give the character that separates cells, from itself or its name; raises NotPossible."""
    wanted = {"\\t": "\t"}.get(name, DELIMITERS.get(name.strip().casefold(), name))
    if wanted and wanted not in DELIMITERS.values():
        raise NotPossible(f"--delimiter takes one of: {', '.join(DELIMITERS)}")
    return wanted


class CsvFile:
    """Rows of a CSV file, read anew at each asking; never more than a row of it is held.

    `digest` is the SHA-256 of its bytes, known once all rows were read. Raises FileRefused for what cannot be
    decoded, with its byte, for broken quotes, with their line, and when a second reading finds other bytes.
    """

    sheet: Final = ""
    formulas: Final = frozenset[tuple[int, int]]()
    errors: Final = frozenset[tuple[int, int]]()

    def __init__(self, path: Path, *, encoding: str = "", delimiter: str = "") -> None:
        self.path, self.name, self.digest = path, shown_name(path), ""
        self.encoding = checked_encoding(encoding)
        self._codec = "utf-8-sig" if self.encoding == _UTF8 else self.encoding
        self._check_marks()
        self.delimiter = checked_delimiter(delimiter) or self._found_delimiter()

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row as a spreadsheet program shows it, cells), blank rows too."""
        with opened(self.path, limit=TEXT_LIMIT) as source:
            hashed = _Hashed(source)
            text = io.TextIOWrapper(io.BufferedReader(hashed, _HEAD), encoding=self._codec, newline="")
            try:
                for _line, number, cells in records(self._lines(text), self.name, delimiter=self.delimiter):
                    yield number, [cell or None for cell in cells]
            except UnicodeError:
                raise self._undecodable() from None
            finally:
                text.close()
        digest = hashed.digest.hexdigest()
        if self.digest not in {"", digest}:
            raise FileRefused(self.name, _CHANGED, "Import it again.")
        self.digest = digest

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        while line := text.readline(_LINE_LIMIT):
            if len(line) == _LINE_LIMIT:
                raise FileRefused(self.name, f"a line is longer than {_LINE_LIMIT:,} characters", "Export it again.")
            if "\0" in line:
                raise self._undecodable()
            yield line

    def _check_marks(self) -> None:
        head = self._head()
        if self.encoding == _UTF8:
            fix = f"{SAVE_AS_UTF8} Or say --encoding utf-16."
            check_mark(head, self.name, fix)
        elif head.startswith(_UTF8_MARK):
            raise FileRefused(self.name, f"it is marked as UTF-8, not {self.encoding}", "Leave --encoding out.")
        elif not self.encoding.startswith("utf-16"):
            check_mark(head, self.name, f"{SAVE_AS_UTF8} Or say --encoding utf-16.")
        elif len(head) % 2 and len(head) < _HEAD:
            raise FileRefused(self.name, "it is not UTF-16: it has an odd number of bytes", "Leave --encoding out.")

    def _head(self) -> bytes:
        with opened(self.path, limit=TEXT_LIMIT) as source:
            return source.read(_HEAD)

    def _found_delimiter(self) -> str:
        """Find the separator that gives most rows of one width in the first twenty lines; a comma when in doubt."""
        lines = self._head().decode(self._codec, "ignore").splitlines(keepends=True)[:_LOOKED_AT]
        return max(DELIMITERS.values(), key=lambda each: _evenness(lines, each))

    def _undecodable(self) -> FileRefused:
        """Say where the first byte stands that has no meaning in this encoding, or that is NUL."""
        at, line, nul = _first_trouble(self.path, self.encoding)
        if nul:
            rule = f"byte {at} is NUL: this is not a text file, or it is UTF-16"
        else:
            rule = f"byte {at} is not {'UTF-8' if self.encoding == _UTF8 else self.encoding}"
        fix = f"{SAVE_AS_UTF8} Or name the encoding it is in, such as --encoding cp1252."
        return FileRefused(self.name, rule, fix, line=line)


class _Hashed(io.RawIOBase):
    """Bytes passed on as they are read, and their digest."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self.digest.update(data)
        buffer[: len(data)] = data
        return len(data)


def _evenness(lines: list[str], delimiter: str) -> int:
    try:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return 0
    return max(((width - 1) * rows for width, rows in widths.items()), default=0)


def _first_trouble(path: Path, encoding: str) -> tuple[int, int, bool]:
    """(byte counted from 0, line counted from 1, whether it is NUL) of the first thing that is no text."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset, line, ended = 0, 1, ""
    with opened(path, limit=TEXT_LIMIT) as source:
        while True:
            block = source.read(_HEAD)
            held = len(decoder.getstate()[0])
            begin = offset - held
            try:
                text, bad = decoder.decode(block, final=not block), -1
            except UnicodeDecodeError as error:
                whole = error.object
                text, bad = whole[: error.start].decode(encoding, "ignore"), begin + error.start
            nul = text.find("\0")
            before = ended + (text if nul < 0 else text[:nul])
            line += before.count("\n") + before.count("\r") - before.count("\r\n") - ended.count("\r")
            if nul >= 0:
                plain, mark = ("utf-16-le", 0 if begin else 2) if encoding == "utf-16" else (encoding, 0)
                return begin + mark + len(text[:nul].encode(plain)), line, True
            if bad >= 0 or not block:
                return max(bad, 0), line, False
            offset += len(block)
            ended = text[-1:] if text[-1:] == "\r" else ""
