"""The awarding organisation's confirmation as rows: which learner got which candidate and order number, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from states.errors import FileRefused
from states.exchange.awarding.headed import Headed, Row, label, lowered, plain
from states.exchange.columns import text_finding
from states.exchange.profile_section import Section
from states.exchange.sheets import Table
from states.learner import personal
from states.registration import ConfirmedRow

FIELDS: Final = ("reference", "uln", "candidate_number", "order_number", "status", "reason")
NEEDED: Final = (("reference", "uln"), ("candidate_number",))
WHO: Final = ("reference", "uln")
CELL_LIMIT: Final = 128
NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", re.ASCII)
"""What a number may look like: it goes into the log, so it can be nobody's name or address."""

Outcome = Literal["registered", "refused", "waiting"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("registered", "refused", "waiting")


class ConfirmationTable:
    """Finds the columns by the headings a profile names, and what a status stands for by the words it names."""

    def __init__(self, section: Section) -> None:
        self.headed = Headed(section, FIELDS, NEEDED)
        words = section.table("words")
        self._outcomes: dict[str, Outcome] = {}
        for outcome in OUTCOMES:
            for text in words.texts(outcome):
                if self._outcomes.setdefault(plain(text), outcome) != outcome:
                    words.flaw(outcome, "the same word stands for two outcomes")
        words.done()
        if section.has("status") and "registered" not in self._outcomes.values():
            section.flaw("words", "a status is read, and no word says that a learner is registered")
        section.done()

    def read(self, table: Table) -> tuple[ConfirmedRow, ...]:
        """The rows of a sheet; `row` is the number the spreadsheet program shows (1-based), blank rows are left out.

        Raises FileRefused for a missing or doubled column, a row without reference or candidate number, a status the
        profile has no word for, and for a reference or candidate number that stands there twice.
        """
        _, found = self.headed.read(table)
        rows = [self._row(row, table.name) for row in found]
        for field in ("reference", "uln", "candidate_number"):
            seen: set[str] = set()
            for row in rows:
                text = getattr(row, field)
                if text and text in seen:
                    rule = f"the {lowered(field)} stands in an earlier row too"
                    raise FileRefused(table.name, rule, "Keep one row a learner.", line=row.row, column=label(field))
                seen.add(text)
        return tuple(rows)

    def _row(self, row: Row, file: str) -> ConfirmedRow:
        outcome = self._outcome(row, file)
        if not any(row.text(field) for field in WHO):
            field = next(field for field in WHO if field in row.cells)
            _refuse_empty(file, row, field)
        if outcome == "registered" and not row.text("candidate_number"):
            _refuse_empty(file, row, "candidate_number")
        values = {field: row.text(field) for field in FIELDS if field not in {"status", "reason"}}
        _judge(values, row, file)
        return ConfirmedRow(row=row.number, outcome=outcome, said=" ".join(row.text("reason").split()), **values)

    def _outcome(self, row: Row, file: str) -> Outcome:
        if "status" not in row.cells:
            return "registered"
        found = self._outcomes.get(plain(row.text("status")))
        if found is None:
            rule = "the status is none the profile has a word for, and an unknown one is never taken for a registration"
            fix = "Add the word to [confirmation.words] of the profile, under registered, refused or waiting."
            raise FileRefused(file, rule, fix, line=row.number, column=label("status"))
        return found


def _judge(values: Mapping[str, str], row: Row, file: str) -> None:
    for field, text in values.items():
        if text and (len(text) > CELL_LIMIT or text_finding(field, text)):
            rule = f"the {lowered(field)} is too long or not plain text"
            raise FileRefused(file, rule, "Correct it.", line=row.number, column=label(field))
        if text and field.endswith("_number") and not NUMBER.fullmatch(text):
            rule = f"the {lowered(field)} is not letters, digits and - . / _"
            fix = "Correct it, or name the right column."
            raise FileRefused(file, rule, fix, line=row.number, column=label(field))
        if field.endswith("_number") and personal.found(text):
            rule = f"the {lowered(field)} looks like a ULN, and would go into the log"
            fix = f"Name the right column, or correct it; {personal.HOW_TO_WRITE}."
            raise FileRefused(file, rule, fix, line=row.number, column=label(field))


def _refuse_empty(file: str, row: Row, field: str) -> None:
    rule = f"the {lowered(field)} is empty"
    raise FileRefused(file, rule, "Fill it in, or remove the row.", line=row.number, column=label(field))
