"""A log of a thousand events with two checkpoints, an unsealed tail, and what somebody does to it."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.intruder import Intruder
from tests.fakes.loan import DESK, ORIGIN, Desk
from workflow import Move
from workflow.seal import checkpoint, keys
from workflow.sealing import introduce, seal
from workflow.store.fault import Fault
from workflow.store.verify import Report, verify
from workflow.store.verify_seals import Outside

CASES = 500
SEALED = 3 + 2 * CASES
"""The key, the loans opened (n at position n + 1), lent (n at CASES + n + 2), and two events about that bulk run."""

TAIL = 3
"""Events behind the checkpoint."""

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = keys.public(SECRET, ORIGIN)


def fill(desk: Desk) -> Outside:
    """A log with two checkpoints and an unsealed tail; gives the later checkpoint as it is kept elsewhere."""
    with desk.engine.work(DESK) as work:
        introduce(work, KEY)
    cases = desk.open(CASES, cohort="A")
    seal_now(desk)
    desk.engine.fire_many("lend", cases, DESK)
    kept = seal_now(desk)
    for case in cases[:TAIL]:
        desk.engine.fire("remind", Move(case=case), DESK)
    return kept


def seal_now(desk: Desk) -> Outside:
    with desk.engine.work(DESK) as work:
        made = seal(work.connection, desk.engine.origin, [(KEY, SECRET)], desk.clock())
    assert made is not None
    return Outside("kept.checkpoint", checkpoint.trusted(made.note, desk.engine.origin, [KEY])[0])


@dataclass(frozen=True)
class Kept:
    """A log as it was made, and its checkpoint."""

    desk: Desk
    outside: Outside


def report(log: Kept, *outside: Outside, alone: bool = False) -> Report:
    held = [] if alone else outside or [log.outside]
    with log.desk.database.reading() as connection:
        route = log.desk.route
        return verify(connection, ORIGIN, {(route.name, route.version): route}, outside=held)


def kinds(faults: tuple[Fault, ...]) -> list[str]:
    return [fault.kind for fault in faults]


def of_seals(found: Report) -> list[Fault]:
    """What the checkpoints alone say."""
    return [fault for fault in found.faults if fault.kind == "seal"]


AT = 400
"""An event before the first checkpoint: it opens a loan that was lent since."""


def a_byte_of_a_body(them: Intruder) -> None:
    them.run("UPDATE event SET body=? WHERE position=?", (them.body(AT).replace(b"Ada", b"Eve"), AT))


def a_leaf(them: Intruder) -> None:
    them.run("UPDATE event SET leaf=zeroblob(32) WHERE position=?", (AT,))


def taken_out(them: Intruder) -> None:
    them.run("DELETE FROM event WHERE position=?", (AT,))
