"""Submitted to the LRS: the batch is prepared, sent, rejected or taken back. Writing the file is not the act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Final, Literal
from zoneinfo import ZoneInfo

from states.counting import counted
from states.errors import NotPossible, Prevented
from states.learner.repository import HELD, IN_ERROR
from states.lrs_sending import asking, send
from states.ports import BATCH_FORMS, BatchForm, BatchLearner, FileDraft
from states.tally import FileMade, Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import LRS_BATCH, LRS_KEYING, LRS_KINDS
from workflow import Act, Move, Standing
from workflow.store.dispatch_log import OPEN_STATES, PREPARED, REJECTED, Dispatch
from workflow.working_days import moment_of

LONDON: Final = ZoneInfo("Europe/London")
PRACTICE: Final = "PRACTICE_"


def is_due(office: Office, standing: Standing) -> bool:
    """Whether a learner is to be submitted without being named: due by state, asked about again, or stale."""
    state, facts = standing.state, standing.facts
    again = facts.get("decision") == "again"
    if state == "lrs_exception":
        return again
    if ("verify_again", state) in office.route.arrows:
        return again or bool(facts.get("stale"))
    return ("submit_to_lrs", state) in office.route.arrows and not need_not_ask(standing)


def need_not_ask(standing: Standing) -> bool:
    """Whether a returning learner brings a ULN whose match is fresh: nothing to ask the LRS."""
    return standing.state == "details_gathered" and bool(standing.facts.get("uln")) and not standing.facts.get("stale")


def submit(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    via: Literal["batch", "portal"] = "batch",
    form: BatchForm | None = None,
    dry_run: bool = False,
) -> Tally:
    """Prepare the files that ask the LRS about these learners; nobody moves before the file is sent.

    Learners a rule holds back are refused and left out; learners in an open file are counted as waiting. Files are
    split above the limit. `form` is what batch files are written in, the centre's own choice unless given.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        ready = _ready(uow, standings, tally)
        limit = office.plugs.lrs.limit
        moment = moment_of(office.engine.clock()).astimezone(LONDON)
        for start in range(0, len(ready), limit):
            moment = _write_file(uow, ready[start : start + limit], via, form, moment, tally)
    if tally.files:
        for made in tally.files:
            tally.next.append(f"upload {made.name} to the LRS portal, then: ulnflow lrs sent {made.name}")
        tally.next.append("or, when the reply is there: ulnflow lrs receive REPLY-FILE")
    return tally


def _ready(uow: UnitOfWork, standings: Sequence[Standing], tally: Tally) -> list[tuple[Standing, int, BatchLearner]]:
    """Those the rules let go, as the file will hold them; refusals are recorded."""
    names = uow.references(standings)
    good: list[Standing] = []
    free = _free(uow, standings, tally)
    for trigger in ("submit_to_lrs", "verify_again"):
        moves = {s.case: Move(case=s.case) for s in free if (asking(uow, s) or "submit_to_lrs") == trigger}
        asked = {o.case: o for o in uow.work.ask(trigger, list(moves.values()))} if moves else {}
        refused = [moves[case] for case, outcome in asked.items() if not outcome.accepted]
        tally.add(uow.fire(trigger, refused, bulk=True), names, "submitted")
        accepted = [s for s in free if s.case in asked and asked[s.case].accepted]
        uow.log.forget_reasons([s.case for s in accepted], trigger)
        good += accepted
        for outcome in asked.values():
            if outcome.accepted:
                tally.add([outcome._replace(result="noted")], names, "ready for the LRS")
    return _as_sent(uow, good, names, tally)


