"""Before a person decides: candidates kept and compared, the decision given to somebody, held by a data challenge."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from states.addressed import addressed
from states.deciding import (
    ILM,
    LRS,
    assigned_to,
    challenge_of,
    doubted,
    doubtful,
    no_decision,
    subject_of,
    waiting_case,
)
from states.errors import NotPossible, Prevented
from states.learner.details import FIVE_DETAILS, LABELS
from states.learner.likeness import Likeness, compare
from states.learner.repository import HELD, IN_ERROR
from states.sheet_ports import Candidate
from states.tally import Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Move, Standing

NO_DECISION = "no decision waits. See: ulnflow exception list"


@dataclass(frozen=True, slots=True, repr=False)
class Beside:
    """A candidate beside the learner: the details by label, how alike they are, and what is known of the ULN here."""

    number: int
    uln: str
    values: dict[str, str]
    likeness: Likeness
    known: str


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """A learner's five details by label, the ULN held, ULNs answered and not taken, and the candidates.

    `undecided` says why no decision waits; it is empty when one does.
    """

    standing: Standing
    values: dict[str, str]
    held: str
    answered: list[str]
    candidates: list[Beside]
    undecided: str


def look_at(office: Office, act: Act, reference: str) -> Compared:
    """The five details side by side with the candidates; the look is recorded. Raises NotFound."""
    with office.begin(act) as uow:
        standing = waiting_case(uow, reference)
        subject = standing.subject
        _, details = uow.learners.current([subject])[subject]
        kept = uow.learners.candidates(subject)
        seen = {"candidates": len(kept)} if kept else {}
        uow.work.record("looked_up", evidence={"case": standing.case, "scope": "five_details", **seen})
        known = _known(uow, subject, [one.uln for one in kept])
        beside = [
            Beside(
                one.number, one.uln, _labelled(one.details.to_record()), compare(details, one.details), known[one.uln]
            )
            for one in kept
        ]
        history = uow.learners.ulns([subject]).get(subject, ())
        return Compared(
            standing,
            _labelled(details.to_record()),
            uow.held_uln(subject),
            [uln for uln in uow.learners.answered(subject) if uln not in {r.uln for r in history}],
            sorted(beside, key=lambda one: (-one.likeness.percent, one.number)),
            no_decision(uow, standing, reference),
        )


def _labelled(record: dict[str, str]) -> dict[str, str]:
    return {LABELS[name]: record.get(name, "") for name in FIVE_DETAILS}


def _known(uow: UnitOfWork, learner: int, ulns: Sequence[str]) -> dict[str, str]:
    """What is known here of each number: who holds it, or that it was reported wrong for this learner."""
    holders = uow.learners.holders(ulns)
    names = uow.learners.called({other for others in holders.values() for other in others}, uow.cohorts)
    own = {r.uln: r.status for r in uow.learners.ulns([learner]).get(learner, ())}
    words = {HELD: "held by this learner", IN_ERROR: "was reported wrong for this learner"}
    known = {}
    for uln in ulns:
        others = [names[other] for other in holders.get(uln, ()) if other != learner]
        known[uln] = f"held by {', '.join(others)}" if others else words.get(own.get(uln, ""), "")
    return known


def keep_candidates(
    office: Office, act: Act, reference: str, found: Sequence[Candidate], *, dry_run: bool = False
) -> Tally:
    """Make a list of candidates the learner's own while the decision is open; the same list again changes nothing.

    Whoever is not in the list any more is forgotten. Raises NotFound, NotPossible.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        standing = waiting_case(uow, reference)
        if fault := no_decision(uow, standing, reference):
            raise Prevented(fault)
        new, gone = uow.learners.keep_candidates(standing.subject, [(one.uln, one.details) for one in found])
        kept = len(found) - new
        if new or gone:
            evidence = {"candidates": len(found), "new": new, "forgotten": gone}
            uow.work.note("candidates_kept", [Move(case=standing.case, evidence=evidence)])
        else:
            tally.notes.append(f"{reference}: these are the candidates on file; nothing was changed")
        for word, number in (("candidates added", new), ("candidates there already", kept), ("forgotten", gone)):
            tally.counts[word] += number
    tally.next.append(addressed("ulnflow exception show REFERENCE", reference))
    return tally


def assign(office: Office, act: Act, references: Sequence[str], to: str, *, dry_run: bool = False) -> Tally:
    """Ask a person to decide about some learners; a later one takes their place. Raises NotFound."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        moves: list[Move] = []
        chosen = list({s.case: s for s in (waiting_case(uow, one) for one in references)}.values())
        names = uow.references(chosen)
        for standing in chosen:
            if not _waits(uow, standing):
                tally.counts["refused"] += 1
                name = names[standing.case]
                tally.refusals.append(Refusal(name, standing.state, "desk", "not_open", "", NO_DECISION))
            elif assigned_to(standing) == to:
                tally.counts["done before, nothing changed"] += 1
            else:
                agreed = {"to": to, "about": subject_of(standing)}
                moves.append(Move(case=standing.case, evidence={"to": to}, facts={"assigned": agreed}))
        tally.add(uow.note("exception_assigned", moves), names, "assigned")
    tally.next.append(f"ulnflow exception list --to {shlex.quote(to)}")
    return tally


def challenge(
    office: Office, act: Act, reference: str, number: str, *, words: str = "", dry_run: bool = False
) -> Tally:
    """Record that the LRS was asked to look into its records: the learner stays where they are until it is decided.

    `number` is the LRS's own reference. Raises NotFound, NotPossible.
    """
    if not number.strip():
        raise NotPossible("give the LRS's reference of the data challenge, with --reference")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        standing = waiting_case(uow, reference)
        if fault := no_decision(uow, standing, reference):
            raise Prevented(fault)
        if challenge_of(standing).get("reference") == number:
            tally.notes.append(f"{reference}: this data challenge is on record; nothing was changed")
            return tally
        held = {"reference": number, "since": office.today().isoformat(), "about": subject_of(standing)}
        move = Move(
            case=standing.case,
            reason="stated" if words else "",
            evidence={"reference": number},
            facts={"challenge": held},
        )
        outcomes = uow.work.note("challenge_raised", [move])
        uow.remark(outcomes, words)
        tally.add(outcomes, uow.references([standing]), "held by a data challenge")
    line = "when the LRS has answered it: ulnflow exception resolve REFERENCE --decision DECISION --reason WHY"
    tally.next.append(addressed(line, reference))
    return tally


def _waits(uow: UnitOfWork, standing: Standing) -> bool:
    return standing.state in {LRS, ILM} or (doubtful(standing) and doubted(uow, standing))
