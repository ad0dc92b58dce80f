"""Every event hashed again and held against the checkpoints: what whoever is about to sign one more must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from workflow.event import leaf_hash
from workflow.seal.grown import growing
from workflow.store.connection import Connection
from workflow.store.fault import Fault
from workflow.store.seals import Seals, key_events, signers_of
from workflow.store.verify_rows import guarded
from workflow.store.verify_seals import Outside, kept, sealed

PAGE: Final = 4_096


def altered(
    connection: Connection,
    origin: str,
    outside: Sequence[Outside] = (),
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Fault]:
    """The first event that is gone or not what its leaf says, and every checkpoint that the log does not bear out.

    It reads bodies and leaves, and judges nothing that an event says; `verify` does.
    """
    seals, named = Seals(connection), key_events(connection)
    sizes = seals.sizes()
    rows = connection.stream("SELECT position, body, leaf FROM event ORDER BY position")
    faults: list[Fault] = []
    with growing([*sizes, *(one.told.size for one in outside)], seals.length(), seals.leaves) as grown:
        size = 0
        while page := list(islice(rows, PAGE)):
            if not faults:
                faults += islice(_changed(page, size), 1)
            grown.take([leaf for _, _, leaf in page])
            size += len(page)
            progress(len(page))
        roots = grown.end()
    faults += kept(max(sizes, default=0), named[-1].position if named else 0)
    known = signers_of(named)
    return [*faults, *guarded("seal", sealed(seals.each(), outside, roots, origin, known, tuple(faults)))]


def _changed(page: Sequence[Any], before: int) -> Iterator[Fault]:
    for place, (position, body, leaf) in enumerate(page, before + 1):
        if position != place:
            yield Fault("gap", f"position {place} is missing: the next event is {position}", place)
        elif type(body) is not bytes or leaf_hash(body) != leaf:
            yield Fault("leaf", "leaf differs: the body or its hash was changed", place)
