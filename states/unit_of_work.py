"""One transaction over the event log, the learners and the dispatches, and the files that go with it.

Files are written in full before the commit and get their final name after it; what a crash leaves between the two
is finished by `unfinished.recover`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.asked import Asked, Policy
from states.cohorts import meant, refuse_others
from states.errors import FileRefused, NotFound, NotPossible, NotPublished
from states.learner.details import Details
from states.learner.erasure import refuse_erased
from states.learner.repository import HELD, Learners
from states.ports import FileDraft, Plugs
from states.vocabulary import LRS_KINDS, REASONS, REGISTRATION, STATED
from workflow import Act, Engine, Move, Outcome, Route, Standing
from workflow.event import canonical
from workflow.store.connection import Connection
from workflow.store.database import Database
from workflow.store.dispatch_log import (
    ANSWERED,
    OPEN_STATES,
    PARTLY,
    PREPARED,
    RECEIVED,
    SENT,
    SUPERSEDED,
    Dispatch,
    DispatchLog,
)
from workflow.store.event_log import EventLog
from workflow.work import Work
from workflow.working_days import day_of

PRACTICE_UKPRNS: Final = "9999"
"""How UKPRNs begin that no provider has."""

BY_ROW: Final = itemgetter(1, 0)
EXCEPTION: Final = "lrs_exception"


@dataclass(frozen=True, slots=True)
class Office:
    """A centre at work: its engine, its plugs, its policy. `practice` marks a database of made-up learners."""

    engine: Engine[Asked]
    database: Database
    plugs: Plugs
    policy: Policy
    ukprn: str
    sender: str
    practice: bool
    outbox_folder: Path

    @property
    def route(self) -> Route:
        """The route learners take."""
        return self.engine.definition.route

    def refuse_practice(self) -> None:
        """A practice database writes for nobody real: raises NotPossible for a UKPRN that a centre may have."""
        if self.practice and not self.ukprn.startswith(PRACTICE_UKPRNS):
            raise NotPossible(
                "this is a practice database: it writes no files for the real world. "
                "Set up a folder of your own: ulnflow init"
            )

    def today(self) -> date:
        """The day by the engine's clock."""
        return day_of(self.engine.clock())

    @contextmanager
    def begin(self, act: Act, *, dry_run: bool = False) -> Iterator[UnitOfWork]:
        """One transaction; its files are published after the commit and removed when there is none.

        Where the commit itself fails, nobody knows yet whether it counts: the files stay drafts, and `recover` asks
        the log.
        """
        drafts: list[FileDraft] = []
        unwanted = True
        try:
            with self.engine.work(act, dry_run=dry_run) as work:
                uow = UnitOfWork(self, work, drafts)
                yield uow
                for last in () if dry_run else uow.at_the_end:
                    last()
                unwanted = dry_run
            for follow in uow.undone if dry_run else uow.afterwards:
                follow()
            for draft in () if dry_run else drafts:
                self._publish(draft)
        finally:
            for draft in drafts if unwanted else ():
                self.plugs.outbox.discard(draft)

    def standings(self, cases: Sequence[int]) -> dict[int, Standing]:
        """Where some cases stand, by number."""
        with self.look() as look:
            return look.log.load(cases)

    def _publish(self, draft: FileDraft) -> None:
        """Give a file its name; what is recorded stands, so a failure says that the next command tries again."""
        try:
            self.plugs.outbox.publish(draft)
        except FileRefused as wrong:
            raise NotPublished(
                f"{wrong} What the file is about is recorded; the next command gives the file its name."
            ) from None

    def waiting(self, kind: str, dispatch: str = "") -> list[Standing]:
        """Learners still open in files of a kind: in one, by name or number, or in all. Raises NotFound."""
        with self.look() as look:
            found = (
                [look.find_dispatch(dispatch, [kind])]
                if dispatch
                else look.dispatches.find(kinds=[kind], states=OPEN_STATES)
            )
            cases = [m.case for d in found for m in look.dispatches.members(d.id, "open")]
            standings = look.log.load(cases)
            return [standings[case] for case in dict.fromkeys(cases)]

    @contextmanager
    def look(self, act: Act | None = None) -> Iterator[Glance]:
        """A transaction that reads one moment and writes nothing; with an act it keeps to what is that person's."""
        with self.database.reading() as connection:
            yield Glance(self, connection, act.cohorts if act else None)


