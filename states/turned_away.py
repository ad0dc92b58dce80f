"""Learners of other cohorts among many: each refused, the log told of their cohorts, the rest go on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    """The cases that are the person's, in their order; each other is refused and counted, and each cohort told of.

    `named` is how the person named a case, where not by its reference, which is then not theirs to be told.
    """
    found = list(standings)
    own = theirs(uow.cohorts, found)
    if len(own) == len(found):
        return own
    kept = {s.case for s in own}
    others = {s.case: s for s in found if s.case not in kept}
    names = {**uow.references(list(others.values())), **(named or {})}
    met: dict[str, set[int]] = {}
    for standing in others.values():
        met.setdefault(standing.cohort, set()).add(standing.case)
        tally.counts["refused"] += 1
        said = objection(standing.cohort)
        tally.refusals.append(Refusal(names[standing.case], standing.state, RULE, CODE, "cohort", said))
    _tell(uow, met)
    uow.undone.append(partial(_tell_undone, uow, met))
    return own


def _tell(uow: UnitOfWork, met: Mapping[str, Collection[int]]) -> None:
    """Record each cohort of others that was met: with the case where it was one, with their number where more."""
    for cohort, cases in met.items():
        which = {"learners": len(cases)} if len(cases) > 1 else dict(zip(("case",), cases, strict=False))
        uow.work.record(DENIED, evidence={"cohort": cohort, **which})


def _tell_undone(undone: UnitOfWork, met: Mapping[str, Collection[int]]) -> None:
    """Have the log tell of what was refused in a dry run, which was looked at all the same."""
    with undone.office.begin(undone.work.act) as uow:
        _tell(uow, met)


class Others:
    """Rows of a sheet that are about other cohorts than a person is kept to: kept until they can be told to the log."""

    def __init__(self, cohorts: Cohorts) -> None:
        self._cohorts = cohorts
        self._met: dict[str, set[int]] = {}

    def refuse(self, cohort: str) -> None:
        """Raise OtherCohort where the whole sheet is for another cohort."""
        if cohort:
            refuse_cohort(self._cohorts, cohort)

    def has(self, own: Sequence[Standing], cohort: str) -> bool:
        """Whether a row is another's: of a learner with cases elsewhere alone, or for another cohort."""
        if self._cohorts is None:
            return False
        if own and not theirs(self._cohorts, own):
            self._met.setdefault(own[-1].cohort, set()).add(own[-1].case)
        elif (cohort or not own) and cohort not in self._cohorts:
            self._met.setdefault(cohort, set())
        else:
            return False
        return True

    def tell(self, office: Office, act: Act) -> None:
        """Record each cohort that was met, in a dry run too."""
        if not self._met:
            return
        with office.begin(act) as uow:
            _tell(uow, self._met)
