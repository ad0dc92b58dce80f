"""The alternative route: chosen with a reason, then LAR created, cross-referenced, and results submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import BinaryIO, Final

from states import effects
from states.addressed import addressed
from states.errors import NotPossible
from states.facts import registration_of
from states.registration import Registration
from states.tally import FileMade, Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import LAR_CROSS_REFERENCE, LAR_LEARNERS
from workflow import Act, Move, Standing
from workflow.store.dispatch_log import OPEN_STATES, REJECTED

EXTRA_WORK = (
    "You will have to obtain the ULN afterwards, create the LAR on the LAR system, supply cross-reference data "
    "and submit the results as usual."
)
"""ILM's warning, shown before the choice (alternative route, ILM's own page)."""

THEN: Final = {
    "create_lar": "ulnflow lar cross-reference REFERENCE --reference NUMBER",
    "supply_cross_reference": "when results are there: ulnflow ilm results REFERENCE --reference NUMBER",
    "submit_results": "when the LAR shows them: ulnflow lar confirm REFERENCE --by centre --reference NUMBER",
}
"""Trigger -> what comes after it."""


def choose(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    reason: str,
    acknowledged: bool,
    dry_run: bool = False,
) -> Tally:
    """Record that learners will be registered before a ULN is held, why, and that the extra work is known."""
    if not reason.strip():
        raise NotPossible("say why not to wait for the ULN, with --reason")
    if not acknowledged:
        raise NotPossible(f"{EXTRA_WORK} Acknowledge it with --yes")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        able = [s for s in standings if ("register_without_uln", s.state) in office.route.arrows]
        can = {s.case for s in able}
        for standing in standings:
            if standing.case not in can:
                tally.notes.append(
                    f"{names[standing.case]} stands in {standing.state}: the alternative does not begin there"
                )
        fresh = [s for s in able if not s.facts.get("alternative_reason")]
        outcomes = uow.work.note(
            "alternative_chosen",
            [
                Move(
                    case=s.case,
                    reason="stated",
                    evidence={"acknowledged": True},
                    facts={"alternative_reason": "stated"},
                )
                for s in fresh
            ],
        ) if fresh else []  # fmt: skip
        tally.add(outcomes, names, "will be registered without a ULN")
        uow.remark(outcomes, reason)
        if len(able) > len(fresh):
            tally.counts["chosen before, nothing changed"] = len(able) - len(fresh)
    tally.next.append("ulnflow ilm register")
    return tally


def is_due(office: Office, standing: Standing, trigger: str) -> bool:
    """Whether a learner takes this step of the alternative route next."""
    on_it = "alternative_since" in standing.facts and standing.state != "ilm_exception"
    return on_it and (trigger, standing.state) in office.route.arrows


def prepare_lar_file(
    office: Office, act: Act, standings: Sequence[Standing], kind: str, *, dry_run: bool = False
) -> Tally:
    """Write the file that adds learners to the LAR system, or ties their ULNs to candidate numbers.

    Who is in an open file already is counted; who a rule or the profile holds back is left out and says why.
    """
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        waiting = uow.dispatches.waiting([s.case for s in standings], [kind])
        if waiting:
            tally.counts["already in a file for the LAR system"] = len(waiting)
        free = [s for s in standings if s.case not in waiting]
        good = _fit(uow, free, kind, names, tally)
        if good:
            _write(uow, good, kind, tally)
        elif not tally.counts:
            tally.notes.append("nobody is waiting for this file")
    step = "lar create" if kind == LAR_LEARNERS else "lar cross-reference"
    if tally.files:
        tally.next.append(
            f"upload it to the LAR system; when that is confirmed: ulnflow {step} --all --reference NUMBER"
        )
    return tally


def _fit(
    uow: UnitOfWork, standings: Sequence[Standing], kind: str, names: Mapping[int, str], tally: Tally
) -> list[tuple[Standing, int, Registration]]:
    """Those whom the rules of the step and the profile let go, with the version of the details and what is written."""
    lar = uow.office.plugs.lar_system
    trigger, judge = (
        ("create_lar", lar.learner_refusals)
        if kind == LAR_LEARNERS
        else ("supply_cross_reference", lar.cross_reference_refusals)
    )
    current = uow.learners.current([s.subject for s in standings])
    good = []
    for outcome, standing in zip(uow.work.ask(trigger, [Move(case=s.case) for s in standings]), standings, strict=True):
        reference = names[standing.case]
        version, details = current[standing.subject]
        one = registration_of(standing, reference, details, uow.held_uln(standing.subject))
        found = [f for f in judge(one) if f.field != "candidate_number" or outcome.accepted]
        tally.refuse(outcome, reference)
        tally.refusals += [
            Refusal(reference, standing.state, "LAR", f.code, f.field, f"{f.message.rstrip('.')}. {f.fix}")
            for f in found
        ]
        if outcome.accepted and not found:
            good.append((standing, version, one))
        else:
            tally.counts["refused"] += 1
    return good


def _write(
    uow: UnitOfWork,
    good: Sequence[tuple[Standing, int, Registration]],
    kind: str,
    tally: Tally,
) -> None:
    lar, number = uow.office.plugs.lar_system, uow.dispatches.next_id()
    registrations = [one for _, _, one in good]

    def write(target: BinaryIO) -> None:
        if kind == LAR_LEARNERS:
            lar.write_learners(registrations, target)
        else:
            lar.write_cross_reference(registrations, target)

    draft = uow.draft(f"D{number}-{kind.replace('_', '-')}.{lar.extension}", write, folder="lar")
    members = [(standing.case, row, version) for row, (standing, version, _) in enumerate(good, 1)]
    uow.prepare(kind, draft, members, dispatch=number)
    tally.files.append(FileMade(number, draft.final.name, draft.final, len(members)))
    tally.counts["learners in the file"] = len(members)


def reject_lar_file(office: Office, act: Act, name: str, reason: str, *, dry_run: bool = False) -> Tally:
    """Record that the LAR system refused a file, or that it was never sent: its learners may be prepared again."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        dispatch = uow.find_dispatch(name, [LAR_LEARNERS, LAR_CROSS_REFERENCE])
        if dispatch.state not in OPEN_STATES:
            tally.notes.append(f"{dispatch.name} is {dispatch.state.replace('_', ' ')} already: nothing changed")
            return tally
        tally.counts["released from the file"] = uow.dispatches.counts(dispatch.id).get("open", 0)
        uow.end(dispatch, REJECTED, reason="rejected_whole")
        uow.learners.remark(uow.log.head(), reason)
    step = "create" if dispatch.kind == LAR_LEARNERS else "cross-reference"
    tally.next.append(f"ulnflow lar {step} --prepare")
    return tally


