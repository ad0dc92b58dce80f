"""The Merkle tree of RFC 6962 (2013), section 2.1: leaves and nodes are hashed apart, so neither passes for the other.

Places are counted from 0. A subtree is perfect when it holds a power of two of leaves and begins at a multiple of it;
it is named (level, place): 2^level leaves from place * 2^level on. Every hash a proof needs is made of perfect ones, so
one walk along the leaves, in memory that grows with the logarithm of their number, gives all proofs asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without a leaf."""

Node = tuple[int, int]
"""A perfect subtree: (level, place)."""

Keep = Callable[[int, int, Sequence[bytes]], None]


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that leaves are added to, of which only the perfect subtrees at its right edge are kept, largest first."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size < 0 or len(peaks) != size.bit_count() or any(len(peak) != HASH_SIZE for peak in peaks):
            raise ValueError("these are not the peaks of a tree of that size")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The hashes of the perfect subtrees, largest first; with the size they are all of it."""
        return tuple(self._peaks)

    def extend(self, leaves: Sequence[bytes], keep: Keep | None = None) -> None:
        """Add leaf hashes in their order, the largest perfect block at a time.

        `keep` is given every run of nodes that comes about: their level, the place of the first, and the hashes.
        """
        done, count = 0, len(leaves)
        while done < count:
            level = (count - done).bit_length() - 1
            if self.size:
                level = min(level, (self.size & -self.size).bit_length() - 1)
            block = leaves[done : done + (1 << level)]
            done += len(block)
            self._add(block, level, keep)

    def _add(self, block: Sequence[bytes], level: int, keep: Keep | None) -> None:
        digest, at = sha256, self.size
        for depth in range(level):
            if keep is not None:
                keep(depth, at >> depth, block)
            halves = zip(block[::2], block[1::2], strict=True)
            block = [digest(b"\x01" + left + right).digest() for left, right in halves]
        node, place = block[0], at >> level
        if keep is not None:
            keep(level, place, block)
        while place & 1:
            node = node_hash(self._peaks.pop(), node)
            place >>= 1
            level += 1
            if keep is not None:
                keep(level, place, (node,))
        self._peaks.append(node)
        self.size = (place + 1) << level

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return folded(self._peaks) if self._peaks else EMPTY_ROOT


def folded(peaks: Sequence[bytes]) -> bytes:
    """One hash of perfect subtrees that lie side by side, largest first."""
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = node_hash(peak, node)
    return node


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


def perfect_nodes(start: int, end: int) -> list[Node]:
    """The perfect subtrees that cover the leaves from `start` to before `end`, largest first.

    `start` is a multiple of the largest power of two below the length, as every range of RFC 6962 is.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def split(size: int) -> int:
    """The largest power of two smaller than a size of two or more: where RFC 6962 parts a tree."""
    return 1 << (size - 1).bit_length() - 1
