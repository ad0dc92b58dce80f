"""Writes the LRS batch file: every cell in double quotes, CRLF, UTF-8 without a byte order mark, values as they are.

Source: LRS batch guides for learning providers, 2024 edition; layout and quoting as one working CSV writer has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import BinaryIO

from states.errors import FileRefused
from states.exchange.columns import (
    SHOWN,
    from_fault,
    label_of,
    missing,
    named,
    postcode_finding,
    text_finding,
    too_long,
    uln_finding,
    write_cells,
)
from states.exchange.lrs.grid import UKPRN
from states.exchange.lrs.layout import BatchColumn, BatchLayout
from states.learner.checks import email_fault, name_fault
from states.ports import BatchLearner, Finding


def find_refusals(learner: BatchLearner, layout: BatchLayout) -> tuple[Finding, ...]:
    """What the upload would refuse in this learner, one finding a column at the most."""
    found = (_finding(learner, column) for column in layout.learner_columns)
    return tuple(finding for finding in found if finding is not None)


def write_batch(
    learners: Sequence[BatchLearner], *, ukprn: str, reference: str, target: BinaryIO, layout: BatchLayout
) -> None:
    """Write one batch file of 1 to `limit` learners; raises FileRefused before a byte is written."""
    _check_batch(learners, ukprn, reference, layout)
    for place, learner in enumerate(learners, start=1):
        for finding in find_refusals(learner, layout):
            rule = f"{named(learner.reference, place)}: {finding.message}"
            column = label_of(finding.field)
            raise FileRefused(_shown(reference), rule, finding.fix, line=place + 1, column=column)
    header = {
        "file_version": layout.file_version,
        "reference": reference,
        "ukprn": ukprn,
        "count": str(len(learners)),
    }
    write_cells(target, _rows(learners, header, layout), quote_all=True)


def value_of(learner: BatchLearner, source: str) -> str:
    """The text that stands in the column filled from `source`; dates as YYYY-MM-DD."""
    if not source:
        return ""
    if source in ("reference", "uln"):
        return str(getattr(learner, source))
    value = getattr(learner.details, source)
    if isinstance(value, date):
        return value.isoformat()
    return value or ""


def _rows(learners: Sequence[BatchLearner], header: dict[str, str], layout: BatchLayout) -> Iterator[list[str]]:
    yield [column.heading for column in layout.columns]
    for place, learner in enumerate(learners):
        own = [header[column.header] if place == 0 else "" for column in layout.columns if column.header]
        yield own + [value_of(learner, column.source) for column in layout.learner_columns]


def _finding(learner: BatchLearner, column: BatchColumn) -> Finding | None:
    text = value_of(learner, column.source)
    if not column.source:
        return None
    if not text.strip():
        if column.mandatory:
            return missing(column.source)
        if column.required_when is not None:
            field, value = column.required_when
            if value_of(learner, field) == value:
                return missing(column.source, f"It is needed where {label_of(field)} is {value}.")
        if not text:
            return None
    return _misfit(text, column) or too_long(column.source, text, column.limit)


def _misfit(text: str, column: BatchColumn) -> Finding | None:
    field = column.source
    if column.form == "name":
        return from_fault(field, name_fault(text, column.limit))
    if column.form == "postcode":
        return postcode_finding(field, text)
    if column.form == "email":
        return from_fault(field, email_fault(text))
    if column.form == "uln":
        return uln_finding(field, text)
    if column.form == "code" and text not in (column.codes or {}):
        known = ", ".join(column.codes or {})
        message = f"{label_of(field)} is not a code the LRS knows"
        return Finding("refused", field, "not_a_code", message, f"Use one of: {known}.")
    return text_finding(field, text)


def _check_batch(learners: Sequence[BatchLearner], ukprn: str, reference: str, layout: BatchLayout) -> None:
    file = _shown(reference)
    if not UKPRN.fullmatch(ukprn):
        raise FileRefused(file, "the UKPRN is not eight digits", "Set the centre's UKPRN.")
    limit = next(column.limit for column in layout.columns if column.header == "reference")
    if not reference.strip() or text_finding("reference", reference) or len(reference) > limit:
        raise FileRefused(file, "the batch reference is blank or not plain text", "Give a short plain one.")
    if not learners:
        raise FileRefused(file, "there is no learner to write", "Choose at least one learner.")
    if len(learners) > layout.limit:
        rule = f"{len(learners):,} learners are more than the {layout.limit:,} a file may hold"
        raise FileRefused(file, rule, "Split them into several files.")
    seen: set[str] = set()
    for place, learner in enumerate(learners, start=1):
        if learner.reference in seen:
            rule = f"{named(learner.reference, place)} stands in it twice"
            raise FileRefused(file, rule, "Send each learner once.", line=place + 1)
        seen.add(learner.reference)


def _shown(reference: str) -> str:
    plain = reference.strip() and len(reference) <= SHOWN and text_finding("reference", reference) is None
    return reference if plain else "batch file"
