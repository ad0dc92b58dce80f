"""One transaction: cases opened, fired and noted, with every event written beside the state it leads to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, Protocol, TypeVar

from workflow import kept
from workflow.case import Standing, advanced, opening
from workflow.errors import NamedTwice, OtherRoute, UnknownCase
from workflow.event import MOVED, NOTED, OPENED, REFUSED, SCHEMA, Event
from workflow.machine import Machine
from workflow.move import PLAIN, Act, Judged, Move, Outcome, Question, Result, required
from workflow.route import Route, Transition
from workflow.rule import Rule, Verdict, rule_set_version
from workflow.store.connection import Connection
from workflow.store.dispatch_log import DispatchLog
from workflow.store.event_log import Draft, EventLog
from workflow.working_days import day_of, start_of

Asked = TypeVar("Asked")
Given_co = TypeVar("Given_co", covariant=True)
DAY: Final = 86_400_000_000
STORED: Final = ("reason", "evidence", "facts", "commitments", "dispatch", "row", "settles")
TABLES: Final = frozenset({"evidence", "facts", "commitments"})
HELD: Final = attrgetter("held")
OBJECTIONS: Final = attrgetter("objections")
ONLY_WHEN_MOVED: Final = ("facts", "opens", "closes", "settles")
Cohorts = Collection[str] | None


class FactsSource(Protocol[Given_co]):
    """Hands the rules what they need to know, for many cases at once."""

    def gather(
        self, connection: Connection, questions: Sequence[Question], needs: frozenset[str], cohorts: Cohorts
    ) -> Sequence[Given_co]:
        """One answer a question, in their order; `cohorts` are those the act is kept to, None for every one."""
        ...


class Definition(Generic[Asked]):
    """A route made ready to run: machine, rules with their weights, and the facts they ask for."""

    def __init__(self, route: Route, rules: Mapping[str, Rule[Asked]], source: FactsSource[Asked]) -> None:
        self.route, self.rules, self.source = route, rules, source
        self.machine = Machine(route)
        self.rule_set = rule_set_version(rules)
        self.asks: dict[tuple[str, str], tuple[Rule[Asked], ...]] = {
            key: tuple(rules[code].weighing("warn") if code in arrow.warns else rules[code] for code in arrow.rules)
            for key, arrow in route.arrows.items()
        }
        self.needs: dict[tuple[str, str], frozenset[str]] = {
            key: frozenset().union(*(rule.needs for rule in asks)) for key, asks in self.asks.items()
        }
        self.checks = {key: [rule.check for rule in asks] for key, asks in self.asks.items()}
        self.clear = {key: tuple(rule.clear for rule in asks) for key, asks in self.asks.items()}
        """What is said of a case that no rule of the arrow has anything to say about; most often it is this."""
        self.all_held = {key: [rule.clear.name for rule in asks] for key, asks in self.asks.items()}

    def verdicts(self, key: tuple[str, str], asked: Asked) -> tuple[Verdict, ...]:
        """What every rule of an arrow, by trigger and state, says; the very tuple in `clear` when that is nothing."""
        for check in self.checks[key]:
            for _ in check(asked):
                return tuple([rule.ask(asked) for rule in self.asks[key]])
        return self.clear[key]


def said(verdict: Verdict) -> list[dict[str, Any]]:
    """The objections of a verdict as they are stored."""
    return [
        {"rule": verdict.name, "held": o.severity != "block", "code": o.code, "message": o.message}
        | ({"field": o.field} if o.field else {})
        for o in verdict.objections
    ]


class Work(Generic[Asked]):
    """The cases, the log and the dispatches within one transaction, on behalf of one act."""

    def __init__(
        self,
        definition: Definition[Asked],
        connection: Connection,
        *,
        act: Act,
        origin: str,
        product: str,
        clock: Callable[[], int],
        command_id: str = "",
        run: int | None = None,
    ) -> None:
        self.definition, self.connection = definition, connection
        self.act, self.command_id, self.cohorts = act, command_id or act.command_id, act.cohorts
        self.log = EventLog(connection, origin)
        self.dispatches = DispatchLog(connection)
        self.clock = clock
        self._base: dict[str, Any] = {
            "schema": SCHEMA,
            "actor": act.actor,
            "command": act.command,
            "command_id": self.command_id,
            "product": product,
        }
        for key, value in (("on_behalf_of", act.on_behalf_of), ("approver", act.approver), ("run", run)):
            if value:
                self._base[key] = value
        route = definition.route
        self._on_route: dict[str, Any] = {
            **self._base,
            "route": route.name,
            "route_version": route.version,
            "route_hash": route.hash,
            "rules": definition.rule_set,
        }

    def open(
        self,
        subjects: Sequence[tuple[int, Mapping[str, Any]]],
        *,
        dispatch: int | None = None,
        rows: Sequence[int] = (),
    ) -> list[Standing]:
        """Open a case for each (subject, facts) at the start of the route; an opening is an event.

        `dispatch` and `rows` say which file, and which of its rows, told of each.
        """
        route, now = self.definition.route, self.clock()
        case = self.log.next_case()
        self.log.keep_definition(route.hash, route.name, route.version, route.canonical)
        drafts = []
        for number, (subject, facts) in enumerate(subjects, case):
            if self.cohorts is not None:
                kept.refuse_cohort(self.cohorts, str(facts.get("cohort", "")))
            body = {
                **self._on_route,
                "kind": OPENED,
                "case": number,
                "sequence": 1,
                "target": route.initial,
                "facts": {**facts, "subject": subject},
            }
            if dispatch is not None:
                body["dispatch"] = dispatch
            if rows:
                body["row"] = rows[number - case]
            event = Event(**body, position=0, origin="", recorded_at=now, occurred_at=now)
            drafts.append(Draft(body, opening(route, event), fresh=True))
        self.log.append(drafts, now)
        return [d.after for d in drafts if d.after is not None]

    def fire(self, trigger: str, moves: Sequence[Move], *, bulk: bool = False) -> list[Outcome]:
        """Put a trigger to some cases, each once; every rule of each is asked, and every answer is kept.

        A refusal is an event; in bulk only when its reasons are not the ones already remembered. Outcomes come in
        the order of the moves. Raises NamedTwice and OtherRoute before anything is written.
        """
        now = self.clock()
        questions, outcomes = self.questions(trigger, moves, now)
        machine = self.definition.machine
        step = machine.step if len(moves) == 1 else machine.look_up
        judged = self.judge(trigger, questions, [step(trigger, question.standing.state) for question in questions])
        outcomes |= {outcome.case: outcome for outcome in self.write(judged, trigger, now, bulk=bulk)}
        return [outcomes[move.case] for move in moves]

    def write(self, judged: Sequence[Judged], trigger: str, now: int, *, bulk: bool) -> list[Outcome]:
        """Write what was judged: a move where every rule held, else a refusal."""
        remembered = self.log.reasons([one[0].move.case for one in judged], trigger) if bulk and judged else {}
        outcomes: list[Outcome] = []
        drafts: list[Draft] = []
        written: list[Judged] = []
        again: list[tuple[int, str]] = []
        for question, arrow, verdicts in judged:
            if arrow is not None and all(map(HELD, verdicts)):
                after = self.after(question, arrow.target, question.move.facts)
                draft = Draft(self.moved(question, arrow, verdicts), after)
            else:
                draft = self._refused(question, arrow, verdicts, bulk=bulk)
                case = question.move.case
                if draft.blocked is not None and remembered.get(case) == draft.blocked[1]:
                    again.append((case, trigger))
                    outcomes.append(_answered(question, arrow, verdicts))
                    continue
            drafts.append(draft)
            written.append((question, arrow, verdicts))
        if again:
            self.log.touch_blocked(again, now)
        for answer, draft, position in zip(written, drafts, self.log.append(drafts, now), strict=True):
            outcomes.append(_answered(*answer, position=position, after=draft.after))
        return outcomes

    def ask(self, trigger: str, moves: Sequence[Move]) -> list[Outcome]:
        """What `fire` would say, in the order of the moves, without writing anything."""
        questions, outcomes = self.questions(trigger, moves, self.clock())
        arrows = [self.definition.machine.look_up(trigger, question.standing.state) for question in questions]
        for question, arrow, verdicts in self.judge(trigger, questions, arrows):
            outcomes[question.move.case] = _answered(question, arrow, verdicts)
        return [outcomes[move.case] for move in moves]

    def note(self, reason: str, moves: Sequence[Move], *, shared: bool = False) -> list[Outcome]:
        """Record facts about some cases that move none of them; `reason` is the code of what is noted.

        `shared` says that it is of the subject, whichever of its cases: see `kept`. Raises UnknownCase, NamedTwice,
        OtherRoute and OtherCohort before anything is written.
        """
        now = self.clock()
        questions, outcomes = self.questions(reason, moves, now)
        for outcome in outcomes.values():
            if outcome.result == "unknown_case":
                raise UnknownCase(f"there is no case {outcome.case}")
        drafts = []
        for question in questions:
            body = self.body(question, NOTED, shared=shared)
            body["trigger"] = reason
            drafts.append(Draft(body, self.after(question, None, question.move.facts)))
        for question, draft, position in zip(questions, drafts, self.log.append(drafts, now), strict=True):
            case = question.move.case
            outcomes[case] = Outcome(case, reason, "noted", position, after=draft.after)
        return [outcomes[move.case] for move in moves]

    def record(self, kind: str, **fields: Any) -> int:
        """Record a fact about no case: a file prepared, a rule waived; returns its position."""
        if self.cohorts is not None:
            kept.refuse_told(self.connection, self.cohorts, kind, fields.get("evidence", {}))
        body = {**self._base, "kind": kind, **{k: v for k, v in fields.items() if v not in (None, "", {}, (), [])}}
        return self.log.append([Draft(body)], self.clock())[0]

    def questions(self, trigger: str, moves: Sequence[Move], now: int) -> tuple[list[Question], dict[int, Outcome]]:
        """What to ask, and the outcomes that need no asking: of unknown cases and of commands already done."""
        numbers = [move.case for move in moves]
        if len(set(numbers)) != len(numbers):
            raise NamedTwice(next(number for number in numbers if numbers.count(number) > 1))
        standings = self.log.load(numbers)
        route = self.definition.route
        questions: list[Question] = []
        outcomes: dict[int, Outcome] = {}
        for move in moves:
            standing = standings.get(move.case)
            if standing is None:
                outcomes[move.case] = Outcome(move.case, trigger, "unknown_case")
                continue
            if standing.route_version != route.version or standing.route != route.name:
                runs_on = f"{standing.route} version {standing.route_version}"
                raise OtherRoute(move.case, runs_on, f"{route.name} version {route.version}")
            if move.command_id and (done := self.log.repeats(move.case, trigger, move.command_id)):
                position, source, target = done
                outcomes[move.case] = Outcome(
                    move.case, trigger, "repeated", position, source or "", target or "", after=standing
                )
                continue
            questions.append(_question(trigger, move, standing, now))
        return questions, outcomes

    def judge(self, trigger: str, questions: Sequence[Question], arrows: Sequence[Transition | None]) -> list[Judged]:
        """What every rule of every arrow said, by question; nothing where there is no arrow."""
        if self.cohorts is not None:
            return kept.judge(self._judge, self.cohorts, trigger, questions, arrows)
        return self._judge(trigger, questions, arrows)

    def _judge(self, trigger: str, questions: Sequence[Question], arrows: Sequence[Transition | None]) -> list[Judged]:
        definition = self.definition
        going = [q for q, arrow in zip(questions, arrows, strict=True) if arrow is not None]
        if not going:
            return [(question, None, ()) for question in questions]
        first, *more = {question.standing.state for question in going}
        needs = definition.needs[trigger, first].union(*[definition.needs[trigger, state] for state in more])
        answers = iter(definition.source.gather(self.connection, going, needs, self.cohorts))
        judged: list[Judged] = []
        ask = definition.verdicts
        for question, arrow in zip(questions, arrows, strict=True):
            if arrow is None:
                judged.append((question, None, ()))
                continue
            verdicts = ask((trigger, arrow.source), next(answers))
            if arrow.requires:
                verdicts = (*given, *verdicts) if (given := required(arrow, question.move)) else verdicts
            judged.append((question, arrow, verdicts))
        return judged

    def after(self, question: Question, target: str | None, facts: Mapping[str, Any]) -> Standing:
        """Where a case stands after a move, or after a note when there is no target."""
        return advanced(
            self.definition.route, question.standing, target=target, occurred_at=question.occurred_at, facts=facts
        )

    def moved(self, question: Question, arrow: Transition, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        """The body of a move, without what its place in the log adds."""
        body = self.body(question, MOVED)
        body["trigger"], body["source"], body["target"] = arrow.trigger, arrow.source, arrow.target
        if any(map(OBJECTIONS, verdicts)):
            body["held"] = [v.name for v in verdicts if not v.objections]
            body["said"] = [item for v in verdicts for item in said(v)]
        else:
            body["held"] = self.definition.all_held[arrow.trigger, arrow.source]
        if arrow.opens:
            facts = question.standing.facts
            opens = [o.duty for o in arrow.opens if o.when is None or facts.get(o.when)]
            if opens := list(dict.fromkeys((*opens, *question.move.opens))):
                body["opens"] = opens
        return body

    def _refused(
        self, question: Question, arrow: Transition | None, verdicts: Sequence[Verdict], *, bulk: bool
    ) -> Draft:
        """A refusal; its reasons are remembered, those of a wrong trigger only to keep bulk from repeating them."""
        body = self.body(question, REFUSED)
        for gone in ONLY_WHEN_MOVED:
            body.pop(gone, None)
        trigger, state = question.trigger, question.standing.state
        body["trigger"], body["source"] = trigger, state
        body["held"] = [v.name for v in verdicts if not v.objections]
        if arrow is None:
            message = f"{trigger} does not leave the state {state}"
            body["said"] = [{"rule": "route", "held": False, "code": "no_such_transition", "message": message}]
        else:
            body["said"] = [item for v in verdicts for item in said(v)]
        against = [o for o in body["said"] if not o["held"]]
        reasons = " ".join(sorted({f"{o['rule']}:{o['code']}:{o.get('field', '')}" for o in against}))
        blocked = (trigger, reasons, against) if arrow is not None or bulk else None
        return Draft(body, self.after(question, None, {}), blocked)

    def body(self, question: Question, kind: str, *, shared: bool = False) -> dict[str, Any]:
        """What an event says of its question, whatever came of it."""
        move, standing = question.move, question.standing
        if self.cohorts is not None and kind != REFUSED:
            kept.refuse_case(self.connection, self.cohorts, standing, move.facts, shared=shared)
        body = {
            **self._on_route,
            "kind": kind,
            "case": standing.case,
            "sequence": standing.sequence + 1,
            "prev": standing.leaf.hex(),
        }
        if question.stated:
            body["occurred_at"] = question.occurred_at
        if move.command_id:
            body["command_id"] = move.command_id
        if move[3:] == PLAIN[2:]:
            return body
        for name in STORED:
            value = getattr(move, name)
            if value or value == 0:
                body[name] = dict(value) if name in TABLES else value
        if move.opens:
            body["opens"] = list(dict.fromkeys(move.opens))
        if move.closes:
            body["closes"] = [list(pair) for pair in move.closes]
        return body


def _question(trigger: str, move: Move, standing: Standing, now: int) -> Question:
    """The move with the time it is said to have happened at.

    A day means its first moment, but not before the step before it on that same day. Today, while this machine's
    clock is behind the step before, means now.
    """
    if move.on is None:
        at = move.occurred_at
        return tuple.__new__(Question, (trigger, move, standing, now if at is None else at, at is not None, now))
    begin = start_of(move.on)
    within = min(max(begin, standing.occurred_at), begin + DAY - 1)
    if move.on != day_of(now):
        return Question(trigger, move, standing, within, True, now)
    if now < standing.occurred_at:
        return Question(trigger, move, standing, now, False, now)
    return Question(trigger, move, standing, within, True, now)


def _answered(
    question: Question,
    arrow: Transition | None,
    verdicts: tuple[Verdict, ...],
    *,
    position: int = 0,
    after: Standing | None = None,
) -> Outcome:
    state, target = question.standing.state, ""
    result: Result = "no_such_transition"
    if arrow is not None:
        moved = all(map(HELD, verdicts))
        result, target = ("moved", arrow.target) if moved else ("refused", state)
    return Outcome(
        question.move.case, question.trigger, result, position, state, target, verdicts, after or question.standing
    )
