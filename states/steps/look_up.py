"""Personal values shown to a person: every look is recorded, with what was looked at and never what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from states.errors import NotFound
from states.learner.details import FIVE_DETAILS, LABELS
from states.unit_of_work import Office
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


def audited(office: Office, act: Act, scope: str, *, reference: str = "", **seen: int | bool) -> None:
    """Record that an auditor looked at the log, which others need not say; `seen` is how much, or a refusal."""
    with office.look() as look:
        account = roles.account(look.connection)
        if account.kind != "auditor":
            return
        about = {"case": look.find_case(reference).case} if reference else {}
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


def compare(office: Office, act: Act, reference: str) -> Shown:
    """The five details to hold beside the candidates the LRS shows."""
    return show(office, act, reference, scope=FIVE_DETAILS)
