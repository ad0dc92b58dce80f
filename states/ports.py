"""What a step asks of the outside world; the plugs that serve it live in `exchange`.

A plug turns bytes into typed rows and back. It knows no case and no event, and never fires a trigger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

from states.learner.details import Details
from states.mail_ports import Mailer, Postbox

Weight = Literal["note", "missing", "malformed", "refused"]
BatchForm = Literal["csv", "xml"]
BATCH_FORMS: Final[tuple[BatchForm, ...]] = ("csv", "xml")
"""What a batch file may be written in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about one field of one row: what was noticed, and how to put it right.

    `note` tells what was understood, `missing` that a needed value is absent, `malformed` that a value was left
    out because it cannot be right, `refused` that the row was not taken. The texts hold no personal value.
    """

    weight: Weight
    field: str
    code: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One learner as a sheet tells it; `row` is the number the spreadsheet program shows (1-based)."""

    row: int
    reference: str
    details: Details
    cohort: str = ""
    qualification: str = ""
    funded: bool | None = None
    start: date | None = None
    planned_end: date | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a sheet is to be read; what is empty is found out.

    `header_row` is 1-based. `encoding` and `delimiter` are for CSV alone. `columns` says what headings mean: heading as
    written -> field, or empty to leave the column out. `forget` leaves out what was remembered of these headings.
    """

    day_first: bool
    sheet: str | None = None
    header_row: int | None = None
    encoding: str = ""
    delimiter: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    forget: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """What a cohort sheet is: what its columns were taken for, how many learners it has, what was passed over.

    `rows` counts learners. `columns` is heading as written -> field it was taken for, `told` those of them that a
    person said, now or once (then `remembered`), `left_out` those a person wants left out. `unknown_columns` may have a
    `likely` meaning, as heading -> (field, the heading that is understood). `skipped` tells (row, reason) of the first
    rows that hold no learner: titles above the header, notes below the table; `skipped_rows` counts them all.
    """

    name: str
    digest: str
    sheet: str
    header_row: int
    columns: Mapping[str, str]
    unknown_columns: tuple[str, ...]
    rows: int
    skipped: tuple[tuple[int, str], ...] = ()
    skipped_rows: int = 0
    told: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    remembered: bool = False
    likely: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What came of one row of the user's own sheet, for the sheet that goes back to them."""

    row: int
    result: str
    fixes: tuple[str, ...] = ()


class Sheet(Protocol):
    """A cohort sheet that is open: its learners one by one, however many, and the user's own sheet back."""

    @property
    def about(self) -> SheetFacts:
        """What was found out by looking through it once."""
        ...

    def rows(self) -> Iterator[SheetRow]:
        """Its learners in their order; raises FileRefused when the file is another by now."""
        ...

    def alike(self) -> Mapping[int, Finding]:
        """What only shows between rows: by row, who has the same five details. Known once every row was read."""
        ...

    @property
    def results_suffix(self) -> str:
        """How the name of the sheet that goes back ends, such as .xlsx."""
        ...

    def write_results(self, results: Iterable[RowResult], target: BinaryIO) -> None:
        """Write the sheet again with Result and How to fix, safe for people to open; a result a learner, in order."""
        ...

    def remember(self) -> bool:
        """Keep what a person said of its columns for the next sheet with these headings; whether that was new."""
        ...


class CohortSource(Protocol):
    """Opens cohort sheets."""

    def open(self, path: Path, reading: Reading) -> Sheet:
        """Open a CSV, XLSX, XLS or ODS file and look through it once; raises FileRefused and NotPossible."""
        ...

    def forget(self, path: Path, reading: Reading) -> bool:
        """Forget what a person once said of the columns of such a sheet; whether there was anything."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Candidate:
    """Somebody the LRS holds who may be one of our learners; `row` is the one of the list it was read from."""

    row: int
    uln: str
    details: Details


class CandidateSource(Protocol):
    """Reads the candidates of a possible match."""

    def read(self, source: Path | bytes, *, day_first: bool) -> tuple[Candidate, ...]:
        """Read a CSV or XLSX file, or CSV as it was typed; raises FileRefused."""
        ...


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
    outcome: Literal["success", "exception", "rejected", "unknown"]
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

    def classify(self, code: str) -> tuple[Literal["success", "exception", "rejected", "unknown"], str]:
        """The class and the meaning of a return code, for codes typed back by hand."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One learner as registered with the awarding organisation; `uln` is empty on the alternative route."""

    reference: str
    details: Details
    uln: str
    qualification: str
    cohort: str
    funded: bool | None
    candidate_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedRow:
    """One line of the awarding organisation's confirmation."""

    row: int
    reference: str
    candidate_number: str
    order_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A confirmation file as read."""

    name: str
    digest: str
    rows: tuple[ConfirmedRow, ...]


class AwardingBody(Protocol):
    """The awarding organisation's registration by files, described by a profile."""

    profile: str

    def refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """Where the profile's limits do not hold: lengths, codes, qualification; nothing is ever truncated."""
        ...

    def split(self, registrations: Sequence[Registration]) -> Sequence[tuple[str, Sequence[Registration]]]:
        """The registrations by file, each with the word its file name ends in (such as funded)."""
        ...

    def write_registration(self, registrations: Sequence[Registration], target: BinaryIO) -> str:
        """Write one file and give its extension, such as csv."""
        ...

    def read_confirmation(self, path: Path) -> Confirmation:
        """Read the file that names candidate and order numbers; raises FileRefused."""
        ...


class LarSystem(Protocol):
    """The LAR system of the alternative route by files, described by a profile."""

    def write_learners(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that adds learners to the LAR system."""
        ...

    def write_cross_reference(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that ties each ULN to its candidate number."""
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
