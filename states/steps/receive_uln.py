"""ULN received: replies are read, and answers typed in from the portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from states.addressed import addressed
from states.asked import Answer
from states.errors import FileRefused, Prevented
from states.learner.uln import fault
from states.lrs_match import DOUBTED, OTHER_CASES, Known, Matched, hold, know, match_facts, merges, owed_for_another
from states.lrs_sending import send
from states.lrs_typed import read_code, read_uln, refuse_day, refuse_without_uln
from states.lrs_verified import with_references, without_erased
from states.ports import Reply, ReplyRow
from states.tally import Refusal, Tally
from states.turned_away import turn_away
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import LRS_KEYING, LRS_KINDS, LRS_REPLY
from workflow import Act, Move, Outcome
from workflow.store.dispatch_log import OPEN_STATES, PREPARED, SUPERSEDED, Dispatch

TYPED: Final = "typed_back"
"""Why an answer is recorded after its day: a person read it in the portal and typed it in."""
KEPT: Final = "kept: a person must decide"
NAMED: Final = 10
"""How many learners a note names."""
KEPT_ANSWER: Final = "answer_kept"
TWICE: Final = "answered_twice"
ACTED_ON: Final = ("receive_uln", "confirm_match", "report_lrs_exception")
"""What an answer may have done; one that was merely kept can still be used, by receiving its file again."""


def receive_reply(office: Office, act: Act, path: Path, *, sent_on: date | None = None, dry_run: bool = False) -> Tally:
    """Take in a reply file: it proves the sending, each row moves its learner, nothing is guessed.

    Rows are matched by reference in any order; rows never sent are quarantined, learners without a row wait on. Rows
    of others' cohorts are refused, until a colleague receives the file. Twice changes nothing. Raises FileRefused.
    """
    reply = office.plugs.lrs.read_reply(path)
    _refuse_foreign(office, reply)
    tally = Tally(notes=list(reply.notes))
    with office.begin(act, dry_run=dry_run) as uow:
        seen = uow.dispatches.find(kinds=[LRS_REPLY], digest=reply.digest)
        unnamed = {row.row for row in reply.rows if not row.reference}
        reply = without_erased(uow, with_references(uow, reply), tally)
        matched, strangers = _match(uow, reply, tally)
        named = {m.standing.case: f"row {m.row.row}" for m in matched if m.row.row in unnamed}
        own = {s.case for s in turn_away(uow, [m.standing for m in matched], tally, named)}
        matched = [m for m in matched if m.standing.case in own]
        if seen:
            tally.notes.append("received before; only answers that could not be used then are looked at again")
            number: int | None = seen[-1].id
        else:
            number = uow.received(LRS_REPLY, reply.digest, rows=len(reply.rows))
        if strangers and not seen and number is not None:
            uow.learners.quarantine([_quarantined(row) for row in strangers], number)
        if strangers:
            tally.counts["rows about nobody we sent, put in quarantine"] += len(strangers)
        dispatches = {m.dispatch.id: m.dispatch for m in matched}
        for dispatch in dispatches.values():
            if dispatch.state == PREPARED:
                proof = {"proved_by": number, "file": dispatch.id}
                send(uow, dispatch, tally, on=sent_on, evidence=proof, reason="proved_by_reply" if sent_on else "")
        _apply(uow, _again(uow, matched), tally, reply=number, echoed=reply.echoed)
        for dispatch in dispatches.values():
            _still_waiting(uow, dispatch, tally)
    _advise(tally)
    return tally


def answer(
    office: Office,
    act: Act,
    reference: str,
    *,
    uln: str,
    code: str,
    on: date | None = None,
    dry_run: bool = False,
) -> Tally:
    """Take in one answer typed back from the portal, by the same rules.

    Raises NotFound, and NotPossible, also for what is no ULN, and for a code of success that comes without its ULN.
    """
    tally = Tally()
    code, outcome, meaning = read_code(office, code, uln)
    with office.begin(act, dry_run=dry_run) as uow:
        standing = uow.find_case(reference)
        uln = read_uln(uln)
        refuse_day(office, standing, on)
        refuse_without_uln(office, standing, code, outcome, uln)
        holding = [
            (m, d)
            for m, d in uow.dispatches.holding([standing.case], LRS_KINDS).get(standing.case, ())
            if d.state != SUPERSEDED
        ]
        if not holding:
            raise Prevented(f"no file of ours to the LRS holds {reference}; run: ulnflow lrs submit --via portal")
        member, dispatch = holding[-1]
        if dispatch.state == PREPARED and member.state == "open":
            proof = {"proved_by_answer": True, "file": dispatch.id}
            only = {standing.case} if dispatch.kind == LRS_KEYING else None  # keyed one by one
            send(uow, dispatch, tally, on=on, evidence=proof, reason=TYPED if on else "", only=only)
        row = ReplyRow(
            row=member.row, reference=reference, code=code, outcome=outcome, meaning=meaning, uln=uln,
            echo=uow.learners.current([standing.subject])[standing.subject][1],
        )  # fmt: skip
        one = Matched(row, standing, dispatch, member)
        _apply(uow, _again(uow, [one]), tally, reply=None, echoed=frozenset(), on=on)
        _still_waiting(uow, dispatch, tally)
    _advise(tally)
    return tally


def _refuse_foreign(office: Office, reply: Reply) -> None:
    if reply.ukprn and reply.ukprn != office.ukprn:
        rule = "it is for another provider: its UKPRN is not this centre's"
        raise FileRefused(reply.name, rule, "Download this centre's own reply.")
    if reply.practice != office.practice:
        what = (
            "a practice reply for made-up learners"
            if reply.practice
            else "a real reply, and this is a practice database"
        )
        raise FileRefused(reply.name, f"it is {what}", "Receive it where it belongs.")


def _match(uow: UnitOfWork, reply: Reply, tally: Tally) -> tuple[list[Matched], list[ReplyRow]]:
    """Each row's case and file; rows about nobody are strangers. A second row for a learner is a rival of the first."""
    known = uow.learners.by_reference([row.reference for row in reply.rows])
    cases = uow.learners.cases(known.values())
    all_cases = [case for listed in cases.values() for case in listed]
    standings, holding = uow.log.load(all_cases), uow.dispatches.holding(all_cases, LRS_KINDS)
    ours = {d.id for d in uow.dispatches.find(kinds=LRS_KINDS) if d.name.rpartition(".")[0] == reply.batch_reference}
    if not ours and reply.batch_reference:
        tally.notes.append("the reply names a file that is not in the register; learners were matched by reference")
    matched: dict[str, Matched] = {}
    strangers: list[ReplyRow] = []
    for row in reply.rows:
        places = [
            (member, dispatch)
            for case in cases.get(known.get(row.reference, 0), ())
            for member, dispatch in holding.get(case, ())
            if dispatch.state != SUPERSEDED or dispatch.id in ours  # a reply that names a file proves its sending
        ]
        places.sort(key=lambda p: (p[1].id in ours, p[0].state == "open", p[1].id))
        if not places:
            strangers.append(row)
        elif first := matched.get(row.reference):
            if replace(row, row=first.row.row) != first.row:
                matched[row.reference] = replace(first, rivals=(*first.rivals, row))
        else:
            member, dispatch = places[-1]
            matched[row.reference] = Matched(row, standings[member.case], dispatch, member)
    return list(matched.values()), strangers


