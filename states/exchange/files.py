"""Files handed in: checked before they are read, and read as text or as CSV records."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from states.errors import FileRefused
from states.learner.personal import unrepeated

READ_LIMIT: Final = 50_000_000
FIELD_LIMIT: Final = 100_000

WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
SAVE_AS_UTF8: Final = 'Save it again as "CSV UTF-8 (comma delimited)".'


def shown_name(path: Path | str) -> str:
    """Give the last part of a path with control characters made visible, for messages."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in Path(path).name) or "(no name)"


@contextmanager
def opened(path: Path, *, limit: int = READ_LIMIT) -> Iterator[BinaryIO]:
    """Open a file that somebody handed in, for reading bytes.

    `limit` is in bytes. Raises FileRefused for what is missing, not a plain file, unreadable, empty or too large; this
    is judged before the file is opened, so a pipe or a device never blocks. So does a disk that fails while reading.
    """
    name = shown_name(path)
    try:
        check_kind(path.stat(), name, limit)
        source = path.open("rb")
    except FileNotFoundError:
        asked = name if any(map(str.isalpha, path.stem)) else unrepeated(name)  # a number may have been meant
        raise FileRefused(asked, "there is no such file", "Check the path and the spelling.") from None
    except ValueError:
        raise FileRefused(name, "the path holds a NUL character", "Give a plain path.") from None
    except OSError as error:
        raise _unreadable(name, error) from None
    with source:
        try:
            check_kind(os.fstat(source.fileno()), name, limit)
            yield source
        except OSError as error:
            raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> FileRefused:
    reason = f"it cannot be read ({error.strerror or type(error).__name__})"
    return FileRefused(name, reason, "Check its permissions, and that nobody holds it open.")


def read_bytes(path: Path, *, limit: int = READ_LIMIT) -> bytes:
    """Read a whole file that somebody handed in; `limit` in bytes. Raises FileRefused as `opened` does."""
    name = shown_name(path)
    with opened(path, limit=limit) as source:
        data = source.read(limit + 1)
    if not data:
        raise FileRefused(name, "the file is empty", "Export it again.")
    if len(data) > limit:
        raise too_large(name, limit)
    return data


def check_kind(status: os.stat_result, name: str, limit: int) -> None:
    """Raise FileRefused for what is no plain file, is empty or holds more than `limit` bytes."""
    if stat.S_ISDIR(status.st_mode):
        raise FileRefused(name, "it is a folder", "Name a file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused(name, "it is a pipe or a device, not a plain file", "Name a plain file.")
    if status.st_size == 0:
        raise FileRefused(name, "the file is empty", "Export it again.")
    if status.st_size > limit:
        raise too_large(name, limit)


def too_large(name: str, limit: int) -> FileRefused:
    """The refusal of a file over `limit` bytes."""
    return FileRefused(name, f"it is larger than {limit:,} bytes", "Split it into smaller files.")


def check_mark(data: bytes, file: str, fix: str = SAVE_AS_UTF8) -> None:
    """Raise FileRefused when a text begins with the mark of UTF-16 or UTF-32."""
    for mark, encoding in WIDE_MARKS:
        if data.startswith(mark):
            raise FileRefused(file, f"it is {encoding}, not UTF-8", fix)


def decode_text(data: bytes, file: str) -> str:
    """Decode UTF-8, with or without a byte order mark.

    Raises FileRefused with the byte offset of what is not UTF-8, for UTF-16 and UTF-32, and for NUL.
    """
    check_mark(data, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # the codec has cut a mark off before it counts
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = _line_of(data[:start])
        raise FileRefused(file, f"byte {start} is not UTF-8", SAVE_AS_UTF8, line=line) from None
    if (at := data.find(b"\x00")) >= 0:
        rule = f"byte {at} is NUL: this is not a text file, or it is UTF-16"
        raise FileRefused(file, rule, SAVE_AS_UTF8, line=_line_of(data[:at]))
    return text


def _line_of(before: bytes) -> int:
    return len(re.findall(rb"\r\n|\r|\n", before)) + 1


def read_records(data: bytes, file: str, *, delimiter: str = ",") -> Iterator[tuple[int, int, list[str]]]:
    """Read CSV records as (line, record number, cells), both 1-based; a blank line has no cells.

    The record number is the row a spreadsheet program shows. Raises FileRefused as `decode_text` and `records` do.
    """
    return records(io.StringIO(decode_text(data, file), newline=""), file, delimiter=delimiter)


def records(lines: Iterable[str], file: str, *, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Split lines, each with its line end, into records as `read_records` gives them.

    Raises FileRefused, with its line, for a quote that is not closed, text after a closing quote, and a field over
    100,000 characters.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line, number = 1, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise broken_csv(file, line, str(error)) from None
        number += 1
        if max(map(len, cells), default=0) > FIELD_LIMIT:
            raise broken_csv(file, line, "field larger than")
        yield line, number, cells
        line = reader.line_num + 1


def broken_csv(file: str, line: int, said: str) -> FileRefused:
    """How the csv module's complaint about a record is told."""
    if "field larger than" in said:
        rule = f"a field is longer than {FIELD_LIMIT:,} characters; often a quote that is never closed"
    elif "unexpected end" in said:
        rule = "a quote opened here is never closed"
    else:
        rule = "a quoted field is followed by more text before the next separator"
    return FileRefused(file, rule, "Correct the quotes, or export the file again.", line=line)


def read_csv(data: bytes, file: str, *, delimiter: str = ",", ragged: bool = False) -> list[tuple[int, list[str]]]:
    """Read CSV as (line, cells), blank lines left out; CRLF, LF and CR all end a line.

    The line is 1-based and where the record begins. Raises FileRefused as `decode_text` and `read_records`
    do, and for a row that has not as many cells as the first one, unless `ragged`.
    """
    rows: list[tuple[int, list[str]]] = []
    for line, _number, cells in read_records(data, file, delimiter=delimiter):
        if not cells:
            continue
        if rows and not ragged and len(cells) != (width := len(rows[0][1])):
            rule = f"the row has {len(cells)} cells, the first row has {width}"
            raise FileRefused(file, rule, "Look for a missing or an extra separator in this row.", line=line)
        rows.append((line, cells))
    return rows
