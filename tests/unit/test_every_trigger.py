"""Every trigger from every state of the learners' route, generated from the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from states.rules import LEARNER_RULES
from tests.fakes.loan import Clock, Ids, fresh_database
from workflow import Act, Definition, Engine, Move, Objection, Question, Rule, read_route
from workflow.event import parse

ILM = read_route(
    (Path(__file__).parents[2] / "states" / "routes" / "ilm.toml").read_text(encoding="utf-8"),
    source="ilm.toml",
    rules=LEARNER_RULES,
)
TRIGGERS = sorted({trigger for trigger, _ in ILM.arrows})
ACT = Act(actor="Ada", command="test")
STATED = {"reason": "other", "evidence": {"reference": "R1"}}


class Nothing:
    """A source that adds nothing to the question."""

    def gather(
        self, connection: object, questions: Sequence[Question], needs: frozenset[str], _cohorts: object
    ) -> Sequence[Question]:
        return questions


def holds(_asked: Question) -> Iterator[Objection]:
    return iter(())


def objects(_asked: Question) -> Iterator[Objection]:
    yield Objection("never", "this never holds")


def rules(check: Any) -> Mapping[str, Rule[Question]]:
    return {code: Rule(code, rule.version, rule.title, check) for code, rule in LEARNER_RULES.items()}


def engine(path: Path, check: Any) -> Engine[Question]:
    definition = Definition(ILM, rules(check), Nothing())
    return Engine(definition, fresh_database(path), origin="o", product="p", clock=Clock(), new_id=Ids())


@pytest.fixture(scope="module")
def walked(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Engine[Question], Engine[Question], dict[str, dict[str, int]]]:
    """A permissive and an objecting engine on one database, and for each state one case per trigger standing there."""
    path = tmp_path_factory.mktemp("every") / "trigger.db"
    permissive = engine(path, holds)
    objecting = Engine(
        Definition(ILM, rules(objects), Nothing()), permissive.database, origin="o", product="p", clock=Clock(),
        new_id=Ids(),
    )  # fmt: skip
    cases: dict[str, dict[str, int]] = {}
    for state, way in ways().items():
        numbers = permissive.open([(n, {}) for n in range(1, 2 * len(TRIGGERS) + 1)], ACT)
        for trigger in way:
            done = permissive.fire_many(trigger, numbers, ACT, move=lambda case: Move(case=case, **STATED))
            assert done.counts == {"moved": len(numbers)}
        cases[state] = dict(zip([*TRIGGERS, *(f"objecting {t}" for t in TRIGGERS)], numbers, strict=True))
    return permissive, objecting, cases


def ways() -> dict[str, list[str]]:
    """A shortest list of triggers to each state."""
    found: dict[str, list[str]] = {ILM.initial: []}
    border = [ILM.initial]
    for state in border:
        for (trigger, source), arrow in ILM.arrows.items():
            if source == state and arrow.target not in found:
                found[arrow.target] = [*found[state], trigger]
                border.append(arrow.target)
    return found


def last_event(own: Engine[Question], case: int) -> Any:
    with own.database.reading() as connection:
        raw = connection
        body = raw.execute("SELECT body FROM event WHERE case_id=? ORDER BY sequence DESC LIMIT 1", (case,)).fetchone()
    return parse(body[0])


def fired(own: Engine[Question], trigger: str, case: int) -> tuple[Any, Any]:
    with own.work(ACT) as work:
        outcome = work.fire(trigger, [Move(case=case, **STATED)])[0]
    return outcome, last_event(own, case)


def test_every_state_of_the_route_is_walked_to() -> None:
    assert set(ways()) == set(ILM.states)


@pytest.mark.parametrize("state", ILM.states)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_moves_where_the_route_says_and_is_refused_everywhere_else(
    walked: tuple[Engine[Question], Engine[Question], dict[str, dict[str, int]]], trigger: str, state: str
) -> None:
    permissive, objecting, cases = walked
    outcome, event = fired(permissive, trigger, cases[state][trigger])
    arrow = ILM.arrows.get((trigger, state))
    assert (event.trigger, event.source, event.position) == (trigger, state, outcome.position)
    if arrow is None:
        assert (outcome.result, event.kind, event.target) == ("no_such_transition", "refused", None)
        assert outcome.after.state == state
        assert [said["code"] for said in event.said] == ["no_such_transition"]
    else:
        assert (outcome.result, event.kind, event.target) == ("moved", "moved", arrow.target)
        assert outcome.after.state == arrow.target
        assert list(event.held) == [LEARNER_RULES[code].clear.name for code in arrow.rules]

    outcome, event = fired(objecting, trigger, cases[state][f"objecting {trigger}"])
    if arrow is None:
        assert outcome.result == "no_such_transition"
    elif set(arrow.rules) == set(arrow.warns):
        assert outcome.result == "moved"
    else:
        assert (outcome.result, event.kind, outcome.after.state) == ("refused", "refused", state)
        refusing = {said["rule"] for said in event.said if not said["held"]}
        assert refusing == {LEARNER_RULES[code].clear.name for code in arrow.rules if code not in arrow.warns}


@pytest.mark.parametrize(("trigger", "state"), [key for key, arrow in ILM.arrows.items() if arrow.requires])
def test_what_the_route_requires_must_be_given(tmp_path: Path, trigger: str, state: str) -> None:
    own = engine(tmp_path / "r.db", holds)
    case = own.open([(1, {})], ACT)[0]
    for step in ways()[state]:
        own.fire(step, Move(case=case, **STATED), ACT)
    with own.work(ACT) as work:
        outcome = work.fire(trigger, [Move(case=case)])[0]
    assert outcome.result == "refused"
    missing = {said["field"] for said in orjson.loads(orjson.dumps(list(last_event(own, case).said)))}
    assert missing == set(ILM.arrows[trigger, state].requires)
