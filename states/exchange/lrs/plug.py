"""The Learning Records Service by files: the plug for the port `Lrs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from states.errors import FileRefused
from states.exchange.gate import opened
from states.exchange.lrs.batch_csv import write_csv
from states.exchange.lrs.keying_sheet import write_keying_sheet
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.record import UKPRN
from states.exchange.lrs.refusals import find_refusals, header_of, refuse_batch
from states.exchange.lrs.reply import read_reply
from states.exchange.lrs.return_codes import Outcome, ReturnCodes
from states.exchange.lrs.wrapper import read_verify
from states.ports import BatchForm, BatchLearner, Reply
from states.sheet_ports import Finding


class LrsFiles:
    """Port `Lrs` from the parsed tables; raises DefinitionError for a faulty one.

    `form` is what the centre's batches are written in where nothing else is asked for.
    """

    def __init__(
        self,
        *,
        batch: Mapping[str, Any],
        return_codes: Mapping[str, Any],
        verify: Mapping[str, Any],
        form: BatchForm = "csv",
    ) -> None:
        self._layout = BatchLayout.from_table(batch)
        self._codes = ReturnCodes(return_codes)
        self._verify = read_verify(verify)
        self.limit, self.form = self._layout.limit, form

    def batch_name(self, ukprn: str, at: datetime, form: BatchForm | None = None) -> str:
        """The exact file name the upload demands, to the minute; `at` is UK local time (LRS guide, 2024).

        Raises FileRefused for a UKPRN that is not eight digits.
        """
        if not UKPRN.fullmatch(ukprn):
            raise FileRefused("batch file", "the UKPRN is not eight digits", "Set the centre's UKPRN.")
        return self._layout.name_of_file(form or self.form, ukprn=ukprn, stamp=at.strftime(self._layout.stamp))

    def refusals(self, learner: BatchLearner) -> tuple[Finding, ...]:
        """What the upload would refuse in this learner; empty when nothing. The age is for the rules to judge."""
        return find_refusals(learner, self._layout)

    def write_batch(
        self,
        learners: Sequence[BatchLearner],
        *,
        ukprn: str,
        reference: str,
        target: BinaryIO,
        form: BatchForm | None = None,
    ) -> None:
        """Write one batch file of 1 to `limit` learners; raises FileRefused before a byte is written.

        Values are never altered: what the upload would refuse is refused here.
        """
        refuse_batch(learners, ukprn, reference, self._layout)
        header = header_of(learners, ukprn, reference, self._layout)
        if (form or self.form) == "csv":
            write_csv(learners, header, target, self._layout)
            return
        from states.exchange.lrs.batch_xml import write_xml  # noqa: PLC0415 - lxml only where XML is written

        write_xml(learners, header, target, self._layout)

    def write_keying_sheet(self, learners: Sequence[BatchLearner], *, title: str, target: BinaryIO) -> None:
        """Write an XLSX sheet to key learners into the portal one by one."""
        write_keying_sheet(learners, title=title, target=target, layout=self._layout)

    def read_reply(self, path: Path) -> Reply:
        """Read a reply file, CSV or XML; raises FileRefused. Whether its ULNs are right is for the step to judge."""
        with opened(path, limit=self._layout.limits["bytes"]) as gate:
            return read_reply(gate, self._layout, self._codes, self._verify)

    def classify(self, code: str) -> tuple[Outcome, str]:
        """The class and the meaning of a return code, in any of its spellings, for codes typed back by hand."""
        return self._codes.classify(code)

    def normalise_code(self, code: str) -> str:
        """A return code in its full form: RC10 is RC010; `?` stands for what is no code."""
        return self._codes.normalise(code)
