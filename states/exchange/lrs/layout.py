"""The LRS batch file as a table that was read: its columns in order, lengths, codes, names and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from states.exchange.columns import DETAIL_FIELDS
from states.exchange.lrs.wrapper import Wrapper, read_wrapper
from states.ports import BATCH_FORMS, BatchForm
from workflow.errors import DefinitionError

HEADER_VALUES: Final = ("file_version", "reference", "ukprn", "count")
"""What the first four columns say of the file, on the first learner's row."""

FORMS: Final = frozenset({"", "name", "postcode", "email", "date", "uln", "code", "plain"})
NEEDED: Final = ("uln", "reference", "given_name", "family_name", "date_of_birth", "gender", "postcode")
LIMITS: Final = ("bytes", "learners", "elements", "depth")
BOTH_ENDS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchColumn:
    """One column: `header` names a value of the file, `source` what fills it (empty: always blank)."""

    name: str
    heading: str
    limit: int
    header: str = ""
    source: str = ""
    form: str = ""
    pattern: re.Pattern[str] | None = None
    codes: Mapping[str, str] | None = None
    mandatory: bool = False
    required_when: tuple[str, str] | None = None

    def is_headed(self, text: str) -> bool:
        """Whether this heading, in the schema's spelling or the CSV's, is the column's."""
        return text in (self.name, self.heading)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLayout:
    """The batch file and its reply; `limit` in learners, `limits` of what is read, `ages` in years."""

    columns: tuple[BatchColumn, ...]
    file_version: str
    limit: int
    file_name: str
    extension: Mapping[str, str]
    stamp: str
    return_code_heading: str
    practice_prefix: str
    ages: tuple[int, int]
    limits: Mapping[str, int]
    merged: Mapping[str, str]
    xml: Wrapper
    echoed: frozenset[str]
    """The fields of the details the file has columns for."""
    _name: re.Pattern[str]

    @classmethod
    def from_table(cls, raw: Mapping[str, Any], origin: str = "lrs/batch.toml") -> Self:
        """The layout a parsed batch table describes; raises DefinitionError with every fault of it."""
        faults: list[str] = []
        columns = tuple(_column(one, raw.get("codes", {}), faults) for one in raw.get("column", ()))
        sources = {column.source for column in columns}
        faults += [f"no column is filled from {need}" for need in NEEDED if need not in sources]
        if [column.header for column in columns[:4]] != list(HEADER_VALUES):
            faults.append(f"the first four columns must carry {', '.join(HEADER_VALUES)}")
        texts = ("file_version", "file_name", "stamp", "return_code_heading", "practice_prefix")
        faults += [f"{key} is missing" for key in texts if not raw.get(key)]
        limit, limits, ages = raw.get("limit"), raw.get("limits", {}), raw.get("ages", ())
        if not _is_count(limit):
            faults.append("limit must be a number of learners from 1")
        faults += [f"limits.{key} must be a number from 1" for key in LIMITS if not _is_count(limits.get(key))]
        faults += [f"extension.{form} is missing" for form in BATCH_FORMS if not raw.get("extension", {}).get(form)]
        faults += [
            f"merged.{key} is missing" for key in ("substituted", "linked") if not raw.get("merged", {}).get(key)
        ]
        if len(ages) != BOTH_ENDS or not all(map(_is_count, ages)):
            faults.append("ages must be the youngest and the oldest")
        wrapper = read_wrapper(raw.get("xml", {}), faults)
        if faults or wrapper is None:
            raise DefinitionError(origin, faults)
        return cls(
            columns=columns,
            limit=raw["limit"],
            extension=raw["extension"],
            ages=(ages[0], ages[1]),
            limits=limits,
            merged=raw["merged"],
            xml=wrapper,
            echoed=frozenset(sources) & DETAIL_FIELDS,
            _name=_name_pattern(str(raw["file_name"]), str(raw["practice_prefix"])),
            **{key: str(raw[key]) for key in texts},
        )

    @property
    def learner_columns(self) -> tuple[BatchColumn, ...]:
        """The columns that speak of a learner, after those that speak of the file."""
        return self.columns[len(HEADER_VALUES) :]

    def name_from(self, source: str) -> str:
        """The name of the column filled from `source`."""
        return next(column.name for column in self.columns if column.source == source)

    def header_name(self, value: str) -> str:
        """The name of the column that carries a value of the file."""
        return next(column.name for column in self.columns if column.header == value)

    def read_name(self, file: str) -> tuple[str, str]:
        """The UKPRN and the reference in the name of a batch, wherever they stand in it; empty where there are none."""
        found = self._name.search(file)
        return (found["ukprn"], found["reference"]) if found else ("", "")

    def name_of_file(self, form: BatchForm, *, ukprn: str, stamp: str) -> str:
        """The name the upload demands."""
        return self.file_name.format(ukprn=ukprn, stamp=stamp, extension=self.extension[form])


def _name_pattern(file_name: str, prefix: str) -> re.Pattern[str]:
    stem = re.escape(file_name.removesuffix(".{extension}"))
    stem = stem.replace(re.escape("{ukprn}"), "(?P<ukprn>[1-9][0-9]{7})").replace(re.escape("{stamp}"), "[0-9]{8,14}")
    return re.compile(f"(?P<reference>(?:{re.escape(prefix)})?{stem})", re.ASCII)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _column(raw: Mapping[str, Any], codes: Mapping[str, Any], faults: list[str]) -> BatchColumn:
    name = str(raw.get("name", ""))
    source = str(raw.get("from", raw.get("field", "")))
    form, list_name, limit = str(raw.get("form", "")), str(raw.get("codes", "")), raw.get("max")
    condition = raw.get("required_when")
    if not name:
        faults.append("a column has no name")
    if source and source not in DETAIL_FIELDS | {"uln", "reference"}:
        faults.append(f"column {name}: {source} is not known")
    if form not in FORMS:
        faults.append(f"column {name}: form {form} is not known")
    if form == "code" and list_name not in codes:
        faults.append(f"column {name}: its list of codes is missing")
    if not isinstance(limit, int) or limit < 1:
        faults.append(f"column {name}: max must be a number of characters from 1")
        limit = 1
    return BatchColumn(
        name=name,
        heading=str(raw.get("heading", name)),
        limit=limit,
        header=str(raw.get("header", "")),
        source=source,
        form=form,
        pattern=_pattern(name, raw.get("pattern"), faults),
        codes=codes.get(list_name),
        mandatory=bool(raw.get("mandatory", False)),
        required_when=(str(condition["field"]), str(condition["equals"])) if condition else None,
    )


def _pattern(name: str, raw: object, faults: list[str]) -> re.Pattern[str] | None:
    try:
        return re.compile(str(raw), re.ASCII) if raw else None
    except re.error:
        faults.append(f"column {name}: pattern is not a regular expression")
        return None