def _record(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    trigger: str,
    word: str,
    *,
    evidence: dict[str, str],
    kinds: Sequence[str] = (),
    candidate: str = "",
    on: date | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Tally:
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        waiting = uow.dispatches.waiting([s.case for s in standings], kinds)
        moves, touched = [], set()
        for standing in standings:
            places = waiting.get(standing.case, ())
            touched |= {d.id for _, d in places}
            given = {k: v for k, v in {**evidence, "candidate": candidate}.items() if v}
            moves.append(
                Move(
                    case=standing.case,
                    on=on,
                    reason=reason,
                    evidence=given,
                    facts=effects.of(trigger, standing, given, on, uow.work.clock()),
                    dispatch=places[-1][1].id if places else None,
                    row=places[-1][0].row if places else None,
                    settles="answered" if places else None,
                )
            )
        tally.add(uow.fire(trigger, moves, bulk=len(moves) > 1), names, word)
        uow.settle_all(touched, proved_by="confirmation")
    tally.next.append(addressed(THEN[trigger], *names.values()))
    return tally


def create_lar(
    office: Office, act: Act, standings: Sequence[Standing], *, reference: str, on: date | None = None,
    reason: str = "", dry_run: bool = False,
) -> Tally:  # fmt: skip
    """Record that the LAR system holds the learners."""
    return _record(
        office, act, standings, "create_lar", "LAR created", evidence={"reference": reference},
        kinds=[LAR_LEARNERS], on=on, reason=reason, dry_run=dry_run,
    )  # fmt: skip


def supply_cross_reference(
    office: Office, act: Act, standings: Sequence[Standing], *, reference: str, candidate: str = "",
    on: date | None = None, reason: str = "", dry_run: bool = False,
) -> Tally:  # fmt: skip
    """Record that ULNs and candidate numbers were tied together on the LAR system."""
    return _record(
        office, act, standings, "supply_cross_reference", "LAR cross-referenced", evidence={"reference": reference},
        kinds=[LAR_CROSS_REFERENCE], candidate=candidate, on=on, reason=reason, dry_run=dry_run,
    )  # fmt: skip


def submit_results(
    office: Office, act: Act, standings: Sequence[Standing], *, reference: str, on: date | None = None,
    reason: str = "", dry_run: bool = False,
) -> Tally:  # fmt: skip
    """Record that final results went to ILM as usual."""
    return _record(
        office, act, standings, "submit_results", "results submitted",
        evidence={"reference": reference} if reference else {}, on=on, reason=reason, dry_run=dry_run,
    )  # fmt: skip
