"""The log verified as a centre keeps it: held against the checkpoints in its seals folder, and those given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cli import checkpoints
from cli.desk import Desk
from cli.render import progress
from cli.sealing import parsed
from states.reports.verified import verified
from states.unit_of_work import Glance
from workflow.seal.note import Key
from workflow.store.fault import Fault
from workflow.store.seals import signers
from workflow.store.verify import Report
from workflow.store.verify_leaves import altered


def verify(at: Desk, look: Glance, against: Sequence[Path] = (), by: Sequence[str] = ()) -> Report:
    """What verifying found; `by` are keys to trust, with the files that were given where there are any.

    Raises StoreError where it cannot be read, FileRefused for a file that is no checkpoint, NotPossible for no key.
    """
    with progress(look.log.head(), "verifying") as bar:
        given, known = parsed(by), signers(look.connection)
        outside = [checkpoints.outside(path, _these(given) or known.at, str(path)) for path in against]
        ours = known.at if against else _these(given) or known.at  # a key goes with the file it is given for
        own, faults = checkpoints.beside(look.connection, at.seals, ours)
        report = verified(look, bar, outside=[*outside, *own])
        return replace(report, faults=(*report.faults, *faults))


def find_altered(at: Desk) -> list[Fault]:
    """What forbids to sign the log: events and checkpoints, each of them read, that do not go together."""
    with at.office.look() as look, progress(look.log.head(), "reading") as bar:
        outside, _ = checkpoints.beside(look.connection, at.seals, signers(look.connection).at)
        return altered(look.connection, at.office.engine.origin, outside, bar)


def _these(keys: Sequence[Key]) -> checkpoints.Able | None:
    """Keys that were given sign whatever its size; None where none was."""
    return (lambda _size: keys) if keys else None
