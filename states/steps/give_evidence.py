"""Evidence given out of the house: each pack is an event, and each with names another; no value stands in either."""

from __future__ import annotations

from dataclasses import replace

from states.unit_of_work import Office
from states.vocabulary import DISCLOSED, PACK_NOT_MADE
from workflow import Act

PACK_MADE = "pack_made"


def record(
    office: Office,
    act: Act,
    *,
    digest: str,
    given_to: str,
    learners: int,
    events: int,
    case: int | None = None,
    cohort: str = "",
    named: int | None = None,
) -> int:
    """Record that a pack was made, of what and for whom, before it takes its name; returns the position.

    `digest` is the SHA-256 of its manifest, `named` how many learners it names, None where names were not asked for.
    """
    about = {**({"case": case} if case is not None else {}), **({"cohort": cohort} if cohort else {})}
    told = {**about, "manifest": digest, "learners": learners, **({"to": given_to} if given_to else {})}
    with office.begin(act if named is not None else replace(act, cohorts=None)) as uow:  # the log is open to all
        if named:
            uow.work.record(DISCLOSED, evidence={**told, "learners": named, "what": "names_and_ulns"})
        return uow.work.record(PACK_MADE, evidence={**told, "events": events})


def take_back(office: Office, act: Act, *, digest: str, recorded: int) -> None:
    """Record that a pack that was recorded could not take its name, so that nobody was given it."""
    with office.begin(act) as uow:
        uow.work.record(PACK_NOT_MADE, evidence={"manifest": digest, "recorded": recorded})
