"""Frames: what the bodies of like events share, so that one more of them need not be read whole.

A frame is made of a body that was checked in full. It has holes for the numbers of an event's place in the log, for its
command id and its link, and a gap for the keys that say something else of each case. A later body that is the frame
filled from the columns of its own row, with a gap that is canonical too, is therefore canonical, is copied truly by
those columns, follows the event before it, and says everything else that the first one said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orjson import JSONDecodeError, loads

from workflow.event import EMPTY, MOVED, NOTED, OPENED, REFUSED, canonical, is_written_so
from workflow.store.verify_told import Words

KINDS: Final = frozenset({OPENED, MOVED, NOTED, REFUSED})
UNLIKE: Final = ("voids", "closes")
"""Keys of events whose like is not to be expected, or that mean another event."""

FREE: Final = ("commitments", "dispatch", "evidence", "facts")
"""The keys of the gap: they stand side by side in canonical bytes, right behind the command id."""

HOLES: Final = ("case", "command_id", FREE[0], "occurred_at", "position", "prev", "recorded_at", "sequence")
"""In the order in which canonical bytes have them; the third stands for the gap."""

MARK: Final = "\x00"
HOLE: Final = canonical(MARK)


@dataclass(slots=True)
class Frame:
    """What is shared: `head` has holes for case and command id, `tail` for the others.

    `form` is the whole with the gap that was met last, and `facts` what that makes known; `names` are the keys in it.
    `route` is the number of the route, `state` that of the state moved to or opened in, 0 for none; `linked` whether
    there was an event before; `says` the record where it tells of duties or settles a place, else None.
    """

    head: bytes
    tail: bytes
    form: bytes
    facts: Mapping[str, Any]
    names: tuple[str, ...]
    linked: bool
    route: int
    state: int
    says: Mapping[str, Any] | None

    def reads(self, holes: tuple[Any, ...], body: bytes, dispatch: int | None) -> bool:
        """Whether a body is this frame with another gap, and that says what such an event may say; takes its facts."""
        head, tail = self.head % holes[:2] + b",", self.tail % holes[2:]
        alone = b"{%b}" % body[len(head) : -len(tail)]
        if len(head) + len(tail) + len(alone) - 2 != len(body) or not (body.startswith(head) and body.endswith(tail)):
            return False
        try:
            free = loads(alone)
        except JSONDecodeError:
            return False
        if (
            tuple(free) != self.names
            or free.get("dispatch") != dispatch
            or not _are_tables(free)
            or not is_written_so(free, alone)
        ):
            return False
        self.facts = free.get("facts", EMPTY)
        if self.linked:
            self.form = self.head + b"," + alone[1:-1].replace(b"%", b"%%") + self.tail
        return True


def _are_tables(free: Mapping[str, Any]) -> bool:
    for name, value in free.items():  # noqa: SIM110 - a generator takes a third of a microsecond more, a million times
        if type(value) is not dict and name != "dispatch":
            return False
    return True


def frame_of(record: dict[str, Any], says: Mapping[str, Any], words: Words) -> Frame | None:
    """The frame of an event found good; None for one whose like is not to be expected.

    `says` is the record with its lists and tables shaped.
    """
    linked, kind = "prev" in record, record["kind"]
    free: dict[str, Any] = {name: record[name] for name in FREE if name in record}
    unlike = any(map(record.__contains__, UNLIKE)) or linked == (kind == OPENED)
    if kind not in KINDS or unlike or not _are_tables(free):
        return None
    shared: dict[str, Any] = {name: value for name, value in record.items() if name not in FREE}
    holes: list[str] = [name for name in HOLES if name in record or name == FREE[0]]
    parts = canonical({**shared, **dict.fromkeys(holes, MARK)}).replace(b"%", b"%%").split(HOLE)
    if len(parts) != len(HOLES) + linked:  # some other text is a mark as well
        return None
    head = parts[0] + b"%d" + parts[1] + b"%b"
    tail = b"%d".join(parts[3:6]) + (b'"%b"' if linked else b"%d") + b"%d".join(parts[6:])
    gap = b"," + canonical(free)[1:-1] if free else b""
    facts: Mapping[str, Any] = free.get("facts", EMPTY)
    return Frame(
        head=head,
        tail=tail,
        form=head + gap.replace(b"%", b"%%") + tail,
        facts=facts,
        names=tuple(free),
        linked=linked,
        route=words.route(record),
        state=words.number(record.get("target")) if kind in {MOVED, OPENED} else 0,
        says=says if "opens" in record or "settles" in record else None,
    )
