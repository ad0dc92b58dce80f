"""What the upload would refuse in a learner: one judge for what we write and for what a file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

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
)
from states.exchange.lrs.layout import BatchColumn, BatchLayout
from states.exchange.lrs.record import UKPRN
from states.learner.checks import email_fault, name_fault
from states.ports import BatchLearner
from states.sheet_ports import Finding

_NO_CHARACTERS: Final = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
"""Code points that are no characters: XML cannot carry the last two (XML 1.0, fifth edition, 2008)."""


def find_refusals(learner: BatchLearner, layout: BatchLayout) -> tuple[Finding, ...]:
    """What the upload would refuse in this learner, one finding a column at the most."""
    return tuple(finding for _, finding in judge(texts_of(learner, layout), layout))


def judge(texts: Mapping[str, str], layout: BatchLayout) -> list[tuple[BatchColumn, Finding]]:
    """What the upload would refuse in the texts of a learner, by column name; one finding a column at the most.

    Dates are judged by their form alone where they are read; the age is for the rules, or the whole file's check.
    """
    found = ((column, _finding(column, texts, layout)) for column in layout.learner_columns)
    return [(column, finding) for column, finding in found if finding is not None]


def texts_of(learner: BatchLearner, layout: BatchLayout) -> dict[str, str]:
    """The texts of a learner by column name, in the order of the columns; dates as YYYY-MM-DD."""
    return {column.name: value_of(learner, column.source) for column in layout.learner_columns}


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


def refuse_batch(learners: Sequence[BatchLearner], ukprn: str, reference: str, layout: BatchLayout) -> None:
    """Raise FileRefused for a batch the upload would refuse: nothing of it is written then."""
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
        for finding in find_refusals(learner, layout):
            rule = f"{named(learner.reference, place)}: {finding.message}"
            raise FileRefused(file, rule, finding.fix, line=place + 1, column=label_of(finding.field))


def header_of(learners: Sequence[BatchLearner], ukprn: str, reference: str, layout: BatchLayout) -> dict[str, str]:
    """What a batch says of itself, by value."""
    return {
        "file_version": layout.file_version,
        "reference": reference,
        "ukprn": ukprn,
        "count": str(len(learners)),
    }


def _finding(column: BatchColumn, texts: Mapping[str, str], layout: BatchLayout) -> Finding | None:
    text, field = texts.get(column.name, ""), column.source or column.name
    if not text.strip():
        if column.mandatory:
            return missing(field)
        if column.required_when is not None:
            source, value = column.required_when
            if texts.get(layout.name_from(source)) == value:
                return missing(field, f"It is needed where {label_of(source)} is {value}.")
        if not text:
            return None
    return _misfit(text, column, field) or too_long(field, text, column.limit)


def _misfit(text: str, column: BatchColumn, field: str) -> Finding | None:
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
    if column.pattern is not None and not column.pattern.fullmatch(text):
        message = f"{label_of(field)} has not the form the LRS asks for"
        return Finding("refused", field, "form", message, "Correct it, or leave it blank.")
    if _NO_CHARACTERS.search(text):
        message = f"{label_of(field)} holds what is no character"
        return Finding("refused", field, "not_text", message, "Type it again, on one line.")
    return text_finding(field, text)


def _shown(reference: str) -> str:
    plain = reference.strip() and len(reference) <= SHOWN and text_finding("reference", reference) is None
    return reference if plain else "batch file"
