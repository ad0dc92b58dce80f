"""Proofs that an event is in a tree, and that a tree is the beginning of a larger one; made, and checked by anybody.

Algorithms: RFC 9162 (2021), sections 2.1.3 and 2.1.4, over the tree of RFC 6962. The checks take index and sizes from
their caller, demand the exact number of hashes, and never take a shorter way: a proof shows presence, never that
nothing is missing, which the places of a case's own events show.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from workflow.seal.tree import HASH_SIZE, Frontier, Node, folded, node_hash, perfect_nodes, split

PAGE: Final = 4_096
LARGEST: Final = 2**62
"""A size above this is no size of a log."""

Plan = list[list[Node]]
"""The hashes of a proof in their order, each by the perfect subtrees it is folded of."""


class ProofRefused(ValueError):
    """The proof does not show what it should."""


# --- made -------------------------------------------------------------------------------------------------------------


def inclusion_plan(index: int, size: int) -> Plan:
    """Which subtrees show that the leaf at `index` is in a tree of `size`; raises ValueError for a place outside."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            found.append(perfect_nodes(middle, end))
            end = middle
        else:
            found.append(perfect_nodes(start, middle))
            start = middle
    return found[::-1]


def consistency_plan(first: int, second: int) -> Plan:
    """Which subtrees show that a tree of `first` leaves is the beginning of one of `second`; raises ValueError."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves is not shown to be the beginning of one of {second}")
    start, end, found, whole = 0, second, [], True
    while first != end:
        middle = start + split(end - start)
        if first <= middle:
            found.append(perfect_nodes(middle, end))
            end = middle
        else:
            found.append(perfect_nodes(start, middle))
            start, whole = middle, False
    if not whole:
        found.append(perfect_nodes(start, end))
    return found[::-1]


def make(leaves: Iterable[bytes], plans: Sequence[Plan]) -> list[list[bytes]]:
    """The proofs of some plans by one walk along the leaf hashes; raises ValueError when the leaves do not reach."""
    wanted: dict[int, list[int]] = {}
    for level, place in {node for plan in plans for part in plan for node in part}:
        wanted.setdefault(level, []).append(place)
    for places in wanted.values():
        places.sort()
    found: dict[Node, bytes] = {}

    def keep(level: int, first: int, hashes: Sequence[bytes]) -> None:
        places = wanted.get(level, ())
        for place in places[bisect_left(places, first) : bisect_left(places, first + len(hashes))]:
            found[level, place] = hashes[place - first]

    tree, coming = Frontier(), iter(leaves)
    while page := list(islice(coming, PAGE)):
        tree.extend(page, keep)
    try:
        return [[folded([found[node] for node in part]) for part in plan] for plan in plans]
    except KeyError:
        raise ValueError("there are fewer leaves than the tree has") from None


# --- checked ----------------------------------------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf of this hash stands at `index` (from 0) in the tree of `size` leaves with this root.

    Hashes are 32 bytes. Raises ProofRefused.
    """
    _check_sizes(index, size)
    if index >= size:
        raise ProofRefused(f"there is no leaf {index} in a tree of {size}")
    _check_hashes(proof, leaf_hash, root)
    fn, sn, node = index, size - 1, leaf_hash
    for other in proof:
        if sn == 0:
            raise ProofRefused("the proof is longer than it should be")
        if fn & 1 or fn == sn:
            node = node_hash(other, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, other)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofRefused("the proof is shorter than it should be")
    if node != root:
        raise ProofRefused("the proof leads to another root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `size1` leaves with `root1` is the beginning of that of `size2` with `root2`.

    Hashes are 32 bytes. From an empty tree nothing can be shown. Raises ProofRefused.
    """
    _check_sizes(size1, size2)
    _check_hashes(proof, root1, root2)
    if size1 == 0 or size1 >= size2:
        _check_ends(size1, size2, root1, root2, proof)
        return
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not proof:
        raise ProofRefused("the proof is empty")
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for other in path[1:]:
        if sn == 0:
            raise ProofRefused("the proof is longer than it should be")
        if fn & 1 or fn == sn:
            old, new = node_hash(other, old), node_hash(other, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, other)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofRefused("the proof is shorter than it should be")
    if (old, new) != (root1, root2):
        raise ProofRefused(f"the proof does not lead to the {'earlier' if old != root1 else 'later'} root")


def _check_ends(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check what needs no walk: two trees of one size, and sizes from which nothing follows."""
    if size1 > size2:
        raise ProofRefused(f"a tree of {size1} leaves is no beginning of one of {size2}")
    if size1 < size2:
        raise ProofRefused("from an empty tree nothing can be shown")
    if proof:
        raise ProofRefused("the sizes are equal: nothing is to be proved")
    if root1 != root2:
        raise ProofRefused("two roots for the same size: the log was shown in two versions")


def _check_sizes(*sizes: int) -> None:
    if any(type(size) is not int or not 0 <= size <= LARGEST for size in sizes):
        raise ProofRefused("a place or a size is no whole number of a log")


def _check_hashes(proof: Sequence[bytes], *more: bytes) -> None:
    if isinstance(proof, (bytes, str)) or len(proof) > LARGEST.bit_length() * 2:
        raise ProofRefused("the proof is no list of hashes, or far too long")
    if any(not isinstance(one, bytes) or len(one) != HASH_SIZE for one in (*proof, *more)):
        raise ProofRefused(f"a hash has not exactly {HASH_SIZE} bytes")