def _free(uow: UnitOfWork, standings: Sequence[Standing], tally: Tally) -> list[Standing]:
    """One case of each learner whom no open file holds: the LRS is asked about learners, not about cases."""
    cases = uow.learners.cases({s.subject for s in standings})
    waiting = uow.dispatches.waiting([case for own in cases.values() for case in own], LRS_KINDS)
    free: dict[int, Standing] = {}
    for standing in standings:
        if any(case in waiting for case in cases[standing.subject]):
            tally.counts["already in a file to the LRS"] += 1
        elif standing.subject in free:
            tally.counts["asked about with the learner's other case"] += 1
        else:
            free[standing.subject] = standing
    return list(free.values())


def _as_sent(
    uow: UnitOfWork, good: Sequence[Standing], names: dict[int, str], tally: Tally
) -> list[tuple[Standing, int, BatchLearner]]:
    subjects = [s.subject for s in good]
    current, ulns = uow.learners.current(subjects), uow.learners.ulns(subjects)
    ready = []
    for standing in good:
        version, details = current[standing.subject]
        history = ulns.get(standing.subject, ())
        held = next((r.uln for r in history if r.status == HELD), "")
        wrong = {r.uln for r in history if r.status == IN_ERROR}
        existing = "" if details.existing_uln in wrong else details.existing_uln
        learner = BatchLearner(reference=names[standing.case], details=details, uln=held or existing)
        findings = uow.office.plugs.lrs.refusals(learner)
        if findings:
            tally.counts["ready for the LRS"] -= 1
            tally.counts["refused"] += 1
            tally.refusals += [
                Refusal(
                    learner.reference, standing.state, "LRS file", f.code, f.field, f"{f.message.rstrip('.')}. {f.fix}"
                )
                for f in findings
            ]
        else:
            ready.append((standing, version, learner))
    return ready


def _write_file(
    uow: UnitOfWork,
    part: Sequence[tuple[Standing, int, BatchLearner]],
    via: Literal["batch", "portal"],
    form: BatchForm | None,
    moment: datetime,
    tally: Tally,
) -> datetime:
    """Write one file and register it; returns the minute the next file's name may bear."""
    office = uow.office
    learners = [learner for _, _, learner in part]
    if via == "portal":
        number = uow.dispatches.next_id()
        draft = uow.draft(
            f"D{number}-lrs-keying-sheet.xlsx",
            lambda target: office.plugs.lrs.write_keying_sheet(
                learners, title="Key these learners into the LRS portal", target=target
            ),
            folder="lrs",
        )
    else:
        draft, moment = _batch(uow, learners, form, moment)
    kind = LRS_KEYING if via == "portal" else LRS_BATCH
    members = [(standing.case, row, version) for row, (standing, version, _) in enumerate(part, 1)]
    dispatch = uow.prepare(kind, draft, members)
    tally.files.append(FileMade(dispatch, draft.final.name, draft.final, len(part)))
    return moment + timedelta(minutes=1)


def _batch(
    uow: UnitOfWork, learners: Sequence[BatchLearner], form: BatchForm | None, moment: datetime
) -> tuple[FileDraft, datetime]:
    """Names have minute resolution: a name that is taken, in either format, moves on to the next free minute."""
    office = uow.office
    while any(_is_taken(uow, _batch_name(office, moment, other)) for other in BATCH_FORMS):
        moment += timedelta(minutes=1)
    name = _batch_name(office, moment, form)
    draft = uow.draft(
        name,
        lambda target: office.plugs.lrs.write_batch(
            learners, ukprn=office.ukprn, reference=PurePath(name).stem, target=target, form=form
        ),
        folder="lrs",
    )
    return draft, moment


def _batch_name(office: Office, moment: datetime, form: BatchForm | None) -> str:
    return (PRACTICE if office.practice else "") + office.plugs.lrs.batch_name(office.ukprn, moment, form)


def _is_taken(uow: UnitOfWork, name: str) -> bool:
    taken = bool(uow.dispatches.find(kinds=[LRS_BATCH], name=name))
    return taken or (uow.office.outbox_folder / "lrs" / name).exists()


