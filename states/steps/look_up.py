"""Personal values shown to a person: every look is recorded, with what was looked at and never what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from states.errors import NotPossible
from states.learner.details import LABELS
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Standing
from workflow.event import SCHEMA
from workflow.store import roles


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A learner as shown: label and value, history of ULNs, and where each case stands."""

    reference: str
    version: int
    values: dict[str, str]
    ulns: list[tuple[str, str]]
    cases: list[Standing]


def show(office: Office, act: Act, reference: str) -> Shown:
    """A learner's details and ULNs, answered ones that were not taken included; raises NotFound."""
    with office.begin(act) as uow:
        standing = uow.find_case(reference)
        version, details = uow.learners.current([standing.subject])[standing.subject]
        record = details.to_record()
        uow.work.record("looked_up", evidence={"case": standing.case, "scope": "details"})
        own = uow.log.load(uow.learners.cases([standing.subject])[standing.subject])
        return Shown(
            reference,
            version,
            {LABELS[name]: record.get(name, "") for name in LABELS},
            _numbers(uow, standing.subject),
            list(own.values()),
        )


def _numbers(uow: UnitOfWork, learner: int) -> list[tuple[str, str]]:
    """Every ULN a learner holds or held with its status, then those the LRS answered that nobody took."""
    known = [(r.uln, r.status.replace("_", " ")) for r in uow.learners.ulns([learner]).get(learner, ())]
    return known + [(uln, "answered") for uln in uow.learners.answered(learner) if uln not in dict(known)]


def find(office: Office, act: Act, words: str) -> list[tuple[str, Standing]]:
    """Learners by name or by a ULN held now or once; raises NotPossible for words too short to tell anyone apart.

    Whom a person kept to cohorts has no case of is not found.
    """
    if len(words.strip()) < 2:  # noqa: PLR2004 - one letter finds everybody
        raise NotPossible("type at least two letters of a name, or a ULN")
    with office.begin(act) as uow:
        found = uow.learners.search(words, uow.cohorts)
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


def audited(office: Office, act: Act, scope: str, *, reference: str = "", **seen: int | bool) -> None:
    """Record that an auditor looked at the log, which others need not say; `seen` is how much, or a refusal."""
    _record(office, act, scope, reference, seen, everybody=False)


def asked(office: Office, act: Act, question: str, *, reference: str = "", found: int) -> None:
    """Record that anybody asked a question of the log: which, about whom, and how many rows they got."""
    _record(office, act, question.replace("-", "_"), reference, {"found": found}, everybody=True)


def _record(
    office: Office, act: Act, scope: str, reference: str, seen: Mapping[str, int | bool], *, everybody: bool
) -> None:
    with office.look() as look:
        account = roles.account(look.connection)
        about = {"case": look.find_case(reference, erased=True).case} if reference else {}
    if account.kind != "auditor":
        if everybody:
            with office.begin(replace(act, cohorts=None)) as uow:  # what is asked of the log is open to all
                uow.work.record("looked_up", evidence={"scope": scope, **about, **seen})
        return
    with office.database.writing() as connection:
        now = office.engine.clock()
        roles.record_look(
            connection,
            {
                "schema": SCHEMA,
                "origin": office.engine.origin,
                "actor": act.actor,
                **({"on_behalf_of": act.on_behalf_of} if act.on_behalf_of else {}),
                "command": act.command,
                "command_id": act.command_id or office.engine.new_id(),
                "product": office.engine.product,
                "evidence": {"account": account.name, "scope": scope, **about, **seen},
                "occurred_at": now,
                "recorded_at": now,
            },
        )