def _again(uow: UnitOfWork, matched: Sequence[Matched]) -> list[Matched]:
    """The same answers with the standings as they are now, after the sending was recorded."""
    now = uow.log.load([m.standing.case for m in matched])
    return [replace(m, standing=now[m.standing.case]) for m in matched]


def _apply(
    uow: UnitOfWork,
    matched: Sequence[Matched],
    tally: Tally,
    *,
    reply: int | None,
    echoed: frozenset[str],
    on: date | None = None,
) -> None:
    """Fire what each answer means; what a rule refuses becomes an exception for a person."""
    names = uow.references([m.standing for m in matched])
    groups: dict[str, list[tuple[Matched, Move]]] = {}
    taken: list[str] = []
    known, commit = know(uow, matched), uow.learners.committing([one.standing.subject for one in matched])
    done = uow.log.done_before([one.standing.case for one in matched], (*ACTED_ON, KEPT_ANSWER))
    for one in matched:
        trigger = _trigger(uow, one)
        move = _move(uow, one, trigger, known, commit, (reply, echoed))._replace(on=on, reason=TYPED if on else "")
        before = done.get((move.case, move.command_id), set())
        if before.intersection(ACTED_ON) or (KEPT_ANSWER in before and _still_not_taken(uow, trigger, move)):
            tally.counts["done before, nothing changed"] += 1
        else:
            groups.setdefault(trigger, []).append((one, move))
            if one.member.state == "released":
                taken.append(names[move.case])
            if one.rivals:
                _say_twice(tally, one, names[move.case])
    _say_taken_back(tally, taken)
    for trigger in ("receive_uln", "confirm_match", "report_lrs_exception", KEPT_ANSWER):
        pairs = groups.get(trigger, [])
        moves = [move for _, move in pairs]
        if trigger == KEPT_ANSWER:
            _keep_numbers(uow, [one for one, _ in pairs])
            for opened, word in ((False, "kept: the learner moved on meanwhile"), (True, KEPT)):
                some = [move for move in moves if bool(move.opens) is opened]
                tally.add(uow.work.note(trigger, some) if some else [], names, word)
            _advise_doubt(tally, [names[move.case] for move in moves if move.opens])
            continue
        outcomes = uow.fire(trigger, moves, bulk=True)
        if trigger == "report_lrs_exception":
            tally.add(outcomes, names, "need a decision")
            _keep_numbers(uow, [one for one, _ in pairs if one.rivals])
            continue
        others = hold(uow, pairs, outcomes)
        good = [o for o in outcomes if o.accepted]
        tally.add(good, names, "ULN received" if trigger == "receive_uln" else "match confirmed")
        tally.add(others, uow.references([o.after for o in others if o.after]), OTHER_CASES)
        _hand_over(uow, pairs, outcomes, tally, names)


