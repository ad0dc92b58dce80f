"""What `secure_delete` leaves: copies of cells that SQLite moved when it split a page, in the space it does not use.

SQLite overwrites a cell that is deleted, but not the copy that a page keeps of a cell that went to its neighbour. Such
copies stand between the pointers of a page and its cells (SQLite file format, section 1.6, 2024). Pages are read here,
never written; `VACUUM` writes them anew where it must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import Struct, unpack
from typing import Final

HEADER: Final = 100
INNER, LEAF = 12, 8
KINDS: Final = {2: INNER, 5: INNER, 10: LEAF, 13: LEAF}
"""Kind of page -> bytes of its head."""

HEAD: Final = Struct(">BHHH")
"""Kind, first free block, number of cells, where they begin."""


def hold(path: Path, roots: Sequence[int], words: Sequence[bytes]) -> bool:
    """Whether one of these stands in unused space of the b-trees that begin at these pages.

    The file must be complete by itself (its write-ahead log empty), and no connection of this process be open: on
    POSIX, closing the file here would take that one's locks away.
    """
    if not words:
        return False
    with path.open("rb") as source, mmap(source.fileno(), 0, access=ACCESS_READ) as pages:
        unused = b"\x00".join(_unused(pages, roots))
    return any(word in unused for word in words)


def _unused(pages: mmap, roots: Sequence[int]) -> Iterator[bytes]:
    """The unused space of every page of some b-trees, where there is anything in it."""
    size = int.from_bytes(pages[16:18], "big")
    size = 65_536 if size == 1 else size
    end, nothing = len(pages) - size, bytes(size)
    coming, seen = list(roots), set[int]()
    while coming:
        number = coming.pop()
        at = (number - 1) * size
        if number in seen or not 0 <= at <= end:
            continue
        seen.add(number)
        start = at + HEADER if number == 1 else at
        kind, _, cells, content = HEAD.unpack_from(pages, start)
        if kind not in KINDS:
            continue  # another program changed the file meanwhile
        first = start + KINDS[kind]
        pointers = first + 2 * cells
        gap = pages[pointers : at + (content or 65_536)]
        if gap != nothing[: len(gap)]:
            yield gap.strip(b"\x00")
        if KINDS[kind] == INNER:
            coming.append(int.from_bytes(pages[start + 8 : start + 12], "big"))
            below = unpack(f">{cells}H", pages[first:pointers])
            coming += [int.from_bytes(pages[at + cell : at + cell + 4], "big") for cell in below]
