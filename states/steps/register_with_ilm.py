"""Registered with ILM: the file is prepared, the confirmation recorded, exceptions reported and resolved."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from states import effects
from states.addressed import addressed
from states.errors import NotPossible
from states.facts import registration_of
from states.registration import ConfirmedRow, RegistrationFile
from states.tally import FileMade, Refusal, Tally
from states.turned_away import turn_away
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import CONFIRMATION, NOT_ACTIVE, REGISTRATION
from workflow import Act, Move, Standing
from workflow.store.dispatch_log import OPEN_STATES, REJECTED, Dispatch
from workflow.store.queries import Queries

WITH, WITHOUT, SUPPLY = "register_with_ilm", "register_without_uln", "supply_uln_to_ilm"
LEFT = "registration_confirmed"
LET_GO = "registration_refused"
REFUSED = "refused_by_body"
SHOWN = 20
EARLY = "registered_without_uln_held_since"
"""The note that ILM registered somebody who had left the route while the file was under way."""


def registering(office: Office, standing: Standing) -> str | None:
    """The trigger by which ILM's confirmation moves a learner from where they stand; None where there is none."""
    facts, arrows = standing.facts, office.route.arrows
    if (SUPPLY, standing.state) in arrows and "registered_at" in facts:
        return SUPPLY
    if facts.get("alternative_reason") and (WITHOUT, standing.state) in arrows:
        return WITHOUT
    return WITH if (WITH, standing.state) in arrows else None


def is_due(office: Office, standing: Standing) -> bool:
    """Whether a learner is to be registered without being named."""
    trigger = registering(office, standing)
    return trigger in {WITHOUT, SUPPLY} or (trigger == WITH and standing.state == "uln_passed_to_learner")