def _say_taken_back(tally: Tally, taken: Sequence[str]) -> None:
    """A late answer to somebody who was taken back from the file is used like any other, and named."""
    if taken:
        shown = ", ".join(sorted(taken)[:NAMED]) + (" ..." if len(taken) > NAMED else "")
        tally.notes.append(f"taken back from their file before: {shown}; their late answers were not lost")


def _still_not_taken(uow: UnitOfWork, trigger: str, move: Move) -> bool:
    """Whether the rules take an answer that was kept before no more than then: there is nothing new to write."""
    return trigger != KEPT_ANSWER and not uow.work.ask(trigger, [move])[0].accepted


def _trigger(uow: UnitOfWork, one: Matched) -> str:
    arrows, state = uow.office.route.arrows, one.standing.state
    if one.rivals:
        return "report_lrs_exception" if ("report_lrs_exception", state) in arrows else KEPT_ANSWER
    if one.row.outcome == "success" and (one.row.uln or ("confirm_match", state) in arrows):
        for trigger in ("confirm_match", "receive_uln"):
            if (trigger, state) in arrows:
                return trigger
    elif ("report_lrs_exception", state) in arrows:
        return "report_lrs_exception"
    return KEPT_ANSWER


def _move(
    uow: UnitOfWork,
    one: Matched,
    trigger: str,
    known: Known,
    commit: Callable[[int, str], str],
    came: tuple[int | None, frozenset[str]],
) -> Move:
    """The move an answer means; `commit` commits to a ULN, `came` is the reply it stood in and what that echoes."""
    reply, echoed = came
    row, standing = one.row, one.standing
    commitment = commit(standing.subject, row.uln) if row.uln else ""
    evidence: dict[str, Any] = {"code": row.code, "outcome": row.outcome}
    if reply is not None:
        evidence |= {"reply": reply, "reply_row": row.row}
    if one.rivals:
        evidence["refused_for"] = [TWICE]
    facts: dict[str, Any] = {"exception": None, "decision": None, "kept_answer": None}
    opens: tuple[str, ...] = ()
    if trigger in {"receive_uln", "confirm_match"}:
        facts |= match_facts(uow, one, known)
        if trigger == "confirm_match" and merges(uow, one):
            evidence["merged"] = standing.facts["uln"]
            opens = owed_for_another(uow, standing, facts["uln"])
    elif trigger == "report_lrs_exception":
        facts = {"exception": _answered(one), "decision": None}
    else:
        facts = {"kept_answer": _answered(one)}
        other = bool(row.uln) and row.uln != uow.held_uln(standing.subject)
        doubted = bool(standing.facts.get("uln")) and (row.outcome != "success" or other or bool(one.rivals))
        opens = DOUBTED if doubted and not uow.close_duties(standing.case, *DOUBTED) else ()
    return Move(
        case=standing.case,
        dispatch=one.dispatch.id,
        row=one.member.row,
        settles="answered",
        evidence=evidence,
        facts=facts,
        opens=opens,
        commitments={"uln": commitment} if commitment else {},
        command_id=known.answer_id(one, commit, echoed),
        private=Answer(row.uln, row.echo, echoed, linked=row.linked),
        closes=uow.close_duties(standing.case, *DOUBTED) if trigger == "confirm_match" else (),
    )


