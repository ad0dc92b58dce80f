"""The awarding organisation's own list of learners, and where it says something else than we do."""

from __future__ import annotations

from datetime import date
from typing import Final

from states.errors import FileRefused
from states.exchange.awarding.headed import Headed, Row, label
from states.exchange.columns import DETAIL_FIELDS, OWN_LABELS
from states.exchange.profile_columns import DATES, ColumnTable, format_date, value_of
from states.exchange.profile_section import Section
from states.exchange.sheets import Table
from states.registration import Difference, ListedRow, Registration

WHO: Final = ("reference", "uln", "candidate_number")
FIELDS: Final = (*OWN_LABELS, *sorted(DETAIL_FIELDS))


class BodyListTable:
    """Finds columns by the headings of [list] and by those of the registration file itself."""

    def __init__(self, section: Section, columns: ColumnTable, *, date_format: str) -> None:
        self._columns = columns
        self._date_format = section.date_format("date_format", date_format)
        given = section.texts("reference") or section.texts("uln") or section.texts("candidate_number")
        own = {column.source: column.heading for column in columns.columns if column.source}
        self.headed = Headed(section, FIELDS, () if not given and own.keys() & set(WHO) else (WHO,))
        self.headed.also(own)
        section.done()

    def read(self, table: Table) -> tuple[tuple[str, ...], tuple[ListedRow, ...]]:
        """The fields it has columns for, and its rows; raises FileRefused, also for a row that names nobody."""
        fields, found = self.headed.read(table)
        if not set(fields) & set(WHO):
            rule = "no column holds the reference, the ULN or the candidate number"
            raise FileRefused(table.name, rule, "Add one to the sheet, or its heading to [list] of the profile.")
        rows = []
        for row in found:
            if not any(row.text(field) for field in WHO):
                rule = "the row names nobody by reference, ULN or candidate number"
                raise FileRefused(table.name, rule, "Fill one in, or remove the row.", line=row.number)
            values = {field: self._value(row, field, table.name) for field in fields if row.text(field)}
            rows.append(ListedRow(row=row.number, values=values))
        return fields, tuple(rows)

    def differences(self, row: ListedRow, registration: Registration) -> tuple[Difference, ...]:
        """Where the list says something else; what it leaves blank it does not say."""
        found = []
        for field, theirs in row.values.items():
            ours = value_of(registration, field)
            column = self._columns.of(field)
            forms = {_folded(field, ours or "")}
            if column is not None:
                forms.add(_folded(field, column.cell(registration)))
            if _folded(field, theirs) not in forms:
                shown = format_date(ours, "YYYY-MM-DD") if isinstance(ours, date) else ours or ""
                found.append(Difference(field, shown, str(theirs)))
        return tuple(found)

    def _value(self, row: Row, field: str, file: str) -> str | date:
        cell = row.cells[field]
        if field not in DATES:
            return row.text(field)
        if isinstance(cell, date):
            return date(cell.year, cell.month, cell.day)
        found = read_date(row.text(field), self._date_format)
        if found is None:
            rule = f"the date is not written as {self._date_format}"
            fix = "Correct it, or say in [list] date_format how dates are written."
            raise FileRefused(file, rule, fix, line=row.number, column=label(field))
        return found


def read_date(text: str, pattern: str) -> date | None:
    """A date written in a pattern of DD, MM and YYYY; None for what is none."""
    if len(text) != len(pattern):
        return None
    parts = {}
    for part in ("DD", "MM", "YYYY"):
        at = pattern.index(part)
        digits = text[at : at + len(part)]
        if not (digits.isascii() and digits.isdigit()):
            return None
        parts[part] = int(digits)
    try:
        found = date(parts["YYYY"], parts["MM"], parts["DD"])
    except ValueError:
        return None
    return found if format_date(found, pattern) == text else None


def _folded(field: str, value: str | date) -> str:
    """A value as it is compared: case and blanks do not count, in a postcode no blank does."""
    if isinstance(value, date):
        return value.isoformat()
    words = value.casefold().split()
    return ("" if field == "postcode" else " ").join(words)
