"""A small centre built by hand, without files or settings: real rules, real log, a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from states.asked import Answer, Policy
from states.facts import LearnerFacts
from states.learner.details import Details
from states.learner.repository import LINEAGE
from states.learner.uln import PLACEHOLDER, expected_check_digit
from states.ports import FileDraft
from states.rules import LEARNER_RULES
from states.unit_of_work import Office
from tests.fakes.loan import DAY, MONDAY, Clock, Ids, fresh_database
from workflow import Act, Definition, Engine, Move, Outcome, read_route
from workflow.store.database import Database
from workflow.store.schema import ENGINE

ILM = (Path(__file__).parents[2] / "states" / "routes" / "ilm.toml").read_text(encoding="utf-8")
LINEAGES = (ENGINE, LINEAGE)
ADA = Act(actor="Ada Example", command="test")
GOOD: Mapping[str, Any] = {
    "given_name": "Robin",
    "date_of_birth": date(1990, 1, 31),
    "gender": "2",
    "postcode": "CV4 9EE",
    "ability_to_share": "1",
    "id_type": "1",
    "notice_version": "2025",
    "notice_date": date(2026, 2, 1),
    "email": "robin@example.com",
}


class Outbox:
    """An outbox that puts nothing anywhere."""

    def publish(self, draft: FileDraft) -> Path:
        return draft.final

    def discard(self, draft: FileDraft) -> None:
        """Nothing is there to be removed."""

    def pending(self) -> list[Path]:
        return []


class OnlyAnOutbox:
    """The plugs of an office that only reads: none but the outbox."""

    def __init__(self) -> None:
        self.outbox = Outbox()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"reading needs no {name}")


def uln(number: int) -> str:
    """A valid ULN, another for each number."""
    first = 100_000_000 + 7 * number
    while (digit := expected_check_digit(str(first))) is None or f"{first}{digit}" == PLACEHOLDER:
        first += 1
    return f"{first}{digit}"


@dataclass
class Centre:
    """An office and what a person does in it; every step goes through the rules."""

    office: Office
    clock: Clock

    def days(self, count: int) -> None:
        """Let some days pass."""
        self.clock.now += count * DAY

    def enrol(self, *references: str, cohort: str = "", register_by: date | None = None, **facts: Any) -> list[int]:
        """Gather details of learners, complete unless `lacks` names fields; returns the cases."""
        lacks = facts.pop("lacks", ())
        with self.office.begin(ADA) as uow:
            known = [
                Details(**{**GOOD, "family_name": f"Of{reference}", **dict.fromkeys(lacks, "")})
                for reference in references
            ]
            numbers = uow.add_learners(list(zip(references, known, strict=True)))
            given = {
                "details_version": 1,
                "qualification": "8605-31",
                **({"cohort": cohort} if cohort else {}),
                **facts,
            }
            opened = uow.work.open([(number, given) for number in numbers])
            if cohort:
                uow.learners.save_cohort(cohort, register_by)
            return [standing.case for standing in opened]

    def fire(self, trigger: str, *cases: int, bulk: bool = False, **fields: Any) -> list[Outcome]:
        """Put a trigger to cases."""
        with self.office.begin(ADA) as uow:
            return uow.fire(trigger, [Move(case=case, **fields) for case in cases], bulk=bulk)

    def move(self, trigger: str, *cases: int, **fields: Any) -> None:
        """Put a trigger to cases, none of which may be refused."""
        for outcome in self.fire(trigger, *cases, **fields):
            assert outcome.accepted, outcome.refusals

    def note(self, what: str, *cases: int, **fields: Any) -> None:
        """Note something about cases."""
        with self.office.begin(ADA) as uow:
            uow.work.note(what, [Move(case=case, **fields) for case in cases])

    def prepare(self, kind: str, name: str, cases: Sequence[int]) -> int:
        """Write a file for the outside that holds the cases; returns its number."""
        final = self.office.outbox_folder / name
        with self.office.begin(ADA) as uow:
            draft = FileDraft(draft=final, final=final, digest=name, size=1)
            return uow.prepare(kind, draft, [(case, row, 1) for row, case in enumerate(cases, 1)])

    def sent(self, number: int) -> None:
        """The file went out; those in it who can be submitted are."""
        with self.office.begin(ADA) as uow:
            dispatch = uow.dispatches.get(number)
            assert dispatch is not None
            uow.mark_sent(dispatch, on=None, evidence={})
            members = uow.dispatches.members(number, "open")
            for outcome in uow.fire(
                "submit_to_lrs",
                [Move(case=m.case, dispatch=number, row=m.row, evidence={"file": number}) for m in members],
            ):
                assert outcome.accepted, outcome.refusals

    def submit(self, *cases: int, name: str = "LRB_1.csv") -> int:
        """Send cases to the LRS in one file; returns its number."""
        number = self.prepare("lrs_batch", name, cases)
        self.sent(number)
        return number

    def answer(self, number: int, *cases: int, code: str = "RC001") -> None:
        """The LRS answers some of a file: each case gets its ULN."""
        with self.office.begin(ADA) as uow:
            rows = {m.case: m.row for m in uow.dispatches.members(number)}
            moves = [
                Move(
                    case=case, dispatch=number, row=rows[case], settles="answered", evidence={"code": code},
                    facts={"uln": 1, "match_version": 1}, private=Answer(uln(case)),
                )
                for case in cases
            ]  # fmt: skip
            for outcome in uow.fire("receive_uln", moves):
                assert outcome.accepted, outcome.refusals
                assert outcome.after is not None
                uow.learners.hold_uln(outcome.after.subject, uln(outcome.case), 1)
            dispatch = uow.dispatches.get(number)
            assert dispatch is not None
            uow.settle(dispatch)

    def told(self, *cases: int, how: str = "email") -> None:
        """The learners were told their ULN."""
        self.move(
            "pass_uln_to_learner",
            *cases,
            evidence={"how": how, "by": "Ada Example"},
            facts={"told_uln": 1, "told_at": self.clock(), "told_how": how},
        )

    def with_uln(self, *references: str, **facts: Any) -> list[int]:
        """Learners who were told their ULN."""
        cases = self.enrol(*references, **facts)
        self.answer(self.submit(*cases, name=f"LRB_{references[0]}.csv"), *cases)
        self.told(*cases)
        return cases

    def registered(self, *references: str, **facts: Any) -> list[int]:
        """Learners registered with ILM."""
        cases = self.with_uln(*references, **facts)
        known = {"registered_at": self.clock(), "order_number": "WG-1", "registered_version": 1}
        self.move("register_with_ilm", *cases, evidence={"order": "WG-1"}, facts=known)
        return cases

    def state(self, case: int) -> str:
        """Where a case is."""
        return self.office.standings([case])[case].state


def open_centre(
    folder: Path,
    *,
    now: int = MONDAY,
    closed: frozenset[date] = frozenset(),
    clocks: Mapping[str, int] | None = None,
    database: Database | None = None,
) -> Centre:
    """A centre with a fresh database, in a folder unless one is given; its Monday is 2 March 2026, 09:00 UTC."""
    clock = Clock(now)
    if database is None:
        database = fresh_database(folder / "centre.db", LINEAGES)
    policy = Policy(closed=closed, id_types={"1": "Passport", "999": "Other"})
    route = read_route(ILM, source="ilm.toml", rules=LEARNER_RULES, clocks=clocks)
    source = LearnerFacts(policy, lambda _registration: (), route.final_states())
    engine = Engine(
        Definition(route, LEARNER_RULES, source), database, origin="test/centre", product="ulnflow 0", clock=clock,
        new_id=Ids(),
    )  # fmt: skip
    plugs: Any = OnlyAnOutbox()
    office = Office(
        engine=engine,
        database=database,
        plugs=plugs,
        policy=policy,
        ukprn="99990001",
        sender="",
        practice=False,
        outbox_folder=folder / "outbox",
    )
    return Centre(office, clock)
