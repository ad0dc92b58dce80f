"""A witness: holds the last checkpoint it has seen of a log, and signs a later one only when that one goes on from it.

It needs no database, only checkpoints and proofs; its folder holds its private key, its public key, the keys of the log
it trusts, and every checkpoint it cosigned. What it signs: C2SP tlog-cosignature (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from workflow import small_file
from workflow.seal import checkpoint, keys, note
from workflow.seal.checkpoint import Checkpoint, Sealed
from workflow.seal.note import COSIGNED, ED25519, Key
from workflow.seal.proof import ProofRefused, verify_consistency

PRIVATE, PUBLIC, TRUSTED = "witness.pem", "witness.key", "log.keys"
LAST: Final = "last.checkpoint"
NAME: Final = "ulnflow-witness"
FIX: Final = "restore it; a new witness begins in a folder of its own"


class SplitView(ProofRefused):
    """The log was shown in two versions, or cannot show that it was not."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness at work in its folder: its keys, those of the log, and the last checkpoint it cosigned, if any."""

    folder: Path
    key: Key
    secret: Any
    trusted: tuple[Key, ...]
    last: Sealed | None

    def cosign(self, new: Sealed, proof: Sequence[bytes], seconds: int) -> tuple[Path, Sealed]:
        """Sign a checkpoint that goes on from the last one, or is the first; keep it, and say where.

        One that was signed before is given as it was. `seconds` are since 1970. Raises SplitView, and NoteRefused for a
        checkpoint that no trusted key has signed or that is of another log.
        """
        told = new.checkpoint
        if told.origin not in {key.name for key in note.verified(new.note, self.trusted)}:
            raise note.NoteRefused(f"it is of the log {told.origin}, and signed by the key of another")
        if self.last is not None:
            before = self.last.checkpoint
            if told.origin != before.origin:
                raise note.NoteRefused(f"it is of the log {told.origin}; this folder witnesses {before.origin}")
            goes_on(before, told, proof)
            if told.size == before.size:
                return self._place(told), self.last
        signed = new.with_signature(note.cosign(new.note.text, self.key, self.secret, seconds))
        path = self._place(told)
        for place in (path, self.folder / LAST):
            small_file.replace(place, str(signed).encode())
        return path, signed

    def _place(self, told: Checkpoint) -> Path:
        return self.folder / f"{told.size:09}.cosigned.checkpoint"


def goes_on(before: Checkpoint, told: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise SplitView unless a checkpoint is shown to go on from an earlier one, or says the same."""
    if told.size < before.size:
        raise SplitView(
            f"the log is shorter than the checkpoint that was cosigned ({before.size} > {told.size}): it was cut off "
            "or put back; or the file is an older one"
        )
    if told.size == before.size:
        if told.root != before.root:
            raise SplitView(f"two checkpoints of size {told.size} with different roots: another history was shown")
        return
    try:
        verify_consistency(before.size, told.size, before.root, told.root, proof)
    except ProofRefused as wrong:
        raise SplitView(
            f"it is not shown that the log of {told.size} events goes on from the one of {before.size}: {wrong}"
        ) from None


def settle(folder: Path, name: str = "", more: Sequence[Key] = ()) -> Witness:
    """The witness of a folder, with its key made where there is none, and more keys of the log to trust from now on.

    Raises StoreError for a key that cannot be used, NoteRefused for files that were changed, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / PRIVATE
    shown = folder / PUBLIC
    secret = keys.read(path, FIX) if path.exists() or shown.exists() else keys.make(path)
    if shown.exists():
        key = Key.parse(shown.read_text("utf-8").strip())
        if key != keys.public(secret, key.name, COSIGNED):
            raise note.NoteRefused(f"{PUBLIC} is not the public half of {PRIVATE}: restore the one that was changed")
    else:
        name = name or NAME
        if not note.is_name(name):
            raise note.NoteRefused("the name of a key holds no blank and no plus")
        key = keys.public(secret, name, COSIGNED)
        small_file.replace(shown, f"{key}\n".encode())
    told = folder / TRUSTED
    lines = told.read_text("utf-8").splitlines() if told.exists() else []
    trusted = tuple(dict.fromkeys([*map(Key.parse, lines), *more]))
    if any(one.kind != ED25519 for one in trusted):
        raise note.NoteRefused("a witness trusts keys of logs, and this is the key of a witness")
    if len(trusted) > len(lines):
        small_file.replace(told, "".join(f"{one}\n" for one in trusted).encode())
    kept = folder / LAST
    last = None
    if kept.exists():
        last = checkpoint.parse(kept.read_bytes())
        note.verified(last.note, [key])
    return Witness(folder, key, secret, trusted, last)


def proof_of(data: bytes) -> list[bytes]:
    """The hashes in a proof as `audit consistency` writes it; raises ProofRefused for anything else."""
    try:
        told = orjson.loads(data)
        return [bytes.fromhex(one) for one in told["proof"]]
    except (ValueError, TypeError, KeyError):
        raise ProofRefused("it is no proof as ulnflow audit consistency writes it") from None
