"""Everything the engine may raise, as one tree.

WorkflowError
├── DefinitionError           a route or its configuration cannot be right: says every fault and its fix
├── Refused                   the engine said no to a trigger
│   ├── NoSuchTransition      the state has no such trigger
│   └── RuleRefused           the state has it, but a rule does not hold
├── UnknownCase               no case has this number
├── Conflict                  someone else moved the case first; nothing was overwritten
└── StoreError                the database cannot be used
    ├── SchemaTooNew          a later version of the product made it
    ├── SchemaMissing         it has not been set up
    └── LogProtected          something tried to change the log
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class WorkflowError(Exception):
    """Anything the product raises on purpose; its text says what to do next and holds no personal value."""


class DefinitionError(WorkflowError):
    """A route or a configuration that cannot be right."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source, self.faults = source, tuple(faults)
        super().__init__(f"{source}: " + "; ".join(self.faults))


class Refused(WorkflowError):
    """The engine said no; the refusal is in the log."""

    def __init__(self, case_id: int, trigger: str, state: str, message: str) -> None:
        self.case_id, self.trigger, self.state = case_id, trigger, state
        super().__init__(message)


class NoSuchTransition(Refused):
    """The state the case is in has no such trigger."""


class RuleRefused(Refused):
    """The trigger exists here, but at least one rule does not hold."""


class UnknownCase(WorkflowError):
    """No case has this number."""


class Conflict(WorkflowError):
    """The case was moved by someone else since it was read; nothing was overwritten."""


class StoreError(WorkflowError):
    """The database cannot be used as it is."""


class SchemaTooNew(StoreError):
    """The database was made by a later version of the product."""


class SchemaMissing(StoreError):
    """The database has not been set up."""


class LogProtected(StoreError):
    """Something tried to change what the log holds."""
