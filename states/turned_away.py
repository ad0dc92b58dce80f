"""Learners of other cohorts among many: each refused and told to the log, the rest go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from states.cohorts import Cohorts, refuse_cohort, theirs
from states.sheet_ports import Finding
from states.tally import Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Standing
from workflow.kept import CODE, DENIED, RULE, objection

OF_OTHERS: Final = Finding(
    "refused",
    "cohort",
    CODE,
    "this row is about a cohort, or a learner of one, that whoever imports is kept from",
    "Leave it to a colleague who has that cohort: see [people] in ulnflow.toml",
)


def turn_away(
    uow: UnitOfWork, standings: Iterable[Standing], tally: Tally, named: Mapping[int, str] | None = None
) -> list[Standing]:
    """The cases that are the person's, in their order; each other one is refused, counted, and an event.

    `named` is how the person named a case, where not by its reference, which is then not theirs to be told.
    """
    found = list(standings)
    own = theirs(uow.cohorts, found)
    if len(own) == len(found):
        return own
    kept = {s.case for s in own}
    others = {s.case: s for s in found if s.case not in kept}
    names = {**uow.references(list(others.values())), **(named or {})}
    uow.undone.append(partial(_tell, uow, list(others.values())))
    for standing in others.values():
        _deny(uow, standing)
        tally.counts["refused"] += 1
        said = objection(standing.cohort)
        tally.refusals.append(Refusal(names[standing.case], standing.state, RULE, CODE, "cohort", said))
    return own


def _deny(uow: UnitOfWork, standing: Standing) -> None:
    uow.work.record(DENIED, evidence={"case": standing.case, "cohort": standing.cohort})


def _tell(undone: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Have the log tell of what was refused in a dry run, which was looked at all the same."""
    with undone.office.begin(undone.work.act) as uow:
        for standing in standings:
            _deny(uow, standing)


class Others:
    """Rows of a sheet that are about other cohorts than a person is kept to: kept until they can be told to the log."""

    def __init__(self, cohorts: Cohorts) -> None:
        self._cohorts = cohorts
        self._met: dict[tuple[str, int | None], None] = {}

    def refuse(self, cohort: str) -> None:
        """Raise OtherCohort where the whole sheet is for another cohort."""
        if cohort:
            refuse_cohort(self._cohorts, cohort)

    def has(self, own: Sequence[Standing], cohort: str) -> bool:
        """Whether a row is another's: of a learner with cases elsewhere alone, or for another cohort."""
        if self._cohorts is None:
            return False
        if own and not theirs(self._cohorts, own):
            self._met[own[-1].cohort, own[-1].case] = None
        elif (cohort or not own) and cohort not in self._cohorts:
            self._met[cohort, None] = None
        else:
            return False
        return True

    def tell(self, office: Office, act: Act) -> None:
        """Record each learner, and each cohort, that was met."""
        if not self._met:
            return
        with office.begin(act) as uow:
            for cohort, case in self._met:
                uow.work.record(DENIED, evidence={"cohort": cohort, **({} if case is None else {"case": case})})
