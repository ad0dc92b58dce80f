"""A checkpoint: the size and the root of a log at one moment, as a signed note (C2SP tlog-checkpoint, 2024)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from workflow.seal import note
from workflow.seal.note import Key, Note, NoteRefused, Signature
from workflow.seal.tree import HASH_SIZE

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LINES: Final = 3


def in_base64(root: bytes) -> str:
    """A root as a checkpoint spells it; everywhere else it stands in hex."""
    return base64.b64encode(root).decode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Whose log, how many events, and the root of the tree over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{in_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A checkpoint with its signatures, none of which needs to be right yet."""

    checkpoint: Checkpoint
    note: Note

    def __str__(self) -> str:
        return str(self.note)

    def with_signature(self, line: Signature) -> Sealed:
        """The same with one more signature, in place of one that this key gave before."""
        kept = [old for old in self.note.signatures if (old.name, old.key_id) != (line.name, line.key_id)]
        return Sealed(self.checkpoint, Note(self.note.text, (*kept, line)))


def parse(data: bytes) -> Sealed:
    """Read a checkpoint of ours, three lines and its signatures; raises NoteRefused for anything else."""
    read = note.parse(data)
    lines = read.text[:-1].split("\n")
    if len(lines) != _LINES or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise NoteRefused("it is no checkpoint: origin, size and root, a line each")
    root = note.decoded(lines[2])
    if len(root) != HASH_SIZE:
        raise NoteRefused("it is no checkpoint: its root is not 32 bytes in base64")
    return Sealed(Checkpoint(lines[0], int(lines[1]), root), read)


def trusted(data: bytes, origin: str, keys: Iterable[Key]) -> tuple[Checkpoint, dict[Key, int]]:
    """The checkpoint of this log that a known key has signed, and which have; raises NoteRefused."""
    sealed = parse(data)
    if sealed.checkpoint.origin != origin:
        raise NoteRefused("the checkpoint is of another log")
    return sealed.checkpoint, note.verified(sealed.note, keys)
