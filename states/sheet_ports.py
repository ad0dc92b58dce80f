"""What a step asks of sheets that people hand in: cohorts, and candidates of a possible match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from states.learner.details import Details

Weight = Literal["note", "missing", "malformed", "refused"]


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
