"""ULN sent to the learner: prepared messages go out by the mail server, and whoever it accepts one for counts as told.

No message goes out twice. Before its text leaves, its case says so in a transaction of its own; the answer is written
in the next. What a crash or a lost connection leaves between the two stays unknown until a person says what came of it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from states import telling
from states.errors import FileRefused, MailUnavailable, NotPossible
from states.mail_ports import MailSession, Receipt
from states.tally import Refusal, Tally
from states.unit_of_work import Glance, Office
from states.vocabulary import MESSAGE
from workflow import Act, Move, Standing
from workflow.store.dispatch_log import Dispatch, Member

IN_A_ROW: Final = 3
"""Messages refused or put off one after another, for another reason than an address, after which sending stops."""

CARRIES: Final[tuple[Literal["uln", "name"], ...]] = ("uln", "name")
SAYS: Final = {
    "address": "the mail server refused the address: hand over the letter, or correct the address "
    "(ulnflow learner edit REFERENCE email) and write again: ulnflow uln pass REFERENCE --again",
    "refused": "the mail server refused the message, not the address; ask who runs it, then send again",
    "put_off": "the mail server put it off; send again later",
    "unknown": "the answer was lost after the text had gone, so it may have arrived; it is not sent again. If it did: "
    "ulnflow uln told REFERENCE --how email, else: ulnflow uln pass REFERENCE --again",
    "begun": "its sending was begun and not ended, or goes on at this moment; it is not sent again. If it arrived: "
    "ulnflow uln told REFERENCE --how email, else: ulnflow uln pass REFERENCE --again",
    "stale": "the e-mail file is gone, or is not what would be written now (address, ULN, sender or words changed): "
    "ulnflow uln pass REFERENCE --again",
}
"""Why a learner was not told by mail, by code."""


@dataclass(frozen=True, slots=True, repr=False)
class Parcel:
    """A message that is ready to go."""

    standing: Standing
    reference: str
    dispatch: int
    row: int
    version: int
    number: str
    address: str
    carries: Literal["uln", "name"]
    mail: bytes

    @property
    def evidence(self) -> dict[str, Any]:
        """The message by its number, without the code at its end."""
        return {"message": self.number.rpartition(".")[0]}


def send(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    named: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Tally:
    """Send the messages that wait for these learners, one at a time; who is accepted for counts as told.

    An address that was refused before is tried again only for learners who were `named`. A dry run finds out who
    would be sent to, and speaks to no server. Raises MailUnavailable when the server cannot be used at all, and
    NotPossible for a practice database.
    """
    if office.practice:
        raise NotPossible("this is a practice database: it sends no mail")
    if not office.sender:
        raise NotPossible("set sender under [centre] in ulnflow.toml: the address that mail comes from")
    tally = Tally()
    parcels = _packed(office, standings, tally, named=named)
    progress(len(standings) - len(parcels))
    if dry_run:
        tally.counts["would be sent"] = len(parcels)
    elif parcels:
        with office.plugs.mailer.session() as session:
            _send_all(office, act, session, parcels, tally, progress)
    if tally.counts["told their ULN"]:
        tally.next.append("ulnflow ilm register")
    return tally


def _packed(office: Office, standings: Sequence[Standing], tally: Tally, *, named: bool) -> list[Parcel]:
    """The messages that are ready to go; why the others are not is told."""
    parcels: list[Parcel] = []
    without: list[Standing] = []
    with office.look() as look:
        names = look.references(standings)
        waiting = look.dispatches.waiting([s.case for s in standings], [MESSAGE])
        for standing in standings:
            reference = names[standing.case]
            if standing.case not in waiting or not telling.is_owed(look, standing):
                tally.counts["have no message waiting"] += 1
                continue
            member, dispatch = waiting[standing.case][-1]
            if standing.facts.get("mail_sent") == dispatch.id:
                tally.counts["were sent word before, and come to ask: ulnflow uln told REFERENCE --how in_person"] += 1
            elif standing.facts.get("mail_sending") == dispatch.id:
                _refuse(tally, reference, standing, "begun")
            else:
                parcel, why = _pack(look, standing, reference, member, dispatch, named=named)
                if parcel:
                    parcels.append(parcel)
                elif why == "none":
                    without.append(standing)
                else:
                    _refuse(tally, reference, standing, why)
        if without:
            telling.tell_of_letters(look, without, tally)
    return parcels


def _pack(
    look: Glance, standing: Standing, reference: str, member: Member, dispatch: Dispatch, *, named: bool
) -> tuple[Parcel | None, str]:
    """One message as it would be written now, when that is what its file holds; else the code of why not."""
    office = look.office
    version, details = look.learners.current([standing.subject])[standing.subject]
    if not details.email:
        return None, "none"
    refused = standing.facts.get("mail_refused")
    if refused is not None and not named:
        before = look.learners.details(standing.subject, refused)
        if before is not None and before.email == details.email:
            return None, "address"
    number = telling.number_of(look, dispatch.id, standing.case, standing.subject)
    try:
        file = office.outbox_folder / dispatch.folder / telling.mail_file(dispatch.id, standing.case)
        digest = office.plugs.outbox.read_digest(file)
        for carries in CARRIES:
            message = office.plugs.postbox.compose(
                reference=reference,
                address=details.email,
                uln=look.held_uln(standing.subject),
                carries=carries,
                given_name=details.given_name,
                number=number,
            )
            plain, dated = io.BytesIO(), io.BytesIO()
            office.plugs.postbox.write_mail(message, sender=office.sender, target=plain)
            if hashlib.sha256(plain.getvalue()).hexdigest() == digest:
                now = datetime.fromtimestamp(office.engine.clock() // 1_000_000, UTC)
                office.plugs.postbox.write_mail(message, sender=office.sender, target=dated, at=now)
                return Parcel(
                    standing, reference, dispatch.id, member.row, version, number, details.email, carries,
                    dated.getvalue(),
                ), ""  # fmt: skip
    except FileRefused:
        return None, "stale"
    return None, "stale"


def _send_all(
    office: Office,
    act: Act,
    session: MailSession,
    parcels: Sequence[Parcel],
    tally: Tally,
    progress: Callable[[int], None],
) -> None:
    """Send one after the other, and stop when the server will have none of them."""
    in_a_row = 0
    for place, parcel in enumerate(parcels):
        try:
            receipt = _send_one(office, act, session, parcel, tally)
        except MailUnavailable as wrong:
            if not place:
                raise
            tally.notes.append(str(wrong))
            _refuse(tally, parcel.reference, parcel.standing, "put_off")
            tally.counts["not tried"] += len(parcels) - place - 1
            return
        progress(1)
        in_a_row = 0 if receipt.outcome == "accepted" or receipt.status.startswith("5.1.") else in_a_row + 1
        left = len(parcels) - place - 1
        if in_a_row == IN_A_ROW and left:
            tally.counts["not tried"] += left
            tally.notes.append(
                f"stopped after {IN_A_ROW} messages in a row that the server did not take; {left} were not tried. "
                "Ask who runs it whether it takes mail from this computer and this sender"
            )
            tally.next.append("ulnflow uln send --all")
            return


def _send_one(office: Office, act: Act, session: MailSession, parcel: Parcel, tally: Tally) -> Receipt:
    """Send one message and write down what came of it."""
    begun = False

    def begin() -> bool:
        nonlocal begun
        begun = begun or _begin(office, act, parcel)
        return begun

    try:
        receipt = session.send(parcel.mail, address=parcel.address, number=parcel.number, begin=begin)
    except MailUnavailable:  # which comes before a text goes out, never after
        if begun:
            _not_accepted(office, act, parcel, Receipt("put_off"), begun=begun)
        raise
    if receipt.outcome == "held_back":
        tally.counts["changed meanwhile, not sent"] += 1
    elif receipt.outcome == "accepted":
        _accepted(office, act, parcel, receipt, tally)
    else:
        _not_accepted(office, act, parcel, receipt, begun=begun)
        _refuse(tally, parcel.reference, parcel.standing, "address" if receipt.address else receipt.outcome, receipt)
    return receipt


def _begin(office: Office, act: Act, parcel: Parcel) -> bool:
    """Write that the text goes out now; no when that is not to be, because something changed or another sends it."""
    case = parcel.standing.case
    with office.begin(act) as uow:
        now = uow.log.load([case])[case]
        waits = uow.dispatches.waiting([case], [MESSAGE]).get(case, ())
        same = all(
            now.facts.get(name) == parcel.standing.facts.get(name)
            for name in ("uln", "details_version", "mail_sending", "mail_sent")
        )
        if not same or not any(d.id == parcel.dispatch for _, d in waits) or not telling.is_owed(uow, now):
            return False
        uow.note("mail_begun", [_move(parcel, {"mail_sending": parcel.dispatch}, parcel.evidence)])
    return True


def _accepted(office: Office, act: Act, parcel: Parcel, receipt: Receipt, tally: Tally) -> None:
    """The server has it: the learner counts as told, where the message carried the ULN."""
    evidence = {**parcel.evidence, "code": receipt.code}
    with office.begin(act) as uow:
        if parcel.carries == "name":
            facts = {"mail_sending": None, "mail_sent": parcel.dispatch}
            uow.note("mail_accepted", [_move(parcel, facts, evidence)])
            tally.counts["sent word that their ULN is ready; not told it by that"] += 1
            return
        told = {"how": "email", "by": act.on_behalf_of or act.actor, **evidence}
        once = f"accepted {parcel.evidence['message']}"
        telling.record(uow, [parcel.standing], tally, evidence=told, command_id=once)


def _not_accepted(office: Office, act: Act, parcel: Parcel, receipt: Receipt, *, begun: bool) -> None:
    """Write what the server said instead of yes; where nobody knows, the message stays begun."""
    if receipt.outcome == "put_off" and not begun:
        return
    facts: dict[str, Any] = {"mail_sending": None} if begun and receipt.outcome != "unknown" else {}
    if receipt.address:
        facts["mail_refused"] = parcel.version
    evidence = {**parcel.evidence, **_codes(receipt)}
    with office.begin(act) as uow:
        uow.note(f"mail_{receipt.outcome}", [_move(parcel, facts, evidence)])


def _move(parcel: Parcel, facts: dict[str, Any], evidence: dict[str, Any]) -> Move:
    return Move(case=parcel.standing.case, dispatch=parcel.dispatch, row=parcel.row, evidence=evidence, facts=facts)


def _codes(receipt: Receipt) -> dict[str, Any]:
    return {name: value for name, value in (("code", receipt.code), ("status", receipt.status)) if value}


def _refuse(tally: Tally, reference: str, standing: Standing, why: str, receipt: Receipt | None = None) -> None:
    said = " ".join(map(str, _codes(receipt).values())) if receipt else ""
    message = SAYS[why] + (f" ({said})" if said else "")
    tally.counts["not sent" if why != "unknown" else "sent perhaps"] += 1
    tally.refusals.append(Refusal(reference, standing.state, "mail", why, "email", message))