def mark_sent(
    office: Office, act: Act, name: str, *, on: date | None = None, reason: str = "", dry_run: bool = False
) -> Tally:
    """Record that a prepared file was uploaded or keyed in: now its learners are submitted. Raises NotFound."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        dispatch = uow.find_dispatch(name, LRS_KINDS)
        if dispatch.state != PREPARED:
            tally.notes.append(f"{dispatch.name} is {dispatch.state.replace('_', ' ')} already: nothing changed")
            return tally
        send(uow, dispatch, tally, on=on, evidence={"file": dispatch.id}, reason=reason)
    tally.next.append(
        "ulnflow lrs receive REPLY-FILE" if dispatch.kind == LRS_BATCH else "ulnflow lrs answer REFERENCE"
    )
    return tally


def reject(office: Office, act: Act, name: str, reason: str, *, dry_run: bool = False) -> Tally:
    """Record that the LRS refused a whole file, or that it was never sent: its learners are free again.

    Raises NotFound, and NotPossible for a file that was answered for somebody.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        dispatch = uow.find_dispatch(name, LRS_KINDS)
        if dispatch.state not in OPEN_STATES:
            tally.notes.append(f"{dispatch.name} is {dispatch.state.replace('_', ' ')} already: nothing changed")
            return tally
        if answered := uow.dispatches.counts(dispatch.id).get("answered", 0):
            raise Prevented(
                f"{dispatch.name} was answered for {counted(answered, 'learner')}, so the LRS took it; take the others "
                "back with: ulnflow lrs recall REFERENCE --reason WHY"
            )
        members = uow.dispatches.members(dispatch.id, "open")
        uow.end(dispatch, REJECTED, reason="rejected_whole" if dispatch.state != PREPARED else "never_sent")
        _take_back(uow, {m.case: dispatch for m in members}, tally, reason="rejected_whole", words=reason)
    tally.next.append("ulnflow lrs submit")
    return tally


def recall(office: Office, act: Act, standings: Sequence[Standing], reason: str, *, dry_run: bool = False) -> Tally:
    """Take learners back from the file that holds them, with a reason; a late reply will still be seen."""
    tally = Tally()
    if not reason.strip():
        raise NotPossible("say why they are taken back, with --reason")
    with office.begin(act, dry_run=dry_run) as uow:
        waiting = uow.dispatches.waiting([s.case for s in standings], LRS_KINDS)
        names = uow.references(standings)
        found: dict[int, Dispatch] = {}
        for standing in standings:
            if standing.case in waiting:
                found[standing.case] = waiting[standing.case][-1][1]
            else:
                tally.notes.append(f"{names[standing.case]}: no open file holds this learner")
        _take_back(uow, found, tally, reason="recalled", words=reason)
        for dispatch in {d.id: d for d in found.values()}.values():
            uow.settle(dispatch)
    tally.next.append("ulnflow lrs submit")
    return tally


def _take_back(uow: UnitOfWork, cases: dict[int, Dispatch], tally: Tally, *, reason: str, words: str) -> None:
    standings = uow.log.load(list(cases))
    names = uow.references(list(standings.values()))
    groups: dict[str, list[Move]] = {}
    released: Literal["released"] | None = "released" if reason == "recalled" else None
    for case, dispatch in cases.items():
        standing = standings[case]
        trigger = "return_to_debt" if "alternative_since" in standing.facts else "return_to_details"
        if standing.state != "submitted_to_lrs":
            trigger = "recalled"
        groups.setdefault(trigger, []).append(Move(case=case, dispatch=dispatch.id, reason=reason, settles=released))
    for trigger, moves in groups.items():
        if trigger == "recalled":
            outcomes = uow.work.note(trigger, moves)
            tally.add(outcomes, names, "released from the file")
        else:
            outcomes = uow.fire(trigger, moves, bulk=True)
            tally.add(outcomes, names, "taken back")
        uow.remark(outcomes, words)