class Glance:
    """What can be read within one transaction; `cohorts` are those the person is kept to, None for every one."""

    def __init__(self, office: Office, connection: Connection, cohorts: Collection[str] | None = None) -> None:
        self.office, self.connection, self.cohorts = office, connection, cohorts
        self.learners = Learners(connection)
        self.dispatches = DispatchLog(connection)
        self.log = EventLog(connection, office.engine.origin)

    def find_case(
        self, reference: str, qualification: str = "", *, erased: bool = False, others: bool = False
    ) -> Standing:
        """One case of a learner; see `find_cases`."""
        return self.find_cases([reference], qualification, erased=erased, others=others)[0]

    def find_cases(
        self, references: Sequence[str], qualification: str = "", *, erased: bool = False, others: bool = False
    ) -> list[Standing]:
        """One case of each learner, each once, in the order asked: the latest that goes on, else the latest.

        REFERENCE@QUALIFICATION names the case for a qualification, as `qualification` does for all. Raises NotFound,
        and NotPossible for who was erased unless those are asked for too; OtherCohort likewise for `others`.
        """
        wanted = self._wanted(references, qualification)
        known = self.learners.by_reference({reference for reference, _ in wanted})
        unknown = [asked for asked, (name, _) in zip(references, wanted, strict=True) if name not in known]
        if unknown:
            shown = ", ".join(unknown[:10]) + (" and others" if len(unknown) > 10 else "")  # noqa: PLR2004 - a line's worth
            raise NotFound(f"no learner has the reference {shown}. See: ulnflow status --learners", *unknown)
        cases = self.learners.cases(known.values())
        standings = self.log.load([case for listed in cases.values() for case in listed])
        final = self.office.route.final_states()
        found: dict[int, Standing] = {}
        for reference, code in wanted:
            every = [standings[case] for case in cases.get(known[reference], ())]
            own = [s for s in every if not code or s.facts.get("qualification") == code]
            if not own:
                names = ", ".join(f"{reference}@{s.facts.get('qualification', '')}" for s in every)
                hint = f"; try: {names}" if names else ""
                raise NotFound(f"{reference} has no case" + (f" for {code}" if code else "") + hint, code)
            chosen = meant(self.cohorts, own, final)
            found[chosen.case] = chosen
        if not others:
            refuse_others(self.cohorts, found.values())
        if not erased:
            refuse_erased(found.values(), {learner: name for name, learner in known.items()})
        return list(found.values())

    def _wanted(self, references: Sequence[str], qualification: str) -> list[tuple[str, str]]:
        """(reference, qualification) of each text asked for: what is a reference as it stands is taken as one."""
        known = self.learners.by_reference(references)
        wanted = []
        for text in references:
            reference, _, code = text.rpartition("@")
            split = text not in known and reference and code
            wanted.append((reference, code) if split else (text, qualification))
        return wanted

    def references(self, standings: Sequence[Standing]) -> dict[int, str]:
        """References by case number."""
        names = self.learners.references({s.subject for s in standings})
        return {s.case: names[s.subject] for s in standings}

    def held_uln(self, learner: int) -> str:
        """The ULN a learner holds; empty when none."""
        return next((r.uln for r in self.learners.ulns([learner]).get(learner, ()) if r.status == HELD), "")

    def find_dispatch(self, name_or_number: str, kinds: Sequence[str] = ()) -> Dispatch:
        """A dispatch by number or file name (or a path to it), the latest; raises NotFound, and OtherCohort."""
        found: list[Dispatch] = []
        if name_or_number.isascii() and name_or_number.isdigit():
            one = self.dispatches.get(int(name_or_number))
            found = [one] if one is not None else []
        else:
            found = self.dispatches.find(name=name_or_number.replace("\\", "/").rpartition("/")[2])
        found = [d for d in found if not kinds or d.kind in kinds]
        if not found:
            raise NotFound(f"no file {name_or_number} is in the register. See: ulnflow dispatch list", name_or_number)
        if self.cohorts is not None:
            cases = [member.case for member in self.dispatches.members(found[-1].id)]
            refuse_others(self.cohorts, self.log.load(cases).values())
        return found[-1]


