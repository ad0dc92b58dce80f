"""A commit whose answer is lost: the command id decides, and the same call again tells what the first one did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fakes import postgres
from tests.fakes.loan import DESK, Desk
from tests.proof.clients import desk_at
from tests.proof.cut import Wire, wire_to
from tests.proof.databases import fresh_where
from tests.proof.places import KINDS, place_at
from tests.proof.points import COMMIT, CONFIRMED, Points, fail, watched
from workflow import Move, Outcome, RunResult
from workflow.errors import StoreError

Call = Callable[[Desk], Any]
ACT = replace(DESK, command_id="job-1")


def told(answer: Any) -> Any:
    """What a call answered, as far as a repeat can know it."""
    if isinstance(answer, Outcome):
        return answer.case, answer.trigger, answer.position, answer.source, answer.target
    if isinstance(answer, RunResult):
        return answer.run, answer.size, answer.done, answer.counts, answer.stopped
    return answer


CALLS: dict[str, Call] = {
    "fire": lambda desk: desk.engine.fire("lend", Move(case=1), ACT),
    "fire_many": lambda desk: desk.engine.fire_many("lend", [1, 2, 3, 4, 5], ACT),
    "open": lambda desk: desk.engine.open([(201, {}), (202, {})], ACT),
}


@pytest.fixture(params=KINDS)
def desk(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    made = desk_at(fresh_where(request.param, tmp_path))
    made.open(5)
    yield made
    made.database.close()


@pytest.mark.parametrize("moment", [COMMIT, CONFIRMED])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_whose_commit_failed_or_was_not_answered_is_done_once_by_its_repeat(
    name: str, moment: str, desk: Desk, tmp_path: Path
) -> None:
    """C6: at each commit of the call, before it counts and after."""
    call, before = CALLS[name], desk.count()
    (tmp_path / "twin").mkdir()
    twin = desk_at(fresh_where(desk.database.kind, tmp_path / "twin"))
    twin.open(5)
    with watched(Points(only=moment)) as calm:
        wanted = told(call(twin))
    size = twin.count()
    twin.database.close()
    assert calm.passed
    for n in range(1, len(calm.passed) + 1):
        with watched(Points(n, fail, only=moment)) as points:
            if not failed(call, desk):
                assert not points.met
        assert before <= desk.count() <= size
        assert desk.verify().faults == ()
    assert told(call(desk)) == wanted
    assert told(call(desk)) == wanted
    assert desk.count() == size
    assert desk.verify().faults == ()


def failed(call: Call, desk: Desk) -> bool:
    """Whether a call ended as it ends for a person whose database went away."""
    try:
        call(desk)
    except StoreError as wrong:
        said = str(wrong)
    else:
        return False
    assert "repeat the command" in said or "check the disk" in said
    return True


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_to(str(fresh_where("postgresql", Path()))) as made:
        yield made


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("name", CALLS)
def test_a_wire_cut_at_the_commit_leaves_a_call_that_its_repeat_ends(
    name: str, cut: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C6, on a real server: the client hears nothing; whether the server confirmed is for the command id to say."""
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    desk = desk_at(wire.address)
    desk.open(5)
    before = desk.count()
    wire.cut = cut  # type: ignore[assignment]
    with pytest.raises(StoreError, match="repeat the command: what was confirmed is kept"):
        CALLS[name](desk)
    assert wire.cuts == 1
    wire.cut = "never"
    with desk.database.writing():
        pass  # the server is done with what it had been given
    assert (desk.count() > before) is (cut == "after")
    first = told(CALLS[name](desk))
    size = desk.count()
    assert told(CALLS[name](desk)) == first
    assert desk.count() == size
    moved = desk.rows("SELECT case_id FROM event WHERE kind='moved'")
    assert len(moved) == len(set(moved)) == {"fire": 1, "fire_many": 5, "open": 0}[name]
    assert desk.verify().faults == ()
    desk.database.close()


def test_a_backend_ended_by_the_server_in_the_middle_of_a_transaction_leaves_nothing() -> None:
    """C6: pg_terminate_backend just before the commit; the next call gets another connection."""
    desk = desk_at(fresh_where("postgresql", Path()))
    desk.open(2)
    before = desk.count()

    def end(name: str, raw: Any) -> None:
        with psycopg.connect(postgres.server(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", (raw.info.backend_pid,))

    with watched(Points()) as calm:
        desk.engine.fire("lend", Move(case=1), replace(DESK, command_id="calm"))
    before = desk.count()
    with watched(Points(calm.passed.index(COMMIT) + 1, end)), pytest.raises(StoreError, match="connection was lost"):
        desk.engine.fire("lend", Move(case=2), ACT)
    assert desk.count() == before
    assert desk.engine.fire("lend", Move(case=2), ACT).position == before + 1
    assert desk.engine.fire("lend", Move(case=2), ACT).result == "repeated"
    desk.database.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_with_an_id_of_ones_own_whose_answer_was_lost_is_told_again(kind: str, tmp_path: Path) -> None:
    """C6, through the program: the same counts, no second event, at every commit of it."""
    calm = place_at("received", kind, tmp_path / "calm")
    words = ("advance", "pass_uln_to_learner", "--state", "uln_received", "-e", "how=email", "-e", "by=Ann",
             "--command-id", "job-1", "--format", "json")  # fmt: skip
    with watched(Points()) as points:
        wanted = json.loads(calm.do(*words).out)["counts"]
    size = calm.count()
    for n in [n for n, name in enumerate(points.passed, 1) if name == CONFIRMED]:
        place = place_at("received", kind, tmp_path / f"centre-{n}")
        with watched(Points(n, fail)):
            lost = place.run(*words)
        assert lost.code == 4 or (lost.code == 0 and "could not be sealed" in lost.err)
        assert json.loads(place.do(*words).out)["counts"] == wanted
        assert place.count() == size
        assert json.loads(place.do(*words).out)["counts"] == wanted
        assert place.count() == size
