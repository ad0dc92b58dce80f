"""What a person decides: about an LRS exception, an answer that does not fit, a ULN that proved wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from states import effects
from states.addressed import addressed
from states.asked import Answer
from states.cohorts import refuse_others, theirs
from states.deciding import LRS, challenge_of, code_of, doubted, no_decision, open_decisions, spelled, waiting_case
from states.errors import NotPossible, Prevented
from states.learner.details import FIVE_DETAILS
from states.learner.likeness import compare
from states.learner.uln import explain, fault
from states.lrs_match import DOUBTED, OTHER_CASES, WRONG, Matched, hold, know, match_facts, owed_for_another
from states.lrs_sending import asking
from states.ports import ReplyRow
from states.tally import Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import DECISIONS, LRS_KINDS
from workflow import Act, Move, Outcome, Standing


@dataclass(frozen=True, slots=True, repr=False)
class Chosen:
    """What a person decided: the ULN chosen, the details compared, and what more the event says of it."""

    decision: str
    uln: str
    compared: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)


def resolve_exception(
    office: Office,
    act: Act,
    reference: str,
    *,
    decision: str,
    reason: str,
    uln: str = "",
    candidate: int | None = None,
    compared: Sequence[str] = FIVE_DETAILS,
    dry_run: bool = False,
) -> Tally:
    """Record what a person decided about an answer of the LRS: an existing candidate, a new learner, or ask again.

    `uln` is the number the portal showed for the one chosen, `candidate` the number of one that was kept. A learner who
    holds a ULN and got an answer that does not fit it is decided about in the same way. Raises NotFound, NotPossible.
    """
    _refuse_unsaid(decision, reason)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        standing = waiting_case(uow, reference)
        names = uow.references([standing])
        if fault := no_decision(uow, standing, reference):
            raise Prevented(fault)
        chosen = Chosen(decision, uln, compared=tuple(compared))
        if candidate is not None:
            chosen = _candidate(uow, standing, chosen, candidate, reference)
        doubt, settled = doubted(uow, standing), _settled(uow, standing)
        if settled and not (decision == "again" and asking(uow, standing)):
            outcomes = _settle_doubt(uow, standing, chosen, reference)
            tally.add(outcomes, names, "doubt settled: the ULN held is right")
        elif decision == "again":
            outcomes = _again(uow, standing, reference, tally)
        else:
            outcomes, others = _decided(uow, standing, chosen)
            tally.add(outcomes, names, "match decided" if doubt else "ULN received")
            tally.add(others, uow.references([o.after for o in others if o.after]), OTHER_CASES)
            tally.next.append("ulnflow duty list" if doubt else "ulnflow uln pass")
        if outcomes and all(o.accepted for o in outcomes):
            uow.learners.forget_candidates([standing.subject])
        uow.remark(outcomes, reason)
    return tally


def ask_again(
    office: Office, act: Act, references: Sequence[str] | None, *, code: str = "", reason: str, dry_run: bool = False
) -> Tally:
    """Decide about many at once that the LRS is asked again, each judged on its own.

    None means everybody whose answer waits for a decision; `code` leaves out whoever got another answer. Raises
    NotFound, NotPossible.
    """
    _refuse_unsaid("again", reason)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        if references is None:
            waiting = theirs(uow.cohorts, (s for _, s in open_decisions(uow)))
            chosen = [s for s in waiting if s.state == LRS or doubted(uow, s)]
        else:
            chosen = list({s.case: s for s in (waiting_case(uow, one) for one in references)}.values())
        names = uow.references(chosen)
        wanted = spelled(uow, code)
        for standing in chosen:
            if wanted and code_of(standing).casefold() not in wanted:
                tally.counts["got another answer, left as they are"] += references is not None
                continue
            name = names[standing.case]
            fault = no_decision(uow, standing, name)
            if not fault and _settled(uow, standing) and not asking(uow, standing):
                fault = f"the LRS is not asked from here; see: ulnflow exception show {name}"
            if fault:
                tally.counts["refused"] += 1
                tally.refusals.append(Refusal(name, standing.state, "desk", "not_open", "", fault))
                continue
            uow.remark(_again(uow, standing, name, tally), reason)
            uow.learners.forget_candidates([standing.subject])
        if not chosen:
            tally.notes.append("nobody waits for a decision")
    tally.next[:] = list(dict.fromkeys(tally.next))
    return tally


def _refuse_unsaid(decision: str, reason: str) -> None:
    if decision not in DECISIONS:
        raise NotPossible(f"decide one of: {', '.join(DECISIONS)}")
    if not reason.strip():
        raise NotPossible("say why, with --reason")


def _settled(uow: UnitOfWork, standing: Standing) -> bool:
    """Whether the route confirms no match any more where this doubted case stands."""
    return doubted(uow, standing) and ("confirm_match", standing.state) not in uow.office.route.arrows


def _candidate(uow: UnitOfWork, standing: Standing, chosen: Chosen, number: int, reference: str) -> Chosen:
    """The choice with the ULN of a candidate that was kept, and what differs in them."""
    kept = uow.learners.candidates(standing.subject)
    one = next((c for c in kept if c.number == number), None)
    if chosen.decision != "existing" or one is None:
        known = f"{reference} has no candidate {number}. See: ulnflow exception show {reference}"
        raise NotPossible(known if one is None else "a candidate is chosen with --decision existing")
    _, details = uow.learners.current([standing.subject])[standing.subject]
    likeness = compare(details, one.details)
    said = {"candidate": number, "candidates": len(kept), "differs": list(likeness.differs)}
    return replace(chosen, uln=one.uln, said=said)


def _again(uow: UnitOfWork, standing: Standing, reference: str, tally: Tally) -> list[Outcome]:
    if "ulnflow lrs submit" not in tally.next:
        tally.next.append("ulnflow lrs submit")
    if standing.facts.get("decision") == "again":
        tally.notes.append(f"{reference}: to be asked about again, as decided before; nothing was changed")
        return []
    facts = {"decision": "again", **({"challenge": None} if challenge_of(standing) else {})}
    decided = Move(case=standing.case, reason="stated", evidence={"decision": "again"}, facts=facts)
    outcomes = uow.work.note("exception_decided", [decided])
    tally.add(outcomes, {standing.case: reference}, "will be asked about again")
    return outcomes


def _settle_doubt(uow: UnitOfWork, standing: Standing, chosen: Chosen, reference: str) -> list[Outcome]:
    """Where the route confirms no match any more, a person can only say that the ULN held is right after all."""
    decision, uln = chosen.decision, chosen.uln
    place = uow.office.route.states[standing.state].title
    wrong = addressed(
        "report the one held first: ulnflow uln wrong REFERENCE --reason WHY --evidence REFERENCE", reference
    )
    if decision != "existing":
        raise NotPossible(f"{place}: decide existing and type the ULN held, if it is right; if it is not, {wrong}")
    if not uln or fault(uln):
        raise NotPossible(explain(uln, fault(uln) or "") if uln else "type the ULN that is right")
    if uln != uow.held_uln(standing.subject):
        raise NotPossible(f"this is not the ULN held, and {place} takes no other; if this one is right, {wrong}")
    move = Move(
        case=standing.case,
        reason="stated",
        evidence={"decision": decision, **chosen.said},
        facts={"kept_answer": None, "decision": None},
        commitments={"uln": uow.learners.commitment(standing.subject, uln)},
        closes=uow.close_duties(standing.case, *DOUBTED),
    )
    return uow.work.note("doubt_settled", [move])


def _decided(uow: UnitOfWork, standing: Standing, chosen: Chosen) -> tuple[list[Outcome], list[Outcome]]:
    """Fire what the decision means, for this case and others of the learner; details compared are those of now."""
    decision, uln = chosen.decision, chosen.uln
    if not uln:
        raise NotPossible("type the ULN that the portal shows for this learner")
    holding = uow.dispatches.holding(uow.learners.cases([standing.subject])[standing.subject], LRS_KINDS)
    places = holding.get(standing.case) or sorted(
        (place for own in holding.values() for place in own), key=lambda place: place[1].id
    )
    if not places:
        raise Prevented("no file of ours to the LRS holds this learner; decide to ask again: --decision again")
    member, dispatch = places[-1]
    version, details = uow.learners.current([standing.subject])[standing.subject]
    row = ReplyRow(
        row=member.row, reference="", code=decision, outcome="success", meaning="", uln=uln, echo=details
    )  # fmt: skip
    one = Matched(row, standing, dispatch, replace(member, version=version))
    move = Move(
        case=standing.case,
        dispatch=dispatch.id,
        row=member.row if member.case == standing.case else None,
        settles="answered" if member.case == standing.case else None,
        reason="stated",
        evidence={"decision": decision, "compared": list(chosen.compared), **chosen.said},
        facts={"exception": None, "decision": None, "kept_answer": None, **match_facts(uow, one, know(uow, [one]))},
        commitments={"uln": uow.learners.commitment(standing.subject, uln)} if not fault(uln) else {},
        private=Answer(uln, None, frozenset(), decided=True),
    )
    trigger = "receive_uln"
    if standing.state != "lrs_exception":
        trigger, move = "confirm_match", _merging(uow, standing, decision, uln, move)
    outcomes = uow.fire(trigger, [move])
    others = hold(uow, [(one, move)], outcomes)
    if outcomes[0].accepted:
        uow.settle(dispatch)
    return outcomes, others


def _merging(uow: UnitOfWork, standing: Standing, decision: str, uln: str, move: Move) -> Move:
    """The move that makes another ULN the one held: the old one stays in the history, who knows the old one is told."""
    if decision == "new":
        raise Prevented("this learner holds a ULN: decide existing (and type the one that is right) or again")
    if wrong := fault(uln):
        raise NotPossible(explain(uln, wrong))
    holders = [o for o in uow.learners.holders([uln]).get(uln, ()) if o != standing.subject]
    if others := uow.learners.called(holders, uow.cohorts):
        raise Prevented(f"{', '.join(others.values())} holds this ULN; find out whose it is, then report the wrong one")
    return move._replace(
        opens=owed_for_another(uow, standing, move.facts["uln"]),
        closes=uow.close_duties(standing.case, *DOUBTED),
    )


def report_wrong(
    office: Office, act: Act, reference: str, reason: str, evidence: str, *, dry_run: bool = False
) -> Tally:
    """Record that the ULN a learner holds was never theirs: on every case of the learner that rests on it.

    Raises NotFound, NotPossible.
    """
    if not reason.strip():
        raise NotPossible("say how it was found to be wrong, with --reason")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        latest = uow.find_case(reference)
        own = uow.log.load(uow.learners.cases([latest.subject])[latest.subject])
        holders = [s for s in own.values() if s.facts.get("uln")]
        if not holders:
            raise Prevented(f"{reference} holds no ULN")
        refuse_others(uow.cohorts, holders)
        names = uow.references(list(own.values()))
        moves = [
            Move(
                case=s.case,
                reason=WRONG,
                evidence={"reference": evidence, "uln_number": s.facts["uln"]} if evidence else {},
                facts={
                    **effects.WITHOUT_ULN,
                    "exception": {"code": WRONG, "dispatch": s.facts.get("lrs_dispatch")},
                    "kept_answer": None,
                },
                closes=uow.close_duties(s.case, *DOUBTED) if "kept_answer" in s.facts else (),
            )
            for s in holders
        ]
        on_route = [m for m in moves if ("report_wrong_uln", own[m.case].state) in office.route.arrows]
        if not on_route and not evidence:
            raise NotPossible("say what it rests on, with --evidence")
        outcomes = uow.fire("report_wrong_uln", on_route)
        tally.add(outcomes, names, "ULN reported wrong")
        if all(o.accepted for o in outcomes):
            beside = [m._replace(opens=_owed(uow, own[m.case], m)) for m in moves if m not in on_route]
            noted = uow.work.note("wrong_uln", beside) if beside else []
            tally.add(noted, names, "ULN reported wrong, the learner stays where they are")
            outcomes += noted
            uow.learners.mark_uln_wrong(latest.subject)
        uow.remark(outcomes, reason)
    tally.next.append("ulnflow duty list")
    if on_route:
        tally.next.append(addressed("ulnflow exception resolve REFERENCE --decision again --reason WHY", reference))
    return tally


def _owed(uow: UnitOfWork, standing: Standing, move: Move) -> tuple[str, ...]:
    """The duties of a wrong ULN where the route has no arrow that opens them; those open already stay."""
    (arrow, *_) = [a for (trigger, _), a in uow.office.route.arrows.items() if trigger == "report_wrong_uln"]
    owed = [o.duty for o in arrow.opens if o.when is None or standing.facts.get(o.when)]
    closing = {position for position, _ in move.closes}
    open_now = {name for at, name in uow.log.open_duties([standing.case]).get(standing.case, ()) if at not in closing}
    return tuple(name for name in owed if name not in open_now)
