"""The columns of a file for a machine as a profile describes them: what each holds, how long it may be, which codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from states.exchange.columns import (
    DETAIL_FIELDS,
    OWN_LABELS,
    funded_unknown,
    label_of,
    missing,
    text_finding,
    too_long,
    value_finding,
)
from states.exchange.profile_section import Section
from states.learner.details import DATE_FIELDS
from states.registration import Registration
from states.sheet_ports import Finding

DATES: Final = DATE_FIELDS | {"start", "planned_end"}
LETTERS: Final = re.compile(r"[A-Z]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a profile; `limit` in characters, `codes` from our value to theirs.

    `value` stands in every row of a column without a source. `at` is its letter in a template.
    """

    heading: str
    source: str
    value: str
    limit: int | None
    required: bool
    codes: Mapping[str, str] | None
    date_format: str
    at: str

    def cell(self, registration: Registration) -> str:
        """What stands in the file for this learner."""
        if not self.source:
            return self.value
        value = value_of(registration, self.source)
        if isinstance(value, date):
            return format_date(value, self.date_format)
        text = value or ""
        return self.codes.get(text, "") if self.codes is not None else text

    def finding(self, registration: Registration) -> Finding | None:
        """The first thing wrong with this learner's value; None when it fits."""
        if not self.source:
            return None
        value = value_of(registration, self.source)
        if value in ("", None):
            return self._absent() if self.required else None
        if not isinstance(value, str):
            return too_long(self.source, self.cell(registration), self.limit)
        if self.codes is None:
            return value_finding(self.source, value, self.limit)
        if value not in self.codes:
            known = ", ".join(self.codes)
            message = f"{label_of(self.source)} is not one of the values the profile knows"
            return Finding("refused", self.source, "not_a_code", message, f"Use one of: {known}.")
        return too_long(self.source, self.cell(registration), self.limit)

    def _absent(self) -> Finding:
        return funded_unknown() if self.source == "funded" else missing(self.source)


def format_date(value: date, pattern: str) -> str:
    """A date in a pattern made of DD, MM and YYYY."""
    text = pattern.replace("YYYY", f"{value.year:04}")
    return text.replace("MM", f"{value.month:02}").replace("DD", f"{value.day:02}")


def value_of(registration: Registration, source: str) -> str | date | None:
    """What a registration holds in a field, its own or of the details."""
    if source == "funded":
        return {True: "yes", False: "no", None: ""}[registration.funded]
    owner: Any = registration if source in OWN_LABELS else registration.details
    value: str | date | None = getattr(owner, source)
    return value


class ColumnTable:
    """The columns of one file in order; what is wrong with them is noted in the section's flaws."""

    def __init__(self, section: Section, *, date_format: str, templated: bool) -> None:
        sections = section.tables("column")
        self.columns = tuple(_column(one, date_format, templated=templated) for one in sections)
        if not sections:
            section.flaw("column", "it has no column")
        for name in ("heading", "at"):
            texts = [getattr(column, name) for column in self.columns]
            for place, (one, text) in enumerate(zip(sections, texts, strict=True)):
                if text and text in texts[:place]:
                    one.flaw(name, f"{name} {text} stands twice")

    @property
    def headings(self) -> list[str]:
        """The headings in order."""
        return [column.heading for column in self.columns]

    def row(self, registration: Registration) -> list[str]:
        """The cells of one learner."""
        return [column.cell(registration) for column in self.columns]

    def findings(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit, one finding a column at the most; empty when all fits."""
        found = (column.finding(registration) for column in self.columns)
        return tuple(finding for finding in found if finding is not None)

    def of(self, source: str) -> Column | None:
        """The first column filled from a field."""
        return next((column for column in self.columns if column.source == source), None)


def _column(one: Section, date_format: str, *, templated: bool) -> Column:
    heading, source = one.text("heading", needed=True), one.text("source")
    pattern, limit = one.date_format("date_format", date_format), one.number("max")
    required, codes, value, at = one.flag("required"), one.words("codes"), one.text("value"), one.text("at")
    name = heading or "this column"
    if source and source not in OWN_LABELS and source not in DETAIL_FIELDS:
        one.flaw("source", f"{name}: source {source} is not known; known are {', '.join(_sources())}")
        source = ""
    elif bool(source) == one.has("value"):
        one.flaw("source", f"{name}: give a source or a value, and not both")
    if finding := text_finding(heading, heading) or text_finding(heading, value):
        one.flaw("", finding.message)
    if source in DATES and codes is not None:
        one.flaw("codes", f"{name}: a date has a date_format, no codes")
    if limit is not None and any(len(text) > limit for text in (value, *(codes or {}).values())):
        one.flaw("max", f"{name}: its own codes or value are longer than {limit} characters")
    if templated and not LETTERS.fullmatch(at):
        one.flaw("at", f"{name}: say in which column of the template it stands, such as B")
    if at and not templated:
        one.flaw("at", f"{name}: there is no [template] whose column this could be")
    one.done()
    return Column(heading, source, value, limit, required, codes, pattern, at)


def _sources() -> Sequence[str]:
    return (*OWN_LABELS, *sorted(DETAIL_FIELDS))
