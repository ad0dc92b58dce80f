"""A SQLite file whose every page is encrypted (SQLCipher 4: AES-256, a keyed hash over each page), WAL included.

The key is 32 random bytes in a file of its owner alone, kept apart from the database, and never a word to be guessed:
nothing is derived from it, so opening costs no more than a plain file. The extra `encrypted` brings the library.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any, Final

from workflow import small_file
from workflow.errors import StoreError
from workflow.store.sqlite import Sqlite

PLAIN: Final = b"SQLite format 3\0"
"""What a SQLite file that is not encrypted begins with (SQLite file format, 3.0)."""

KEY: Final = re.compile(r"[0-9a-f]{64}\n?", re.ASCII)
"""32 bytes in hexadecimal."""


class Encrypted(Sqlite):
    """A database in one encrypted file."""

    def __init__(self, path: Path, key: str) -> None:
        super().__init__(path)
        try:
            from sqlcipher3 import dbapi2  # noqa: PLC0415 - an extra, that few have
        except ImportError:
            raise StoreError(
                f"{path.name} is encrypted, and the library for that is not there: pip install 'ulnflow[encrypted]'"
            ) from None
        self.driver: Any = dbapi2
        self.wrong = dbapi2.DatabaseError
        self._key = key

    def unlock(self, raw: Any) -> None:
        """Give the key, before anything is read."""
        raw.execute(f"PRAGMA key = \"x'{self._key}'\"")


def is_plain(path: Path) -> bool:
    """Whether there is a SQLite file that anybody can read; an empty or missing one is none."""
    try:
        with path.open("rb") as file:
            return file.read(len(PLAIN)) == PLAIN
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Whether there is a file with anything in it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def key_for(database: Path, key_file: Path) -> str:
    """The key a database file needs: none for a plain one; made for one that is still to be made; raises StoreError."""
    if is_plain(database):
        return ""
    return read_key(key_file) if is_there(database) or key_file.exists() else make_key(key_file)


def make_key(path: Path) -> str:
    """A new key, written for its owner alone; raises FileExistsError and OSError."""
    key = secrets.token_hex(32)
    small_file.write(path, f"{key}\n".encode())
    return key


def read_key(path: Path) -> str:
    """The key in a file; raises StoreError for one that is not there, can be read by others, or holds none."""
    data = small_file.read(path, "put back the file with the key of the database; without it nobody can read that")
    text = data.decode("ascii", "replace")
    if not KEY.fullmatch(text):
        raise StoreError(f"{path.name} holds no key of a database: 64 hexadecimal digits are expected")
    return text.strip()
