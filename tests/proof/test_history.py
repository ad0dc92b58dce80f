"""Many processes on the same cases: the journals they keep, held against the log."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.centre import Result
from tests.fakes.loan import Desk
from tests.proof.children import FORKS, start, typed
from tests.proof.clients import desk_at, fire_at_random, run_through
from tests.proof.databases import fresh_where
from tests.proof.places import KINDS, place_at, references
from tests.proof.scale import at_scale, chance
from workflow.event import Event, parse

PROCESSES = 8
CASES = 12
ROUNDS = at_scale(40, 1_500)
OVERLAPPING = 1_000


@pytest.fixture(params=KINDS)
def desk(request: Any, tmp_path: Path) -> Iterator[Desk]:
    made = desk_at(fresh_where(request.param, tmp_path))
    yield made
    made.database.close()


def events(desk: Desk) -> list[Event]:
    return [parse(body) for (body,) in desk.rows("SELECT body FROM event ORDER BY position")]


def written(paths: list[Path]) -> list[dict[str, Any]]:
    """Every entry of every journal, in the order of the one clock of the machine."""
    return sorted(
        (json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()), key=lambda e: e["at"]
    )


def test_what_eight_processes_were_told_is_what_the_log_says(desk: Desk, tmp_path: Path) -> None:
    """Nothing acknowledged is missing, nothing is there that nobody asked for, and its order is the order of time."""
    lot = chance()
    cases = desk.open(CASES)
    opening = desk.count()
    paths = [tmp_path / f"journal-{number}" for number in range(PROCESSES)]
    gate = FORKS.Barrier(PROCESSES)
    children = [
        start(fire_at_random, gate, desk.database.where, f"p{n}", lot.randrange(10**9), ROUNDS, cases, path)
        for n, path in enumerate(paths)
    ]
    assert [child.ended() for child in children] == [0] * PROCESSES
    journal, log = written(paths), events(desk)
    print(f"{desk.database.kind}: {len(journal)} entries by {PROCESSES} processes, {len(log)} events")
    assert [entry for entry in journal if entry["what"] == "failed"] == []
    assert desk.verify().faults == ()
    in_order(log)
    one_winner_a_step(log)
    by_command = defaultdict(list)
    for event in log[opening:]:
        by_command[event.command_id].append(event)
    assert set(by_command) <= {entry["command"] for entry in journal}
    answered_truly(journal, by_command)
    in_real_time(journal, by_command)


def in_order(log: list[Event]) -> None:
    """Positions have no gaps, and later positions were not recorded earlier."""
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    recorded = [event.recorded_at for event in log]
    assert recorded == sorted(recorded)


def one_winner_a_step(log: list[Event]) -> None:
    """Each place of a case is taken once, by an event that saw the case where the one before had left it."""
    at: dict[int, tuple[int, str]] = {}
    for event in log:
        if event.case is None:
            continue
        sequence, state = at.get(event.case, (0, ""))
        assert event.sequence == sequence + 1
        assert (event.source or "") == state
        at[event.case] = (event.sequence, event.target or state)


def answered_truly(journal: list[dict[str, Any]], by_command: dict[str, list[Event]]) -> None:
    """Each acknowledgement is borne out by the events of its command, and no event is left that nobody was told of.

    A repeat is told what the first call did; only what was refused may be tried again.
    """
    asked: dict[str, dict[str, Any]] = {}
    first: dict[str, dict[str, Any]] = {}
    untold = {command: list(own) for command, own in by_command.items()}
    for entry in journal:
        command = entry["command"]
        if entry["what"] == "invoked":
            asked[command] = entry
            continue
        cases = asked[command]["cases"]
        if "counts" in entry:
            before = first.setdefault(command, entry)
            assert (entry["counts"], entry["run"]) == (before["counts"], before["run"])
            if own := untold.pop(command, []):
                ran_once(own, cases, entry["counts"])
        elif entry["result"] == "repeated":
            assert entry["position"] == first[command]["position"]
        else:
            event = untold[command].pop(0)
            entry["position"] = entry.get("position", event.position)
            first[command] = entry
            kind = "moved" if entry["result"] == "moved" else "refused"
            assert (event.position, event.case, event.trigger, event.kind) == (
                entry["position"], cases[0], asked[command]["trigger"], kind,
            )  # fmt: skip
    assert {command for command, own in untold.items() if own} == set()
    assert {entry["command"] for entry in journal if entry["what"] == "acknowledged"} == set(asked)


def ran_once(own: list[Event], cases: list[int], counts: dict[str, int]) -> None:
    """A bulk run began once, ended once, counted each member, and moved as many as it says."""
    kinds = Counter(event.kind for event in own)
    assert (kinds["run_began"], kinds["run_ended"]) == (1, 1)
    assert sum(counts.values()) == len(cases)
    moved = [event.case for event in own if event.kind == "moved"]
    assert len(moved) == len(set(moved)) == counts.get("moved", 0)
    assert set(moved) <= set(cases)


def in_real_time(journal: list[dict[str, Any]], by_command: dict[str, list[Event]]) -> None:
    """What began after an acknowledgement stands behind it in the log."""
    acknowledged = 0
    seen: set[str] = set()
    for entry in journal:
        positions = [event.position for event in by_command[entry["command"]]]
        if entry["what"] == "acknowledged":
            acknowledged = max(acknowledged, entry["position"] if "position" in entry else max(positions))
        elif entry["command"] not in seen:
            seen.add(entry["command"])
            assert not positions or min(positions) > acknowledged


@pytest.mark.parametrize("kind", KINDS)
def test_of_eight_commands_that_move_one_learner_at_once_one_succeeds(kind: str, tmp_path: Path) -> None:
    """C4: one success, seven refusals in words, one `moved` event."""
    place = place_at("received", kind, tmp_path / "centre")
    before = place.count()
    told = [typed(place, "learner", "withdraw", "P-00001", "--reason", "left_course") for _ in range(PROCESSES)]
    codes = Counter(one.ended() for one in told)
    assert codes == {0: 1, 1: PROCESSES - 1}, [one.said for one in told]
    assert place.count(f"position > {before} AND kind='moved'") == 1
    assert place.count(f"position > {before} AND kind='refused'") == PROCESSES - 1
    assert dict(place.rows("SELECT id, state FROM cases"))[1] == "withdrawn"
    place.holds()


def test_two_operators_on_a_thousand_learners_in_opposite_order_meet_no_deadlock(desk: Desk) -> None:
    """C5: each learner moved once; nobody hears of a lock."""
    cases = desk.open(OVERLAPPING)
    gate = FORKS.Barrier(2)
    ways = {"forth": cases, "back": cases[::-1]}
    children = [start(run_through, desk.database.where, name, 25, way, gate) for name, way in ways.items()]
    assert [child.ended() for child in children] == [0, 0]
    counts = [Counter(child.heard[-1]) for child in children]
    print(f"{desk.database.kind}: {[dict(count) for count in counts]}")
    assert sum(count["moved"] for count in counts) == OVERLAPPING
    assert sum(count["no_such_transition"] for count in counts) == OVERLAPPING
    moved = Counter(case for (case,) in desk.rows("SELECT case_id FROM event WHERE kind='moved'"))
    assert moved == dict.fromkeys(cases, 1)
    assert desk.verify().faults == ()


@pytest.mark.parametrize("kind", KINDS)
def test_two_commands_that_name_the_same_learners_in_opposite_order_move_each_once(kind: str, tmp_path: Path) -> None:
    """C5, as two people would type it."""
    size = at_scale(60, 1_000)
    place = place_at("received", kind, tmp_path / "centre", size=size)
    names = references(size)
    for name, way in (("forth.txt", names), ("back.txt", names[::-1])):
        (place.folder / name).write_text("\n".join(way), "utf-8")
    words = ("advance", "pass_uln_to_learner", "-e", "how=email", "-e", "by=Ann", "--format", "json", "--list")
    both = [typed(place, *words, name, chunk=5) for name in ("forth.txt", "back.txt")]
    assert {one.ended() for one in both} <= {0, 1}, [one.said for one in both]
    told = [json.loads(Result(0, one.out.read_text("utf-8"), "").out)["counts"] for one in both]
    print(f"{kind}: {told}")
    assert (
        sum(one.get("moved", 0) for one in told) >= size
    )  # who finds the other's run unfinished helps it, and says so
    moved = Counter(
        case for (case,) in place.rows("SELECT case_id FROM event WHERE kind='moved' AND trigger='pass_uln_to_learner'")
    )
    assert set(moved.values()) == {1}
    assert place.rows("SELECT DISTINCT state FROM cases") == [("uln_passed_to_learner",)]
    place.holds()
