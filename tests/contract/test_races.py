"""Processes that reach for the same cases: each moved once, nobody told that the database is busy."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from states.asked import Asked, Policy
from states.rules import LEARNER_RULES
from tests.fakes.loan import DAY, Clock, Desk, Ids, fresh_database
from tests.fakes.processes import together
from workflow import Act, Definition, Engine, Move, Question, read_route
from workflow.event import parse
from workflow.store.verify import verify

ILM = Path(__file__).parents[2] / "states" / "routes" / "ilm.toml"


def moved_per_case(desk: Desk) -> Counter[int]:
    return Counter(case for (case,) in desk.rows("SELECT case_id FROM event WHERE kind='moved'"))


def test_of_eight_processes_firing_one_trigger_on_one_case_one_moves_it(desk: Desk) -> None:
    case = desk.open()[0]
    said = together(*[("fire", desk.database.where, "lend", case)] * 8)
    results = Counter(answer[-1] for answer in said)
    assert results["moved"] == 1
    assert results["NoSuchTransition"] + results["Conflict"] == 7
    assert moved_per_case(desk) == {case: 1}
    assert desk.count(where="kind='refused'") == results["NoSuchTransition"]
    assert desk.verify().faults == ()


def test_two_processes_working_the_same_cases_in_opposite_order_move_each_once(desk: Desk) -> None:
    cases = desk.open(200)
    path = desk.database.where
    said = together(
        ("many", path, "lend", "forth", 10, json.dumps(cases)),
        ("many", path, "lend", "back", 10, json.dumps(cases[::-1])),
    )
    counts = [Counter(answer[-1]["counts"]) for answer in said]
    assert sum(count["moved"] for count in counts) == 200
    assert sum(count["no_such_transition"] for count in counts) == 200
    assert moved_per_case(desk) == dict.fromkeys(cases, 1)
    assert desk.verify().faults == ()


def test_two_processes_sharing_one_bulk_command_share_its_work_and_end_it_once(desk: Desk) -> None:
    cases = desk.open(300)
    task = ("many", desk.database.where, "lend", "same", 10, json.dumps(cases))
    said = together(task, task)
    assert [answer[-1] for answer in said] == [{"counts": {"moved": 300}, "size": 300, "stopped": "finished"}] * 2
    assert sum(line["done"] for answer in said for line in answer if "done" in line) >= 300
    assert moved_per_case(desk) == dict.fromkeys(cases, 1)
    kinds = Counter(kind for (kind,) in desk.rows("SELECT kind FROM event"))
    assert (kinds["run_began"], kinds["run_ended"]) == (1, 1)
    assert desk.verify().faults == ()


class OnlyTheQuestion:
    """A source for rules that look at the question alone, such as T1."""

    def gather(
        self, connection: object, questions: Sequence[Question], needs: frozenset[str], _cohorts: object
    ) -> list[Asked]:
        return [Asked(question, Policy()) for question in questions]


def test_with_the_clock_set_back_a_day_a_move_is_accepted_with_a_warning_and_verify_notes_it(tmp_path: Path) -> None:
    route = read_route(ILM.read_text(encoding="utf-8"), source="ilm.toml", rules=LEARNER_RULES)
    clock, database = Clock(), fresh_database(tmp_path / "c8.db")
    definition = Definition(route, LEARNER_RULES, OnlyTheQuestion())
    engine = Engine(definition, database, origin="o", product="p", clock=clock, new_id=Ids())
    act = Act(actor="Ada", command="withdraw")
    case = engine.open([(1, {})], act)[0]
    engine.fire("withdraw", Move(case=case, reason="other"), act)
    clock.now -= DAY
    outcome = engine.fire("reinstate", Move(case=case, reason="other"), act)
    assert outcome.result == "moved"
    assert [o.code for verdict in outcome.verdicts for o in verdict.objections] == ["clock_set_back"]
    with database.reading() as connection:
        report = verify(connection, "o", {("ilm", 1): route})
        raw = connection
        event = parse(raw.execute("SELECT body FROM event WHERE position=?", (outcome.position,)).fetchone()[0])
    assert [(said["code"], said["held"]) for said in event.said] == [("clock_set_back", True)]
    assert report.holds
    assert [(note.kind, note.position) for note in report.notes] == [("clock", outcome.position)]
