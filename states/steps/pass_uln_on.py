"""ULN passed to the learner: the message is prepared, the telling recorded, or that it failed."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from datetime import date
from typing import BinaryIO, Literal

from states import effects, telling
from states.errors import NotPossible
from states.learner.repository import HELD
from states.mail_ports import Message
from states.tally import FileMade, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import MESSAGE, TOLD_BY
from workflow import Act, Move, Outcome, Standing

"""What comes after messages were written."""


def pass_uln(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    carries: Literal["uln", "name"] = "uln",
    letters: Literal["html", "pdf"] = "html",
    again: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Write one message a learner into the outbox: as mail, and as a page of one file to print; nobody is told by that.

    A message carries the ULN or the given name, never both. Learners with a message that waits are skipped unless
    `again`.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        ready = [s for s in standings if s.facts.get("uln") and telling.is_owed(uow, s)]
        waiting: Collection[int] = ()
        if not again:
            waiting = uow.dispatches.waiting([s.case for s in ready], [MESSAGE])
            if waiting:
                tally.counts["have a message waiting"] += len(waiting)
            ready = [s for s in ready if s.case not in waiting]
        if ready:
            ready.sort(key=lambda s: (s.cohort, names[s.case]))
            _write(uow, ready, names, carries, letters, tally)
        tally.next += telling.how_to_tell(uow, ready or [s for s in standings if s.case in waiting])
    return tally


def _write(
    uow: UnitOfWork,
    ready: Sequence[Standing],
    names: dict[int, str],
    carries: Literal["uln", "name"],
    letters: Literal["html", "pdf"],
    tally: Tally,
) -> None:
    office, number = uow.office, uow.dispatches.next_id()
    postbox, folder = office.plugs.postbox, f"messages/D{number}"
    current = uow.learners.current([s.subject for s in ready])
    held = uow.learners.ulns([s.subject for s in ready])
    printed = f"D{number}-letters.{letters}"
    listing: list[list[str]] = [["Learner reference", "E-mail file", f"Letter in {printed}"]]
    members: list[tuple[int, int, int]] = []
    pages: list[Message] = []
    for row, standing in enumerate(ready, 1):
        version, details = current[standing.subject]
        message = postbox.compose(
            reference=names[standing.case],
            address=details.email,
            uln=next((one.uln for one in held.get(standing.subject, ()) if one.status == HELD), ""),
            carries=carries,
            given_name=details.given_name,
            number=telling.number_of(uow, number, standing.case, standing.subject),
        )
        pages.append(message)
        mail = telling.mail_file(number, standing.case) if message.address else ""
        if mail:
            _mail(uow, message, mail, folder)
        else:
            tally.counts["have no e-mail address: hand over the letter"] += 1
        listing.append([names[standing.case], mail, str(row)])
        members.append((standing.case, row, version))
    print_file = uow.draft(
        printed,
        lambda target: postbox.write_letters(pages, day=office.today(), form=letters, target=target),
        folder=folder,
    )
    draft = uow.draft(f"D{number}-messages.csv", lambda target: _list(listing, target), folder=folder)
    dispatch = uow.prepare(MESSAGE, draft, members, dispatch=number)
    tally.counts["messages written"] += len(members)
    tally.files += [FileMade(dispatch, one.final.name, one.final, len(members)) for one in (draft, print_file)]


def _mail(uow: UnitOfWork, message: Message, name: str, folder: str) -> None:
    postbox, sender = uow.office.plugs.postbox, uow.office.sender
    uow.draft(
        name, lambda target: postbox.write_mail(message, sender=sender, target=target), folder=folder, flush=False
    )


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
    named: bool = True,
    dry_run: bool = False,
) -> Tally:
    """Record that learners were told their ULN: how and when; what was owed to them is closed.

    Told by e-mail is only who has an address: who was `named` and has none is refused, of many they are left out.
    """
    if how not in TOLD_BY:
        raise NotPossible(f"say how they were told: {', '.join(TOLD_BY)}")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        evidence = {"how": how, "by": act.on_behalf_of or act.actor}
        if how == "email" and not named:
            standings = telling.leave_out(uow, standings, tally)
        telling.record(uow, standings, tally, evidence=evidence, on=on, reason=reason)
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
