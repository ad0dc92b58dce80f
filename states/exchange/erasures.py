"""The register of erasures beside the database, and files of ours looked through for a learner.

The register names nobody: a learner by the fingerprint of a random key that is gone, and where the log tells of it. A
backup from before an erasure holds the key still, and so its learner is known again when it is opened.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from html import escape
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from states.erasing import Entry
from states.errors import FileRefused
from states.exchange.cells import restore
from states.given_out import Copy
from workflow.verifier import MANIFEST

PACKS, NAMES = "packs", "names.csv"
LARGEST: Final = 300_000_000
"""Bytes of a sheet that are looked through, unpacked."""


NONE: Final[set[Path]] = set()
ROW: Final = re.compile(rb"<row[ >]")


class ErasureFile:
    """A file of one JSON line an erasure, mode 0600, added to and never rewritten."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, entries: Sequence[Entry]) -> None:
        """Write them at the end, on disk when this returns; raises FileRefused."""
        data = b"".join(orjson.dumps(asdict(entry), option=orjson.OPT_SORT_KEYS) + b"\n" for entry in entries)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            with os.fdopen(os.open(self._path, flags, 0o600), "ab") as target:
                if target.tell() and self._last_byte() != b"\n":
                    target.write(b"\n")  # a line that a power cut left half written ends here
                target.write(data)
                target.flush()
                os.fsync(target.fileno())
            with suppress(OSError):  # Windows and some shares cannot open a folder
                folder = os.open(self._path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as wrong:
            rule = f"the register of erasures cannot be written ({wrong.strerror})"
            raise FileRefused(self._path.name, rule, "Nothing was erased; check disk and rights.") from None

    def read(self) -> list[Entry]:
        """All of them that are whole, oldest first; raises FileRefused for a file that cannot be read."""
        try:
            with self._path.open("rb") as source:
                return [found for line in source if (found := _entry(line)) is not None]
        except FileNotFoundError:
            return []
        except OSError as wrong:
            raise FileRefused(self._path.name, f"it cannot be read ({wrong.strerror})", "Check its rights.") from None

    def _last_byte(self) -> bytes:
        with self._path.open("rb") as source:
            source.seek(-1, os.SEEK_END)
            return source.read()


def _entry(line: bytes) -> Entry | None:
    """A line of the register; None for one that a power cut left half written."""
    try:
        said = orjson.loads(line)
        return Entry(**{**said, "files": tuple(said.get("files", ()))})
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        return None


class SheetShelves:
    """Sheets that went back to people, CSV and XLSX."""

    def sheets(
        self, folder: Path, reference: str, names: set[str], ulns: set[str], *, beside: set[Path] = NONE
    ) -> list[Path]:
        """The sheets of a folder that hold one of the ULNs, or the reference together with a name; not those known.

        One that cannot be looked through is taken for one that holds the learner.
        """
        strong = [_word(uln) for uln in ulns]
        pair = _word(reference), [_word(name) for name in names]
        unknown = [path for path in sorted(folder.glob("*")) if path.is_file() and path not in beside]
        return [path for path in unknown if _holds(path, strong, pair)]

    def rows(self, path: Path) -> int:
        """How many rows a sheet has, its heading too; 0 for one that cannot be looked through."""
        data = _text(path)
        if data is None:
            return 0
        if path.suffix.lower() == ".xlsx":
            return len(ROW.findall(data))
        return sum(1 for _ in csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"))))

    def packs(self, folder: Path, digests: Collection[str]) -> dict[str, list[Copy]]:
        """The packs with names in a folder, however deep, whose manifests have one of these digests, by it."""
        found: dict[str, list[Copy]] = {}
        for place in sorted(folder.rglob("*")):
            if not place.is_symlink() and (pack := _pack(place)) is not None and pack[0] in digests:
                files = tuple(sorted(place.iterdir())) if place.is_dir() else (place,)
                found.setdefault(pack[0], []).append(Copy(place.relative_to(folder).as_posix(), files, pack[1]))
        return found

    def remove(self, paths: Sequence[Path], inside: Path) -> int:
        """Remove those that are there and in the folder, links to elsewhere left alone; returns how many."""
        removed, home = 0, inside.resolve()
        for path in paths:
            if path.is_file() and path.resolve().is_relative_to(home):
                path.unlink()
                removed += 1
                if inside / PACKS in path.parent.parents:
                    with suppress(OSError):  # something else lies there
                        path.parent.rmdir()
        return removed


def _pack(place: Path) -> tuple[str, frozenset[str]] | None:
    """The digest of the manifest of a pack, folder or zip, and the references it names; None for what is no such."""
    try:
        if place.is_dir():
            manifest, names = ((place / name).read_bytes() for name in (MANIFEST, NAMES))
        else:
            with zipfile.ZipFile(place) as packed:
                inside = {name.rpartition("/")[2]: name for name in packed.namelist()}
                if any(packed.getinfo(inside[name]).file_size > LARGEST for name in (MANIFEST, NAMES)):
                    return None
                manifest, names = (packed.read(inside[name]) for name in (MANIFEST, NAMES))
        rows = csv.reader(io.StringIO(names.decode("utf-8-sig"), newline=""))
        references = frozenset(str(restore(row[0])) for row in islice(rows, 1, None) if row)
    except (OSError, KeyError, ValueError, csv.Error, zipfile.BadZipFile, zlib.error):
        return None
    return hashlib.sha256(manifest).hexdigest(), references


def _word(text: str) -> re.Pattern[bytes]:
    """A text as a whole word, as CSV or XML spells it."""
    either = {text, escape(text, quote=False), escape(text)}
    spelled = b"|".join(re.escape(one.encode()) for one in sorted(either))
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + spelled + rb")(?![0-9A-Za-z])")


def _holds(
    path: Path, strong: Sequence[re.Pattern[bytes]], pair: tuple[re.Pattern[bytes], Sequence[re.Pattern[bytes]]]
) -> bool:
    data = _text(path)
    if data is None:
        return True
    return any(one.search(data) for one in strong) or bool(
        pair[0].search(data) and any(name.search(data) for name in pair[1])
    )


def _text(path: Path) -> bytes | None:
    """The bytes of a sheet, unpacked; None for one that cannot be looked through."""
    try:
        if path.suffix.lower() != ".xlsx":
            return path.read_bytes() if path.stat().st_size <= LARGEST else None
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST:
                return None
            return b"\n".join(_members(packed))
    except (OSError, zipfile.BadZipFile, zlib.error):
        return None


def _members(packed: zipfile.ZipFile) -> Iterator[bytes]:
    for one in packed.infolist():
        if one.filename.endswith(".xml"):
            yield packed.read(one)
