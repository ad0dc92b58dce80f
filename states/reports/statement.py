"""What an answer from the log rests on: whose log, how large, its root, when, by which program, and whether it held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from states.counting import counted
from states.unit_of_work import Glance, Office
from workflow.store.fault import Fault
from workflow.store.seals import Seals
from workflow.store.verify import Report
from workflow.working_days import moment_of, second

TOLD: Final = 50
"""Faults that stand in a pack itself; `audit verify` tells them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The log as it was asked: `holds` is None when it was not verified, `sealed` the size of the last checkpoint."""

    origin: str
    size: int
    root: str
    time: str
    product: str
    sealed: int
    holds: bool | None
    verified: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What verifying the whole log found, for whoever is given a part of it: when, by which program, and every fault.

    `faults` are told by kind and place, the first of them where there are many.
    """

    holds: bool
    verified: str
    faults: tuple[str, ...]


def vouch(office: Office, report: Report) -> Vouched:
    """What is said beside evidence of the log that a report is about, now."""
    when = f"{second(office.engine.clock())} UTC"
    told = [_placed(fault) for fault in report.faults[:TOLD]]
    told += [f"and {more} more"] if (more := len(report.faults) - TOLD) > 0 else []
    return Vouched(report.holds, f"{when}, {counted(report.size, 'event')}, by {office.engine.product}", tuple(told))


def _placed(fault: Fault) -> str:
    place = f" at event {fault.position}" if fault.position else f" at case {fault.case}" if fault.case else ""
    return f"{fault.kind}{place}"


def state(office: Office, verify: Callable[[Glance], Report] | None) -> tuple[Statement, Report | None]:
    """The statement for an answer, and what verifying found, if that is done; raises StoreError for an unread log."""
    origin = office.engine.origin
    with office.look() as look:
        if verify is not None:
            report = verify(look)
            size, root, sealed = report.size, report.root, report.sealed
            words = "it holds" if report.holds else f"it does not hold: {counted(len(report.faults), 'fault')}"
            words += f"; held against {', '.join(report.held_against)}" if report.held_against else ""
        else:
            seals = Seals(look.connection)
            report, tree, last = None, seals.grown(), seals.last()
            size, root, sealed = look.log.head(), tree.root(), last.size if last else 0
            words = f"not verified in this run; last sealed at {sealed}" if sealed else "not verified; never sealed"
    made = Statement(
        origin=origin, size=size, root=root.hex(), time=moment_of(office.engine.clock()).strftime("%Y-%m-%dT%H:%M:%SZ"),
        product=office.engine.product, sealed=sealed, holds=None if report is None else report.holds, verified=words,
    )  # fmt: skip
    return made, report
