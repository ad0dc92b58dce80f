"""One learner of an LRS file, what the file says of itself, and what is wrong with its form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from states.errors import FileRefused
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.wrapper import Kind
from states.learner.details import DATE_FIELDS, Details

UKPRN: Final = re.compile(r"[1-9][0-9]{7}", re.ASCII)
AGAIN: Final = "Download the file again, and do not open it in a spreadsheet program first."
TURNED: Final = "A spreadsheet program changes dates when it opens a CSV file. " + AGAIN

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,7}", re.ASCII)


class Flaw(NamedTuple):
    """Something wrong with a file: the rule it breaks, in words and as a code, and the fix; never a value.

    `row` counts learners from 1, `line` lines of the file; None where the whole file is meant or it is not known.
    """

    rule: str
    message: str
    fix: str
    column: str = ""
    line: int | None = None
    row: int | None = None


Report = Callable[[Flaw], None]
"""Takes a flaw: to list it, or to refuse the file by raising FileRefused."""


@dataclass(slots=True, kw_only=True)
class Head:
    """What a file says of itself, known as far as it was read; `values` by what they are (ukprn, count, ...).

    `counts` are its own totals by kind of answer; `response` is the code for the whole job; `rows` counts learners.
    """

    kind: Kind = "batch"
    form: Literal["csv", "xml"] = "csv"
    values: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    response: str = ""
    rows: int = 0


class Record(NamedTuple):
    """One learner: the texts by column, as they stand; older numbers, and flags of a verified ULN."""

    row: int
    line: int | None
    texts: Mapping[str, str]
    linked: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def refusing(file: str) -> Report:
    """Refuses the file at its first flaw."""

    def refuse(flaw: Flaw) -> None:
        where = f"learner number {flaw.row}: " if flaw.line is None and flaw.row is not None else ""
        raise FileRefused(file, where + flaw.message, flaw.fix, line=flaw.line, column=flaw.column or None)

    return refuse


def check_values(head: Head, layout: BatchLayout, report: Report, line: int | None) -> None:
    """Report a version, a UKPRN and a response of the whole job that cannot be right; what is absent is not missed."""
    version, ukprn = head.values.get("file_version"), head.values.get("ukprn")
    if version is not None and version != layout.file_version:
        rule = f"the file version is not {layout.file_version}"
        fix = "Ask for the format your version of ulnflow knows."
        report(Flaw("file_version", rule, fix, layout.header_name("file_version"), line))
    if ukprn is not None and not UKPRN.fullmatch(ukprn):
        report(Flaw("ukprn", "the UKPRN is not eight digits", AGAIN, layout.header_name("ukprn"), line))
    if head.response and (says := layout.xml.reply.without_answers.get(head.response.strip().upper())):
        what, _, fix = says.partition(": ")
        report(
            Flaw("no_answers", what[:1].lower() + what[1:], fix[:1].upper() + fix[1:], layout.xml.reply.response, line)
        )


def check_count(head: Head, layout: BatchLayout, report: Report, line: int | None) -> None:
    """Report a file without learners, and an announced number of them that is another one."""
    if not head.rows:
        report(Flaw("no_learner", "the file holds no learner, and so no provider", AGAIN))
        return
    count = head.values.get("count")
    if count is not None and (not _COUNT.fullmatch(count) or int(count) != head.rows):
        name = layout.header_name("count")
        rule = f"{name} does not match the {head.rows} learners in the file"
        fix = "The download is incomplete or was edited. " + AGAIN
        report(Flaw("count", rule, fix, name, line))


def read_details(record: Record, layout: BatchLayout, report: Report) -> Details:
    """The details a record carries, texts exactly as they stand; reports what is no date and leaves it out."""
    values: dict[str, Any] = {}
    for column in layout.learner_columns:
        text = record.texts.get(column.name, "")
        if column.form == "date":
            day = read_date(text, column.name, record, report)
            if column.source in DATE_FIELDS:
                values[column.source] = day
        elif column.source in layout.echoed:
            values[column.source] = text
    return Details(**values)


def read_date(text: str, column: str, record: Record, report: Report) -> date | None:
    """A date as the LRS writes it, YYYY-MM-DD; None for none, and for what is reported."""
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 30 February
    rule = "the date is not a real date written YYYY-MM-DD"
    report(Flaw("date", rule, TURNED, column, record.line, record.row))
    return None
