"""The log sealed: its keys told in it, a checkpoint made of it, and proofs that others can check without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workflow.errors import StoreError
from workflow.seal import checkpoint, note
from workflow.seal.checkpoint import Checkpoint, Sealed
from workflow.seal.note import Key, Note, NoteRefused, Signer
from workflow.seal.proof import consistency_plan, inclusion_plan, make
from workflow.seal.tree import Frontier
from workflow.store.connection import Connection
from workflow.store.seals import KEY_MADE, KEY_ROTATED, PAGE, Seal, Seals, key_events, known_keys, signers_of
from workflow.work import Work


def introduce(work: Work[Any], key: Key, before: Key | None = None) -> None:
    """Tell the log of a key that signs for it from now on; one it knows is not told twice."""
    if key in known_keys(work.connection):
        return
    evidence = {"key": str(key), **({"before": before.id.hex()} if before else {})}
    work.record(KEY_ROTATED if before else KEY_MADE, evidence=evidence)


def extend(work: Work[Any], origin: str, signers: Sequence[tuple[Key, Signer]], now: int) -> Seal | None:
    """Seal the log by these keys, and tell it of those it does not know: each takes the place of the one before it.

    Both in one transaction, so that a log that names a key keeps a checkpoint too. Raises StoreError, and signs
    nothing, where `sound` does.
    """
    sound(work.connection, origin)
    for before, (key, _) in zip((None, *(key for key, _ in signers)), signers, strict=False):
        introduce(work, key, before)
    return seal(work.connection, origin, signers, now)


def sound(connection: Connection, origin: str) -> None:
    """Check at a glance that the log goes on from its last checkpoint, which is to be extended; raises StoreError.

    That checkpoint is there, signed by a key of the log, and its tree gives its root; the log is as long, and of the
    events before it the last few thousand are in it still. Earlier ones are not read: that is what verifying is for.
    """
    seals, named = Seals(connection), key_events(connection)
    last = seals.last()
    if named and (last is None or last.size < named[-1].position):
        raise _unsound(f"it was sealed when event {named[-1].position} named a key, and that checkpoint was taken out")
    if last is None:
        return
    try:
        told, _ = checkpoint.trusted(last.note, origin, signers_of(named).at(last.size))
        tree = last.tree()
    except (NoteRefused, ValueError, TypeError) as wrong:
        raise _unsound(f"its last checkpoint is none any more: {wrong}") from None
    if (told.size, told.root) != (last.size, last.root) or tree.root() != last.root:
        raise _unsound("its last checkpoint was changed")
    if seals.length() < last.size:
        raise _unsound(f"it has fewer events than the {last.size} of its last checkpoint")
    near, end = last.size % PAGE, Frontier()
    end.extend(list(seals.leaves(after=last.size - near, until=last.size)))
    if end.size != near or tree.peaks[len(tree.peaks) - len(end.peaks) :] != end.peaks:
        raise _unsound(f"an event from {last.size - near + 1} to {last.size} was changed since its last checkpoint")


def _unsound(what: str) -> StoreError:
    return StoreError(f"the log is not as it was sealed: {what}. Nothing was signed. See: ulnflow audit verify")


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