def register(
    office: Office, act: Act, standings: Sequence[Standing], *, reason: str = "", dry_run: bool = False
) -> Tally:
    """Prepare the registration files from the awarding profile; nobody is registered before ILM confirms.

    Funded and non-funded go apart, nothing is truncated; learners a rule holds back are left out and say why.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        waiting = uow.dispatches.waiting([s.case for s in standings], [REGISTRATION])
        good: list[Standing] = []
        for trigger in (WITH, WITHOUT):
            free: list[Standing] = []
            for standing in standings:
                if (registering(office, standing) or WITH) != trigger:
                    continue
                if standing.case in waiting:
                    tally.counts["already in a registration file"] += 1
                else:
                    free.append(standing)
            moves = [Move(case=s.case, reason=reason) for s in free]
            asked = {o.case: o for o in uow.work.ask(trigger, moves)}
            tally.add(
                uow.fire(trigger, [m for m in moves if not asked[m.case].accepted], bulk=True), names, "registered"
            )
            accepted = [s for s in free if asked[s.case].accepted]
            uow.log.forget_reasons([s.case for s in accepted], trigger)
            good += accepted
            tally.add([asked[s.case]._replace(result="noted") for s in accepted], names, "ready for ILM")
        _advise_registered(uow, [s for s in standings if registering(office, s) == SUPPLY], names, tally)
        if good:
            _write(uow, good, names, tally)
    if tally.files:
        for made in tally.files:
            line = f"ulnflow ilm confirm --dispatch {made.dispatch} --order NUMBER"
            tally.next.append(f"send {made.name} to ILM; when it confirms: {line}")
    elif any(r.rule == "I2" for r in tally.refusals):
        held = {r.reference for r in tally.refusals if r.rule == "I2"}
        cohorts = sorted({s.cohort for s in standings if names[s.case] in held})
        tally.next += [
            f"wait for the cohort, or: ulnflow cohort waive {shlex.quote(cohort)} --reason WHY" for cohort in cohorts
        ]
    return tally


def _advise_registered(uow: UnitOfWork, standings: Sequence[Standing], names: Mapping[int, str], tally: Tally) -> None:
    """Say how those go on who are registered already: ILM is told the ULN, or the centre creates the LAR."""
    for outcome in uow.work.ask(SUPPLY, [Move(case=s.case) for s in standings]):
        if outcome.accepted:
            tally.counts["registered already: tell ILM the ULN"] += 1
            line = addressed("ulnflow ilm confirm REFERENCE --order NUMBER", names[outcome.case])
            tally.next.append(f"when ILM has taken it: {line}")
        elif {verdict.rule for verdict in outcome.refusals} == {"S1"}:
            tally.counts["registered already: the centre creates the LAR"] += 1
            if "ulnflow lar create --prepare" not in tally.next:
                tally.next.append("ulnflow lar create --prepare")
        else:
            tally.counts["refused"] += 1
            tally.refuse(outcome, names[outcome.case])


def _write(uow: UnitOfWork, good: Sequence[Standing], names: Mapping[int, str], tally: Tally) -> None:
    body = uow.office.plugs.awarding_body
    current = uow.learners.current([s.subject for s in good])
    people = {(names[s.case], s.facts.get("qualification", "")): (s, current[s.subject][0]) for s in good}
    registrations = [
        registration_of(s, names[s.case], current[s.subject][1], uow.held_uln(s.subject) if s.facts.get("uln") else "")
        for s in good
    ]
    for file in body.split(registrations):
        number = uow.dispatches.next_id()
        name = f"D{number}-{file.profile}-{file.word}.{file.extension}"
        draft = uow.draft(name, _writer(uow, file), folder="ilm")
        held = [people[one.reference, one.qualification] for one in file.registrations]
        members = [(standing.case, row, version) for row, (standing, version) in enumerate(held, 1)]
        uow.prepare(REGISTRATION, draft, members, dispatch=number)
        tally.files.append(FileMade(number, name, draft.final, len(members)))


def _writer(uow: UnitOfWork, file: RegistrationFile) -> Callable[[BinaryIO], None]:
    def write(target: BinaryIO) -> None:
        uow.office.plugs.awarding_body.write_registration(file, target)

    return write


def confirm(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    order: str = "",
    candidate: str = "",
    file: Path | None = None,
    profile: str = "",
    on: date | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Tally:
    """Record that ILM registered learners: with their ULN, without it, or took a late or replaced ULN.

    `file` names candidate and order numbers by reference or ULN; with it only the learners it names as registered are
    confirmed, and those it names as refused are let go from their file. Raises FileRefused, NotPossible.
    """
    tally = Tally()
    read = office.plugs.awarding_body.read_confirmation(file, profile=profile) if file is not None else None
    if read is None and not order:
        raise NotPossible("give ILM's order number with --order, or its confirmation file with --file")
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        rows = _rows_by_reference(uow, read.rows if read else ())
        received = None
        if read is not None:
            standings = _of_profile(office, standings, profile)
            _tell_unknown(read.rows, rows, {s.case: names[s.case] for s in standings}, tally)
            named = [s for s in standings if names[s.case] in rows]
            unnamed = {s.case: f"row {row.row}" for s in named if not (row := rows[names[s.case]]).reference}
            standings = turn_away(uow, named, tally, unnamed)
            outcomes = {s.case: rows[names[s.case]].outcome for s in standings}
            seen = uow.dispatches.find(kinds=[CONFIRMATION], digest=read.digest)
            received = uow.received(CONFIRMATION, read.digest, rows=len(read.rows))
            refused = [s for s in standings if outcomes.get(s.case) == "refused"]
            _refused(uow, refused, names, rows, received or seen[-1].id, tally)
            if waiting := sum(outcome == "waiting" for outcome in outcomes.values()):
                tally.counts["not decided by ILM yet"] = waiting
            standings = [s for s in standings if outcomes.get(s.case) == "registered"]
        numbers = {reference: (row.candidate_number, row.order_number) for reference, row in rows.items()}
        groups, touched = _confirmations(uow, standings, names, numbers, (order, candidate, received), on, reason)
        words = {WITH: "registered with ILM", WITHOUT: "registered without a ULN", SUPPLY: "ULN supplied to ILM"}
        left = groups.pop(LEFT, [])
        tally.add(uow.note(LEFT, left), names, "registered, but left before: tell ILM")
        early = groups.pop(EARLY, [])
        tally.add(uow.note(EARLY, early), names, "registered without the ULN that came since")
        for trigger, moves in groups.items():
            tally.add(uow.fire(trigger, moves, bulk=len(moves) > 1), names, words[trigger])
        uow.settle_all(touched, proved_by="confirmation")
    if tally.counts["registered with ILM"] or tally.counts["ULN supplied to ILM"]:
        tally.next.append("when the LAR shows the results: ulnflow lar confirm --by ilm --reference NUMBER --all")
    if tally.counts["registered without the ULN that came since"]:
        tally.next.append(addressed("ILM has no ULN for them yet: ulnflow learner why REFERENCE", names[early[0].case]))
    if tally.counts["registered without a ULN"]:
        tally.next.append("a ULN is owed now: ulnflow lrs submit")
    return tally


def _rows_by_reference(uow: UnitOfWork, rows: Sequence[ConfirmedRow]) -> dict[str, ConfirmedRow]:
    """The rows by reference; those that name a ULN alone by the learner who holds it."""
    holders = uow.learners.holders({row.uln for row in rows if not row.reference} - {""})
    references = uow.learners.references(one for found in holders.values() for one in found)
    named = {uln: references[found[0]] for uln, found in holders.items() if len(found) == 1}
    found = ((row.reference or named.get(row.uln, ""), row) for row in rows)
    return {reference: row for reference, row in found if reference}


def _of_profile(office: Office, standings: Sequence[Standing], profile: str) -> list[Standing]:
    body = office.plugs.awarding_body
    return [s for s in standings if body.serves(s.facts.get("qualification", ""), profile)]


def _tell_unknown(
    rows: Sequence[ConfirmedRow], found: Mapping[str, ConfirmedRow], names: Mapping[int, str], tally: Tally
) -> None:
    unknown = sorted(found.keys() - set(names.values()))
    tally.notes += [
        f"{found[reference].reference or f'row {found[reference].row}'}: in the file, but no registration of ours waits"
        for reference in unknown[:SHOWN]
    ]
    matched = {row.row for row in found.values()}
    lost = [str(row.row) for row in rows if row.row not in matched]
    if lost:
        tally.notes.append(f"rows whose ULN no learner here holds: {', '.join(lost[:SHOWN])}")


def _refused(
    uow: UnitOfWork,
    standings: Sequence[Standing],
    names: Mapping[int, str],
    rows: Mapping[str, ConfirmedRow],
    received: int,
    tally: Tally,
) -> None:
    """Let learners go from the file that ILM refused them in, once; its words are kept apart from the log."""
    queries = Queries(uow.connection)
    waiting = uow.dispatches.waiting([s.case for s in standings], [REGISTRATION])
    moves = [
        Move(
            case=s.case,
            reason=rows[names[s.case]].said or REFUSED,
            evidence={"confirmation": received, "confirmation_row": rows[names[s.case]].row},
            dispatch=waiting[s.case][-1][1].id,
            row=waiting[s.case][-1][0].row,
            settles="released",
        )
        for s in standings
        if s.case in waiting
        and not any(e.evidence.get("confirmation") == received for e in queries.events(case=s.case, trigger=LET_GO))
    ]
    for outcome in uow.note(LET_GO, moves):
        reference = names[outcome.case]
        tally.counts["refused by ILM, let go from the file"] += 1
        state = outcome.after.state if outcome.after else ""
        fix = f"put right what ILM's file names, then: ulnflow ilm register {reference}"
        tally.refusals.append(Refusal(reference, state, "ILM", REFUSED, "", f"ILM's file says refused; {fix}"))
    uow.settle_all({d.id for places in waiting.values() for _, d in places}, proved_by="confirmation")


def _confirmations(
    uow: UnitOfWork,
    standings: Sequence[Standing],
    names: Mapping[int, str],
    numbers: Mapping[str, tuple[str, str]],
    stated: tuple[str, str, int | None],
    on: date | None,
    reason: str,
) -> tuple[dict[str, list[Move]], set[int]]:
    """The moves of a confirmation by trigger (or note), and the files it answers."""
    order, candidate, received = stated
    waiting = uow.dispatches.waiting([s.case for s in standings], [REGISTRATION])
    groups: dict[str, list[Move]] = {}
    touched: set[int] = set()
    for standing in standings:
        trigger = registering(uow.office, standing) or WITH
        places = waiting.get(standing.case, ())
        own, of_file = numbers.get(names[standing.case], (candidate, ""))
        version = places[-1][0].version if places else standing.facts.get("details_version")
        given = {"order": of_file or order, "candidate": own, "confirmation": received}
        move = Move(
            case=standing.case,
            on=on,
            reason=reason or (standing.facts.get("alternative_reason", "") if trigger == WITHOUT else ""),
            evidence={k: v for k, v in given.items() if v},
            facts=_known(uow, standing, trigger, given, version, on),
            dispatch=places[-1][1].id if places else None,
            row=places[-1][0].row if places else None,
            settles="answered" if places else None,
            closes=uow.close_duties(standing.case, "replace_uln_at_ilm") if trigger == SUPPLY else (),
        )
        if trigger == WITH and places and _without_uln(standing, places[-1][1]):
            trigger = EARLY
            facts = effects.registered(
                standing, without_uln=True, version=version, order=of_file or order, candidate=own,
                on=on, now=uow.work.clock(),
            )  # fmt: skip
            move = move._replace(facts=facts)
        if places and standing.state in NOT_ACTIVE:
            trigger = LEFT
            move = move._replace(opens=("tell_ilm_of_withdrawal",) if standing.state == "withdrawn" else ())
        touched |= {d.id for _, d in places}
        groups.setdefault(trigger, []).append(move)
    return groups, touched


def _without_uln(standing: Standing, dispatch: Dispatch) -> bool:
    """Whether the file went to ILM before the learner held a ULN: what ILM holds is a registration without one."""
    since = standing.facts.get("uln_since")
    return bool(standing.facts.get("alternative_reason")) and since is not None and since > dispatch.prepared_at


def _known(
    uow: UnitOfWork, standing: Standing, trigger: str, given: Mapping[str, Any], version: int | None, on: date | None
) -> dict[str, Any]:
    """What a confirmation makes known; a ULN supplied later leaves the first registration as it was."""
    if trigger == SUPPLY:
        return dict(effects.numbers("", given["candidate"]))
    without = trigger == WITHOUT or not standing.facts.get("uln")
    return effects.registered(
        standing, without_uln=without, version=version, order=given["order"],
        candidate=given["candidate"], on=on, now=uow.work.clock(),
    )  # fmt: skip


def reject_registration(office: Office, act: Act, name: str, reason: str, *, dry_run: bool = False) -> Tally:
    """Record that ILM refused a file, or that it was never sent: its learners may be prepared again."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        dispatch = uow.find_dispatch(name, [REGISTRATION])
        if dispatch.state not in OPEN_STATES:
            tally.notes.append(f"{dispatch.name} is {dispatch.state.replace('_', ' ')} already: nothing changed")
            return tally
        tally.counts["released from the file"] = uow.dispatches.counts(dispatch.id).get("open", 0)
        uow.end(dispatch, REJECTED, reason="rejected_whole")
        uow.learners.remark(uow.log.head(), reason)
    tally.next.append("ulnflow ilm register")
    return tally


