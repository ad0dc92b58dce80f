"""open, fire, fire_many: rules asked, event written and case moved, all or nothing.

What it promises: a move is judged by every rule of its arrow, its event and the new state are written in one
transaction, a command id makes a repeat harmless, and positions in the log have no gaps. What it does not promise:
that time moves anyone, or that a file was sent because it was written.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from uuid import uuid4

from workflow.errors import NoSuchTransition, RuleRefused, UnknownCase
from workflow.move import Act, Move, Outcome
from workflow.store.database import Database
from workflow.store.runs import Run, RunLog
from workflow.work import Definition, Work

Asked = TypeVar("Asked")
CHUNK = 1_000


class DryRun(Exception):
    """Ends a rehearsal."""


@dataclass(slots=True)
class RunResult:
    """What a bulk run did. Counts come from events; `kinds` counts refusals by (rule, code, field)."""

    run: int
    size: int
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: list[Outcome] = field(default_factory=list)
    stopped: str = ""

    def add(self, outcomes: Sequence[Outcome], examples: int = 20) -> None:
        """Count some outcomes, keeping the first few refusals."""
        self.done += len(outcomes)
        for outcome in outcomes:
            self.counts[outcome.result] += 1
            for verdict in outcome.refusals:
                for said in verdict.objections:
                    if said.severity == "block":
                        self.kinds[verdict.rule, said.code, said.field] += 1
            if not outcome.accepted and len(self.examples) < examples:
                self.examples.append(outcome)


class Engine(Generic[Asked]):
    """Moves cases along one route in one database.

    `clock` gives microseconds since 1970, UTC; `new_id` makes a command id where a command brings none.
    """

    def __init__(
        self,
        definition: Definition[Asked],
        database: Database,
        *,
        origin: str,
        product: str,
        clock: Callable[[], int],
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self.definition, self.database = definition, database
        self.origin, self.product, self.clock, self.new_id = origin, product, clock, new_id

    @contextmanager
    def work(self, act: Act, *, dry_run: bool = False, run: int | None = None) -> Iterator[Work[Asked]]:
        """One transaction on behalf of an act; a dry run is the same, rolled back at its end."""
        if not act.command_id:
            act = replace(act, command_id=self.new_id())
        try:
            with self.database.writing() as connection:
                yield Work(
                    self.definition,
                    connection,
                    act=act,
                    origin=self.origin,
                    product=self.product,
                    clock=self.clock,
                    run=run,
                )
                if dry_run:
                    raise DryRun
        except DryRun:
            return

    def open(self, subjects: Sequence[tuple[int, Mapping[str, Any]]], act: Act) -> list[int]:
        """Open a case for each (subject, facts); returns the case numbers."""
        with self.work(act) as work:
            return [standing.case for standing in work.open(subjects)]

    def fire(self, trigger: str, move: Move, act: Act, *, dry_run: bool = False) -> Outcome:
        """Move one case, or raise why not.

        Raises NoSuchTransition or RuleRefused (the refusal is in the log by then) and UnknownCase. The act's own
        command id makes a repeat return what the first call did.
        """
        if act.command_id and not move.command_id:
            move = replace(move, command_id=act.command_id)
        with self.work(act, dry_run=dry_run) as work:
            outcome = work.fire(trigger, [move])[0]
        raise_refusal(outcome)
        return outcome

    def fire_many(
        self,
        trigger: str,
        cases: Sequence[int],
        act: Act,
        *,
        move: Callable[[int], Move] = lambda case: Move(case=case),
        dry_run: bool = False,
        stop_after: int | None = None,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> RunResult:
        """Move many cases, each judged by its own rules, a chunk a transaction.

        The members are frozen when the run begins and its place is written with each chunk, so the same call with
        the same command id goes on after a crash and changes nothing once done. `stop_after` refusals end it.
        """
        act = act if act.command_id else replace(act, command_id=self.new_id())
        if dry_run:
            return self._rehearse(trigger, cases, act, move)
        run = self._begin(trigger, cases, act)
        result = RunResult(run.id, run.size, stopped=run.stopped)
        members = _unpack(run.members)
        refused = 0
        while not result.stopped:
            with self.work(act, run=run.id) as work:
                runs = RunLog(work.connection)
                cursor = runs.cursor(run.id)
                chunk = members[cursor : cursor + CHUNK]
                outcomes = work.fire(trigger, [move(case) for case in chunk], bulk=True)
                refused += sum(not outcome.accepted for outcome in outcomes)
                if cursor + len(chunk) >= run.size:
                    result.stopped = "finished"
                elif stop_after is not None and refused >= stop_after:
                    result.stopped = "too_many_refusals"
                if result.stopped:
                    work.record("run_ended", run=run.id, reason=result.stopped, evidence={"size": run.size})
                runs.advance(run.id, cursor + len(chunk), work.log.head(), result.stopped)
            result.add(outcomes)
            progress(len(chunk))
        if not result.counts:
            with self.database.reading() as connection:
                result.counts.update(RunLog(connection).counts(run.id))
            result.done = run.size
        return result

    def unfinished(self, trigger: str) -> list[Run]:
        """Bulk runs of this trigger that a crash left behind."""
        with self.database.reading() as connection:
            return RunLog(connection).unfinished(trigger)

    def _begin(self, trigger: str, cases: Sequence[int], act: Act) -> Run:
        with self.work(act) as work:
            runs = RunLog(work.connection)
            if found := runs.get(act.command_id):
                return found
            packed = _pack(cases)
            digest = hashlib.sha256(packed).hexdigest()
            number = runs.next_id()
            position = work.record(
                "run_began", trigger=trigger, run=number, evidence={"size": len(cases), "members": digest}
            )
            run = Run(number, act.command_id, trigger, packed, len(cases), 0, position, position, "")
            runs.add(run)
            return run

    def _rehearse(self, trigger: str, cases: Sequence[int], act: Act, move: Callable[[int], Move]) -> RunResult:
        result = RunResult(0, len(cases), stopped="rehearsed")
        for start in range(0, len(cases), CHUNK):
            with self.work(act, dry_run=True) as work:
                outcomes = work.fire(trigger, [move(case) for case in cases[start : start + CHUNK]], bulk=True)
            result.add(outcomes)
        return result


def raise_refusal(outcome: Outcome) -> None:
    """Turn an outcome that is a no into its error."""
    if outcome.result == "unknown_case":
        raise UnknownCase(f"there is no case {outcome.case}")
    if outcome.result == "no_such_transition":
        raise NoSuchTransition(
            outcome.case,
            outcome.trigger,
            outcome.source,
            f"{outcome.trigger} does not leave the state {outcome.source}",
        )
    if outcome.result == "refused":
        says = "; ".join(f"{v.rule}: {o.message}" for v in outcome.refusals for o in v.objections)
        raise RuleRefused(outcome.case, outcome.trigger, outcome.source, says)


def _pack(cases: Sequence[int]) -> bytes:
    return zlib.compress(array("q", cases).tobytes())


def _unpack(packed: bytes) -> array[int]:
    members = array("q")
    members.frombytes(zlib.decompress(packed))
    return members
