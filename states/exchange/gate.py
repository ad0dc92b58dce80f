"""A file handed in, read once from its beginning to its end: counted, hashed and watched on the way."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from states.errors import FileRefused
from states.exchange.files import SAVE_AS_UTF8, WIDE_MARKS, check_kind, shown_name

PART: Final = 65_536
"""Bytes read at once."""
UTF8_MARK: Final = b"\xef\xbb\xbf"

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


class Gate(io.BufferedIOBase):
    """The bytes of a file as they are asked for, in constant memory.

    Raises FileRefused for UTF-16, UTF-32 and NUL, and for more than `limit` bytes. `before` counts the bytes handed
    out, `lines` the line ends in them.
    """

    def __init__(self, source: BinaryIO, name: str, *, limit: int) -> None:
        self._source, self.name, self._limit = source, name, limit
        self._hash = hashlib.sha256()
        self.before = self.lines = 0
        self._kept = self._take()
        for mark, encoding in WIDE_MARKS:
            if self._kept.startswith(mark):
                raise FileRefused(name, f"it is {encoding}, not UTF-8", SAVE_AS_UTF8)

    @property
    def head(self) -> bytes:
        """The first bytes, before any was handed out."""
        return self._kept

    def readable(self) -> bool:
        """It is."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        part = self._kept or self._take()
        if 0 <= size < len(part):
            part, self._kept = part[:size], part[size:]
        else:
            self._kept = b""
        if (at := part.find(b"\x00")) >= 0:
            rule = f"byte {self.before + at} is NUL: this is not a text file, or it is UTF-16"
            line = self.lines + len(_LINE_END.findall(part[:at])) + 1
            raise FileRefused(self.name, rule, SAVE_AS_UTF8, line=line)
        self.before += len(part)
        self.lines += len(_LINE_END.findall(part))
        return part

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, as `read1` gives them; fewer than `size` may come before the end."""
        return self.read1(-1 if size is None else size)

    def digest(self) -> str:
        """The SHA-256 of the whole file, what was not asked for included."""
        while self._take():
            pass
        return self._hash.hexdigest()

    def not_utf8(self, error: UnicodeDecodeError) -> FileRefused:
        """How a decoder's complaint about the bytes handed out last is told."""
        unread = error.object[error.start :]
        at = self.before - len(unread)
        line = self.lines - len(_LINE_END.findall(unread)) + 1
        return FileRefused(self.name, f"byte {at} is not UTF-8", SAVE_AS_UTF8, line=line)

    def _take(self) -> bytes:
        part = self._source.read(PART)
        self._hash.update(part)
        self._limit -= len(part)
        if self._limit < 0:
            raise FileRefused(self.name, "it grew while it was read", "Copy it, and read the copy.")
        return part


@contextmanager
def opened(path: Path, *, limit: int) -> Iterator[Gate]:
    """A file that somebody handed in, through the gate; `limit` in bytes.

    Raises FileRefused for what is missing, not a plain file, unreadable, empty or too large, judged before it is
    opened.
    """
    name = shown_name(path)
    try:
        check_kind(path.stat(), name, limit)
        source = path.open("rb")
    except FileNotFoundError:
        raise FileRefused(name, "there is no such file", "Check the path and the spelling.") from None
    except ValueError:
        raise FileRefused(name, "the path holds a NUL character", "Give a plain path.") from None
    except OSError as error:
        raise _unreadable(name, error) from None
    with source:
        try:
            check_kind(os.fstat(source.fileno()), name, limit)
            yield Gate(source, name, limit=limit)
        except OSError as error:
            raise _unreadable(name, error) from None


@contextmanager
def held(data: bytes, name: str) -> Iterator[Gate]:
    """Bytes that are in memory already, through the same gate; raises FileRefused for none."""
    if not data:
        raise FileRefused(name, "the file is empty", "Export it again.")
    yield Gate(io.BytesIO(data), name, limit=len(data))


def _unreadable(name: str, error: OSError) -> FileRefused:
    reason = f"it cannot be read ({error.strerror or type(error).__name__})"
    return FileRefused(name, reason, "Check its permissions, and that nobody holds it open.")
