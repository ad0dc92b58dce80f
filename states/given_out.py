"""Evidence packs with names that tell of a learner: which the log knows of, and which of them still lie here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from states.unit_of_work import Glance
from states.vocabulary import DISCLOSED, PACK_NOT_MADE
from workflow import Standing
from workflow.store.queries import Queries


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a pack that lies here, a folder or a zip: what it consists of, and whom it names."""

    name: str
    """Its way from the folder of packs."""

    files: tuple[Path, ...]
    references: frozenset[str]


@dataclass(frozen=True, slots=True)
class GivenOut:
    """A pack with names of a learner: the event that tells of it, for whom it was, and the copies that lie here."""

    position: int
    to: str
    copies: tuple[Copy, ...]
    others: int
    """How many other learners the copies here name."""


class Packs(Protocol):
    """Where packs lie."""

    def packs(self, folder: Path, digests: Collection[str]) -> Mapping[str, Sequence[Copy]]:
        """The packs with names in a folder whose manifests have one of these digests, by it."""
        ...


def about(look: Glance, standings: Sequence[Standing], reference: str, packs: Packs) -> list[GivenOut]:
    """The packs with names made since a learner is known, about them, a cohort of theirs, or everybody.

    One that lies here is told of where it names the learner.
    """
    queries = Queries(look.connection)
    own = [event for standing in standings for event in queries.events(case=standing.case)]
    cohorts = {str(event.facts["cohort"]) for event in own if event.facts.get("cohort")}
    cases, first = {s.case for s in standings}, min((event.position for event in own), default=0)
    undone = {event.evidence.get("manifest") for event in queries.events(kind=PACK_NOT_MADE)}
    made = [
        event
        for event in queries.events(kind=DISCLOSED)
        if (told := event.evidence).get("manifest") not in {None, *undone}
        and event.position > first
        and (told["case"] in cases if "case" in told else "cohort" not in told or told["cohort"] in cohorts)
    ]
    here = packs.packs(look.office.outbox_folder / "packs", {str(e.evidence["manifest"]) for e in made}) if made else {}
    found = []
    for event in made:
        lying = here.get(str(event.evidence["manifest"]), ())
        copies = tuple(copy for copy in lying if reference in copy.references)
        if copies or not lying:
            others = len(frozenset[str]().union(*(copy.references for copy in copies)) - {reference})
            found.append(GivenOut(event.position, str(event.evidence.get("to", "")), copies, others))
    return found
