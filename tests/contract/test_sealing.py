"""Checkpoints taken out of a log, and what is looked at before another one is signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.contract.sealed import (
    AT,
    KEY,
    SEALED,
    SECRET,
    TAIL,
    Kept,
    a_byte_of_a_body,
    a_leaf,
    kinds,
    report,
    taken_out,
)
from tests.fakes.intruder import Intruder, connected, unguarded
from tests.fakes.loan import DESK, ORIGIN, Desk
from workflow import sealing
from workflow.errors import StoreError
from workflow.seal import keys
from workflow.seal.note import Key
from workflow.sealing import extend
from workflow.store.seals import Seal, Seals, key_events
from workflow.store.verify_leaves import altered
from workflow.store.verify_seals import Outside


@pytest.fixture
def log(sealed_log: Kept) -> Kept:
    return sealed_log


def test_a_log_that_names_a_key_and_keeps_no_checkpoint_was_robbed_of_them(log: Kept) -> None:
    with connected(log.desk) as them:
        them.run("DELETE FROM seal")
    (fault,) = report(log, alone=True).faults
    assert (fault.kind, fault.position) == ("seal", 1)
    assert "every checkpoint was taken out of the log" in fault.message
    assert [fault.position for fault in report(log).faults] == [1, SEALED]


def test_the_newest_checkpoint_taken_out_is_missed_by_its_copy_elsewhere(log: Kept) -> None:
    with connected(log.desk) as them:
        them.run("DELETE FROM seal WHERE size=?", (SEALED,))
    (fault,) = report(log).faults
    assert (fault.kind, fault.position) == ("seal", SEALED)
    assert f"the checkpoint of size {SEALED} in kept.checkpoint is not kept in it" in fault.message
    unsigned = Outside("theirs.checkpoint", log.outside.told, "signed by nobody")
    assert kinds(report(log, unsigned).faults) == ["checkpoint"]  # anybody can write one down


def test_the_checkpoint_that_a_new_key_came_with_is_missed_without_any_copy(log: Kept) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    made = extended(log.desk, (KEY, SECRET), (keys.public(other, ORIGIN), other))
    with connected(log.desk) as them:
        them.run("DELETE FROM seal WHERE size=?", (made.size,))
    (fault,) = report(log, alone=True).faults
    assert (fault.kind, fault.position) == ("seal", made.size)
    assert f"every checkpoint behind that of size {SEALED} was taken out" in fault.message


# --- what is looked at before another checkpoint is signed ----------------------------------------------------------------


def extended(desk: Desk, *signers: tuple[Key, Any]) -> Seal:
    with desk.engine.work(DESK) as work:
        made = extend(work, ORIGIN, signers or [(KEY, SECRET)], desk.clock())
    assert made is not None
    return made


ROBBED = {
    "no checkpoint": ("DELETE FROM seal", "that checkpoint was taken out"),
    "its root": ("UPDATE seal SET root=zeroblob(32)", "its last checkpoint was changed"),
    "its tree": ("UPDATE seal SET peaks=?", "its last checkpoint was changed"),
    "half its tree": ("UPDATE seal SET peaks=zeroblob(32)", "its last checkpoint is none any more"),
    "its note": ("UPDATE seal SET note=zeroblob(32)", "its last checkpoint is none any more"),
    "its size": (f"UPDATE seal SET size=size+1 WHERE size={SEALED}", "its last checkpoint"),
    "a leaf": (f"UPDATE event SET leaf=zeroblob(32) WHERE position={AT}", f"an event from 1 to {SEALED} was changed"),
    "the end": (f"DELETE FROM event WHERE position>={SEALED}", "it has fewer events than"),
    "an event": (f"DELETE FROM event WHERE position={AT}", f"an event from 1 to {SEALED} was changed"),
}


@pytest.mark.parametrize("what", ROBBED)
def test_nothing_is_signed_where_the_log_does_not_go_on_from_its_last_checkpoint(log: Kept, what: str) -> None:
    attack, says = ROBBED[what]
    with unguarded(log.desk) as them:
        them.run(attack, [bytes(256)] * attack.count("?"))
    with log.desk.database.reading() as connection:
        before = list(Seals(connection).each())
    with pytest.raises(StoreError, match=says):
        extended(log.desk)
    with log.desk.database.reading() as connection:
        assert list(Seals(connection).each()) == before


def test_a_sound_log_is_sealed_up_to_its_end_and_knows_every_key(log: Kept) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    made = extended(log.desk, (KEY, SECRET), (keys.public(other, ORIGIN), other))
    assert made.size == SEALED + TAIL + 1
    assert report(log).holds
    assert extended(log.desk, (KEY, SECRET)) == made
    with log.desk.database.reading() as connection:
        (event,) = [one for one in key_events(connection) if one.kind == "key_rotated"]
    assert event.evidence["before"] == KEY.id.hex()


def test_only_a_walk_over_every_event_sees_an_old_one_changed(log: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a seal looks at ends some thousand events back; `audit seal` reads all."""
    monkeypatch.setattr(sealing, "PAGE", 256)
    with unguarded(log.desk) as them:
        a_leaf(them)
    made = extended(log.desk)
    with log.desk.database.reading() as connection:
        found = altered(connection, ORIGIN, [log.outside])
    assert [(fault.kind, fault.position) for fault in found] == [("leaf", AT)] + [("seal", AT)] * 2
    assert made.size == SEALED + TAIL


@pytest.mark.parametrize(("tamper", "kind"), [(a_byte_of_a_body, "leaf"), (a_leaf, "leaf"), (taken_out, "gap")])
def test_a_walk_over_every_event_names_the_first_that_was_changed(
    log: Kept, tamper: Callable[[Intruder], None], kind: str
) -> None:
    with log.desk.database.reading() as connection:
        assert altered(connection, ORIGIN, [log.outside]) == []
    with unguarded(log.desk) as them:
        tamper(them)
    with log.desk.database.reading() as connection:
        first, *_ = altered(connection, ORIGIN, [log.outside])
    assert (first.kind, first.position) == (kind, AT)
