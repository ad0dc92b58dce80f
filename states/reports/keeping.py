"""Sentences about learners' data: erased, held, handed out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from states.counting import counted
from states.reports.words import plain
from states.vocabulary import DISCLOSED
from workflow import Event


def _erased(event: Event, _register: object) -> str:
    basis = plain(str(event.evidence.get("basis", "")))
    again = ", again, for the database came from an older backup" if event.evidence.get("replayed") else ""
    return f"The learner's personal values and key were erased ({basis}){again}{_went(event.evidence)}"


def _went(said: Mapping[str, Any]) -> str:
    """What went, by the fact about the learner; nothing for what is noted of a case."""
    if "rows" not in said:
        return ""
    sheets = counted(said["sheets"], "sheet") if said.get("sheets") else ""
    files = "files " + ", ".join(map(str, said["files"])) if said.get("files") else ""
    rows = counted(sum(said["rows"].values()), "row")
    return ": " + ", ".join(part for part in (rows, files, sheets) if part)


def _placed(event: Event, _register: object) -> str:
    return f"A legal hold was placed ({plain(str(event.evidence.get('hold', '')))})"


def _lifted(event: Event, _register: object) -> str:
    return f"A legal hold was lifted ({plain(str(event.evidence.get('hold', '')))})"


def _applied(event: Event, _register: object) -> str:
    return f"Retention was applied: {counted(event.evidence.get('learners_erased', 0), 'learner')} erased"


def _handed_out(_event: Event, _register: object) -> str:
    return "Everything held about the learner was handed out"


KEEPING: Final[Mapping[str, Callable[[Event, object], str]]] = {
    "erased": _erased,
    "hold_placed": _placed,
    "hold_lifted": _lifted,
    "retention_applied": _applied,
    DISCLOSED: _handed_out,
}
"""Kind of event, or what is noted of a case -> its sentence."""
