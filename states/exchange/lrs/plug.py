"""The Learning Records Service by files: the plug for the port `Lrs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from states.errors import FileRefused
from states.exchange.files import read_bytes, shown_name
from states.exchange.lrs.batch_csv import find_refusals, write_batch
from states.exchange.lrs.grid import UKPRN
from states.exchange.lrs.keying_sheet import write_keying_sheet
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.reply_csv import read_reply
from states.exchange.lrs.return_codes import Outcome, ReturnCodes
from states.ports import BatchLearner, Finding, Reply


class LrsFiles:
    """Port `Lrs` from the parsed batch and return-code tables; raises DefinitionError for a faulty table."""

    def __init__(self, *, batch: Mapping[str, Any], return_codes: Mapping[str, Any]) -> None:
        self._layout = BatchLayout.from_table(batch)
        self._codes = ReturnCodes(return_codes)
        self.limit = self._layout.limit

    def batch_name(self, ukprn: str, at: datetime) -> str:
        """The exact file name the upload demands, to the minute; `at` is UK local time (LRS guide, 2024).

        Raises FileRefused for a UKPRN that is not eight digits.
        """
        if not UKPRN.fullmatch(ukprn):
            raise FileRefused("batch file", "the UKPRN is not eight digits", "Set the centre's UKPRN.")
        return self._layout.file_name.format(ukprn=ukprn, stamp=at.strftime(self._layout.stamp))

    def refusals(self, learner: BatchLearner) -> tuple[Finding, ...]:
        """What the upload would refuse in this learner; empty when nothing. The age is for the rules to judge."""
        return find_refusals(learner, self._layout)

    def write_batch(self, learners: Sequence[BatchLearner], *, ukprn: str, reference: str, target: BinaryIO) -> None:
        """Write one batch file; values are never altered, a learner with refusals raises FileRefused."""
        write_batch(learners, ukprn=ukprn, reference=reference, target=target, layout=self._layout)

    def write_keying_sheet(self, learners: Sequence[BatchLearner], *, title: str, target: BinaryIO) -> None:
        """Write an XLSX sheet to key learners into the portal one by one."""
        write_keying_sheet(learners, title=title, target=target, layout=self._layout)

    def read_reply(self, path: Path) -> Reply:
        """Read a reply file; raises FileRefused. Whether its ULNs are right is for the step to judge."""
        return read_reply(read_bytes(path), shown_name(path), self._layout, self._codes)

    def classify(self, code: str) -> tuple[Outcome, str]:
        """The class and the meaning of a return code, in any of its spellings, for codes typed back by hand."""
        return self._codes.classify(code)

    def normalise_code(self, code: str) -> str:
        """A return code in its full form: RC10 is RC010; `?` stands for what is no code."""
        return self._codes.normalise(code)
