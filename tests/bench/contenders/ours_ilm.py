"""The same engine with the route and all rules of learners: the step into a file to the LRS, which asks ten of them."""

from __future__ import annotations

from string import ascii_lowercase

from tests.bench.steps import Job, Phases, chunks
from tests.fakes.office import ADA, Centre, open_centre
from workflow import Move
from workflow.store.queries import Queries
from workflow.store.verify import verify

TRIGGER = "submit_to_lrs"


def _name(number: int) -> str:
    return "".join(ascii_lowercase[number // 26**place % 26] for place in range(4))


def _enrolled(job: Job) -> tuple[Centre, list[int], int]:
    """A centre with so many learners whose details are complete, all in one prepared file."""
    centre = open_centre(job.folder)
    cases: list[int] = []
    for part in chunks(range(1, job.cases + 1)):
        cases += centre.enrol(*[_name(number) for number in part], cohort="B-1")
    return centre, cases, centre.prepare("lrs_batch", "LRB_1.csv", cases)


def single(job: Job) -> Phases:
    """One learner after the other."""
    centre, cases, file = _enrolled(job)
    engine = centre.office.engine
    yield None
    for row, case in enumerate(cases, 1):
        engine.fire(TRIGGER, Move(case=case, dispatch=file, row=row, evidence={"file": file}), ADA)
    yield None
    _check(centre, job)


def bulk(job: Job) -> Phases:
    """All of them."""
    centre, cases, file = _enrolled(job)
    rows = {case: row for row, case in enumerate(cases, 1)}
    yield None
    result = centre.office.engine.fire_many(
        TRIGGER, cases, ADA, move=lambda case: Move(case=case, dispatch=file, row=rows[case], evidence={"file": file})
    )
    yield None
    assert result.counts == {"moved": job.cases}
    _check(centre, job)


def _check(centre: Centre, job: Job) -> None:
    engine = centre.office.engine
    route = engine.definition.route
    with engine.database.reading() as connection:
        assert set(Queries(connection).counts().values()) == {job.cases}
        report = verify(connection, engine.origin, {(route.name, route.version): route})
        assert report.holds, report.faults[:3]
    engine.database.close()
