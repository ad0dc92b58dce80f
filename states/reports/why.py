"""Why a learner stands where they stand: what comes next, what every rule of it says now, and what is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from states import approval
from states.addressed import addressed
from states.deciding import ILM, LRS, challenge_of, code_of, doubtful
from states.reports import commands, exceptions, late, next_move, stale
from states.reports.words import FILES, OURS, day, iso
from states.unit_of_work import Glance, Office
from states.vocabulary import LRS_KINDS, RULES
from workflow import Act, Move, Outcome, Standing, Verdict, Work
from workflow.store.queries import Queries
from workflow.stuck import due_on, last_day
from workflow.working_days import after, between, day_of, minute

Said = Literal["holds", "warns", "does not hold", "to be given"]

NOBODY: Final = Act(actor="nobody", command="learner why")
"""Asking writes nothing, so nobody's name is needed."""

GIVEN_WITH_THE_STEP: Final = frozenset({"given", "P1", "L1", "X1", "A1", "U3", "U4", "N1"})
"""Rules about what a step brings with it: asked beforehand they only say what will be needed."""

ANSWERED: Final = frozenset({"receive_uln", "confirm_match", "report_lrs_exception"})
"""Triggers that rest on an answer: the ULN their rules look at is the one answered."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """What one rule says now; "to be given" means that the step itself must bring it.

    `next_command` puts right what does not hold.
    """

    rule: str
    title: str
    says: Said
    messages: tuple[str, ...]
    next_command: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """An open duty."""

    duty: str
    title: str
    owner: str
    since: str
    due: str
    overdue: bool
    next_command: str


@dataclass(frozen=True, slots=True)
class InFile:
    """A file that holds the learner and waits for something."""

    number: int
    name: str
    what: str
    state: str
    row: int
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Where one learner stands and why. Days are YYYY-MM-DD, empty when unknown.

    `waits_for` names whoever makes the next move when it is not the centre; the rules are not asked then, for they
    need an answer nobody has yet. `contacts` says whom to ask, as (name, how).
    """

    reference: str
    qualification: str
    cohort: str
    state: str
    title: str
    meaning: str
    owner: str
    since: str
    working_days: int
    clock: int | None
    due: str
    overdue: bool
    waits_for: str
    expected: str
    expected_title: str
    rules: tuple[RuleSaid, ...]
    duties: tuple[Owed, ...]
    files: tuple[InFile, ...]
    guidance: tuple[str, ...]
    contacts: tuple[tuple[str, str], ...]
    alternative: bool
    stale: tuple[str, ...]
    match: str
    answer: str
    next_command: str
    approvals: tuple[str, ...]
    """What waits for a second person about this case."""

    @property
    def held_back(self) -> tuple[RuleSaid, ...]:
        """The rules that do not hold."""
        return tuple(r for r in self.rules if r.says == "does not hold")


def why(
    office: Office,
    reference: str,
    qualification: str = "",
    *,
    guidance: Mapping[str, Any] = NOTHING,
    act: Act | None = None,
) -> Why:
    """Explain one learner's latest case, or the one for a qualification; rules are asked live, nothing is written.

    `guidance` is the contacts table, `act` that of the person who asks. Raises NotFound, and OtherCohort for whom they
    are kept from.
    """
    with office.look(act) as look:
        standing = look.find_case(reference, qualification)
        trigger = next_move.expected(look, [standing])[standing.case]
        files = next_move.open_files(look, [standing.case]).get(standing.case, [])
        place = office.route.states[standing.state]
        theirs = "" if place.final or place.owner == OURS else place.owner
        if challenge_of(standing):
            theirs = "LRS"
        waits_for = theirs or ("LRS" if trigger in commands.ANSWERS and _asked_already(trigger, files) else "")
        rules = () if waits_for or not trigger else _rules(look, standing, trigger, reference)
        duties = _duties(look, standing, reference)
        steps, contacts = _guidance(guidance, standing.state)
        today, closed = office.today(), office.policy.closed
        deadline = last_day(office.route, standing.state, standing.cohort, late.deadlines(look))
        due = due_on(office.route, standing.state, standing.clock_from, deadline, closed)
        return Why(
            reference=reference,
            qualification=str(standing.facts.get("qualification", "")),
            cohort=standing.cohort,
            state=standing.state,
            title=place.title,
            meaning=place.meaning,
            owner=place.owner,
            since=day(standing.entered_at),
            working_days=max(between(day_of(standing.entered_at), today, closed), 0),
            clock=place.clock,
            due=iso(due),
            overdue=due is not None and due < today,
            waits_for=waits_for,
            expected=trigger,
            expected_title=office.route.triggers.get(trigger, ""),
            rules=rules,
            duties=duties,
            files=tuple(
                InFile(d.id, d.name, FILES.get(d.kind, d.kind), d.state.replace("_", " "), m.row, minute(d.prepared_at))
                for m, d in files
            ),
            guidance=steps,
            contacts=contacts,
            approvals=approval.pending(look, standing.case),
            next_command=_next(look, standing, trigger, reference, files, rules, duties),
            alternative="alternative_since" in standing.facts,
            answer=_answer(office, standing),
            stale=tuple(sorted(standing.facts.get("stale", {}))),
            match="; ".join(addressed(o.message, reference) for o in stale.objections(look, standing)),
        )


