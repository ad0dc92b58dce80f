"""The engine: cases on declared routes, guarded by rules, recorded in an append-only log.

It knows nothing of learners and would serve library loans as well. It promises that a move and its event are written
together or not at all, that every rule of an arrow is asked and its answer kept, that a repeated command changes
nothing, and that the log shows its own gaps and edits. It does not promise that an edit is impossible for someone
who holds the database file, only that `verify` sees it; and it never moves a case by the passing of time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow.case import Standing
    from workflow.engine import Engine, RunResult
    from workflow.errors import WorkflowError
    from workflow.event import Event
    from workflow.move import Act, Move, Outcome, Question
    from workflow.route import Route, read_route
    from workflow.rule import Objection, Rule, Verdict
    from workflow.work import Definition, FactsSource, Work

__all__ = [
    "Act",
    "Definition",
    "Engine",
    "Event",
    "FactsSource",
    "Move",
    "Objection",
    "Outcome",
    "Question",
    "Route",
    "Rule",
    "RunResult",
    "Standing",
    "Verdict",
    "Work",
    "WorkflowError",
    "read_route",
]

_HOMES = {
    "Act": "move",
    "Definition": "work",
    "Engine": "engine",
    "Event": "event",
    "FactsSource": "work",
    "Move": "move",
    "Objection": "rule",
    "Outcome": "move",
    "Question": "move",
    "Route": "route",
    "Rule": "rule",
    "RunResult": "engine",
    "Standing": "case",
    "Verdict": "rule",
    "Work": "work",
    "WorkflowError": "errors",
    "read_route": "route",
}


def __getattr__(name: str) -> Any:
    """Read a module when something of it is first asked for: a command without a database needs no engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
