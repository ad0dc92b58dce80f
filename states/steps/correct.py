"""Corrections: an entry that was untrue when it was recorded is voided, and what follows from that becomes work.

What really happened is never voided; the route goes on from it (a wrong ULN: `ulnflow uln wrong`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from states import approval
from states.addressed import addressed
from states.approval import Request
from states.errors import NotFound, NotPossible, Prevented
from states.tally import Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import CORRECTION_REASONS
from workflow import Act, Event, Standing
from workflow.correction import Correction, plan, write
from workflow.errors import CorrectionRefused
from workflow.store.dispatch_log import ANSWERED, PARTLY
from workflow.working_days import day_of

DEED: Final = "correct"
MAIL: Final = "a mail server said so, and what really happened stands"
OWN_WAY: Final[Mapping[str, str]] = {
    "details_changed": "details are corrected by another version of them: ulnflow learner edit REFERENCE",
    "case_changed": "these are corrected as they were entered: ulnflow learner edit REFERENCE",
    "match_known": "it follows from another qualification of the learner: correct the entry there",
    "candidates_kept": "another list takes its place: ulnflow exception candidates REFERENCE FILE",
    **dict.fromkeys(
        ("mail_begun", "mail_accepted", "mail_refused", "mail_put_off", "mail_unknown", "mail_bounced"), MAIL
    ),
}
"""Notes that a correction cannot void -> why, and what to do instead."""

ANOTHERS: Final = "wrong_learner"
RECORDED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("receive_uln", "confirm_match", "report_lrs_exception"), "lrs answer REFERENCE"),
    "pass_uln_to_learner": "uln told REFERENCE --how HOW",
    **dict.fromkeys(
        ("register_with_ilm", "register_without_uln", "supply_uln_to_ilm"), "ilm confirm REFERENCE --order NUMBER"
    ),
    "report_ilm_exception": "ilm exception REFERENCE --evidence NUMBER",
    "submit_results": "ilm results REFERENCE --reference NUMBER",
    "create_lar": "lar create REFERENCE --reference NUMBER",
    "supply_cross_reference": "lar cross-reference REFERENCE --reference NUMBER",
    "confirm_lar_update": "lar confirm REFERENCE --by ilm --reference NUMBER",
    "withdraw": "learner withdraw REFERENCE --reason WHY",
    "reinstate": "learner reinstate REFERENCE --reason WHY",
    "close_without_lar": "learner close REFERENCE --reason WHY",
    "reopen": "learner reopen REFERENCE --reason WHY",
}
"""Trigger -> the command that records it of a learner as of a day; others are told by `learner why`."""


def correct(
    office: Office, act: Act, position: int, reason: str, note: str = "", *, and_after: bool = False,
    dry_run: bool = False,
) -> Tally:  # fmt: skip
    """Ask to void an entry, or void it where one person suffices; with `and_after` also those that rest on it.

    Raises NotFound, NotPossible for an entry that cannot be voided, and for a reason not in CORRECTION_REASONS.
    """
    if reason not in CORRECTION_REASONS:
        raise NotPossible(f"--reason is one of {', '.join(CORRECTION_REASONS)}; more in your own words with --note")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        found = _planned(uow, position)
        if not found.voids:
            tally.notes.append(f"entry {position} was voided before; nothing changed")
            return tally
        voids = [event.position for event in found.voids]
        if len(voids) > 1 and not and_after:
            raise Prevented(
                f"these rest on entry {position}: {', '.join(map(str, voids[1:]))}. Correct them first, or with it: "
                "--and-after"
            )
        arguments = {"case": found.before.case, "entry": position, "voids": voids}
        if not approval.waits(uow, DEED, arguments, note, tally, why=reason):
            last = _do(uow, found, reason, tally)
            if note:
                uow.learners.remark(last, note, found.before.subject)
    return tally


def correct_as_asked(uow: UnitOfWork, request: Request) -> Tally:
    """Void what a request names; raises NotPossible where that is not what would have to be voided now."""
    tally, position = Tally(), int(request.arguments["entry"])
    found = _planned(uow, position)
    if not found.voids:
        raise Prevented(f"entry {position} was voided before")
    if [event.position for event in found.voids] != request.arguments["voids"]:
        raise Prevented(f"the learner has moved on, and other entries rest on entry {position} now; ask again")
    _do(uow, found, request.reason, tally, request=request.position)
    return tally


def _planned(uow: UnitOfWork, position: int) -> Correction:
    if uow.log.at(position) is None:
        raise NotFound(f"there is no entry {position}. See: ulnflow audit history REFERENCE", str(position))
    try:
        found = plan(uow.work, position, rests=_told_another)
    except CorrectionRefused as wrong:
        raise Prevented(str(wrong)) from None
    for event in found.voids:
        if event.kind == "noted" and (why := OWN_WAY.get(event.trigger or "")):
            name = uow.references([found.before])[found.before.case]
            raise Prevented(f"entry {event.position} cannot be voided: {addressed(why, name)}")
    return found


def _told_another(event: Event, standing: Standing) -> bool:
    """Whether somebody was told a ULN that would not be held."""
    told = event.facts.get("told_uln")
    return told is not None and told != standing.facts.get("uln")


def _do(uow: UnitOfWork, found: Correction, reason: str, tally: Tally, **asked: int) -> int:
    (name,) = uow.references([found.before]).values()
    _set_ulns(uow, found)
    owed = _outside(uow, found)
    positions = write(uow.work, found, reason=reason, evidence=asked, opens=owed)
    for dispatch in sorted({e.dispatch for e in found.voids if e.settles and e.dispatch is not None}):
        _reopen(uow, dispatch)
    titles, states = uow.office.route.duties, uow.office.route.states
    tally.counts["entries voided"] = len(positions)
    tally.notes.append(f"{name} stands in: {states[found.after.state].title}")
    tally.notes += [f"now owed: {titles[duty].title}" for duty in owed]
    tally.next += [addressed("ulnflow learner why REFERENCE", name), *(["ulnflow duty list"] if owed else [])]
    if reason == ANOTHERS:
        _remind(found, tally)
    return positions[-1]


def _remind(found: Correction, tally: Tally) -> None:
    """What was recorded of the wrong learner did happen to another, of whom it is to be recorded still."""
    tally.notes.append("record what happened of the right learner: theirs is the REFERENCE to give")
    for event in found.voids:
        line = RECORDED.get(event.trigger or "")
        again = f"ulnflow {line} --at {day_of(event.occurred_at)}" if line else "ulnflow learner why REFERENCE"
        tally.next += [again] if again not in tally.next else []


def _outside(uow: UnitOfWork, found: Correction) -> list[str]:
    """The duties that arise from what others were told, and hold on to, of what is void now."""
    was, now = found.before.facts, found.after.facts
    lost = was.get("uln") is not None and was["uln"] != now.get("uln")
    owed = []
    if lost and "told_at" in was:
        owed += ["tell_learner_again", "assess_breach"]
    if lost and "registered_at" in now:
        owed.append("replace_uln_at_ilm")
    if lost and any("reply" in event.evidence for event in found.voids):
        owed.append("data_challenge")
    if "registered_at" in was and "registered_at" not in now:
        owed.append("tell_ilm_of_withdrawal")
    open_now = uow.log.open_duties([found.before.case]).get(found.before.case, [])
    left = {(e.position, duty) for e in found.voids for duty in e.opens if duty == "tell_ilm_of_withdrawal"}
    if left - set(open_now) and "registered_at" in now:
        owed.append("tell_ilm_of_change")
    gone = {event.position for event in found.voids}
    known = {duty for at, duty in open_now if at not in gone}
    return [duty for duty in owed if duty not in known]


def _set_ulns(uow: UnitOfWork, found: Correction) -> None:
    """Bring the learner's ULN history in line: one lost was held in error, one restored is held again.

    Raises NotPossible where another case of the learner rests on a number that goes, or somebody else holds one that
    comes back.
    """
    was, now, subject = found.before.facts.get("uln"), found.after.facts.get("uln"), found.before.subject
    if was == now:
        return
    own = uow.log.load([c for c in uow.learners.cases([subject])[subject] if c != found.before.case])
    resting = [s for s in own.values() if was is not None and s.facts.get("uln") == was]
    if resting:
        names = uow.references(resting)
        listed = ", ".join(f"{names[s.case]}@{s.facts.get('qualification', '')}" for s in resting)
        raise Prevented(f"{listed} rests on the same ULN: correct the entry there first")
    if now is not None:
        restored = next(r for r in uow.learners.ulns([subject])[subject] if r.number == now)
        others = [other for other in uow.learners.holders([restored.uln]).get(restored.uln, ()) if other != subject]
        if others:
            taken = ", ".join(uow.learners.called(others, uow.cohorts).values())
            raise Prevented(f"the ULN that would be held again is held by {taken} now")
    if was is not None:
        uow.learners.set_uln_status(subject, int(was), held=False)
    if now is not None:
        uow.learners.set_uln_status(subject, int(now), held=True)


def _reopen(uow: UnitOfWork, dispatch: int) -> None:
    """A file that was answered in full waits for an answer again."""
    file = uow.dispatches.get(dispatch)
    if file is None or file.state != ANSWERED:
        return
    counts = uow.dispatches.counts(dispatch)
    said = {f"members_{state}": number for state, number in sorted(counts.items())}
    uow.work.record("dispatch_partly_answered", dispatch=dispatch, evidence=said)
    uow.dispatches.set_state(dispatch, PARTLY)