class UnitOfWork(Glance):
    """What can be done within one transaction; nothing of it stands unless all of it does."""

    def __init__(self, office: Office, work: Work[Asked], drafts: list[FileDraft]) -> None:
        super().__init__(office, work.connection, work.cohorts)
        self.work, self.drafts = work, drafts
        self.at_the_end: list[Callable[[], None]] = []
        """What is done outside as the last thing before the commit, which fails with it; never in a dry run."""

        self.afterwards: list[Callable[[], None]] = []
        """What is done once the transaction is committed, in this order."""

        self.undone: list[Callable[[], None]] = []
        """What is done instead once a dry run was undone."""

    def fire(self, trigger: str, moves: Sequence[Move], *, bulk: bool = False) -> list[Outcome]:
        """Put a trigger to some cases; see Work.fire. A reason in somebody's own words is kept apart from the log.

        Who leaves an exception by it needs no candidates any more.
        """
        outcomes = self._in_code(moves, lambda coded: self.work.fire(trigger, coded, bulk=bulk))
        decided = [o.after.subject for o in outcomes if o.source == EXCEPTION and o.result == "moved" and o.after]
        if decided:
            self.learners.forget_candidates(decided)
        return outcomes

    def note(self, what: str, moves: Sequence[Move]) -> list[Outcome]:
        """Record facts that move nobody; see Work.note, and `fire` for reasons."""
        return self._in_code(moves, lambda coded: self.work.note(what, coded))

    def _in_code(self, moves: Sequence[Move], run: Callable[[list[Move]], list[Outcome]]) -> list[Outcome]:
        if not moves:
            return []
        words = {m.case: m.reason for m in moves if m.reason and m.reason not in REASONS}
        outcomes = run([m._replace(reason=STATED) if m.case in words else m for m in moves])
        for outcome in outcomes:
            self.remark([outcome], words.get(outcome.case, ""))
        return outcomes

    def remark(self, outcomes: Sequence[Outcome], words: str) -> None:
        """Keep the free text of a reason beside the events of these outcomes."""
        if not words:
            return
        for outcome in outcomes:
            if outcome.position and outcome.after is not None:
                self.learners.remark(outcome.position, words, outcome.after.subject)

    def draft(self, name: str, write: Callable[[BinaryIO], None], *, folder: str, flush: bool = True) -> FileDraft:
        """Write a file that is published when this transaction commits, and removed when it does not."""
        self.office.refuse_practice()
        token = token_of(self.work.command_id)
        draft = self.office.plugs.outbox.draft(name, write, folder=folder, token=token, flush=flush)
        self.drafts.append(draft)
        return draft

    def prepare(
        self,
        kind: str,
        draft: FileDraft,
        members: Sequence[tuple[int, int, int]],
        *,
        dispatch: int | None = None,
        duty: bool = True,
    ) -> int:
        """Register a file that was written for the outside: frozen members, digest, and the duty to send it."""
        number = dispatch or self.dispatches.next_id()
        folder = draft.final.parent.relative_to(self.office.outbox_folder).as_posix()
        self.work.record(
            "dispatch_prepared",
            dispatch=number,
            evidence={
                "kind": kind,
                "name": draft.final.name,
                "digest": draft.digest,
                "members": len(members),
                "frozen": hashlib.sha256(canonical([list(m) for m in sorted(members, key=BY_ROW)])).hexdigest(),
            },
            opens=["upload_file"] if duty else (),
        )
        now = self.work.clock()
        self.dispatches.add(
            Dispatch(
                number, "out", kind, draft.final.name, "" if folder == "." else folder, draft.digest, PREPARED, now,
                None, len(members),
            ),
            members,
        )  # fmt: skip
        return number

    def received(self, kind: str, digest: str, *, rows: int) -> int | None:
        """Register a file that came in; None when the same bytes came in before."""
        if self.dispatches.find(kinds=[kind], digest=digest):
            return None
        number = self.dispatches.next_id()
        self.work.record(
            "dispatch_received",
            dispatch=number,
            evidence={"kind": kind, "digest": digest, "rows": rows},
        )
        now = self.work.clock()
        shown = f"D{number}-{kind}"
        self.dispatches.add(Dispatch(number, "in", kind, shown, "", digest, RECEIVED, now, now, 0), [])
        return number

    def mark_sent(self, dispatch: Dispatch, *, on: date | None, evidence: Mapping[str, Any]) -> None:
        """Record that a prepared file went out; a second time changes nothing."""
        if dispatch.state != PREPARED:
            return
        self._advance(dispatch, SENT, "dispatch_sent", evidence={**evidence, **({"on": on.isoformat()} if on else {})})

    def settle(self, dispatch: Dispatch) -> str:
        """Bring the state of a dispatch up to date with its members; returns it.

        A file that was not sent stays so while anybody is left in it, and is superseded when nobody is.
        """
        if dispatch.state not in OPEN_STATES:
            return dispatch.state
        counts = self.dispatches.counts(dispatch.id)
        if dispatch.state == PREPARED:
            if not counts.get("open"):
                self.end(dispatch, SUPERSEDED, reason="nobody_left")
            return dispatch.state
        if counts.get("open") == dispatch.members:
            return dispatch.state
        state = PARTLY if counts.get("open") else ANSWERED
        if state != dispatch.state:
            self._advance(
                dispatch, state, f"dispatch_{state}", evidence={f"members_{k}": v for k, v in sorted(counts.items())}
            )
        return state

    def settle_all(self, dispatches: Iterable[int], *, proved_by: str) -> None:
        """Bring several dispatches up to date; one nobody marked as sent is proved sent by what came of it."""
        for number in sorted(dispatches):
            for advance in (lambda d: self.mark_sent(d, on=None, evidence={"proved_by": proved_by}), self.settle):
                dispatch = self.dispatches.get(number)
                if dispatch is not None and self.dispatches.counts(number).get("open", 0) < dispatch.members:
                    advance(dispatch)

    def end(self, dispatch: Dispatch, state: str, *, reason: str) -> None:
        """Close a dispatch as rejected or superseded: every open member is let go, whatever state it is in."""
        self._advance(dispatch, state, f"dispatch_{state}", reason=reason)
        self.dispatches.release(dispatch.id)

    def _advance(self, dispatch: Dispatch, state: str, kind: str, **fields: Any) -> None:
        closes = [[position, duty] for position, duty in self.log.open_duties_of_dispatch(dispatch.id)]
        self.work.record(kind, dispatch=dispatch.id, closes=closes, **fields)
        self.dispatches.set_state(dispatch.id, state, sent_at=self.work.clock() if state != "superseded" else None)

    def add_learners(self, new: Sequence[tuple[str, Details]]) -> list[int]:
        """Add learners with the first version of their details; returns their numbers."""
        numbers = self.learners.add([(reference, secrets.token_bytes(32)) for reference, _ in new], self.work.clock())
        self.learners.add_details([(n, 1, details) for n, (_, details) in zip(numbers, new, strict=True)])
        return numbers

    def unsent_places(self, cases: Sequence[int]) -> list[str]:
        """Where these learners stand in files that were prepared and not sent: a warning for each."""
        kinds = (*LRS_KINDS, REGISTRATION)
        names = self.references(list(self.log.load(cases).values()))
        return [
            f"{names[case]} stands in row {member.row} of {dispatch.name}, which was not sent yet; to make it anew: "
            f"ulnflow {'lrs' if dispatch.kind in LRS_KINDS else 'ilm'} reject {dispatch.name} --reason WHY"
            for case, places in self.dispatches.holding(cases, kinds).items()
            for member, dispatch in places
            if member.state == "open" and dispatch.state == PREPARED
        ]

    def close_duties(self, case: int, *names: str) -> tuple[tuple[int, str], ...]:
        """The open duties of a case that bear one of these names, for a move to close."""
        return tuple(d for d in self.log.open_duties([case]).get(case, ()) if d[1] in names)


def token_of(command_id: str) -> str:
    """What the drafts of a command are filed under: letters and digits, whatever the id looks like."""
    return hashlib.sha256(command_id.encode()).hexdigest()[:16]
