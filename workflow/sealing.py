"""The log sealed: its keys told in it, a checkpoint made of it, and proofs that others can check without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workflow.errors import StoreError
from workflow.seal import note
from workflow.seal.checkpoint import Checkpoint, Sealed
from workflow.seal.note import Key, Note, Signer
from workflow.seal.proof import consistency_plan, inclusion_plan, make
from workflow.store.connection import Connection
from workflow.store.seals import KEY_MADE, KEY_ROTATED, Seal, Seals, known_keys
from workflow.work import Work


def introduce(work: Work[Any], key: Key, before: Key | None = None) -> None:
    """Tell the log of a key that signs for it from now on; one it knows is not told twice."""
    if key in known_keys(work.connection):
        return
    evidence = {"key": str(key), **({"before": before.id.hex()} if before else {})}
    work.record(KEY_ROTATED if before else KEY_MADE, evidence=evidence)


def seal(connection: Connection, origin: str, signers: Sequence[tuple[Key, Signer]], now: int) -> Seal | None:
    """Sign a checkpoint over the whole log and keep it; the one there is where nothing was added. None if empty."""
    seals = Seals(connection)
    tree = seals.grown()
    if not tree.size:
        return None
    if (last := seals.last()) is not None and last.size == tree.size:
        return last
    told = Checkpoint(origin, tree.size, tree.root())
    signed = Note(told.text, tuple(note.sign(told.text, key, signer) for key, signer in signers))
    made = Seal(tree.size, told.root, b"".join(tree.peaks), str(Sealed(told, signed)).encode(), now)
    seals.add(made)
    return made


def prove_inclusion(connection: Connection, positions: Sequence[int], size: int) -> Iterator[tuple[int, list[bytes]]]:
    """The proof of each event's place in the tree of a size, by one walk along the log; raises StoreError."""
    try:
        plans = [inclusion_plan(position - 1, size) for position in positions]
        return zip(positions, make(Seals(connection).leaves(until=size), plans), strict=True)
    except ValueError as wrong:
        raise StoreError(f"the log cannot prove that: {wrong}") from None


def prove_consistency(connection: Connection, first: int, second: int) -> list[bytes]:
    """The proof that the log at one size is the beginning of the log at another; raises StoreError."""
    try:
        return make(Seals(connection).leaves(until=second), [consistency_plan(first, second)])[0]
    except ValueError as wrong:
        raise StoreError(f"the log cannot prove that: {wrong}") from None
