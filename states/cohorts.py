"""Whose learners are whose: a person may be kept to cohorts, and what is of another is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from workflow import Standing, kept
from workflow.errors import OtherCohort

Cohorts = Collection[str] | None
"""The cohorts a person is kept to; None for who has every one."""


def theirs(cohorts: Cohorts, standings: Iterable[Standing]) -> list[Standing]:
    """Those of some cases that are the person's."""
    return [standing for standing in standings if cohorts is None or standing.cohort in cohorts]


def meant(cohorts: Cohorts, own: Sequence[Standing], final: Collection[str]) -> Standing:
    """Which of a learner's cases is meant where none is named: the latest of theirs that goes on, else the latest."""
    own = theirs(cohorts, own) or own
    return next((standing for standing in reversed(own) if standing.state not in final), own[-1])


def refuse_others(cohorts: Cohorts, standings: Iterable[Standing]) -> None:
    """Raise OtherCohort for the first case that is not the person's."""
    if cohorts is None:
        return
    for standing in standings:
        if standing.cohort not in cohorts:
            raise OtherCohort(standing.cohort, standing.case)


def refuse_cohort(cohorts: Cohorts, cohort: str) -> None:
    """Raise OtherCohort for a cohort that is not the person's."""
    if cohorts is not None:
        kept.refuse_cohort(cohorts, cohort)
