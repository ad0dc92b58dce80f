"""A desk: the office opened for one command, the learners it is about, and how it ends."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import typer

from cli import logs, people, wiring
from cli.exits import FINDINGS
from cli.options import Form
from cli.render import complain, tell
from cli.tables import REGISTER
from cli.typed import lines
from states.cohorts import refuse_cohort, theirs
from states.errors import NotPossible
from states.steps import keep_people
from states.steps.look_up import audited
from states.tally import Tally
from states.turned_away import turn_away
from states.unit_of_work import Glance, Office
from workflow import Act, Standing
from workflow.errors import NotAllowed, OtherCohort, StoreError, WorkflowError
from workflow.kept import DENIED
from workflow.store.queries import Queries

if TYPE_CHECKING:
    from workflow.seal.note import Key, Signer
    from workflow.store.seals import Seal

AT_ONCE = 1_000


@dataclass(slots=True)
class Desk:
    """What a command works with."""

    folder: Path
    settings: wiring.Settings
    office: Office
    act: Act
    head: int
    """The last position of the log when the command began."""
    turned_away: Tally = field(default_factory=Tally)
    """Those who were named and are of other cohorts than the person is kept to."""

    def choose(
        self,
        references: Sequence[str] | None = None,
        *,
        cohort: str = "",
        states: Sequence[str] = (),
        listed: Path | None = None,
        qualification: str = "",
        everyone: bool = True,
    ) -> list[Standing]:
        """The learners a command is about: named, listed in a file, or all in some states of a cohort.

        With `everyone` False something must be named, so that nobody is moved by a slip. All are all of the cohorts a
        person is kept to; of those named, others are refused. Raises NotPossible, and OtherCohort.
        """
        named = _named(references, listed)
        with self.office.look(self.act) as look:
            if not named:
                self._refuse_nobody(look, cohort, everyone=everyone)
                return theirs(self.act.cohorts, look.log.find(cohort=cohort, states=states))
            found = look.find_cases(named, qualification, others=True)
        return self._own([s for s in found if not cohort or s.cohort == cohort])

    def waiting(self, kind: str, dispatch: str = "", cohort: str = "", *, named: bool = False) -> list[Standing]:
        """The person's learners still open in files of a kind; see Office.waiting.

        With `named` also others, whom the step turns away where it meets them. Raises OtherCohort, also for a file of
        others alone.
        """
        if cohort:
            refuse_cohort(self.act.cohorts, cohort)
        found = [s for s in self.office.waiting(kind, dispatch) if not cohort or s.cohort == cohort]
        own = theirs(self.act.cohorts, found)
        if named:
            return found
        return own if own or not dispatch else self._own(found)

    def _own(self, named: Sequence[Standing]) -> list[Standing]:
        """Those of the named who are the person's, the others refused; raises NotAllowed where nobody is."""
        if len(theirs(self.act.cohorts, named)) == len(named):
            return list(named)
        with self.office.begin(self.act) as uow:
            own = turn_away(uow, named, self.turned_away)
        if not own:
            raise self.not_theirs(named[0].cohort)
        return own

    def not_theirs(self, cohort: str) -> NotAllowed:
        """Why the person may not do what they asked for with a learner of a cohort, and who may."""
        asked, known = self.act.command, self.settings
        right = people.NEEDS.get(asked, "work")
        if right in {"nothing", "read"}:
            right = "see"
        return NotAllowed(people.other_cohort(known.roles, known.kept, self.act.actor, cohort, right, asked))

    def named(self, references: Sequence[str] | None, listed: Path | None) -> list[str]:
        """The references that were typed or listed, each once; raises NotPossible where there is none."""
        found = _named(references, listed)
        if not found:
            raise NotPossible("say who: name learners, or give --list or --all")
        if self.act.cohorts is None:
            return found
        with self.office.look(self.act) as look:
            meant = {name: look.find_case(name, others=True) for name in found}
        own = {standing.case for standing in self._own(list(meant.values()))}
        return [name for name, standing in meant.items() if standing.case in own]

    def choose_numbers(
        self,
        references: Sequence[str] | None = None,
        *,
        cohort: str = "",
        states: Sequence[str] = (),
        listed: Path | None = None,
        everyone: bool = True,
        first: int | None = None,
    ) -> array[int]:
        """The numbers of the cases that `choose` finds, at most the first so many; a million take eight megabytes."""
        named = _named(references, listed)
        with self.office.look(self.act) as look:
            if not named:
                self._refuse_nobody(look, cohort, everyone=everyone)
                queries, cohorts = Queries(look.connection), self.act.cohorts
                if cohort or cohorts is None:
                    return queries.numbers(cohort=cohort, states=states, limit=first)
                every = (queries.numbers(cohort=name, states=states, limit=first) for name in cohorts)
                return array("q", sorted(chain.from_iterable(every))[:first])
            if self.act.cohorts is None:
                found: dict[int, None] = {}
                for start in range(0, len(named), AT_ONCE):
                    standings = look.find_cases(named[start : start + AT_ONCE])
                    found |= dict.fromkeys(s.case for s in standings if not cohort or s.cohort == cohort)
                return array("q", islice(found, first))
        return array("q", [s.case for s in self.choose(named, cohort=cohort)][:first])

    def _refuse_nobody(self, look: Glance, cohort: str, *, everyone: bool) -> None:
        """Raise NotPossible unless somebody is meant, and OtherCohort for a cohort that is not the person's."""
        if not (everyone or cohort):
            raise NotPossible("say who: name learners, or give --cohort, --list or --all")
        if cohort and cohort not in look.learners.cohorts():
            raise NotPossible(f"there is no cohort {cohort}. See: ulnflow cohort list", cohort)
        if cohort:
            refuse_cohort(self.act.cohorts, cohort)

    def finish(self, tally: Tally, form: Form, *, dry_run: bool = False) -> None:
        """Say what was done; learners refused make the exit code 1."""
        tally.counts.update(self.turned_away.counts)
        tally.refusals += self.turned_away.refusals
        if tally.refusals and not any(n for word, n in tally.counts.items() if "refused" not in word):
            tally.next.clear()
        structlog.get_logger().info(
            "command_done", command=self.act.command, dry_run=dry_run, refused=tally.refused, files=len(tally.files)
        )
        tell(tally, form, dry_run=dry_run)
        if not dry_run:
            self.seal()
        if tally.refusals or tally.counts["refused"]:
            raise typer.Exit(FINDINGS)

    def demand(self, right: people.Right, asked: str) -> None:
        """Refuse the person at work without a right, and have the log tell of it; raises NotAllowed."""
        known, who = self.settings.roles, self.act.actor
        if people.may(known, who, right):
            return
        self.deny({"asked": asked, "right": right})
        raise NotAllowed(people.refusal(known, who, right, asked))

    def deny(self, evidence: Mapping[str, str | int]) -> None:
        """Have the log tell of what was refused, as far as the account may write into it."""
        try:
            with self.office.begin(self.act) as uow:
                uow.work.record(DENIED, evidence=evidence)
        except NotAllowed:
            with suppress(StoreError):
                audited(self.office, self.act, "refused", refused=True)

    @property
    def seals(self) -> Path:
        """The folder that checkpoints are written to."""
        return self.settings.seal.folder_in(self.folder)

    def sign(self, signers: Sequence[tuple[Key, Signer]] = ()) -> tuple[Seal | None, Path | None]:
        """Seal the log by the key of this folder, or by others; the checkpoint and its file. Raises StoreError."""
        from cli import sealing  # noqa: PLC0415 - keys are slow to read, and most commands write nothing

        return sealing.seal_now(self.folder, self.office, self.act, to=self.seals, signers=signers)

    def seal(self) -> None:
        """Seal what the command wrote; what was written stands, whether or not it can be sealed."""
        if head_of(self.office) == self.head:
            return
        try:
            self.sign()
        except WorkflowError as wrong:
            complain(f"Everything was written, but the log could not be sealed. {wrong}")


