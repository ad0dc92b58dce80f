"""A report of learners whose ULN or details the awarding organisation could not match, as rows."""

from __future__ import annotations

import re
from typing import Final

from states.errors import FileRefused
from states.exchange.awarding.headed import Headed, label
from states.exchange.profile_section import Section
from states.exchange.sheets import Table
from states.registration import MismatchRow

WHO: Final = ("reference", "uln", "candidate_number")
FIELDS: Final = (*WHO, "qualification", "reason")
REASON_LIMIT: Final = 1_000
CODE: Final = re.compile(r"[a-z][a-z_]{1,39}", re.ASCII)
OTHER: Final = "other"


class MismatchTable:
    """Finds the columns by headings, and a code for each reason by the words a profile lists under it."""

    def __init__(self, section: Section) -> None:
        self.headed = Headed(section, FIELDS, (WHO, ("reason",)))
        codes = section.table("codes")
        self._codes = {code: tuple(text.casefold() for text in codes.texts(code)) for code in codes.names()}
        for code in self._codes:
            if not CODE.fullmatch(code):
                codes.flaw(code, "a code goes into the log: small letters and _ only")
        codes.done()
        section.done()

    def read(self, table: Table) -> tuple[MismatchRow, ...]:
        """The rows of a sheet, blank ones left out; raises FileRefused, also for a row that names nobody."""
        _, found = self.headed.read(table)
        rows = []
        for row in found:
            if not any(row.text(field) for field in WHO):
                rule = "the row names nobody by reference, ULN or candidate number"
                raise FileRefused(table.name, rule, "Fill one in, or remove the row.", line=row.number)
            reason = " ".join(row.text("reason").split())
            if len(reason) > REASON_LIMIT:
                rule = f"the reason is longer than {REASON_LIMIT:,} characters"
                raise FileRefused(table.name, rule, "Shorten it.", line=row.number, column=label("reason"))
            texts = {field: row.text(field) for field in FIELDS if field != "reason"}
            rows.append(MismatchRow(row=row.number, reason=reason, code=self._code(reason), **texts))
        return tuple(rows)

    def _code(self, reason: str) -> str:
        said = reason.casefold()
        return next((code for code, texts in self._codes.items() if any(text in said for text in texts)), OTHER)
