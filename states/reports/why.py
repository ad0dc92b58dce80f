"""Why a learner stands where they stand: what comes next, what every rule of it says now, and what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from states import approval
from states.addressed import addressed
from states.deciding import ILM, LRS, code_of, doubtful
from states.reports import asked_now, commands, exceptions, late, next_move, stale
from states.reports.asked_now import RuleSaid
from states.reports.words import FILES, day, iso
from states.to_type import names_to_type
from states.unit_of_work import Glance, Office
from workflow import Act, Standing
from workflow.route import State
from workflow.store.queries import Queries
from workflow.stuck import due_on, last_day
from workflow.working_days import after, between, day_of, minute

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


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
        who = names_to_type(look, [standing])[standing.case] if qualification else reference
        trigger = next_move.expected(look, [standing])[standing.case]
        files = next_move.open_files(look, [standing.case]).get(standing.case, [])
        place = office.route.states[standing.state]
        case = standing.case
        rules = asked_now.rules(look, [standing], {case: trigger}, {case: who}, {case: files}).get(case, ())
        duties = _duties(look, standing, who)
        steps, contacts = _guidance(guidance, place, trigger)
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
            waits_for=asked_now.waits_for(look, standing, trigger, files),
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
            next_command=asked_now.command(look, standing, trigger, who, files, rules)
            if trigger
            else next((duty.next_command for duty in duties), ""),
            alternative="alternative_since" in standing.facts,
            answer=_answer(office, standing),
            stale=tuple(sorted(standing.facts.get("stale", {}))),
            match="; ".join(addressed(words, who) for words in stale.told(look, standing)),
        )


def _answer(office: Office, standing: Standing) -> str:
    """The answer that waits for a decision: its code and what it means."""
    if standing.state not in {LRS, ILM} and not doubtful(standing):
        return ""
    return ": ".join(filter(None, (code_of(standing), exceptions.meaning_of(office, standing))))


def _duties(look: Glance, standing: Standing, reference: str) -> tuple[Owed, ...]:
    office = look.office
    found = []
    for one in Queries(look.connection).duties(dict.fromkeys(office.route.duties, late.FOREVER), case=standing.case):
        duty = office.route.duties[one.duty]
        due = after(day_of(one.opened_at), duty.clock, office.policy.closed)
        line = commands.duty(one.duty, reference)
        found.append(Owed(one.duty, duty.title, duty.owner, day(one.opened_at), iso(due), due < office.today(), line))
    return tuple(found)


def _guidance(
    table: Mapping[str, Any], place: State, trigger: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What to do in a state, or for the next step where the learner's is not the state's usual one; and whom to ask."""
    usual = place.expects[-1].trigger if place.expects else ""
    entry = table.get("next", {}).get(trigger) if trigger != usual else None
    entry = entry or table.get("state", {}).get(place.name, {})
    topic = table.get("topic", {}).get(entry.get("topic", ""), {})
    contacts = tuple((str(c["name"]), str(c["how"])) for c in topic.get("contacts", ()) if not c.get("historic"))
    return tuple(str(step) for step in entry.get("steps", ())), contacts
