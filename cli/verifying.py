"""The log verified as a centre keeps it: held against the newest checkpoint in its seals folder, and those given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cli import sealing
from cli.desk import Desk
from cli.render import progress
from states.reports.verified import verified
from states.unit_of_work import Glance
from workflow.seal.note import Key
from workflow.store.fault import Fault
from workflow.store.seals import known_keys
from workflow.store.verify import Report
from workflow.store.verify_leaves import altered
from workflow.store.verify_seals import Outside


def verify(at: Desk, look: Glance, against: Sequence[Path] = (), by: Sequence[str] = ()) -> Report:
    """What verifying found; `by` are keys to trust, with the files that were given where there are any.

    Raises StoreError where it cannot be read, FileRefused for a file that is no checkpoint, NotPossible for no key.
    """
    with progress(look.log.head(), "verifying") as bar:
        given, known = sealing.parsed(by), known_keys(look.connection)
        outside = [sealing.outside(path, given or known, str(path)) for path in against]
        ours = known if against else given or known  # a key goes with the file it is given for
        return verified(look, bar, outside=[*outside, *_newest(at, ours)])


def find_altered(at: Desk) -> list[Fault]:
    """What forbids to sign the log: events and checkpoints, each of them read, that do not go together."""
    with at.office.look() as look, progress(look.log.head(), "reading") as bar:
        outside = _newest(at, known_keys(look.connection))
        return altered(look.connection, at.office.engine.origin, outside, bar)


def _newest(at: Desk, keys: Sequence[Key]) -> list[Outside]:
    """The newest checkpoint in the seals folder, if there is one."""
    path = sealing.latest(at.seals)
    return [sealing.outside(path, keys, f"{path.parent.name}/{path.name}")] if path else []
