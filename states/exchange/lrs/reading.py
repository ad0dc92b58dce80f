"""Reads an LRS file of either format: which one it is, its first character decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from states.errors import FileRefused
from states.exchange.gate import UTF8_MARK, Gate
from states.exchange.lrs.csv_records import read_csv_records
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.record import AGAIN, Head, Record, Report
from states.exchange.lrs.wrapper import VerifyTable


def read_records(
    gate: Gate, layout: BatchLayout, verify: VerifyTable | None, head: Head, report: Report
) -> Iterator[Record]:
    """The learners of an LRS file one at a time; `head` is filled on the way. Raises FileRefused."""
    if gate.head.removeprefix(UTF8_MARK).lstrip()[:1] == b"<":
        from states.exchange.lrs.xml_records import read_xml_records  # noqa: PLC0415 - lxml only where XML comes in

        return read_xml_records(gate, layout, verify, head, report)
    if PurePath(gate.name).suffix.casefold() == ".xml":
        raise FileRefused(gate.name, "it is named as XML, but holds something else", AGAIN)
    return read_csv_records(gate, layout, head, report)
