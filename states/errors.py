"""What goes wrong beside the engine: a file, a learner nobody knows, a command that cannot be done now."""

from __future__ import annotations

from workflow.errors import WorkflowError


class FileRefused(WorkflowError):
    """A file cannot be read or written as a whole.

    Names the file, the line (1-based, None where the whole file is meant), the field, the rule and the fix;
    never a personal value.
    """

    def __init__(self, file: str, rule: str, fix: str, *, line: int | None = None, column: str | None = None) -> None:
        self.file, self.rule, self.fix, self.line, self.column = file, rule, fix, line, column
        where = file + (f", line {line}" if line is not None else "") + (f", {column}" if column else "")
        super().__init__(f"{where}: {rule}. {fix}")


class Typed(WorkflowError):
    """An error that repeats what somebody typed; `typed` are those words, which may be anybody's values."""

    def __init__(self, message: str, *typed: str) -> None:
        self.typed = typed
        super().__init__(message)


class NotFound(Typed):
    """Something named does not exist; says how to find what does. Exit code 4."""


class NotPublished(WorkflowError):
    """A file was written and recorded, but could not take its final name yet."""


class NotPossible(Typed):
    """The command cannot be meant as it was typed; says why and what to type instead. Exit code 2."""


class Prevented(NotPossible):
    """What was typed is right, and a state, a hold, a rule or a second person stands against it: exit code 1."""


class MailUnavailable(WorkflowError):
    """The mail server cannot be used; says why in our words, never in its own, and what to do."""
