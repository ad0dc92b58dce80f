"""The demonstration: four weeks of a registrations office in a few seconds, through the same steps as the commands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from cli import wiring
from cli.deeds import DEEDS
from cli.desk import Desk, head_of
from cli.explain import rows_of, show_stuck, show_trail, verdict
from cli.options import Form
from cli.render import show, show_findings, show_one, tell
from cli.verifying import verify
from states import approval
from states.exchange.lrs.practice import answer_batch
from states.exchange.practice_cohort import write_cohort
from states.learner.entry import read_entry
from states.reports.board import board
from states.reports.stuck import stuck
from states.reports.trail import trail
from states.sheet_ports import Reading
from states.steps import (
    decide_exception,
    gather_details,
    leave_and_return,
    pass_uln_on,
    receive_uln,
    register_with_ilm,
    submit_to_lrs,
    take_alternative_route,
    update_lar,
    waive_cohort,
)
from states.tally import Tally
from states.vocabulary import MESSAGE, REGISTRATION

COHORT: Final = "PRACTICE-2026"
DAY: Final = 86_400_000_000
START_DAYS_AGO: Final = 29
UKPRN: Final = "99990001"
COLLEAGUE: Final = "Practice Colleague"
LATE: Final = "P-008"
"""The learner who takes the alternative route to its end."""


class PracticeClock:
    """Time that passes when the story says so, a second a question in between."""

    def __init__(self, start: int) -> None:
        self.now = start

    def __call__(self) -> int:
        """The next moment."""
        self.now += 1_000_000
        return self.now

    def pass_days(self, days: int) -> None:
        """Let days go by."""
        self.now += days * DAY


def run(folder: Path, seed: int) -> None:
    """Play the story in a new folder and print each step as it would be typed."""
    wiring.write_settings(
        folder, ukprn=UKPRN, nation="england", late_uln="centre", operator="Practice Administrator",
        sender="practice@example.org",
    )  # fmt: skip
    wiring.create(folder, practice=True)
    clock = PracticeClock(wiring.clock() - START_DAYS_AGO * DAY)
    office = wiring.open_office(folder, clock, practice=True)
    try:
        settings = wiring.load_settings(folder)
        desk = Desk(folder, settings, office, wiring.act(settings, "demo"), head_of(office))
        _gather(desk, seed)
        clock.pass_days(1)
        _submit(desk, seed, clock)
        clock.pass_days(3)
        _pass_on(desk, clock)
        clock.pass_days(4)
        _register(desk, clock)
        clock.pass_days(10)
        _finish(desk, seed, clock)
        desk.sign()
        _close(desk)
    finally:
        office.database.close()


def _step(command: str, tally: Tally) -> Tally:
    sys.stdout.write(f"\n$ ulnflow {command}\n")
    sys.stdout.flush()
    tally.next.clear()
    tell(tally, Form.table)
    return tally


def _gather(desk: Desk, seed: int) -> None:
    sheet = desk.folder / "practice-cohort.csv"
    with sheet.open("wb") as target:
        write_cohort(target, seed=seed)
    enrolment = gather_details.Enrolment(cohort=COHORT, qualification="8605-11", funded=True, notice_version="2026")
    imported = gather_details.import_cohort(desk.office, desk.act, sheet, enrolment, Reading(day_first=True))
    _step(f"cohort import {sheet.name} --cohort {COHORT} --qualification 8605-11 --funded", imported.tally)
    show_findings(imported.noticed)
    edits = {"P-003": {"postcode": "B1 1AA"}, "P-009": {"id_description": "Employer letter"}}
    for reference, changes in edits.items():
        values = {
            name: read_entry(name, text, day_first=True, id_types=desk.office.policy.id_types)
            for name, text in changes.items()
        }
        tally = gather_details.edit_details(desk.office, desk.act, reference, values)
        _step(f"learner edit {reference} {' '.join(changes)}", tally)


def _submit(desk: Desk, seed: int, clock: PracticeClock) -> None:
    office, act = desk.office, desk.act
    due = [s for s in desk.choose() if submit_to_lrs.is_due(office, s)]
    made = _step("lrs submit", submit_to_lrs.submit(office, act, due)).files[0]
    clock.pass_days(1)
    reply = _answer(desk, made.path, seed)
    _step(f"lrs receive {reply.name}", receive_uln.receive_reply(office, act, reply))
    _decide(desk, seed, clock)


def _answer(desk: Desk, batch: Path, seed: int, settled: frozenset[str] = frozenset()) -> Path:
    """Have the practice LRS answer a batch file."""
    table = wiring.table("lrs/batch.toml", desk.folder)
    reply = desk.folder / f"practice-reply-{batch.stem}{batch.suffix.lower()}"
    answered = answer_batch(batch.read_bytes(), seed=seed, table=table, settled=settled, name=batch.name)
    reply.write_bytes(answered)
    return reply


def _decide(desk: Desk, seed: int, clock: PracticeClock) -> None:
    """Most are asked about again; one stays undecided for the stuck list, one will take the alternative route."""
    office, act = desk.office, desk.act
    waiting = desk.choose(states=["lrs_exception"])
    with office.look() as look:
        names = look.references(waiting)
    references = [names[s.case] for s in waiting]
    for reference in references[:-2]:
        tally = decide_exception.resolve_exception(
            office, act, reference, decision="again", reason="details checked against the passport"
        )
        _step(f"exception resolve {reference} --decision again --reason ...", tally)
    due = [s for s in desk.choose() if submit_to_lrs.is_due(office, s) and s.state == "lrs_exception"]
    if not due:
        return
    made = _step("lrs submit", submit_to_lrs.submit(office, act, due)).files[0]
    clock.pass_days(1)
    reply = _answer(desk, made.path, seed, frozenset(references))
    _step(f"lrs receive {reply.name}", receive_uln.receive_reply(office, act, reply))


def _pass_on(desk: Desk, clock: PracticeClock) -> None:
    office, act = desk.office, desk.act
    _step("uln pass", pass_uln_on.pass_uln(office, act, desk.choose(states=["uln_received"])))
    clock.pass_days(1)
    told = pass_uln_on.record_told(office, act, office.waiting(MESSAGE), how="email", named=False)
    _step("uln told --how email --all", told)


def _register(desk: Desk, clock: PracticeClock) -> None:
    office, act = desk.office, desk.act
    early = [*desk.choose(["P-008"]), *desk.choose(states=["lrs_exception"])[-1:]]
    with office.look() as look:
        names = list(look.references(early).values())
    chosen = take_alternative_route.choose(
        office, act, early, reason="the registration window closes before the ULN can be there", acknowledged=True
    )
    _step(f"route alternative {' '.join(names)} --reason ... --yes", chosen)
    leaving = desk.choose(states=["uln_passed_to_learner"])[-1:]
    with office.look() as look:
        left = look.references(leaving)[leaving[0].case]
    gone = leave_and_return.leave_or_return(office, act, leaving, "withdraw", reason="left_course")
    _step(f"learner withdraw {left} --reason left_course", gone)
    waived = waive_cohort.waive_cohort(office, act, COHORT, "the registration window closes this week")
    _step(f"cohort waive {COHORT} --reason ...", waived)
    with office.look() as look:
        request = approval.open_requests(look)[-1].position
    sys.stdout.write("\nA waiver takes two people: a colleague agrees.\n")
    agreed = approval.approve(office, replace(act, actor=COLLEAGUE), request, DEEDS)
    _step(f"approve {request}", agreed)
    due = [s for s in desk.choose() if register_with_ilm.is_due(office, s)]
    _step("ilm register", register_with_ilm.register(office, act, due))
    clock.pass_days(2)
    confirmed = register_with_ilm.confirm(office, act, office.waiting(REGISTRATION), order="PRACTICE-ORDER-1")
    _step("ilm confirm --order PRACTICE-ORDER-1 --all", confirmed)


def _finish(desk: Desk, seed: int, clock: PracticeClock) -> None:
    office, act = desk.office, desk.act
    registered = desk.choose(states=["registered_with_ilm"])
    seen = update_lar.confirm_update(office, act, registered, by="ilm", reference="PRACTICE-LAR-LIST")
    _step("lar confirm --by ilm --reference PRACTICE-LAR-LIST --all", seen)
    sys.stdout.write("\nOne of the two on the alternative route is brought to its end; the other stays a debt.\n")
    shown = gather_details.edit_details(office, act, LATE, {"ability_to_share": "1"})
    _step(f"learner edit {LATE} ability_to_share", shown)
    made = _step(f"lrs submit {LATE}", submit_to_lrs.submit(office, act, desk.choose([LATE]))).files[0]
    clock.pass_days(1)
    reply = _answer(desk, made.path, seed, frozenset([LATE]))
    _step(f"lrs receive {reply.name}", receive_uln.receive_reply(office, act, reply))
    told = pass_uln_on.record_told(office, act, desk.choose([LATE]), how="in_person")
    _step(f"uln told {LATE} --how in_person", told)
    created = take_alternative_route.create_lar(office, act, desk.choose([LATE]), reference="PRACTICE-MAIL-1")
    _step(f"lar create {LATE} --reference PRACTICE-MAIL-1", created)
    tied = take_alternative_route.supply_cross_reference(
        office, act, desk.choose([LATE]), reference="PRACTICE-MAIL-2", candidate="PRACTICE-C8"
    )
    _step(f"lar cross-reference {LATE} --reference PRACTICE-MAIL-2 --candidate PRACTICE-C8", tied)
    sent = take_alternative_route.submit_results(office, act, desk.choose([LATE]), reference="PRACTICE-RESULTS")
    _step(f"ilm results {LATE} --reference PRACTICE-RESULTS", sent)
    done = update_lar.confirm_update(office, act, desk.choose([LATE]), by="centre", reference="PRACTICE-LAR-8")
    _step(f"lar confirm {LATE} --by centre --reference PRACTICE-LAR-8", done)


def _close(desk: Desk) -> None:
    """The three questions at the end: who stands where, who is stuck, does the log hold."""
    office = desk.office

    def heading(command: str, body: Callable[[], object]) -> None:
        sys.stdout.write(f"\n$ ulnflow {command}\n")
        sys.stdout.flush()
        body()

    heading("status", lambda: show(rows_of(board(office)), Form.table))
    heading("stuck", lambda: show_stuck(stuck(office), Form.table))
    heading("audit history P-001", lambda: show_trail(trail(office, "P-001"), Form.table))
    heading(f"audit history {LATE}", lambda: show_trail(trail(office, LATE), Form.table))
    with office.look() as look:
        report = verify(desk, look)
    heading("audit verify", lambda: show_one(verdict(report), Form.table))
    sys.stdout.write(f"\nLook around: ulnflow --folder {desk.folder} today\n")
