"""One transaction: cases opened, fired and noted, with every event written beside the state it leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from workflow.case import Standing, advanced, opening
from workflow.errors import UnknownCase
from workflow.event import MOVED, NOTED, OPENED, REFUSED, SCHEMA, Event
from workflow.machine import Machine
from workflow.move import Act, Move, Outcome, Question, Result
from workflow.route import Route, Transition
from workflow.rule import Objection, Rule, Verdict, rule_set_version
from workflow.store.dispatch_log import DispatchLog
from workflow.store.event_log import Draft, EventLog
from workflow.working_days import day_of, start_of

Asked = TypeVar("Asked")
Given = TypeVar("Given", covariant=True)
DAY = 86_400_000_000


class FactsSource(Protocol[Given]):
    """Hands the rules what they need to know, for many cases at once."""

    def gather(self, connection: Connection, questions: Sequence[Question], needs: frozenset[str]) -> Sequence[Given]:
        """One answer a question, in their order."""
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
        self.all_held = {key: [f"{r.code}.{r.version}" for r in asks] for key, asks in self.asks.items()}


def required(arrow: Transition, move: Move) -> tuple[Verdict, ...]:
    """What the route itself demands of a move: a reason, evidence."""
    missing = [
        Objection(
            f"{word}_missing",
            f"this step needs {'a reason' if word == 'reason' else 'evidence'}: {advice}",
            field=word,
        )
        for word, advice in (
            ("reason", "say why, with a reason code"),
            ("evidence", "say what it rests on, such as a file, a reference or an order number"),
        )
        if word in arrow.requires and not getattr(move, word)
    ]
    return (Verdict("given", 1, tuple(missing)),) if missing else ()


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
        run: int | None = None,
    ) -> None:
        self.definition, self.connection, self.act = definition, connection, act
        self.log = EventLog(connection, origin)
        self.dispatches = DispatchLog(connection)
        self.clock = clock
        self._base: dict[str, Any] = {
            "schema": SCHEMA,
            "actor": act.actor,
            "command": act.command,
            "command_id": act.command_id,
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
        the order of the moves.
        """
        standings = self.log.load([move.case for move in moves])
        now = self.clock()
        outcomes: dict[int, Outcome] = {}
        questions: list[Question] = []
        arrows: dict[int, Transition | None] = {}
        table, single = self.definition.machine.table, len(moves) == 1
        for move in moves:
            standing = standings.get(move.case)
            if standing is None:
                outcomes[move.case] = Outcome(move.case, trigger, "unknown_case")
                continue
            if move.command_id and (done := self.log.repeats(move.case, move.command_id)):
                outcomes[move.case] = Outcome(
                    move.case, trigger, "repeated", done[0], done[1] or "", done[2] or "", (), standing
                )
                continue
            arrows[move.case] = (
                self.definition.machine.step(trigger, standing.state)
                if single
                else table.get((trigger, standing.state))
            )
            questions.append(_question(trigger, move, standing, now))
        verdicts = self._judge(questions, arrows)
        self._write(trigger, questions, arrows, verdicts, outcomes, now, bulk=bulk)
        return [outcomes[move.case] for move in moves]

    def ask(self, trigger: str, moves: Sequence[Move]) -> list[Outcome]:
        """What `fire` would say, without writing anything."""
        standings = self.log.load([move.case for move in moves])
        now = self.clock()
        table = self.definition.machine.table
        known = [move for move in moves if move.case in standings]
        questions = [_question(trigger, move, standings[move.case], now) for move in known]
        arrows = {q.move.case: table.get((trigger, q.standing.state)) for q in questions}
        judged = self._judge(questions, arrows)
        return [_asked(q, arrows[q.move.case], verdicts) for q, verdicts in zip(questions, judged, strict=True)]

    def note(self, reason: str, moves: Sequence[Move]) -> list[Outcome]:
        """Record facts about some cases that move none of them; `reason` is the code of what is noted."""
        standings = self.log.load([move.case for move in moves])
        now = self.clock()
        drafts, outcomes = [], []
        for move in moves:
            standing = standings.get(move.case)
            if standing is None:
                raise UnknownCase(f"there is no case {move.case}")
            if move.command_id and (done := self.log.repeats(move.case, move.command_id)):
                outcomes.append(Outcome(move.case, reason, "repeated", done[0], after=standing))
                continue
            question = _question(reason, move, standing, now)
            body = self._body(question, NOTED)
            body["trigger"] = reason
            after = advanced(
                self.definition.route, standing, target=None, occurred_at=question.occurred_at, facts=move.facts
            )
            drafts.append(Draft(body, after))
            outcomes.append(Outcome(move.case, reason, "noted", after=after))
        self.log.append(drafts, now)
        return outcomes

    def record(self, kind: str, **fields: Any) -> int:
        """Record a fact about no case: a file prepared, a rule waived; returns its position."""
        body = {**self._base, "kind": kind, **{k: v for k, v in fields.items() if v not in (None, "", {}, ())}}
        return self.log.append([Draft(body)], self.clock())[0]

    def _judge(
        self, questions: Sequence[Question], arrows: Mapping[int, Transition | None]
    ) -> list[tuple[Verdict, ...]]:
        judged: dict[int, tuple[Verdict, ...]] = {}
        going = [q for q in questions if arrows[q.move.case] is not None]
        asks = self.definition.asks
        needs: frozenset[str] = frozenset().union(
            *(rule.needs for state in {q.standing.state for q in going} for rule in asks[going[0].trigger, state])
        )
        facts = self.definition.source.gather(self.connection, going, needs) if going else ()
        for question, asked in zip(going, facts, strict=True):
            arrow = arrows[question.move.case]
            if arrow is not None:
                judged[question.move.case] = (
                    *required(arrow, question.move),
                    *(rule.ask(asked) for rule in asks[arrow.trigger, arrow.source]),
                )
        return [judged.get(q.move.case, ()) for q in questions]

    def _write(
        self,
        trigger: str,
        questions: Sequence[Question],
        arrows: Mapping[int, Transition | None],
        judged: Sequence[tuple[Verdict, ...]],
        outcomes: dict[int, Outcome],
        now: int,
        *,
        bulk: bool,
    ) -> None:
        """Write an event for each answer, then remember the outcome with its position (one pass, in order)."""
        remembered = self.log.reasons([q.move.case for q in questions], trigger) if bulk else {}
        drafts: list[Draft] = []
        written: list[Outcome] = []
        again: list[tuple[int, str]] = []
        for question, verdicts in zip(questions, judged, strict=True):
            case = question.move.case
            outcome = _asked(question, arrows[case], verdicts)
            if outcome.result == "moved":
                drafts.append(self._moved(question, arrows[case], verdicts))
            else:
                draft = self._refused(question, outcome)
                if draft.blocked is not None and remembered.get(case) == draft.blocked[1]:
                    again.append((case, trigger))
                    outcomes[case] = outcome
                    continue
                drafts.append(draft)
            written.append(outcome)
        if again:
            self.log.touch_blocked(again, now)
        if not drafts:
            return
        for outcome, draft, position in zip(written, drafts, self.log.append(drafts, now), strict=True):
            outcomes[outcome.case] = Outcome(
                outcome.case, trigger, outcome.result, position,
                outcome.source, outcome.target, outcome.verdicts, draft.after,
            )  # fmt: skip

    def _moved(self, question: Question, arrow: Transition | None, verdicts: Sequence[Verdict]) -> Draft:
        if arrow is None:
            raise AssertionError("a move without an arrow")
        body = self._body(question, MOVED)
        body["trigger"], body["source"], body["target"] = arrow.trigger, arrow.source, arrow.target
        if any(v.objections for v in verdicts):
            body["held"] = [v.name for v in verdicts if not v.objections]
            body["said"] = [item for v in verdicts for item in said(v)]
        else:
            body["held"] = self.definition.all_held[arrow.trigger, arrow.source]
        facts = question.standing.facts
        opens = [o.duty for o in arrow.opens if o.when is None or facts.get(o.when)]
        if opens:
            body["opens"] = [*opens, *(d for d in question.move.opens if d not in opens)]
        after = advanced(
            self.definition.route,
            question.standing,
            target=arrow.target,
            occurred_at=question.occurred_at,
            facts=question.move.facts,
        )
        return Draft(body, after)

    def _refused(self, question: Question, outcome: Outcome) -> Draft:
        body = self._body(question, REFUSED)
        for gone in ("facts", "opens", "closes", "settles"):
            body.pop(gone, None)
        body["trigger"], body["source"] = question.trigger, question.standing.state
        body["held"] = [v.name for v in outcome.verdicts if not v.objections]
        objections = [item for v in outcome.verdicts for item in said(v)]
        blocked = None
        if outcome.result == "no_such_transition":
            objections = [
                {
                    "rule": "route",
                    "held": False,
                    "code": "no_such_transition",
                    "message": f"{question.trigger} does not leave the state {question.standing.state}",
                }
            ]
        else:
            against = sorted({f"{o['rule']}:{o['code']}:{o.get('field', '')}" for o in objections if not o["held"]})
            blocked = (question.trigger, " ".join(against), [o for o in objections if not o["held"]])
        body["said"] = objections
        after = advanced(
            self.definition.route, question.standing, target=None, occurred_at=question.occurred_at, facts={}
        )
        return Draft(body, after, blocked)

    def _body(self, question: Question, kind: str) -> dict[str, Any]:
        move, standing = question.move, question.standing
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
        for name in ("reason", "evidence", "facts", "commitments", "dispatch", "row", "settles"):
            value = getattr(move, name)
            if value or value == 0:
                body[name] = dict(value) if name in {"evidence", "facts", "commitments"} else value
        if move.opens:
            body["opens"] = list(move.opens)
        if move.closes:
            body["closes"] = [list(pair) for pair in move.closes]
        return body


def _question(trigger: str, move: Move, standing: Standing, now: int) -> Question:
    if move.on is not None:
        begin = start_of(move.on)
        within = min(max(begin, standing.occurred_at), begin + DAY - 1)
        return Question(trigger, move, standing, min(within, now) if move.on == day_of(now) else within, True, now)
    stated = move.occurred_at is not None
    return Question(trigger, move, standing, move.occurred_at if move.occurred_at is not None else now, stated, now)


def _asked(question: Question, arrow: Transition | None, verdicts: tuple[Verdict, ...]) -> Outcome:
    case, state = question.move.case, question.standing.state
    if arrow is None:
        return Outcome(case, question.trigger, "no_such_transition", source=state, after=question.standing)
    result: Result = "moved" if all(v.held for v in verdicts) else "refused"
    target = arrow.target if result == "moved" else state
    return Outcome(case, question.trigger, result, 0, state, target, verdicts, question.standing)
