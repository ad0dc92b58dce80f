"""The roots of the tree over the log, held against every checkpoint: those kept in it and those kept elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from workflow.seal import checkpoint
from workflow.seal.checkpoint import Checkpoint
from workflow.seal.grown import Roots
from workflow.seal.note import NoteRefused
from workflow.store.fault import Fault
from workflow.store.seals import Seal, Signers

INSIDE: Final = "the checkpoint of size {size} kept in it"


@dataclass(frozen=True, slots=True)
class Outside:
    """A checkpoint that was kept elsewhere: what it is called, what it says, and what is wrong with its signatures."""

    name: str
    told: Checkpoint
    unsigned: str = ""


def sealed(
    seals: Iterable[Seal], outside: Sequence[Outside], roots: Roots, origin: str, signers: Signers,
    earlier: Sequence[Fault],
) -> Iterator[Fault]:  # fmt: skip
    """What checkpoints say that the log does not; `earlier` are the faults found in reading it, to name the first."""
    before, differs, wanted = 0, False, {one.told.size for one in outside}
    inside: set[int] = set()
    for seal in seals:
        inside |= wanted & {seal.size}
        if not differs:
            differs = roots.at(seal.size) != seal.root
            if differs:  # every later one says the same
                yield _differs(seal.size, roots.size, before, INSIDE.format(size=seal.size), earlier)
            else:
                before = seal.size
        yield from _signed(seal, origin, signers)
    for one in sorted(outside, key=lambda one: one.told.size):
        yield from _elsewhere(one, roots, origin, earlier, inside)


def kept(last: int, named: int) -> Iterator[Fault]:
    """Whether a checkpoint is kept as large as where the log last named a key: both are written in one transaction."""
    if last < named:
        what = f"every checkpoint behind that of size {last}" if last else "every checkpoint"
        yield Fault(
            "seal", "the log names a key here, and was sealed with it, but keeps no checkpoint of size "
            f"{named} or larger: {what} was taken out of the log", named,
        )  # fmt: skip


def _elsewhere(
    one: Outside, roots: Roots, origin: str, earlier: Sequence[Fault], inside: Collection[int]
) -> Iterator[Fault]:
    if one.told.origin != origin:
        yield Fault("origin", f"the origin differs: {one.name} is of the log {one.told.origin}, this is {origin}")
        return
    if one.told.size and roots.at(one.told.size) != one.told.root:
        yield _differs(one.told.size, roots.size, 0, f"the checkpoint of size {one.told.size} in {one.name}", earlier)
    elif one.told.size not in {0, *inside} and not one.unsigned:
        message = f"the checkpoint of size {one.told.size} in {one.name} is not kept in it: it was taken out of the log"
        yield Fault("seal", message, one.told.size)
    if one.unsigned:
        yield Fault("checkpoint", f"{one.name}: {one.unsigned}", one.told.size)


def _differs(wanted: int, size: int, before: int, which: str, earlier: Sequence[Fault]) -> Fault:
    """The fault in words: shorter, another history of the same size, or changed before; and the first bad position."""
    known = [fault.position for fault in earlier if fault.position and before < fault.position <= wanted]
    if wanted > size:
        how = "events were taken out" if known else "events were cut off at its end, or an older copy was put back"
        return Fault(
            "seal", f"the log is shorter than {which} ({wanted} > {size}): {how}", min(known, default=size + 1)
        )
    what = "the log tells another history of the same size as" if wanted == size else "the log was changed before"
    first = min(known, default=before + 1)
    where = f"at event {first}" if known else f"at an event from {first} to {wanted}"
    return Fault("seal", f"{what} {which}: {where} something was edited, exchanged, taken out or put in since", first)


def _signed(seal: Seal, origin: str, signers: Signers) -> Iterator[Fault]:
    """A checkpoint kept in the log must be its own note, signed by a key the log names and that was not exchanged."""
    try:
        told, _ = checkpoint.trusted(seal.note, origin, signers.at(seal.size))
    except NoteRefused as wrong:
        yield Fault("checkpoint", f"of {seal.size} events: {wrong}", seal.size)
        return
    if (told.size, told.root) != (seal.size, seal.root) or not _grows(seal):
        yield Fault("checkpoint", f"of {seal.size} events: its copy differs from its note", seal.size)


def _grows(seal: Seal) -> bool:
    """Whether the tree that is kept to grow the next one from gives the root."""
    try:
        return seal.tree().root() == seal.root
    except (ValueError, TypeError):
        return False
