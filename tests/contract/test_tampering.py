"""Attacks on a log of a thousand events whose checkpoint is kept elsewhere: each is found, and named by kind and place.

The log is made once on each database and copied for each attack. What one careful edit does to a small log without
checkpoints, test_verify.py has; the guards of each database, the two about protection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.sealed import (
    AT,
    CASES,
    SEALED,
    TAIL,
    Kept,
    a_byte_of_a_body,
    a_leaf,
    kinds,
    of_seals,
    report,
    seal_now,
    taken_out,
)  # fmt: skip
from tests.fakes.intruder import Intruder, connected, unguarded
from tests.fakes.loan import DESK, Desk
from workflow import Move
from workflow.event import canonical, leaf_hash
from workflow.seal import checkpoint
from workflow.store.seals import Seals
from workflow.store.verify import verify
from workflow.store.verify_seals import Outside


@pytest.fixture
def log(sealed_log: Kept) -> Kept:
    return sealed_log


def test_an_untouched_log_holds_and_tells_its_unsealed_tail(log: Kept) -> None:
    found = report(log)
    assert (found.faults, found.size, found.sealed, found.unsealed) == ((), SEALED + TAIL, SEALED, TAIL)


# --- D1, D11, D12: one event --------------------------------------------------------------------------------------------


def forged(them: Intruder, position: int, **changes: Any) -> None:
    """A body with its leaf, and so without a fault of its own."""
    them.put(position, canonical({**them.record(position), **changes}))


def a_column(them: Intruder) -> None:
    them.run("UPDATE event SET actor='Eve' WHERE position=?", (AT,))


def an_event_of_another_case(them: Intruder) -> None:
    them.run("UPDATE event SET body=?, leaf=? WHERE position=?", (them.body(3), leaf_hash(them.body(3)), AT))


def spelled(*, old: bytes, new: bytes) -> Callable[[Intruder], None]:
    def spell(them: Intruder) -> None:
        assert old in them.body(AT)
        them.put(AT, them.body(AT).replace(old, new))

    return spell


CASE = f'"case":{AT - 1}'.encode()
SPELLINGS = {
    "a key twice": spelled(old=CASE, new=b'"case":1,' + CASE),
    "a float": spelled(old=CASE, new=CASE + b".0"),
    "minus zero": spelled(old=CASE, new=b'"case":-0'),
    "2^53": spelled(old=CASE, new=b'"case":9007199254740992'),
    "NaN": spelled(old=CASE, new=b'"case":NaN'),
    "NFD": spelled(old=b"Ada Desk", new="Zoe\u0308 Desk".encode()),
    "a blank behind": lambda them: them.put(AT, them.body(AT) + b" "),
    "an escape": spelled(old=b"Ada Desk", new=b"\\u0041da Desk"),
}


@pytest.mark.parametrize(
    ("tamper", "kind", "says"),
    [(a_byte_of_a_body, "leaf", "leaf differs"), (a_column, "copy", "column actor differs from body"),
     (a_leaf, "leaf", "leaf differs"), (an_event_of_another_case, "copy", "column position differs from body")],
)  # fmt: skip
def test_an_edited_event_is_named(log: Kept, tamper: Callable[[Intruder], None], kind: str, says: str) -> None:
    """D1, D11."""
    with unguarded(log.desk) as them:
        tamper(them)
    first = report(log).faults[0]
    assert (first.kind, first.position, says in first.message) == (kind, AT, True)


@pytest.mark.parametrize("how", SPELLINGS)
def test_a_body_that_is_not_canonical_is_named(log: Kept, how: str) -> None:
    """D12, with the leaf that goes with it: the root differs too, from the same event on."""
    with unguarded(log.desk) as them:
        SPELLINGS[how](them)
    found = report(log)
    assert (found.faults[0].kind in {"body", "canonical"}, found.faults[0].position) == (True, AT)
    assert [fault.position for fault in of_seals(found)] == [AT, AT]


# --- D2-D4: events taken out, put in, exchanged, cut off ------------------------------------------------------------------


def exchanged(them: Intruder) -> None:
    for old, new in ((AT, 9_999), (AT + 1, AT), (9_999, AT + 1)):
        them.run("UPDATE event SET position=? WHERE position=?", (new, old))


def taken_out_and_renumbered(them: Intruder) -> None:
    taken_out(them)
    renumbered(them, AT + 1, -1)


def put_in_and_renumbered(them: Intruder) -> None:
    renumbered(them, AT, +1)
    body = canonical({**them.record(AT + 1), "position": AT, "case": 9_000})
    them.run(
        f"INSERT INTO event SELECT {AT}, 9000, 1, kind, trigger, source, target, occurred_at, recorded_at, actor, "
        f"dispatch, command_id, run, ?, ? FROM event WHERE position={AT + 1}",
        (body, leaf_hash(body)),
    )


def renumbered(them: Intruder, first: int, by: int) -> None:
    """Positions of the columns; the bodies keep theirs."""
    them.run("UPDATE event SET position=position+100000 WHERE position>=?", (first,))
    them.run("UPDATE event SET position=position-100000+? WHERE position>=100000", (by,))


@pytest.mark.parametrize(
    ("tamper", "first", "says"),
    [
        (taken_out, ("gap", AT), f"position {AT} is missing"),
        (exchanged, ("copy", AT), "exchanged or renumbered"),
        (taken_out_and_renumbered, ("copy", AT), "exchanged or renumbered"),
        (put_in_and_renumbered, ("copy", AT + 1), "exchanged or renumbered"),
    ],
)
def test_events_that_are_not_where_they_were_are_named_from_the_first_on(
    log: Kept, tamper: Callable[[Intruder], None], first: tuple[str, int], says: str
) -> None:
    """D2."""
    with unguarded(log.desk) as them:
        tamper(them)
    found = report(log)
    fault = found.faults[0]
    assert (fault.kind, fault.position, says in fault.message) == (*first, True)
    assert of_seals(found)[-1].position in {AT, AT + 1}


def test_a_sealed_end_cut_off_is_a_log_shorter_than_its_checkpoint(log: Kept) -> None:
    """D3, with everything put back that pointed at it, but for the checkpoint elsewhere."""
    last = CASES + 1
    with unguarded(log.desk) as them:
        them.run("DELETE FROM event WHERE position>?", (last,))
        them.run("DELETE FROM seal WHERE size>?", (last,))
    (fault,) = of_seals(report(log))
    assert (fault.position, f"({SEALED} > {last})" in fault.message) == (last + 1, True)
    assert "the log is shorter than" in fault.message


def test_yesterdays_copy_put_back_holds_by_itself_and_is_shorter_than_the_checkpoint(log: Kept) -> None:
    """D3."""
    log.desk.engine.fire("take_back", Move(case=9), DESK)
    later = seal_now(log.desk)
    copy = SEALED + TAIL
    with unguarded(log.desk) as them:
        them.run("DELETE FROM event WHERE position>?", (copy,))
        them.run("DELETE FROM seal WHERE size>?", (copy,))
        them.run("UPDATE cases SET state='lent' WHERE id=9")
    assert of_seals(report(log)) == []
    (fault,) = of_seals(report(log, later))
    assert (fault.position, f"({copy + 1} > {copy})" in fault.message) == (copy + 1, True)


def test_an_unsealed_end_cut_off_is_seen_by_its_projection_only(log: Kept) -> None:
    """D4."""
    with unguarded(log.desk) as them:
        them.run("DELETE FROM event WHERE position>?", (SEALED,))
    found = report(log)
    assert (of_seals(found), found.unsealed) == ([], 0)
    assert set(kinds(found.faults)) >= {"projection"}


# --- D5-D7: rewritten, exchanged, projected -------------------------------------------------------------------------------


def rewrite(desk: Desk, position: int, **changes: Any) -> None:
    """An event edited with everything that follows from it, and the checkpoints signed anew with the stolen key."""
    with unguarded(desk) as them:
        forged(them, position, **changes)
        follower = position + CASES + 1  # lends what this one opened
        forged(them, follower, prev=leaf_hash(them.body(position)).hex())
        them.run("UPDATE cases SET leaf=? WHERE id=?", (leaf_hash(them.body(follower)), position - 1))
        them.run("DELETE FROM seal")
    seal_now(desk)


def test_a_log_rewritten_with_the_stolen_key_holds_inside_and_not_against_the_checkpoint_elsewhere(log: Kept) -> None:
    """D5."""
    rewrite(log.desk, AT, actor="Ada Desk", product="ulnflow 9")
    assert report(log, alone=True).holds
    (fault,) = report(log).faults
    assert (fault.kind, fault.position) == ("seal", 1)
    assert f"the log was changed before the checkpoint of size {SEALED} in kept.checkpoint" in fault.message


def test_another_history_of_the_same_size_is_said_to_be_one(log: Kept) -> None:
    """D5, D8."""
    whole = seal_now(log.desk)
    rewrite(log.desk, AT, product="ulnflow 9")
    (fault,) = report(log, whole).faults
    assert "the log tells another history of the same size" in fault.message


def test_a_key_of_somebody_else_is_named_whether_or_not_the_root_fits(log: Kept) -> None:
    """D8: a checkpoint that no known key signed."""
    (fault,) = report(log, Outside("kept.checkpoint", log.outside.told, "signed by nobody")).faults
    assert (fault.kind, "kept.checkpoint: signed by nobody" in fault.message) == ("checkpoint", True)


@pytest.mark.parametrize(
    ("change", "says"),
    [("note=root", "the note"), ("root=zeroblob(32)", "the checkpoint of size 1003 kept in it"),
     ("size=size+1", "the checkpoint of size 1004 kept in it"),
     ("peaks=zeroblob(32)", "of 1003 events: its copy differs from its note"),
     ("peaks=root", "of 1003 events: its copy differs from its note")],
)  # fmt: skip
def test_an_edited_checkpoint_of_the_log_is_named(log: Kept, change: str, says: str) -> None:
    with connected(log.desk) as them:
        them.run(f"UPDATE seal SET {change} WHERE size={SEALED}")
    assert says in report(log).faults[0].message


def test_a_state_without_an_event_names_the_case(log: Kept) -> None:
    """D7."""
    with connected(log.desk) as them:
        them.run("UPDATE cases SET state='returned' WHERE id=77")
    (fault,) = report(log).faults
    assert (fault.kind, fault.case) == ("projection", 77)


# --- D13: another log -----------------------------------------------------------------------------------------------------


def test_the_log_of_another_installation_has_another_origin(log: Kept) -> None:
    """D13: another log in the place of ours, and the checkpoint of another log held against ours."""
    told = checkpoint.Checkpoint("elsewhere", log.outside.told.size, log.outside.told.root)
    (fault,) = report(log, Outside("theirs.checkpoint", told)).faults
    assert (fault.kind, "the origin differs: theirs.checkpoint is of the log elsewhere" in fault.message) == (
        "origin",
        True,
    )
    with log.desk.database.reading() as connection:
        first = verify(connection, "elsewhere", {}, outside=[log.outside]).faults[0]
    assert (first.kind, first.position) == ("origin", 1)


def test_a_copy_has_every_checkpoint(log: Kept) -> None:
    with log.desk.database.reading() as connection:
        assert list(Seals(connection).sizes()) == [CASES + 1, SEALED]
