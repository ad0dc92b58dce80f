"""The LRS batch file as a table that was read: its columns in order, lengths, codes and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from states.exchange.columns import DETAIL_FIELDS
from workflow.errors import DefinitionError

HEADER_VALUES: Final = ("file_version", "reference", "ukprn", "count")
"""What the first four columns say of the file, on the first learner's row."""

FORMS: Final = frozenset({"", "name", "postcode", "email", "date", "uln", "code", "plain"})
NEEDED: Final = ("uln", "reference", "given_name", "family_name", "date_of_birth", "gender", "postcode")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchColumn:
    """One column: `header` names a value of the file, `source` what fills it (empty: always blank)."""

    name: str
    heading: str
    limit: int
    header: str = ""
    source: str = ""
    form: str = ""
    codes: Mapping[str, str] | None = None
    mandatory: bool = False
    required_when: tuple[str, str] | None = None

    def is_headed(self, text: str) -> bool:
        """Whether this heading, in the schema's spelling or the CSV's, is the column's."""
        return text in (self.name, self.heading)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLayout:
    """The batch file; `limit` in learners a file."""

    columns: tuple[BatchColumn, ...]
    file_version: str
    limit: int
    file_name: str
    stamp: str
    return_code_heading: str
    practice_prefix: str

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
        limit = raw.get("limit")
        if not isinstance(limit, int) or limit < 1:
            faults.append("limit must be a number of learners from 1")
        if faults:
            raise DefinitionError(origin, faults)
        return cls(columns=columns, limit=raw["limit"], **{key: str(raw[key]) for key in texts})

    @property
    def learner_columns(self) -> tuple[BatchColumn, ...]:
        """The columns that speak of a learner, after those that speak of the file."""
        return self.columns[len(HEADER_VALUES) :]

    def place(self, source: str) -> int:
        """Where (0-based) the column filled from `source` stands in a row."""
        return next(i for i, column in enumerate(self.columns) if column.source == source)

    def echoed(self) -> frozenset[str]:
        """The fields of the details the file has columns for."""
        return frozenset(column.source for column in self.columns) & DETAIL_FIELDS


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
        codes=codes.get(list_name),
        mandatory=bool(raw.get("mandatory", False)),
        required_when=(str(condition["field"]), str(condition["equals"])) if condition else None,
    )
