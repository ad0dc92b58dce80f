"""open, fire, fire_many: rules asked, event written and case moved, all or nothing.

What it promises: a move is judged by every rule of its arrow, its event and the new state are written in one
transaction, a command id makes a repeat harmless, and positions in the log have no gaps. What it does not promise:
that time moves anyone, or that a file was sent because it was written.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from uuid import uuid4

from workflow.chunk import fire_chunk
from workflow.correction import plan, write
from workflow.errors import CommandReused, CorrectionRefused, NamedTwice, NoSuchTransition, RuleRefused, UnknownCase
from workflow.event import EMPTY, OPENED
from workflow.move import ACCEPTED, Act, Move, Outcome, plain
from workflow.store.database import Database
from workflow.store.runs import Run, RunLog, packed
from workflow.uncollected import uncollected
from workflow.work import Definition, Work

Asked = TypeVar("Asked")
CHUNK = 4_000
"""Cases a transaction: long enough that a commit costs little for each, short enough that others hardly wait."""


class DryRun(Exception):
    """Ends a rehearsal."""


@dataclass(slots=True)
class RunResult:
    """What a bulk run did. `counts` are those of the whole run, also of what came before a crash.

    `kinds` counts the refusals met by this call by (rule, code, field), `examples` are the first of them.
    """

    run: int
    size: int
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: list[Outcome] = field(default_factory=list)
    stopped: str = ""

    def add(self, outcomes: Sequence[Outcome], *, moved: int = 0, examples: int = 20) -> None:
        """Count some outcomes, keeping the first few refusals; `moved` more were moved without a word."""
        self.done += moved + len(outcomes)
        if moved:
            self.counts["moved"] += moved
        self.counts.update([outcome.result for outcome in outcomes])
        refused = [outcome for outcome in outcomes if not outcome.accepted]
        self.examples += refused[: max(0, examples - len(self.examples))]
        for outcome in refused:
            self.kinds.update(
                (verdict.rule, said.code, said.field)
                for verdict in outcome.refusals
                for said in verdict.objections
                if said.severity == "block"
            )

    @property
    def not_accepted(self) -> int:
        """How many members are not where the trigger would have brought them."""
        return sum(count for result, count in self.counts.items() if result not in ACCEPTED)


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
        command_id = act.command_id or self.new_id()
        try:
            with self.database.writing() as connection:
                yield Work(
                    self.definition,
                    connection,
                    act=act,
                    command_id=command_id,
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
        """Open a case for each (subject, facts); returns the case numbers.

        The act's own command id makes a repeat return the numbers of the first call.
        """
        with self.work(act) as work:
            runs = RunLog(work.connection)
            if act.command_id and (found := _same(runs.get(act.command_id), OPENED)):
                return list(found.cases())
            cases = [standing.case for standing in work.open(subjects)]
            if act.command_id:
                head, size = work.log.head(), len(cases)
                counts = {OPENED: size}
                runs.add(
                    Run(
                        runs.next_id(), act.command_id, OPENED, packed(cases), size, size, head - size + 1, head,
                        "finished", counts,
                    )
                )  # fmt: skip
            return cases

    def fire(self, trigger: str, move: Move, act: Act, *, dry_run: bool = False) -> Outcome:
        """Move one case, or raise why not.

        Raises NoSuchTransition or RuleRefused (the refusal is in the log by then, unless this is a dry run),
        UnknownCase and OtherRoute. The act's own command id makes a repeat return what the first call did.
        """
        if act.command_id and not move.command_id:
            move = move._replace(command_id=act.command_id)
        with self.work(act, dry_run=dry_run) as work:
            outcome = work.fire(trigger, [move])[0]
        raise_refusal(outcome)
        return outcome._replace(position=0) if dry_run and outcome.result == "moved" else outcome

    def fire_many(
        self,
        trigger: str,
        cases: Sequence[int],
        act: Act,
        *,
        move: Callable[[int], Move] = plain,
        given: Mapping[str, Any] = EMPTY,
        dry_run: bool = False,
        stop_after: int | None = None,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> RunResult:
        """Move many cases, each judged by its own rules, a chunk a transaction.

        The members are frozen when the run begins and its place is written with each chunk, so the same call with
        the same command id goes on after a crash and changes nothing once done. `stop_after` refusals end it at the
        end of their chunk. `given` is what the moves are made from; it is kept with the run, so that whoever goes on
        with it can make the same ones. A dry run judges each chunk as if the ones before it had not moved. Raises
        NamedTwice, CommandReused when the command id began another trigger, and OtherRoute.
        """
        _refuse_doubles(cases)
        act = act if act.command_id else replace(act, command_id=self.new_id())
        if dry_run:
            return self._rehearse(trigger, cases, act, move, stop_after=stop_after, progress=progress)
        run = self._begin(trigger, cases, act, given)
        members = run.cases()
        result = RunResult(run.id, run.size, run.cursor, Counter(run.counts), stopped=run.stopped)
        while not result.stopped:
            done = result.done
            with uncollected(), self.work(act, run=run.id) as work:
                self._chunk(work, trigger, members, move, result, stop_after)
            progress(result.done - done)
        return result

    def correct(
        self, position: int, reason: str, act: Act, *, and_after: bool = False, dry_run: bool = False
    ) -> list[int]:
        """Void an event that was untrue when recorded; returns the positions of the events that say so.

        Where later events rest on it: with `and_after` they are voided as well, else CorrectionRefused names them.
        An event that is void already changes nothing.
        """
        with self.work(act, dry_run=dry_run) as work:
            found = plan(work, position)
            if len(found.voids) > 1 and not and_after:
                raise CorrectionRefused(
                    f"these rest on entry {position}: {', '.join(str(e.position) for e in found.voids[1:])}"
                )
            return write(work, found, reason=reason)
        return []

    def _chunk(
        self,
        work: Work[Asked],
        trigger: str,
        members: array[int],
        move: Callable[[int], Move],
        result: RunResult,
        stop_after: int | None,
    ) -> None:
        """The next chunk of a run, from where its row says; another process may have brought it there."""
        runs = RunLog(work.connection)
        result.done, counts, result.stopped = runs.progress(result.run)
        result.counts = Counter(counts)
        if result.stopped:
            return
        moves = [move(case) for case in members[result.done : result.done + CHUNK]]
        moved, outcomes = fire_chunk(work, trigger, moves)
        result.add(outcomes, moved=moved)
        if result.done >= result.size:
            result.stopped = "finished"
        elif stop_after is not None and result.not_accepted >= stop_after:
            result.stopped = "too_many_refusals"
        if result.stopped:
            work.record(
                "run_ended", reason=result.stopped, evidence={"size": result.size, "counts": dict(result.counts)}
            )
        runs.advance(result.run, result.done, work.log.head(), result.stopped, result.counts)

    def unfinished(self, trigger: str) -> list[tuple[Run, Mapping[str, Any] | None]]:
        """Bulk runs of this trigger that a crash left behind, and what was given with each, if that was kept."""
        with self.database.reading() as connection:
            runs = RunLog(connection)
            return [(run, runs.given(run)) for run in runs.unfinished(trigger)]

    def _begin(self, trigger: str, cases: Sequence[int], act: Act, given: Mapping[str, Any]) -> Run:
        with self.work(act) as work:
            runs = RunLog(work.connection)
            if found := _same(runs.get(act.command_id), trigger):
                return found
            frozen = packed(cases)
            evidence: dict[str, Any] = {"size": len(cases), "members": hashlib.sha256(frozen).hexdigest()}
            if given:
                evidence["given"] = dict(given)
            number = runs.next_id()
            position = work.record("run_began", trigger=trigger, run=number, evidence=evidence)
            run = Run(number, act.command_id, trigger, frozen, len(cases), 0, position, position, "", {})
            runs.add(run)
            return run

    def _rehearse(
        self,
        trigger: str,
        cases: Sequence[int],
        act: Act,
        move: Callable[[int], Move],
        *,
        stop_after: int | None,
        progress: Callable[[int], None],
    ) -> RunResult:
        result = RunResult(0, len(cases))
        for start in range(0, len(cases), CHUNK):
            with uncollected(), self.work(act, dry_run=True) as work:
                moved, outcomes = fire_chunk(work, trigger, [move(case) for case in cases[start : start + CHUNK]])
            result.add([outcome._replace(position=0) for outcome in outcomes], moved=moved)
            progress(moved + len(outcomes))
            if stop_after is not None and result.not_accepted >= stop_after:
                break
        result.stopped = "rehearsed"
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


def _refuse_doubles(cases: Sequence[int]) -> None:
    if len(set(cases)) != len(cases):
        raise NamedTwice(next(case for case, times in Counter(cases).items() if times > 1))


def _same(found: Run | None, trigger: str) -> Run | None:
    """The run a command id began before; raises CommandReused when that was another trigger."""
    if found is not None and found.trigger != trigger:
        raise CommandReused(found.command_id, found.trigger, trigger)
    return found
