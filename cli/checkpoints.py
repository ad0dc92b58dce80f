"""Checkpoints as files: written to the folder that was chosen, read again, and held against what the log keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from states.errors import FileRefused
from workflow import small_file
from workflow.errors import StoreError
from workflow.seal import checkpoint, note
from workflow.seal.checkpoint import Checkpoint
from workflow.seal.note import Key, NoteRefused, Unsigned
from workflow.store.connection import Connection
from workflow.store.fault import Fault
from workflow.store.seals import Seal, Seals, signers
from workflow.store.verify_seals import Outside

SUFFIX: Final = ".checkpoint"
NAME: Final = re.compile(rf"[0-9]{{1,18}}\{SUFFIX}", re.ASCII)
FEW: Final = 5
"""So many files that are not as the log keeps them are told of: one would do, and there may be thousands."""

RESTORED: Final = (
    "See: ulnflow audit verify; after an honest restore, put the later checkpoints aside, keep them, and write down why"
)
Able = Callable[[int], Sequence[Key]]
"""The keys that may sign a checkpoint of a size."""

FIX: Final = "Take the file as ulnflow wrote it, and the key of this log: ulnflow keys show."


def written(made: Seal, folder: Path) -> Path:
    """A checkpoint as a file, named by its size, never over another; raises StoreError."""
    path = folder / f"{made.size:09}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            if path.read_bytes() != made.note:
                raise StoreError(
                    f"{path.name} is there and says something else of the same size: the log was shown in two "
                    "versions; keep both files, and run: ulnflow audit verify"
                )
            return path
        small_file.replace(path, made.note)
    except OSError as wrong:
        raise StoreError(f"the checkpoint cannot be written to {folder.name}: {wrong.strerror}") from None
    return path


def trusted(path: Path, origin: str, known: Sequence[Key]) -> Checkpoint:
    """The checkpoint in a file, signed by a known key; raises FileRefused."""
    try:
        return checkpoint.trusted(content(path), origin, known)[0]
    except NoteRefused as wrong:
        raise FileRefused(path.name, str(wrong), FIX) from None


def outside(path: Path, able: Able, called: str) -> Outside:
    """The checkpoint in a file, of whatever log and by whatever key, for verify to judge; raises FileRefused."""
    try:
        read = checkpoint.parse(content(path))
        note.verified(read.note, able(read.checkpoint.size))
    except Unsigned:
        return Outside(called, read.checkpoint, "it is signed by no key that this log names or --key gives")
    except NoteRefused as wrong:
        raise FileRefused(path.name, str(wrong), FIX) from None
    return Outside(called, read.checkpoint)


def content(path: Path) -> bytes:
    """What a file holds, up to the most that a checkpoint may; raises FileRefused."""
    try:
        with path.open("rb") as file:
            return file.read(note.LONGEST + 1)
    except OSError:
        raise FileRefused(path.name, "it cannot be read", "Check the name.") from None


def named(folder: Path) -> list[Path]:
    """The files of a folder that are called as checkpoints are, the largest first."""
    try:
        found = [path for path in folder.iterdir() if NAME.fullmatch(path.name) and path.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: int(path.stem), reverse=True)


def refuse_another_history(connection: Connection, origin: str, folder: Path) -> None:
    """Hold a log that is about to be sealed against the checkpoints in its folder; raises StoreError.

    A file is written only after the log keeps its checkpoint: one it does not keep is of another history. What is no
    checkpoint, or signed by no key of the log, is passed over here; verifying tells of it.
    """
    strange = _not_kept(connection, origin, folder)
    if not strange:
        return
    which = f"{strange[-1].name} to {strange[0].name} are" if len(strange) > 1 else f"{strange[0].name} is"
    if int(strange[0].stem) > Seals(connection).length():
        what = "of a longer log: events were cut off, or an older copy was put back"
    else:
        what = "not kept in the log, which goes on another way: it was changed, or an older copy was put back"
    raise StoreError(f"{which} {what}. {RESTORED}")


def _not_kept(connection: Connection, origin: str, folder: Path) -> list[Path]:
    """The checkpoints larger than any that the log keeps, largest first; raises StoreError for one of another log."""
    seals, known = Seals(connection), signers(connection)
    found = []
    for path in named(folder):
        try:
            read = checkpoint.parse(content(path))
            told = read.checkpoint
            if told.origin != origin:
                raise StoreError(
                    f"{path.name} in the seals folder is of another log, {told.origin}: give each log a folder of its "
                    "own, under [seal] in ulnflow.toml, or put its files aside"
                )
            note.verified(read.note, known.at(told.size))
        except (NoteRefused, FileRefused):
            continue
        kept = seals.of(told.size)
        if kept is not None and kept.root == told.root:
            if told.size == int(path.stem):
                break
            continue  # a copy under a larger number hides none behind it
        found.append(path)
    return found


def beside(connection: Connection, folder: Path, able: Able) -> tuple[list[Outside], list[Fault]]:
    """The newest checkpoint of a folder and a few that the log does not keep so, for verify to judge; and what is none.

    A checkpoint that the log keeps to the byte is judged there.
    """
    seals = Seals(connection)
    found: list[Outside] = []
    faults: list[Fault] = []
    for number, path in enumerate(named(folder)):
        label = f"{folder.name}/{path.name}"
        try:
            kept = seals.of(int(path.stem)) if number else None
            if kept is not None and kept.note == content(path):
                continue
            found.append(outside(path, able, label))
        except FileRefused as wrong:
            faults.append(
                Fault(
                    "checkpoint",
                    f"{label} is no checkpoint of ours ({wrong.rule}): put the file aside; the log keeps its own",
                )
            )
        if len(found) + len(faults) == FEW:
            break
    return found, faults


def told(made: Seal | None, origin: str, known: Sequence[Key]) -> Checkpoint:
    """What a checkpoint kept in the log says; raises StoreError."""
    try:
        return checkpoint.trusted(made.note if made else b"", origin, known)[0]
    except NoteRefused as wrong:
        raise StoreError(f"the checkpoint in the log cannot be trusted: {wrong}") from None
