"""A mail server on this computer, for as long as a test needs it: real SMTP, with answers as the test wants them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, syntax

USER, PASSWORD = "uln-desk", "correct horse"
DROP = "drop"
"""An answer that is none: the connection is cut."""


@dataclass
class Server:
    """What came in, and what is to be answered: `recipients` and `texts` by address, used up one after the other.

    An answer is a line of SMTP, or DROP; without one, everything is accepted. `on_text` is called with each text
    before it is answered.
    """

    port: int = 0
    recipients: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    senders: list[str] = field(default_factory=list)
    came_in: list[tuple[str, bytes]] = field(default_factory=list)
    accepted: list[tuple[str, Message]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    logged_in: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    connections: int = 0
    on_text: Callable[[str], None] = lambda _address: None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - as above
        if self.senders:
            return self.senders.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - as above
        said = self._next(self.recipients, address)
        if said == DROP:
            server.transport.abort()
        if not said:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        (address,) = envelope.rcpt_tos
        self.came_in.append((address, envelope.content))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.on_text(address)
        said = self._next(self.texts, address)
        if said == DROP:
            server.transport.abort()
        elif not said:
            self.accepted.append((address, message_from_bytes(envelope.content)))
        return said or "250 2.0.0 taken"

    def log_in(self, server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        """Whether user and password are right."""
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        self.logged_in.append(mechanism)
        return AuthResult(success=right, handled=False)

    def texts_to(self, address: str) -> int:
        """How often a text came for an address, accepted or not."""
        return sum(to == address for to, _ in self.came_in)

    @staticmethod
    def _next(answers: dict[str, list[str]], address: str) -> str:
        waiting = answers.get(address) or answers.get("*")
        return waiting.pop(0) if waiting else ""


class _Reporting(SMTP):
    """Knows the options that ask how a failure is to be reported (RFC 3461)."""

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - as above
        words = (arg or "").split()
        self.event_handler.options.append([w for w in words if w.startswith(("ENVID=", "RET="))])
        await super().smtp_MAIL(" ".join(w for w in words if not w.startswith(("ENVID=", "RET="))))


class _Anywhere(Controller):
    """Listens on a free port."""

    def factory(self) -> SMTP:
        return _Reporting(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(*, security: str = "none", log_in: bool = False) -> Iterator[tuple[Server, trustme.CA]]:
    """A server on a free port of 127.0.0.1, stopped at the end; `log_in` demands user and password."""
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    server = Server()
    options: dict[str, Any] = {}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if log_in:
        options |= {"authenticator": server.log_in, "auth_required": True, "auth_require_tls": security != "tls"}
    controller = _Anywhere(
        server, hostname="127.0.0.1", port=0, ssl_context=context if security == "tls" else None, **options
    )
    controller.start()
    try:
        server.port = controller.port
        server.connections = 0
        yield server, ca
    finally:
        controller.stop()
