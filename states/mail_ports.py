"""What telling a learner asks of the outside world: words filled in, letters printed, mail sent, reports read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from states.errors import FileRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to one learner: `carries` says whether it holds the ULN or the name, never both.

    `number` stands in its Message-ID, so that a report about it can be traced without a personal value.
    """

    reference: str
    address: str
    subject: str
    body: str
    carries: Literal["uln", "name"]
    number: str = ""


Fate = Literal["failed", "delayed", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a mail server reported about one message: `number` is ours, empty when it names no message of ours.

    `fate` is `failed` when it will never arrive, `delayed` when the server goes on trying; `status` is the code of
    RFC 3463, such as 5.1.1.
    """

    name: str
    digest: str
    number: str
    fate: Fate
    status: str


class Postbox(Protocol):
    """Writes messages for learners, and reads what mail servers report about them."""

    def compose(
        self,
        *,
        reference: str,
        address: str,
        uln: str,
        carries: Literal["uln", "name"],
        given_name: str,
        number: str = "",
    ) -> Message:
        """Fill the template; raises FileRefused when the text would carry the ULN together with identity data."""
        ...

    def write_mail(self, message: Message, *, sender: str, target: BinaryIO, at: datetime | None = None) -> None:
        """Write the message as .eml, its address without a display name; `at` dates one that is sent."""
        ...

    def write_letters(
        self, messages: Sequence[Message], *, day: date, form: Literal["html", "pdf"], target: BinaryIO
    ) -> None:
        """Write messages as one file to print, a page each; raises FileRefused and DefinitionError."""
        ...

    def read_reports(self, path: Path) -> tuple[list[Report], list[FileRefused]]:
        """Read a mail server's report, or a folder of them; those of a folder that cannot be read come second."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mail server said of one message; `code` is its reply (0 when there was none), `status` that of RFC 3463.

    `accepted`: it is the server's now. `refused`: it never will be; `address` tells that the address is why.
    `put_off`: not now. `unknown`: the answer was lost after the text had gone, so it may have arrived.
    `held_back`: it was not ours to send any more.
    """

    outcome: Literal["accepted", "refused", "put_off", "unknown", "held_back"]
    code: int = 0
    status: str = ""
    address: bool = False


class MailSession(Protocol):
    """A connection to the mail server."""

    def send(self, mail: bytes, *, address: str, number: str, begin: Callable[[], bool]) -> Receipt:
        """Send one message to one address; what is put off is tried again, what is unknown never.

        `begin` is asked each time before the text goes out; when it says no, the text stays.
        Raises MailUnavailable when the server will have none of our mail.
        """
        ...


class Mailer(Protocol):
    """The centre's mail server."""

    def session(self) -> AbstractContextManager[MailSession]:
        """A session, connected; raises MailUnavailable."""
        ...
