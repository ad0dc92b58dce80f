"""Everything the engine may raise, as one tree.

WorkflowError
├── DefinitionError           a route or its configuration cannot be right: says every fault and its fix
├── Refused                   the engine said no to a trigger
│   ├── NoSuchTransition      the state has no such trigger
│   └── RuleRefused           the state has it, but a rule does not hold
├── UnknownCase               no case has this number
├── NamedTwice                one call names the same case twice
├── OtherRoute                the case runs on another route, or on another version of this one
├── ActRefused                a command names nobody, or names them in a way the log cannot hold
├── CorrectionRefused         an event cannot be voided, or others rest on it
├── CommandReused             a command id came again with another trigger
├── Conflict                  someone else moved the case first; nothing was overwritten
└── StoreError                the database cannot be used
    ├── SchemaTooNew          a later version of the product made it
    ├── SchemaMissing         it has not been set up
    ├── NotAllowed            the account on the server, or the person's role, has not the right
    │   └── OtherCohort       what is asked is about a cohort the person is not kept to
    ├── LogProtected          something tried to change the log
    └── Unwritable            an event holds what the log cannot: a float, a text that is not NFC, a huge number
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


class NamedTwice(WorkflowError):
    """One call names the same case twice; nothing was written."""

    def __init__(self, case_id: int) -> None:
        self.case_id = case_id
        super().__init__(f"case {case_id} is named twice in one command; name each once. Nothing was written.")


class OtherRoute(WorkflowError):
    """The case does not run on the route it was asked to move on."""

    def __init__(self, case_id: int, runs_on: str, asked: str) -> None:
        self.case_id, self.runs_on, self.asked = case_id, runs_on, asked
        super().__init__(
            f"case {case_id} runs on {runs_on}, not on {asked}; use the version that knows its route. "
            "Nothing was written."
        )


class ActRefused(WorkflowError):
    """A command names nobody, or names them in a way the log cannot hold."""


class CommandReused(WorkflowError):
    """A command id came again with another trigger than it began with; nothing was written."""

    def __init__(self, command_id: str, began: str, asked: str) -> None:
        self.command_id, self.began, self.asked = command_id, began, asked
        super().__init__(
            f"the command {command_id} began as {began} and cannot go on as {asked}; give each command its own id"
        )


class CorrectionRefused(WorkflowError):
    """An event cannot be voided, or others rest on it; nothing was written."""


class Conflict(WorkflowError):
    """The case was moved by someone else since it was read; nothing was overwritten."""


class StoreError(WorkflowError):
    """The database cannot be used as it is."""


class EventUnreadable(StoreError, ValueError):
    """The bytes of an event are none that any version of the product has written."""

    def __init__(self) -> None:
        super().__init__(
            "the log holds an event that cannot be read: it was changed by another program. See: ulnflow audit verify"
        )


class SchemaTooNew(StoreError):
    """The database was made by a later version of the product."""


class SchemaMissing(StoreError):
    """The database has not been set up."""


class NotAllowed(StoreError):
    """The account on the server, or the person's role, has not the right to do that."""


class OtherCohort(NotAllowed):
    """What is asked is about another cohort than those the act is kept to; nothing was written. `case_id` where one."""

    def __init__(self, cohort: str, case_id: int | None = None) -> None:
        self.cohort, self.case_id = cohort, case_id
        whose = f"cohort {cohort}" if cohort else "no cohort"
        super().__init__(f"this is about {whose}, and you are kept to others: see [people] in ulnflow.toml")


class LogProtected(StoreError):
    """Something tried to change what the log holds."""


class Unwritable(StoreError):
    """An event holds what its canonical form cannot; nothing was written."""