@contextmanager
def desk(command: str, command_id: str = "") -> Iterator[Desk]:
    """Open the office for a command and close it afterwards, whatever happens."""
    with wiring.opened() as (folder, settings, office):
        log = logs.start(folder / "logs")
        try:
            act = wiring.act(settings, command, command_id)
            _erase_again(folder, office, replace(act, cohorts=None))
            at = Desk(folder, settings, office, act, head_of(office))
            with suppress(NotAllowed):  # an auditor's account on a server may not write
                keep_people.told(office, at.act, settings.roles, settings.kept)
            at.demand(people.NEEDS.get(command, "work"), command)
            try:
                yield at
            except OtherCohort as other:
                about = {"case": other.case_id} if other.case_id is not None else {}
                at.deny({**about, "cohort": other.cohort})
                raise at.not_theirs(other.cohort) from None
            except NotAllowed:
                with suppress(StoreError):
                    audited(office, at.act, "refused", refused=True)
                raise
        finally:
            log.close()


def head_of(office: Office) -> int:
    """The last position of the log."""
    with office.look() as look:
        return look.log.head()


def admit(command: str) -> None:
    """Refuse the person at work a command that opens no desk, being about the database itself; raises NotAllowed."""
    settings = wiring.load_settings(wiring.find_folder())
    if not settings.people:
        return
    who, right = wiring.actor(settings), people.NEEDS.get(command, "work")
    if people.may(settings.roles, who, right):
        return
    with suppress(WorkflowError), desk(command):  # tells the log of it, if there is one to tell
        pass
    raise NotAllowed(people.refusal(settings.roles, who, right, command))


def _erase_again(folder: Path, office: Office, act: Act) -> None:
    """Let nothing be read that was erased: a database from a backup is compared with the register beside it."""
    if (folder / REGISTER).exists():
        from cli import privacy  # noqa: PLC0415 - few centres have erased anybody, and every command passes here

        privacy.again(folder, office, act)


def _named(references: Sequence[str] | None, listed: Path | None) -> list[str]:
    """The learners who were named, each once."""
    return list(dict.fromkeys([*(references or ()), *(map(str.strip, lines(listed)) if listed else ())]))
