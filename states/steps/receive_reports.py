"""What mail servers report about messages to learners: who was not reached is to be told again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from states import effects, telling
from states.learner.erasure import ERASED
from states.mail_ports import Report
from states.tally import Tally
from states.turned_away import turn_away
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import MAIL_REPORT, MESSAGE, NOT_ACTIVE
from workflow import Act, Move, Standing
from workflow.store.dispatch_log import Dispatch, Member


def receive_reports(office: Office, act: Act, path: Path, *, dry_run: bool = False) -> tuple[Tally, int]:
    """Take in one report, or a folder of them, traced by the number of our message; the same report changes nothing.

    A message that will never arrive takes its learner back to those who are to be told: by the route where it leads
    there, else by a duty. One that is delayed is only told of. Also returns how many files of a folder could not be
    read. Raises FileRefused.
    """
    reports, refused = office.plugs.postbox.read_reports(path)
    tally = Tally()
    tally.notes += [str(wrong) for wrong in refused]
    with office.begin(act, dry_run=dry_run) as uow:
        for report in reports:
            _take(uow, report, tally)
    if refused:
        tally.counts["files that could not be read"] = len(refused)
    if tally.counts["to be told again"]:
        tally.next.append("ulnflow learner edit REFERENCE email, or hand over a letter; then: ulnflow uln pass")
    return tally, len(refused)


def _take(uow: UnitOfWork, report: Report, tally: Tally) -> None:
    found = _found(uow, report.number)
    if report.fate == "other" and not (report.number and found is None):
        tally.counts["no report of a failure, left aside"] += 1
        tally.notes.append(f"{report.name}: no report of a failure")
        return
    if found is None:
        tally.counts["about no message of ours"] += 1
        tally.notes.append(f"{report.name}: about no message of ours")
        return
    standing, member, dispatch = found
    if not turn_away(uow, [standing], tally, {standing.case: report.name}):
        return
    if report.fate == "delayed":
        name = uow.references([standing])[standing.case]
        tally.counts["delayed; the mail server goes on trying"] += 1
        tally.notes.append(f"{name}: delayed ({report.status}), the mail server goes on trying")
        return
    number = uow.received(MAIL_REPORT, report.digest, rows=1)
    if number is None:
        tally.counts["taken in before, nothing changed"] += 1
        return
    _failed(uow, report, number, standing, member, dispatch, tally)


def _found(uow: UnitOfWork, number: str) -> tuple[Standing, Member, Dispatch] | None:
    """The message that bears a number, proved by the code at its end; None when none of ours does."""
    if not number:
        return None
    first, case, _ = number.split(".")
    for member, dispatch in uow.dispatches.holding([int(case)], [MESSAGE]).get(int(case), ()):
        standing = uow.log.load([member.case]).get(member.case)
        if dispatch.id == int(first[1:]) and standing is not None and ERASED not in standing.facts:
            ours = telling.number_of(uow, dispatch.id, standing.case, standing.subject)
            return (standing, member, dispatch) if ours == number else None
    return None


def _failed(
    uow: UnitOfWork,
    report: Report,
    number: int,
    standing: Standing,
    member: Member,
    dispatch: Dispatch,
    tally: Tally,
) -> None:
    """A message never arrived: what that changes depends on what was done since."""
    evidence: dict[str, Any] = {"report": number, "digest": report.digest}
    if report.status:
        evidence["status"] = report.status
    refused = {"mail_refused": member.version} if report.status.startswith("5") else {}
    forgotten = {name: None for name in effects.ON_ITS_WAY if standing.facts.get(name) == dispatch.id}
    move = Move(
        case=standing.case, dispatch=dispatch.id, row=member.row, evidence=evidence, facts={**refused, **forgotten}
    )
    names = uow.references([standing])
    rested = standing.facts.get("told_how") == "email" and _is_latest(uow, standing, dispatch)
    if standing.state in NOT_ACTIVE or not (rested or member.state == "open"):
        uow.note("mail_bounced", [move])
        tally.counts["told otherwise since, or gone: nothing to do"] += 1
        return
    if rested:
        move = move._replace(facts={**move.facts, **effects.UNTOLD})
        if ("report_not_told", standing.state) in uow.office.route.arrows:
            tally.add(uow.fire("report_not_told", [move]), names, "to be told again")
            return
    if not telling.is_owed(uow, standing):
        move = move._replace(opens=("tell_learner",))
    tally.add(uow.note("mail_bounced", [move]), names, "to be told again")


def _is_latest(uow: UnitOfWork, standing: Standing, dispatch: Dispatch) -> bool:
    """Whether no later message to this learner was accepted or handed over."""
    places = uow.dispatches.holding([standing.case], [MESSAGE]).get(standing.case, ())
    return not any(member.state == "answered" and later.id > dispatch.id for member, later in places)
