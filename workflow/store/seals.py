"""Checkpoints of the log as they were made: the size, the root, the note, and the tree to grow the next one from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from workflow.event import Event
from workflow.seal.note import Key, NoteRefused
from workflow.seal.tree import HASH_SIZE, Frontier
from workflow.store.connection import Connection
from workflow.store.history import LOOKED_UP, History

PAGE: Final = 4_096
KEY_MADE, KEY_ROTATED = "key_made", "key_rotated"
KEY_EVENTS: Final = frozenset({KEY_MADE, KEY_ROTATED})
"""Events that tell which keys sign for this log."""

COLUMNS: Final = "size, root, peaks, note, made_at"


@dataclass(frozen=True, slots=True)
class Seal:
    """A checkpoint of the log; `note` is the signed note, `made_at` microseconds since 1970."""

    size: int
    root: bytes
    peaks: bytes
    note: bytes
    made_at: int

    def tree(self) -> Frontier:
        """The tree it was made of, to be grown; raises ValueError for what is none."""
        return Frontier(self.size, [self.peaks[at : at + HASH_SIZE] for at in range(0, len(self.peaks), HASH_SIZE)])


class Seals:
    """The checkpoints within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    def each(self) -> Iterator[Seal]:
        """Every checkpoint, smallest first."""
        return (Seal(*row) for row in self._raw.stream(f"SELECT {COLUMNS} FROM seal ORDER BY size"))

    def sizes(self) -> array[int]:
        """The sizes of every checkpoint, smallest first; what is no size is left out."""
        rows = self._raw.stream("SELECT size FROM seal ORDER BY size")
        return array("q", (size for (size,) in rows if type(size) is int and size > 0))

    def length(self) -> int:
        """About how many events there are: the highest position."""
        found = self._raw.execute("SELECT max(position) FROM event").fetchone()[0]
        return found if type(found) is int else 0

    def last(self) -> Seal | None:
        """The largest checkpoint."""
        row = self._raw.execute(f"SELECT {COLUMNS} FROM seal ORDER BY size DESC LIMIT 1").fetchone()
        return Seal(*row) if row else None

    def of(self, size: int) -> Seal | None:
        """The checkpoint of a size."""
        row = self._raw.execute(f"SELECT {COLUMNS} FROM seal WHERE size = ?", (size,)).fetchone()
        return Seal(*row) if row else None

    def add(self, seal: Seal) -> None:
        """Keep a checkpoint."""
        self._raw.execute(
            "INSERT INTO seal VALUES (?,?,?,?,?)", (seal.size, seal.root, seal.peaks, seal.note, seal.made_at)
        )

    def looks(self, after: int, until: int) -> int:
        """How many events behind a position, up to another, are looks: they change nothing, so nothing seals them."""
        found = self._raw.execute(
            "SELECT count(*) FROM event WHERE position > ? AND position <= ? AND kind = ?", (after, until, LOOKED_UP)
        )
        return int(found.fetchone()[0])

    def leaves(self, after: int = 0, until: int | None = None) -> Iterator[bytes]:
        """The leaf hashes of the events behind a position, up to another."""
        last = "" if until is None else " AND position <= ?"
        rows = self._raw.stream(
            f"SELECT leaf FROM event WHERE position > ?{last} ORDER BY position",
            (after,) if until is None else (after, until),
        )
        return (row[0] for row in rows)

    def grown(self) -> Frontier:
        """The tree over the whole log, grown from the last checkpoint."""
        last = self.last()
        tree = Frontier() if last is None else last.tree()
        coming = self.leaves(tree.size)
        while page := list(islice(coming, PAGE)):
            tree.extend(page)
        return tree


def key_events(connection: Connection) -> list[Event]:
    """The events that name a key and can be read, in the order of the log."""
    history = History(connection)
    events = [event for kind in KEY_EVENTS for event in history.readable(kind)]
    return sorted(events, key=lambda event: event.position)


class Signers:
    """The keys that a log names, oldest first; one that was exchanged signs nothing larger than its handing over."""

    def __init__(self, told: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """From the position and the evidence of the events that name them."""
        found: dict[Key, None] = {}
        self._until: dict[str, int] = {}
        for position, evidence in told:
            with suppress(NoteRefused):  # verify tells of what no command can have written
                found[Key.parse(str(evidence.get("key", "")))] = None
                if "before" in evidence:
                    self._until.setdefault(str(evidence["before"]), position)
        self.keys = tuple(found)

    def at(self, size: int) -> list[Key]:
        """Those that may sign a checkpoint of a size."""
        return [key for key in self.keys if size <= self._until.get(key.id.hex(), size)]


def signers(connection: Connection) -> Signers:
    """The keys that the log itself names."""
    return signers_of(key_events(connection))


def signers_of(named: Iterable[Event]) -> Signers:
    """The keys that these events name."""
    return Signers((event.position, event.evidence) for event in named)


def known_keys(connection: Connection) -> list[Key]:
    """Every key that the log itself names, oldest first."""
    return list(signers(connection).keys)