def _answered(one: Matched) -> dict[str, Any]:
    """What is remembered of an answer that a person must decide about."""
    known = {"code": one.row.code, "dispatch": one.dispatch.id}
    return {**known, "differs": list(one.row.differs)} if one.row.differs else known


def _hand_over(
    uow: UnitOfWork,
    pairs: Sequence[tuple[Matched, Move]],
    outcomes: Sequence[Outcome],
    tally: Tally,
    names: Mapping[int, str],
) -> None:
    """Answers the rules refuse go to a person: an exception where the route has one, else kept beside a duty."""
    exceptions: list[Move] = []
    kept: list[Move] = []
    for (one, move), outcome in zip(pairs, outcomes, strict=True):
        if outcome.accepted:
            continue
        tally.refuse(outcome, names[outcome.case])
        answered = _answered(one)
        plain = Move(
            case=move.case,
            dispatch=move.dispatch,
            row=move.row,
            settles="answered",
            evidence={
                **move.evidence,
                "refused_for": sorted({o.code for v in outcome.refusals for o in v.objections}),
            },
            facts={"exception": answered, "decision": None},
            commitments=move.commitments,
            command_id=move.command_id,
            on=move.on,
            reason=move.reason,
        )
        if ("report_lrs_exception", one.standing.state) in uow.office.route.arrows:
            exceptions.append(plain)
        else:
            doubted = bool(one.standing.facts.get("uln")) and not uow.close_duties(move.case, *DOUBTED)
            kept.append(plain._replace(facts={"kept_answer": answered}, opens=DOUBTED if doubted else ()))
    tally.add(uow.fire("report_lrs_exception", exceptions, bulk=True), names, "need a decision")
    if kept:
        by_case = {move.case: one for one, move in pairs}
        _keep_numbers(uow, [by_case[move.case] for move in kept])
        tally.add(uow.work.note(KEPT_ANSWER, kept), names, KEPT)
        _advise_doubt(tally, [names[move.case] for move in kept])


def _keep_numbers(uow: UnitOfWork, kept: Sequence[Matched]) -> None:
    """The valid ULNs of answers that were not taken are kept beside the learner, for a person to look into."""
    for one in kept:
        learner = one.standing.subject
        known = {r.uln for r in uow.learners.ulns([learner]).get(learner, ())}
        for row in (one.row, *one.rivals):
            if row.uln and row.uln not in known and fault(row.uln) is None:
                uow.learners.keep_answered(learner, row.uln, one.dispatch.id)


def _say_twice(tally: Tally, one: Matched, reference: str) -> None:
    lines = ", ".join(str(row.row) for row in (one.row, *one.rivals))
    message = f"the reply answers more than once for this learner (rows {lines}), and not alike; a person must decide"
    tally.refusals.append(Refusal(reference, one.standing.state, "reply", TWICE, "", message))


def _advise_doubt(tally: Tally, references: Sequence[str]) -> None:
    line = "ulnflow exception resolve REFERENCE --decision {} --reason WHY"
    tally.next += [addressed(line.format(said), one) for one in references[:3] for said in ("existing", "again")]


def _still_waiting(uow: UnitOfWork, dispatch: Dispatch, tally: Tally) -> None:
    fresh = uow.dispatches.get(dispatch.id)
    if fresh is None or fresh.state not in OPEN_STATES:
        return
    uow.settle(fresh)
    waiting = uow.dispatches.counts(dispatch.id).get("open", 0)
    if waiting:
        tally.counts["still waiting for an answer"] += waiting
        names = uow.references(
            list(uow.log.load([m.case for m in uow.dispatches.members(dispatch.id, "open")[:10]]).values())
        )
        tally.notes.append(
            f"{dispatch.name}: no answer yet for {', '.join(sorted(names.values()))}"
            + (" ..." if waiting > len(names) else "")
        )


def _quarantined(row: ReplyRow) -> dict[str, Any]:
    return {"reference": row.reference, "code": row.code, "uln": row.uln, "row": row.row}


def _advise(tally: Tally) -> None:
    if tally.counts["need a decision"]:
        tally.next.append("ulnflow exception list")
    if tally.counts["ULN received"]:
        tally.next.append("ulnflow uln pass")