def report_exception(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    evidence: str,
    on: date | None = None,
    dry_run: bool = False,
) -> Tally:
    """Record that ILM reports a ULN that does not match."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        moves = [Move(case=s.case, on=on, evidence={"reference": evidence} if evidence else {}) for s in standings]
        tally.add(uow.fire("report_ilm_exception", moves), names, "ILM exception recorded")
    line = "compare the details, then: ulnflow ilm resolve REFERENCE --evidence REFERENCE"
    tally.next.append(addressed(line, *names.values()))
    return tally


def resolve_exception(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    evidence: str,
    dropped: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Record that ILM matched the learner after all, or that it cancelled the registration."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        trigger = "drop_registration" if dropped else "resolve_ilm_exception"
        moves = [
            Move(
                case=s.case,
                evidence={"reference": evidence} if evidence else {},
                facts={
                    **(effects.UNREGISTERED if dropped else {}),
                    **({"mismatch": None} if "mismatch" in s.facts else {}),
                },
            )
            for s in standings
        ]
        word = "registration dropped" if dropped else "ILM exception resolved"
        tally.add(uow.fire(trigger, moves), names, word)
    tally.next.append("ulnflow ilm register" if dropped else "ulnflow lar confirm --by ilm --reference NUMBER --all")
    return tally
