"""The engine through its public interface: Engine.open, Engine.fire and Engine.fire_many, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.steps import (
    ACTOR,
    COMMAND,
    ORIGIN,
    PRODUCT,
    STATES,
    TRIGGERS,
    Job,
    Phases,
    chunks,
    facts_of,
    fee_is_set,
    nothing_holds,
    now,
)  # fmt: skip
from workflow import Act, Definition, Engine, Move, Objection, Question, Rule, read_route
from workflow.store import schema
from workflow.store.database import Database
from workflow.store.queries import Queries
from workflow.store.verify import verify

TOML = (Path(__file__).parents[1] / "steps.toml").read_text(encoding="utf-8")
ACT = Act(actor=ACTOR, command=COMMAND)


def _fee(question: Question) -> Iterator[Objection]:
    if not fee_is_set(question.standing.facts):
        yield Objection("no_fee", "the fee is not set; set it", "fee")


def _hold(question: Question) -> Iterator[Objection]:
    if not nothing_holds(question.standing.facts):
        yield Objection("on_hold", "the order is on hold; release it", "hold")


RULES: Mapping[str, Rule[Question]] = {
    rule.code: rule for rule in (Rule("G1", 1, "The fee is set", _fee), Rule("G2", 1, "Nothing holds it", _hold))
}


class Facts:
    """A source of facts with nothing to look up: the rules ask what the case itself knows."""

    def gather(
        self, _connection: Any, questions: Sequence[Question], _needs: frozenset[str], _cohorts: object
    ) -> Sequence[Question]:
        return questions


def definition() -> Definition[Question]:
    """The route of six steps with its two rules."""
    return Definition(read_route(TOML, source="steps.toml", rules=RULES), RULES, Facts())


def engine_at(place: Path | str, clock: Callable[[], int] = now) -> Engine[Question]:
    """An engine on a migrated database: a new file, or an empty database at an address."""
    database = Database(place)
    schema.upgrade(database, [schema.ENGINE])
    return Engine(definition(), database, origin=ORIGIN, product=PRODUCT, clock=clock)


def opened(engine: Engine[Question], count: int) -> list[int]:
    """So many cases, opened some at a time."""
    cases: list[int] = []
    for part in chunks(range(1, count + 1)):
        cases += engine.open([(number, facts_of(number)) for number in part], ACT)
    return cases


def check(engine: Engine[Question], count: int, events: int, *, whole: bool = True) -> None:
    """Every case reached the last state, every event is there, and the log verifies."""
    route = engine.definition.route
    with engine.database.reading() as connection:
        queries = Queries(connection)
        assert sum(queries.counts().values()) == count
        assert {state for _, state in queries.counts()} == {STATES[-1]}
        assert queries.count_events() == events
        if whole:
            report = verify(connection, ORIGIN, {(route.name, route.version): route})
            assert report.holds, report.faults[:3]
            assert report.size == events
    engine.database.close()


def _place(job: Job) -> Path | str:
    return job.url or job.folder / "ours.db"


def single(job: Job) -> Phases:
    """One case after the other, one transaction a step."""
    engine = engine_at(_place(job))
    cases = opened(engine, job.cases)
    yield None
    for case in cases:
        for trigger in TRIGGERS:
            engine.fire(trigger, Move(case=case), ACT)
    yield None
    check(engine, job.cases, 7 * job.cases)


def bulk(job: Job) -> Phases:
    """All cases, step by step; beyond a hundred thousand the whole log is not read again."""
    engine = engine_at(_place(job))
    cases = opened(engine, job.cases)
    yield None
    for trigger in TRIGGERS:
        result = engine.fire_many(trigger, cases, ACT)
        assert result.counts == {"moved": job.cases}
    yield None
    check(engine, job.cases, 7 * job.cases + 2 * len(TRIGGERS), whole=job.cases <= 100_000)
