"""What one of the databases does in its own way; everything else is the same for both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow.errors import WorkflowError
from workflow.store.connection import Connection, Kind


class Side(ABC):
    """One database: how a connection is made and begun, and what its errors mean. `name` is fit to be shown."""

    kind: Kind
    name: str
    dialect: str
    path: Path | None
    wrong: type[Exception]
    """What its driver raises."""

    @abstractmethod
    def connect(self) -> Any:
        """A new connection of the driver, whose transactions we begin ourselves."""

    @abstractmethod
    def begin_migrating(self, raw: Any) -> None:
        """Begin, alone among writers, whether or not there are tables."""

    @abstractmethod
    def begin_writing(self, raw: Any) -> Connection:
        """Begin, alone among writers."""

    @abstractmethod
    def begin_reading(self, raw: Any) -> Connection:
        """Begin a transaction that sees one moment."""

    @abstractmethod
    def meaning(self, wrong: BaseException) -> WorkflowError | None:
        """What an error of the driver means for a person; None when it is no matter of the database."""

    def commit(self, raw: Any) -> None:
        """Confirm; raises rather than confirm nothing."""
        raw.commit()

    def is_lost(self, _raw: Any) -> bool:
        """Whether the connection is gone, as after a restart of the server."""
        return False

    def scrub(self, _raw: Any, _tables: Sequence[str]) -> bool:
        """Leave as little as can be of rows that were deleted from some tables; whether it could be done now."""
        return True

    def pages(self, _raw: Any, _tables: Sequence[str]) -> Sequence[int]:
        """Where the tables and their indexes begin in a file; nothing on a server."""
        return ()

    def holds(self, _pages: Sequence[int], _words: Sequence[bytes]) -> bool:
        """Whether a file still holds words in space it does not use; asked while this process has it closed."""
        return False

    def rewrite(self, _raw: Any) -> None:  # noqa: B027 - nobody asks a server for it
        """Write the whole file anew, without what it does not use."""

    def enter(self) -> int | None:
        """Wait until a writer may begin; what comes back is handed to `leave`."""
        return None

    def leave(self, gate: int | None) -> None:  # noqa: B027 - a server lets the next one through by itself
        """Let the next writer through."""
