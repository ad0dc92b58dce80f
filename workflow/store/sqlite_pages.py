"""What `secure_delete` leaves: copies of cells that SQLite moved when it split a page, in the space it does not use.

SQLite overwrites a cell that is deleted, but not the copy that a page keeps of a cell that went to its neighbour. Such
copies stand between the pointers of a page and its cells (SQLite file format, section 1.6, 2024). Pages are read here,
never written; `VACUUM` writes them anew where it must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

HEADER: Final = 100
LEAVES: Final = frozenset({10, 13})
INNER: Final = frozenset({2, 5})


def hold(path: Path, roots: Sequence[int], words: Sequence[bytes]) -> bool:
    """Whether one of these stands in unused space of the b-trees that begin at these pages.

    The file must be complete by itself (its write-ahead log empty), and no connection of this process be open: on
    POSIX, closing the file here would take that one's locks away.
    """
    if not words:
        return False
    with path.open("rb") as source:
        unused = b"\x00".join(_unused(source, roots))
    return any(word in unused for word in words)


def _unused(source: BinaryIO, roots: Sequence[int]) -> Iterator[bytes]:
    """The unused space of every page of some b-trees, where there is anything in it."""
    size = int.from_bytes(source.read(HEADER)[16:18], "big")
    size = 65_536 if size == 1 else size
    coming, seen = list(roots), set[int]()
    while coming:
        number = coming.pop()
        if number in seen or number < 1:
            continue
        seen.add(number)
        source.seek((number - 1) * size)
        page = source.read(size)
        start = HEADER if number == 1 else 0
        if len(page) < size or page[start] not in LEAVES | INNER:
            continue  # another program changed the file meanwhile
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        first = start + (12 if page[start] in INNER else 8)
        pointers = first + 2 * cells
        content = int.from_bytes(page[start + 5 : start + 7], "big") or 65_536
        if gap := page[pointers:content].strip(b"\x00"):
            yield gap
        if page[start] in INNER:
            coming.append(int.from_bytes(page[start + 8 : start + 12], "big"))
            for at in range(first, pointers, 2):
                cell = int.from_bytes(page[at : at + 2], "big")
                coming.append(int.from_bytes(page[cell : cell + 4], "big"))
