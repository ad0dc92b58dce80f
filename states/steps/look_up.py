"""Personal values shown to a person: every look is recorded, with what was looked at and never what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from states.learner.details import FIVE_DETAILS, LABELS
from states.unit_of_work import NotFound, Office
from workflow import Act, Standing


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A learner as shown: label and value, history of ULNs, and where each case stands."""

    reference: str
    version: int
    values: dict[str, str]
    ulns: list[tuple[str, str]]
    cases: list[Standing]


def show(office: Office, act: Act, reference: str, *, scope: Sequence[str] = ()) -> Shown:
    """A learner's details (or only some of them); raises NotFound."""
    with office.begin(act) as uow:
        standing = uow.find_case(reference)
        version, details = uow.learners.current([standing.subject])[standing.subject]
        record = details.to_record()
        names = scope or tuple(LABELS)
        uow.work.record("looked_up", evidence={"case": standing.case, "scope": "five_details" if scope else "details"})
        own = uow.log.load(uow.learners.cases([standing.subject])[standing.subject])
        return Shown(
            reference,
            version,
            {LABELS[name]: record.get(name, "") for name in names},
            [
                (r.uln, r.status.replace("_", " "))
                for r in uow.learners.ulns([standing.subject]).get(standing.subject, ())
            ],
            list(own.values()),
        )


def find(office: Office, act: Act, words: str) -> list[tuple[str, Standing]]:
    """Learners by name or by a ULN held now or once; raises NotFound for words too short to tell anyone apart."""
    if len(words.strip()) < 2:  # noqa: PLR2004 - one letter finds everybody
        raise NotFound("type at least two letters of a name, or a ULN")
    with office.begin(act) as uow:
        found = uow.learners.search(words)
        uow.work.record("looked_up", evidence={"scope": "search", "found": len(found)})
        references = uow.learners.references(found)
        cases = uow.learners.cases(found)
        standings = uow.log.load([case for listed in cases.values() for case in listed])
        return [(references[learner], standings[case]) for learner in found for case in cases.get(learner, ())]


def reasons(office: Office, act: Act, reference: str) -> dict[int, str]:
    """The words of the reasons given for a learner, by the position of their event; raises NotFound."""
    with office.begin(act) as uow:
        standing = uow.find_case(reference)
        uow.work.record("looked_up", evidence={"case": standing.case, "scope": "reasons"})
        return uow.learners.remarks(standing.subject)


def compare(office: Office, act: Act, reference: str) -> Shown:
    """The five details to hold beside the candidates the LRS shows."""
    return show(office, act, reference, scope=FIVE_DETAILS)
