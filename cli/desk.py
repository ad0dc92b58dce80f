"""A desk: the office opened for one command, the learners it is about, and how it ends."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
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
from states.errors import NotPossible
from states.steps import keep_people
from states.steps.look_up import audited
from states.tally import Tally
from states.unit_of_work import Glance, Office
from workflow import Act, Standing
from workflow.errors import NotAllowed, StoreError, WorkflowError
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

        With `everyone` False something must be named, so that nobody is moved by a slip. Raises NotPossible.
        """
        named = _named(references, listed)
        with self.office.look() as look:
            if named:
                found = look.find_cases(named, qualification)
                return [s for s in found if not cohort or s.cohort == cohort]
            _refuse_nobody(look, cohort, everyone=everyone)
            return look.log.find(cohort=cohort, states=states)

    def named(self, references: Sequence[str] | None, listed: Path | None) -> list[str]:
        """The references that were typed or listed, each once; raises NotPossible where there is none."""
        found = _named(references, listed)
        if not found:
            raise NotPossible("say who: name learners, or give --list or --all")
        return found

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
        with self.office.look() as look:
            if not named:
                _refuse_nobody(look, cohort, everyone=everyone)
                return Queries(look.connection).numbers(cohort=cohort, states=states, limit=first)
            found: dict[int, None] = {}
            for start in range(0, len(named), AT_ONCE):
                standings = look.find_cases(named[start : start + AT_ONCE])
                found |= dict.fromkeys(s.case for s in standings if not cohort or s.cohort == cohort)
            return array("q", islice(found, first))

    def finish(self, tally: Tally, form: Form, *, dry_run: bool = False) -> None:
        """Say what was done; learners refused make the exit code 1."""
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
        known, who = self.settings.people, self.act.actor
        if people.may(known, who, right):
            return
        try:
            with self.office.begin(self.act) as uow:
                uow.work.record("denied", evidence={"asked": asked, "right": right})
        except NotAllowed:
            with suppress(StoreError):
                audited(self.office, self.act, "refused", refused=True)
        raise NotAllowed(people.refusal(known, who, right, asked))

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
            _erase_again(folder, office, act)
            at = Desk(folder, settings, office, act, head_of(office))
            with suppress(NotAllowed):  # an auditor's account on a server may not write
                keep_people.told(office, at.act, settings.people)
            at.demand(people.NEEDS.get(command, "work"), command)
            try:
                yield at
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
    if people.may(settings.people, who, right):
        return
    with suppress(WorkflowError), desk(command):  # tells the log of it, if there is one to tell
        pass
    raise NotAllowed(people.refusal(settings.people, who, right, command))


def _erase_again(folder: Path, office: Office, act: Act) -> None:
    """Let nothing be read that was erased: a database from a backup is compared with the register beside it."""
    if (folder / REGISTER).exists():
        from cli import privacy  # noqa: PLC0415 - few centres have erased anybody, and every command passes here

        privacy.again(folder, office, act)


def _named(references: Sequence[str] | None, listed: Path | None) -> list[str]:
    """The learners who were named, each once."""
    return list(dict.fromkeys([*(references or ()), *(map(str.strip, lines(listed)) if listed else ())]))


def _refuse_nobody(look: Glance, cohort: str, *, everyone: bool) -> None:
    """Raise NotPossible unless somebody is meant."""
    if not (everyone or cohort):
        raise NotPossible("say who: name learners, or give --cohort, --list or --all")
    if cohort and cohort not in look.learners.cohorts():
        raise NotPossible(f"there is no cohort {cohort}. See: ulnflow cohort list")