def _answer(office: Office, standing: Standing) -> str:
    """The answer that waits for a decision: its code and what it means."""
    if standing.state not in {LRS, ILM} and not doubtful(standing):
        return ""
    return ": ".join(filter(None, (code_of(standing), exceptions.meaning_of(office, standing))))


def _asked_already(trigger: str, files: Sequence[tuple[Any, Any]]) -> bool:
    """Whether the LRS is being asked: a file to it is on its way."""
    return trigger in {"submit_to_lrs", "verify_again", "receive_uln"} and any(
        d.kind in LRS_KINDS and d.state != "prepared" for _, d in files
    )


def _rules(look: Glance, standing: Standing, trigger: str, reference: str) -> tuple[RuleSaid, ...]:
    engine = look.office.engine
    work = Work(
        engine.definition, look.connection, act=NOBODY, origin=engine.origin, product=engine.product, clock=engine.clock
    )
    outcome: Outcome = work.ask(trigger, [Move(case=standing.case)])[0]
    return tuple(_said(verdict, trigger, standing, reference) for verdict in outcome.verdicts)


def _said(verdict: Verdict, trigger: str, standing: Standing, reference: str) -> RuleSaid:
    says: Said = "holds"
    line = ""
    if not verdict.held:
        given = verdict.rule in GIVEN_WITH_THE_STEP or (trigger in ANSWERED and verdict.rule in {"U1", "U2"})
        says = "to be given" if given else "does not hold"
        first = next(o for o in verdict.objections if o.severity == "block")
        line = "" if given else commands.fix(verdict.rule, first.code, first.field, reference, standing.cohort)
    elif verdict.objections:
        says = "warns"
    messages = tuple(addressed(o.message, reference) for o in verdict.objections)
    title = RULES.get(verdict.rule, "What the step itself must bring")
    return RuleSaid(verdict.rule, title, says, messages, line)


def _duties(look: Glance, standing: Standing, reference: str) -> tuple[Owed, ...]:
    office = look.office
    found = []
    for one in Queries(look.connection).duties(dict.fromkeys(office.route.duties, late.FOREVER), case=standing.case):
        duty = office.route.duties[one.duty]
        due = after(day_of(one.opened_at), duty.clock, office.policy.closed)
        line = commands.duty(one.duty, reference)
        found.append(Owed(one.duty, duty.title, duty.owner, day(one.opened_at), iso(due), due < office.today(), line))
    return tuple(found)


def _guidance(table: Mapping[str, Any], state: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    entry = table.get("state", {}).get(state, {})
    topic = table.get("topic", {}).get(entry.get("topic", ""), {})
    contacts = tuple((str(c["name"]), str(c["how"])) for c in topic.get("contacts", ()) if not c.get("historic"))
    return tuple(str(step) for step in entry.get("steps", ())), contacts


def _next(
    look: Glance,
    standing: Standing,
    trigger: str,
    reference: str,
    files: Sequence[tuple[Any, Any]],
    rules: Sequence[RuleSaid],
    duties: Sequence[Owed],
) -> str:
    if not trigger:
        return duties[0].next_command if duties else ""
    waits = any(d.kind in commands.ANSWERS.get(trigger, ()) for _, d in files)
    wrong = next((r.next_command for r in rules if r.says == "does not hold"), "")
    return wrong if wrong and not waits else next_move.command(look, standing, trigger, reference, files)
