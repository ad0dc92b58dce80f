"""ULN passed to the learner: the message is prepared, the telling recorded, or that it failed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import BinaryIO, Final, Literal

from states import effects
from states.errors import NotPossible
from states.ports import FileDraft, Message
from states.tally import FileMade, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import MESSAGE, NOT_ACTIVE, TOLD_BY
from workflow import Act, Move, Outcome, Standing

TELLING: Final = ("tell_learner", "tell_learner_again")


def pass_uln(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    carries: Literal["uln", "name"] = "uln",
    again: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Write one message a learner into the outbox, as mail and as a letter; nobody counts as told by that.

    A message carries the ULN or the given name, never both. Learners with a message that waits are skipped unless
    `again`.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        ready = [s for s in standings if s.facts.get("uln") and _to_be_told(uow, s)]
        if not again:
            waiting = uow.dispatches.waiting([s.case for s in ready], [MESSAGE])
            if waiting:
                tally.counts["have a message waiting"] += len(waiting)
            ready = [s for s in ready if s.case not in waiting]
        if ready:
            _write(uow, ready, names, carries, tally)
    if tally.files:
        tally.next.append("send or hand over the messages, then: ulnflow uln told --how email --all (or another way)")
    elif tally.counts["have a message waiting"]:
        tally.next.append("ulnflow uln told --how email --all")
    return tally


def _to_be_told(uow: UnitOfWork, standing: Standing) -> bool:
    return standing.state == "uln_received" or bool(uow.close_duties(standing.case, *TELLING))


def _write(
    uow: UnitOfWork, ready: Sequence[Standing], names: dict[int, str], carries: Literal["uln", "name"], tally: Tally
) -> None:
    office, number = uow.office, uow.dispatches.next_id()
    folder = f"messages/D{number}"
    current = uow.learners.current([s.subject for s in ready])
    listing: list[list[str]] = [["Learner reference", "E-mail file", "Letter file"]]
    members: list[tuple[int, int, int]] = []
    for row, standing in enumerate(ready, 1):
        version, details = current[standing.subject]
        message = office.plugs.postbox.compose(
            reference=names[standing.case],
            address=details.email,
            uln=uow.held_uln(standing.subject),
            carries=carries,
            given_name=details.given_name,
        )
        letter = f"D{number}-{standing.case}.txt"
        _draft(uow, message, letter, folder)
        mail = ""
        if message.address:
            mail = f"D{number}-{standing.case}.eml"
            _draft(uow, message, mail, folder)
        else:
            tally.counts["have no e-mail address: hand over the letter"] += 1
        listing.append([names[standing.case], mail, letter])
        members.append((standing.case, row, version))
    draft = uow.draft(f"D{number}-messages.csv", lambda target: _list(listing, target), folder=folder)
    dispatch = uow.prepare(MESSAGE, draft, members, dispatch=number)
    tally.counts["messages written"] += len(members)
    tally.files.append(FileMade(dispatch, draft.final.name, draft.final, len(members)))


def _draft(uow: UnitOfWork, message: Message, name: str, folder: str) -> FileDraft:
    postbox, sender = uow.office.plugs.postbox, uow.office.sender
    if name.endswith(".eml"):
        return uow.draft(
            name, lambda target: postbox.write_mail(message, sender=sender, target=target), folder=folder, flush=False
        )
    return uow.draft(name, lambda target: postbox.write_letter(message, target), folder=folder, flush=False)


def _list(rows: Sequence[Sequence[str]], target: BinaryIO) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    target.write(text.getvalue().encode())


def record_told(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    how: str,
    on: date | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Tally:
    """Record that learners were told their ULN: how and when; what was owed to them is closed."""
    if how not in TOLD_BY:
        raise NotPossible(f"say how they were told: {', '.join(TOLD_BY)}")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        standings = list(uow.log.load([s.case for s in standings]).values())  # as they stand under the lock
        waiting = uow.dispatches.waiting([s.case for s in standings], [MESSAGE])
        on_route: list[Move] = []
        beside: list[Move] = []
        touched: set[int] = set()
        for standing in standings:
            places = waiting.get(standing.case, ())
            duties = uow.close_duties(standing.case, *TELLING)
            touched |= {d.id for _, d in places}
            move = Move(
                case=standing.case,
                on=on,
                reason=reason,
                evidence={"how": how, "by": act.on_behalf_of or act.actor},
                facts=effects.told(standing, how, on, uow.work.clock()),
                dispatch=places[-1][1].id if places else None,
                settles="answered" if places else None,
                closes=duties,
            )
            left = standing.state in NOT_ACTIVE and bool(places)
            if standing.state != "uln_received" and (duties or left) and standing.facts.get("uln"):
                beside.append(move)
            elif standing.state == "uln_passed_to_learner" and standing.facts.get("told_uln") == standing.facts.get(
                "uln"
            ):
                tally.counts["told before, nothing changed"] += 1
            else:
                on_route.append(move)
        outcomes = uow.fire("pass_uln_to_learner", on_route, bulk=len(on_route) > 1)
        noted = uow.note("learner_told", beside)
        tally.add([*outcomes, *noted], names, "told their ULN")
        uow.settle_all(touched, proved_by="telling")
    if tally.counts["told their ULN"]:
        tally.next.append("ulnflow ilm register")
    return tally


def record_not_told(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    evidence: str,
    reason: str = "",
    on: date | None = None,
    dry_run: bool = False,
) -> Tally:
    """Record that a message bounced or a letter came back: telling is to be done again."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        moves = [
            Move(
                case=s.case,
                on=on,
                reason=reason,
                evidence={"reference": evidence} if evidence else {},
                facts=effects.UNTOLD,
            )
            for s in standings
        ]
        outcomes: list[Outcome] = uow.fire("report_not_told", moves)
        tally.add(outcomes, names, "to be told again")
    tally.next.append("ulnflow uln pass")
    return tally
