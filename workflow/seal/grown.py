"""A tree that grows as a log is read and says its root at the sizes asked for; beside the reading, if that is long.

The hashing of a long log is given to a second process, which is told the sizes, then the leaf hashes as they are read,
and answers with the roots. Where it cannot be started, or ends early, the leaves are read once more and hashed here.
"""

from __future__ import annotations

import os
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from workflow.seal.tree import HASH_SIZE, Frontier

if TYPE_CHECKING:
    from subprocess import Popen

BLOCK: Final = 4_096
"""Leaves hashed at once."""

LONG: Final = 100_000
"""Leaves from which on a second process is worth its start."""

ROOM: Final = 1_000_000
"""Bytes that wait between the two processes, where the system lets us say so, before the first waits for the second."""

NO_LEAF: Final = bytes(HASH_SIZE)
"""Stands for a leaf that is no hash at all."""


@dataclass(frozen=True, slots=True)
class Roots:
    """The size of a whole tree, and `packed` its roots: those at the smaller sizes that were reached, then its own."""

    size: int
    sizes: array[int]
    packed: bytes

    @property
    def root(self) -> bytes:
        """The root over everything."""
        return self.packed[-HASH_SIZE:]

    def at(self, size: int) -> bytes | None:
        """The root at a size that was asked for and reached."""
        place = bisect_left(self.sizes, size)
        if not 0 < size <= self.size or self.sizes[place : place + 1] != array("q", [size]):
            return None
        return self.packed[place * HASH_SIZE : (place + 1) * HASH_SIZE]


class Growing(Protocol):
    """What takes the leaves of a log as they are read."""

    def take(self, leaves: Sequence[Any]) -> None:
        """The leaf hashes of the next events, as the table holds them."""
        ...

    def end(self) -> Roots:
        """The roots over everything that was taken."""
        ...


class Grown:
    """The tree grown in this process."""

    def __init__(self, sizes: array[int]) -> None:
        self._tree, self._sizes, self._reached, self._roots = Frontier(), sizes, 0, bytearray()
        self._kept: list[Any] = []

    def take(self, leaves: Sequence[Any]) -> None:
        """The leaf hashes of the next events."""
        self._kept += leaves
        if len(self._kept) >= BLOCK:
            self._grow()

    def end(self) -> Roots:
        """The roots over everything that was taken."""
        self._grow()
        return Roots(self._tree.size, self._sizes, bytes(self._roots) + self._tree.root())

    def _grow(self) -> None:
        leaves, self._kept, done = _hashes(self._kept), [], 0
        sizes, tree = self._sizes, self._tree
        while self._reached < len(sizes) and (part := sizes[self._reached] - tree.size) <= len(leaves) - done:
            tree.extend(leaves[done : done + part])
            done += part
            self._roots += tree.root()
            self._reached += 1
        tree.extend(leaves[done:])


class Beside:
    """The tree grown in a second process; `again` reads the leaves anew where that fails."""

    def __init__(self, process: Popen[bytes], sizes: array[int], again: Callable[[], Iterable[Any]]) -> None:
        self._process, self._sizes, self._again = process, sizes, again
        self._kept: list[Any] = []
        self._size, self._whole = 0, True
        self._write(array("q", [len(sizes), *sizes]).tobytes())

    def take(self, leaves: Sequence[Any]) -> None:
        """The leaf hashes of the next events."""
        self._kept += leaves
        if len(self._kept) >= BLOCK:
            self._send()

    def end(self) -> Roots:
        """The roots over everything that was taken."""
        self._send()
        answer = b""
        if self._whole:
            with suppress(OSError):
                answer = self._process.communicate()[0]
        reached = bisect_left(self._sizes, self._size + 1)
        if len(answer) == (reached + 1) * HASH_SIZE and self._process.returncode == 0:
            return Roots(self._size, self._sizes, answer)
        return grown(self._sizes, self._again())

    def _send(self) -> None:
        self._size += len(self._kept)
        self._write(b"".join(_hashes(self._kept)))
        self._kept = []

    def _write(self, data: bytes) -> None:
        if self._whole and self._process.stdin is not None:
            try:
                self._process.stdin.write(data)
            except OSError:
                self._whole = False


@contextmanager
def growing(sizes: Iterable[int], expected: int, again: Callable[[], Iterable[Any]]) -> Iterator[Growing]:
    """What the leaves of a log of some `expected` length are given to; `sizes` are those whose roots are wanted."""
    wanted = array("q", sorted({size for size in sizes if size > 0}))
    process = _started() if expected >= LONG else None
    try:
        yield Grown(wanted) if process is None else Beside(process, wanted, again)
    finally:
        if process is not None:
            with suppress(OSError), process:
                process.kill()


def grown(sizes: array[int], leaves: Iterable[Any]) -> Roots:
    """The roots at some sizes, and at the end, of leaves that come one at a time."""
    tree, coming = Grown(sizes), iter(leaves)
    while page := list(islice(coming, BLOCK)):
        tree.take(page)
    return tree.end()


def _started() -> Popen[bytes] | None:
    """A process that runs `main` below; None where that would not help, or cannot be."""
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - only a long log needs one

    if not sys.executable or _processors() == 1:
        return None
    command = [sys.executable, "-P", "-m", __name__]
    try:
        return Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, pipesize=ROOM)  # noqa: S603 - ourselves
    except OSError:
        return None


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hashes(leaves: list[Any]) -> list[bytes]:
    """Leaves as a tree takes them: what is none, as the reading has told already, becomes one that fits nothing."""
    if set(map(type, leaves)) == {bytes} and set(map(len, leaves)) == {HASH_SIZE}:
        return leaves
    return [leaf if type(leaf) is bytes and len(leaf) == HASH_SIZE else NO_LEAF for leaf in leaves]


def main(coming: IO[bytes], answer: IO[bytes]) -> None:
    """The second process: how many sizes, the sizes, then leaf hashes to the end; roots out."""
    count, sizes = array("q", coming.read(8))[0], array("q")
    sizes.frombytes(coming.read(8 * count))
    answer.write(grown(sizes, iter(lambda: coming.read(HASH_SIZE), b"")).packed)
    answer.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
