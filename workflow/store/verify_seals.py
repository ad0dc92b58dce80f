"""The tree over the leaves as the log is read, held against every checkpoint there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from workflow.seal import checkpoint
from workflow.seal.note import Key, NoteRefused
from workflow.seal.tree import Frontier
from workflow.store.fault import Fault
from workflow.store.seals import Seal

BLOCK: Final = 4_096
"""Leaves hashed at once."""


class Grown:
    """A tree that grows with the reading and says its root at the sizes asked for."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.tree = Frontier()
        self.roots: dict[int, bytes] = {}
        self._coming = sorted(set(sizes), reverse=True)
        self._kept: list[bytes] = []

    def take(self, leaves: Sequence[bytes]) -> None:
        """Take the leaf hashes of the next events."""
        self._kept += leaves
        if len(self._kept) >= BLOCK:
            self._grow()

    def end(self) -> bytes:
        """The root over everything that was taken."""
        self._grow()
        return self.tree.root()

    def _grow(self) -> None:
        leaves = [leaf if type(leaf) is bytes else b"" for leaf in self._kept]
        self._kept = []
        while self._coming and (size := self._coming[-1]) <= self.tree.size + len(leaves):
            part = size - self.tree.size
            self.tree.extend(leaves[:part])
            leaves = leaves[part:]
            self.roots[size] = self.tree.root()
            self._coming.pop()
        self.tree.extend(leaves)


def sealed(
    seals: Sequence[Seal], outside: Mapping[int, bytes], grown: Grown, origin: str, keys: Sequence[Key]
) -> Iterator[Fault]:
    """What the checkpoints say that the log does not: those kept in it, and those kept elsewhere (size -> root)."""
    before, size = 0, grown.tree.size
    for seal in seals:
        if seal.size <= size and grown.roots[seal.size] == seal.root:
            before = seal.size
        else:
            yield _differs(seal.size, size, before, "the checkpoint kept in it")
            break  # every later one says the same
    for seal in seals:
        yield from _signed(seal, origin, keys)
    for wanted, root in sorted(outside.items()):
        if wanted > size or grown.roots.get(wanted) != root:
            yield _differs(wanted, size, 0, "the checkpoint kept elsewhere")


def _differs(wanted: int, size: int, before: int, which: str) -> Fault:
    if wanted > size:
        return Fault("seal", f"the log is shorter than {which} ({wanted} > {size}): events were cut off", size + 1)
    return Fault(
        "seal",
        f"an event from {before + 1} to {wanted} is not what {which} was made over: "
        "it was changed, exchanged, taken out or put in since",
        before + 1,
    )


def _signed(seal: Seal, origin: str, keys: Sequence[Key]) -> Iterator[Fault]:
    """A checkpoint kept in the log must be its own note, signed by a key the log names."""
    try:
        told, _ = checkpoint.trusted(seal.note, origin, keys)
    except NoteRefused as wrong:
        yield Fault("checkpoint", f"of {seal.size} events: {wrong}", seal.size)
        return
    if (told.size, told.root) != (seal.size, seal.root):
        yield Fault("checkpoint", f"of {seal.size} events: its copy differs from its note", seal.size)
