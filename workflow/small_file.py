"""Small files: one of its owner alone, such as a key, and one that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from workflow.errors import StoreError

OPEN_TO_OTHERS: Final = 0o077
LONGEST: Final = 10_000


def write(path: Path, data: bytes) -> None:
    """Write a new file for its owner alone, whole or not at all; raises FileExistsError and OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft_of(path)
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        _take_place(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()


def _take_place(draft: Path, path: Path) -> None:
    """Give a file its name, unless that is taken; a file system without links has the name held for it first."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(path)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.pending")


def replace(path: Path, data: bytes) -> None:
    """Put a file in its place whole or not at all, whoever else writes the same one meanwhile; raises OSError."""
    draft = _draft_of(path)
    try:
        with draft.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def read(path: Path, fix: str) -> bytes:
    """What such a file holds; raises StoreError for one that is not there (with the fix) or that others may read."""
    name = f"{path.parent.name}/{path.name}"
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & OPEN_TO_OTHERS:
            raise StoreError(f"{name} can be read by others: chmod 600 {name}; if they may have, exchange the key")
        with path.open("rb") as file:
            return file.read(LONGEST)
    except FileNotFoundError:
        raise StoreError(f"{name} is not there; {fix}") from None
    except OSError:
        raise StoreError(f"{name} cannot be read") from None
