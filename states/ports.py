"""What a step asks of the outside world; the plugs that serve it live in `exchange`.

A plug turns bytes into typed rows and back. It knows no case and no event, and never fires a trigger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

from states.learner.details import Details
from states.mail_ports import Mailer, Postbox
from states.registration import (
    BodyList,
    Confirmation,
    Difference,
    ListedRow,
    MismatchReport,
    Registration,
    RegistrationFile,
)
from states.sheet_ports import CandidateSource, CohortSource, Finding

BatchForm = Literal["csv", "xml"]
CodeClass = Literal["success", "exception", "rejected", "unknown"]
BATCH_FORMS: Final[tuple[BatchForm, ...]] = ("csv", "xml")
"""What a batch file may be written in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLearner:
    """One learner as sent to the LRS."""

    reference: str
    details: Details
    uln: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """One learner as answered by the LRS; `outcome` is the class its return code stands for.

    `row` counts learner rows from 1. `echo` holds the details the LRS sent back, `echoed` the names of the
    fields its file has columns for. `kind` is the line of the LRS's own totals the answer belongs to: new, updated,
    possible, not_found or rejected, else its outcome. `differs` says in plain words what differs from the details the
    LRS holds; `linked` are older numbers of the learner, whom the LRS knows by `uln` now. `searched` is the ULN that
    was asked about, where an answer to it may name no reference.
    """

    row: int
    reference: str
    code: str
    outcome: CodeClass
    meaning: str
    uln: str
    echo: Details
    kind: str = ""
    differs: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    searched: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply file as read; `ukprn` and `batch_reference` are empty where neither it nor its name says them.

    `totals` counts answers by kind; `notes` tells them in words, and where the totals the file gives contradict them.
    """

    name: str
    digest: str
    ukprn: str
    batch_reference: str
    rows: tuple[ReplyRow, ...]
    echoed: frozenset[str] = frozenset()
    practice: bool = False
    totals: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Lrs(Protocol):
    """The Learning Records Service by files."""

    limit: int
    """Learners a file at the most."""

    def batch_name(self, ukprn: str, at: datetime, form: BatchForm | None = None) -> str:
        """The exact file name the upload demands; `form` is the centre's own choice unless given."""
        ...

    def refusals(self, learner: BatchLearner) -> tuple[Finding, ...]:
        """What the upload would refuse in this learner; empty when nothing."""
        ...

    def write_batch(
        self,
        learners: Sequence[BatchLearner],
        *,
        ukprn: str,
        reference: str,
        target: BinaryIO,
        form: BatchForm | None = None,
    ) -> None:
        """Write one batch file; values are never altered, a learner with refusals raises FileRefused."""
        ...

    def write_keying_sheet(self, learners: Sequence[BatchLearner], *, title: str, target: BinaryIO) -> None:
        """Write an XLSX sheet to key learners into the portal one by one."""
        ...

    def read_reply(self, path: Path) -> Reply:
        """Read a reply file; raises FileRefused."""
        ...

    def classify(self, code: str) -> tuple[CodeClass, str]:
        """The class and the meaning of a return code, for codes typed back by hand."""
        ...

    def normalise_code(self, code: str) -> str:
        """A code in its full form: RC08 is RC008, `?` what is no code at all."""
        ...


class AwardingBody(Protocol):
    """Awarding organisations served by files, each described by a profile; one profile for most qualifications."""

    def refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """Where the profile's limits do not hold: lengths, codes, qualification; nothing is ever truncated."""
        ...

    def split(self, registrations: Sequence[Registration]) -> Sequence[RegistrationFile]:
        """The registrations by file: profiles, funded and non-funded apart, no file above its profile's limit."""
        ...

    def write_registration(self, file: RegistrationFile, target: BinaryIO) -> None:
        """Write one file; raises FileRefused before a byte is written."""
        ...

    def read_confirmation(self, path: Path, *, profile: str = "", sheet: str | None = None) -> Confirmation:
        """Read the file that names candidate and order numbers; raises FileRefused, NotPossible."""
        ...

    def read_mismatches(self, path: Path, *, profile: str = "", sheet: str | None = None) -> MismatchReport:
        """Read a report of learners whose ULN or details do not match; raises FileRefused, NotPossible."""
        ...

    def read_list(self, path: Path, *, profile: str = "", sheet: str | None = None) -> BodyList:
        """Read the organisation's own list of learners; raises FileRefused, NotPossible."""
        ...

    def differences(self, row: ListedRow, registration: Registration) -> tuple[Difference, ...]:
        """Where its list says something else than we do, in the order of the list's columns."""
        ...

    def serves(self, qualification: str, profile: str = "") -> bool:
        """Whether a profile (the usual one, where none is named) is the one a qualification is registered by."""
        ...


class LarSystem(Protocol):
    """The LAR system of the alternative route by files, described by a profile."""

    extension: str
    """How the names of its files end."""

    def learner_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the file that adds learners; empty when all fits."""
        ...

    def cross_reference_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the cross-reference file; empty when all fits."""
        ...

    def write_learners(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that adds learners to the LAR system."""
        ...

    def write_cross_reference(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that ties each ULN to its candidate number."""
        ...


class ResultSheets(Protocol):
    """Writes what was found for people to open."""

    def write(self, rows: Sequence[Sequence[str]], target: BinaryIO) -> None:
        """Write rows, headings first, as a workbook in which every text is neutralised."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDraft:
    """A file that is written in full but does not carry its final name yet."""

    draft: Path
    final: Path
    digest: str
    size: int
    flush: bool = True
    """Whether its folder is flushed to disk when it takes its name; not needed where another file of it follows."""


class Outbox(Protocol):
    """Where files for the outside are put: whole or not at all, never over an existing file."""

    def draft(
        self, name: str, write: Callable[[BinaryIO], None], *, folder: str = "", token: str = "", flush: bool = True
    ) -> FileDraft:
        """Write a file under a temporary name; `token` names its command. Raises FileRefused when the name is taken."""
        ...

    def publish(self, draft: FileDraft) -> Path:
        """Give a draft its final name."""
        ...

    def discard(self, draft: FileDraft) -> None:
        """Remove a draft that will not be published."""
        ...

    def pending(self) -> list[tuple[str, FileDraft]]:
        """Drafts that were neither published nor discarded, each with the token of its command."""
        ...

    def read_digest(self, path: Path) -> str:
        """The SHA-256 of a file, as 64 hexadecimal digits."""
        ...


class Plugs(Protocol):
    """The outside as one bundle, put together by the wiring; a plug is made when first used."""

    @property
    def cohort_source(self) -> CohortSource:
        """Opens cohort sheets."""
        ...

    @property
    def candidate_source(self) -> CandidateSource:
        """Reads candidates of a possible match."""
        ...

    @property
    def lrs(self) -> Lrs:
        """Asks the LRS."""
        ...

    @property
    def awarding_body(self) -> AwardingBody:
        """Registers with the awarding organisation."""
        ...

    @property
    def lar_system(self) -> LarSystem:
        """Sets up achievement records on the alternative route."""
        ...

    @property
    def result_sheets(self) -> ResultSheets:
        """Writes what was found for people."""
        ...

    @property
    def postbox(self) -> Postbox:
        """Writes to learners, and reads what mail servers report."""
        ...

    @property
    def mailer(self) -> Mailer:
        """Sends to learners; raises DefinitionError when no mail server is set."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Puts files where people find them."""
        ...
