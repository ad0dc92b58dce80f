"""Hands the rules what they need to know: for a whole chunk of learners at once, and only what was asked for.

Learners of one chunk see each other: two rows that bring the same ULN are told apart here, not by luck.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Final

from states.asked import Asked, Policy, Waiting
from states.cohorts import Cohorts
from states.learner.details import Details
from states.learner.repository import HELD, IN_ERROR, SHOWN, Learners
from states.registration import Registration
from states.sheet_ports import Finding
from states.vocabulary import LRS_KINDS, MESSAGE, REGISTRATION
from workflow import Question, Standing
from workflow.store.connection import Connection
from workflow.store.dispatch_log import OPEN_STATES, DispatchLog

Limits = Callable[[Registration], Sequence[Finding]]
COUNTED: Final = 1_000
"""How far those a cohort waits for are counted: a chunk of learners costs no more than that, however large theirs."""


class LearnerFacts:
    """What the database and the awarding profile know about learners, for the rules."""

    def __init__(self, policy: Policy, limits: Limits, final_states: Sequence[str]) -> None:
        self.policy, self.limits, self.final_states = policy, limits, final_states

    def gather(
        self, connection: Connection, questions: Sequence[Question], needs: frozenset[str], cohorts: Cohorts
    ) -> Sequence[Asked]:
        """One Asked a question, in their order; of others than `cohorts` no reference is told."""
        asked = [Asked(question, self.policy) for question in questions]
        learners, dispatches = Learners(connection), DispatchLog(connection)
        if needs & {"details", "limits"}:
            self._details(asked, learners)
        if "uln" in needs:
            self._ulns(asked, learners)
        if "holders" in needs:
            _holders(asked, learners, cohorts)
        if "twins" in needs:
            _twins(asked, learners, cohorts)
        if "lrs_dispatches" in needs:
            _lrs_dispatches(asked, learners, dispatches)
        if "registration_dispatches" in needs:
            _registration_dispatches(asked, dispatches)
        if "dispatch_state" in needs:
            _dispatch_states(asked, dispatches)
        if "sent" in needs:
            _sent(asked, learners, dispatches)
        if "address" in needs:
            _addresses(asked, learners, dispatches)
        if "cohort" in needs:
            _cohorts(asked, learners, self.final_states)
        if "limits" in needs:
            self._limits(asked, learners)
        return asked

    def _details(self, asked: Sequence[Asked], learners: Learners) -> None:
        current = learners.current(_subjects(asked))
        for item in asked:
            move = item.question.move
            found = current.get(item.question.standing.subject)
            if isinstance(move.private, Details):
                item.details = move.private
            elif found is not None:
                item.details = found[1]

    def _ulns(self, asked: Sequence[Asked], learners: Learners) -> None:
        history = learners.ulns(_subjects(asked))
        for item in asked:
            answer, own = item.answer, history.get(item.question.standing.subject, ())
            held = next((r.uln for r in own if r.status == HELD), "")
            item.held_uln = held if item.question.standing.facts.get("uln") else ""
            item.uln = answer.uln if answer is not None else item.held_uln
            item.reported_wrong = any(r.status == IN_ERROR and r.uln == item.uln for r in own)

    def _limits(self, asked: Sequence[Asked], learners: Learners) -> None:
        references = learners.references(_subjects(asked))
        for item in asked:
            standing = item.question.standing
            item.limits = self.limits(
                registration_of(standing, references[standing.subject], item.details, item.held_uln)
            )


def registration_of(standing: Standing, reference: str, details: Details, uln: str) -> Registration:
    """A learner's case as it stands in files for the awarding organisation and the LAR system."""
    facts = standing.facts
    return Registration(
        reference=reference,
        details=details,
        uln=uln,
        qualification=facts.get("qualification", ""),
        cohort=standing.cohort,
        funded=facts.get("funded"),
        start=_day(facts.get("start")),
        planned_end=_day(facts.get("planned_end")),
        candidate_number=facts.get("candidate_number", ""),
        order_number=facts.get("order_number", ""),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _subjects(asked: Iterable[Asked]) -> list[int]:
    return [item.question.standing.subject for item in asked]


def _holders(asked: Sequence[Asked], learners: Learners, cohorts: Cohorts) -> None:
    """Who else holds the ULN or one that was merged into it."""
    holders = learners.holders({number for item in asked for number in _numbers(item)})
    names = learners.called({*(o for others in holders.values() for o in others), *_subjects(asked)}, cohorts)
    for item in asked:
        subject, numbers = item.question.standing.subject, _numbers(item)
        others = dict.fromkeys(other for number in numbers for other in holders.get(number, ()) if other != subject)
        item.holders = list(dict.fromkeys(names[other] for other in others))
        for number in numbers if item.answer is not None else ():
            holders.setdefault(number, []).append(subject)


def _numbers(item: Asked) -> list[str]:
    linked = item.answer.linked if item.answer is not None else ()
    return [number for number in (item.uln, *linked) if number]


def _twins(asked: Sequence[Asked], learners: Learners, cohorts: Cohorts) -> None:
    twins = learners.twins({item.question.standing.subject: item.details for item in asked})
    names = learners.called({other for others in twins.values() for other in others}, cohorts)
    for item in asked:
        others = twins.get(item.question.standing.subject, ())
        item.twins = list(dict.fromkeys(names[other] for other in others))


def _lrs_dispatches(asked: Sequence[Asked], learners: Learners, dispatches: DispatchLog) -> None:
    cases = learners.cases(_subjects(asked))
    holding = dispatches.holding([case for own in cases.values() for case in own], LRS_KINDS)
    for item in asked:
        own = cases.get(item.question.standing.subject, ())  # the LRS knows people: it is asked about all their cases
        item.member_of = [member.dispatch for case in own for member, _ in holding.get(case, ())]
        item.open_lrs = [
            member.dispatch
            for case in own
            for member, dispatch in holding.get(case, ())
            if member.state == "open" and dispatch.state in OPEN_STATES and dispatch.id != item.question.move.dispatch
        ]


def _cohorts(asked: Sequence[Asked], learners: Learners, final: Sequence[str]) -> None:
    """Whether each one's cohort is waived, and if not, whom it waits for beside the learner who is asked about."""
    named = {item.question.standing.cohort for item in asked} - {""}
    waived = {name for name, cohort in learners.cohorts(named).items() if cohort.waived is not None}
    missing = {name: learners.not_ready(name, final, COUNTED + SHOWN) for name in named - waived}
    own = {name: Counter(subjects) for name, subjects in missing.items()}
    others: list[list[int]] = []
    for item in asked:
        standing = item.question.standing
        item.waived = standing.cohort in waived
        waits = (other for other in missing.get(standing.cohort, ()) if other != standing.subject)
        others.append(list(islice(waits, SHOWN)))
    references = learners.references({other for first in others for other in first})
    for item, first in zip(asked, others, strict=True):
        standing = item.question.standing
        if first:
            count = len(missing[standing.cohort]) - own[standing.cohort][standing.subject]
            item.waiting = Waiting(min(count, COUNTED), [references[o] for o in first], more=count > COUNTED)


def addressed(learners: Learners, dispatches: DispatchLog, subjects: Mapping[int, int]) -> set[int]:
    """The cases, of case -> learner, that an e-mail can have reached: an address is on file, or was for a message."""
    current = learners.current(set(subjects.values()))
    found = {case for case, subject in subjects.items() if subject in current and current[subject][1].email}
    left = [case for case in subjects if case not in found]
    made = {
        (subjects[case], member.version): case
        for case, places in (dispatches.holding(left, [MESSAGE]) if left else {}).items()
        for member, _ in places
    }
    return found | {made[one] for one, details in learners.versions(set(made)).items() if details.email}


def _addresses(asked: Sequence[Asked], learners: Learners, dispatches: DispatchLog) -> None:
    """Who cannot have been told by e-mail; a message that a mail server took is proof enough."""
    by_mail = {
        item.question.move.case: item.question.standing.subject
        for item in asked
        if item.question.move.evidence.get("how") == "email" and "message" not in item.question.move.evidence
    }
    reached = addressed(learners, dispatches, by_mail) if by_mail else set()
    for item in asked:
        item.addressed = item.question.move.case not in by_mail or item.question.move.case in reached


def _registration_dispatches(asked: Sequence[Asked], dispatches: DispatchLog) -> None:
    waiting = dispatches.waiting([item.question.move.case for item in asked], [REGISTRATION])
    for item in asked:
        item.open_registration = [member.dispatch for member, _ in waiting.get(item.question.move.case, ())]


def _dispatch_states(asked: Sequence[Asked], dispatches: DispatchLog) -> None:
    states: dict[int, str] = {}
    for item in asked:
        number = item.question.move.dispatch
        if number is None:
            continue
        if number not in states:
            found = dispatches.get(number)
            states[number] = found.state if found else ""
        item.dispatch_state = states[number]


def _sent(asked: Sequence[Asked], learners: Learners, dispatches: DispatchLog) -> None:
    holding = dispatches.holding([item.question.move.case for item in asked], LRS_KINDS)
    went: dict[int, tuple[int, int]] = {}
    for item in asked:
        move, subject = item.question.move, item.question.standing.subject
        for member, _ in holding.get(move.case, ()):
            if member.dispatch == move.dispatch:
                went[move.case] = (subject, member.version)
    versions = learners.versions(set(went.values())) if went else {}
    for item in asked:
        if item.question.move.case in went:
            item.sent = versions.get(went[item.question.move.case])
