"""Mail sent by SMTP (RFC 5321, 2008): one message at a time, none twice, and what is not known said to be unknown.

A message counts as sent when the server has answered its last byte with yes. Before its text went out anything may be
tried again; after that, silence means unknown, and nothing is tried again. The server's words are never shown or
kept: they repeat the address.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final, Literal

import stamina

from states.errors import MailUnavailable
from states.mail_ports import Receipt

ATTEMPTS: Final = 3
"""Times a message is tried while the server puts it off."""

FIRST_WAIT, LONGEST_WAIT = 1.0, 10.0
"""Seconds between the tries."""

PATIENCE: Final = 60.0
"""Seconds a server has for an answer."""

LAST_ANSWER: Final = 600.0
"""Seconds it has to answer the end of a text (RFC 5321, section 4.5.3.2.6); less would make unknown what is sent."""

SUBMITTED, LAST, GO_ON, TEMPORARY, PERMANENT, LOG_IN = 250, 299, 354, 400, 500, 530
UNKNOWN_OPTIONS: Final = (501, 504, 555)
_STATUS: Final = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
ABOUT_THE_ADDRESS: Final = ("5.1.", "5.2.")
"""Status codes that blame the address or its mailbox (RFC 3463, 2003, sections 3.2 and 3.3)."""


class PutOff(Exception):
    """The server cannot take the message now; carries its code alone, as it may be logged."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SmtpMailer:
    """Port `Mailer`: where the server is and how it is spoken to. `sender` may bear a display name."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str
    password: str
    sender: str

    @contextmanager
    def session(self) -> Iterator[SmtpSession]:
        """A session, connected; raises MailUnavailable when the server cannot be reached or will not have us."""
        session = SmtpSession(self)
        try:
            for attempt in _again():
                with attempt:
                    session.connected()
        except PutOff as late:
            code = f" ({late.code})" if late.code else ""
            raise MailUnavailable(
                f"the mail server {self.host} does not answer on port {self.port}{code}. Nothing was sent; "
                "check host and port under [mail], or try again later."
            ) from None
        try:
            yield session
        finally:
            session.close()

    def open(self) -> smtplib.SMTP:
        """A connection that is encrypted and logged in as the settings say; raises PutOff and MailUnavailable."""
        context = ssl.create_default_context()
        client: smtplib.SMTP | None = None
        try:
            if self.security == "tls":
                client = smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=context)
            else:
                client = smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
            if self.security == "starttls":
                client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
            if self.user:
                client.login(self.user, self.password)
        except BaseException as wrong:  # noqa: BLE001 - an interruption must not leave a connection behind either
            if client is not None:
                client.close()
            raise self._told(wrong) from None
        return client

    def _told(self, wrong: BaseException) -> BaseException:
        """What a failed connection means, in our words."""
        if isinstance(wrong, smtplib.SMTPResponseException) and wrong.smtp_code < PERMANENT:
            return PutOff(wrong.smtp_code)
        if isinstance(wrong, ssl.SSLCertVerificationError):
            said = "shows a certificate not trusted here, or for another name; see SSL_CERT_FILE in docs/files.md"
        elif isinstance(wrong, ssl.SSLError):
            said = "does not speak TLS there; check port and security under [mail]"
        elif isinstance(wrong, smtplib.SMTPNotSupportedError):
            said = "does not offer STARTTLS, or no way to log in; check security and user under [mail]"
        elif isinstance(wrong, smtplib.SMTPAuthenticationError):
            said = f"refused user or password ({wrong.smtp_code}); check user under [mail], and ULNFLOW_MAIL__PASSWORD"
        elif isinstance(wrong, smtplib.SMTPResponseException):
            said = f"refused the connection ({wrong.smtp_code}); ask who runs it"
        elif isinstance(wrong, OSError):
            return PutOff()
        else:
            return wrong
        return MailUnavailable(f"the mail server {self.host} {said}.")


class SmtpSession:
    """Port `MailSession`; a connection that is lost is made again when the next message needs it."""

    def __init__(self, mailer: SmtpMailer) -> None:
        self._mailer = mailer
        self._client: smtplib.SMTP | None = None

    def connected(self) -> smtplib.SMTP:
        """The connection, made anew when there is none."""
        if self._client is None:
            self._client = self._mailer.open()
        return self._client

    def close(self) -> None:
        """Say goodbye."""
        if self._client is not None:
            with suppress(OSError):
                self._client.quit()
        self._drop()

    def send(self, mail: bytes, *, address: str, number: str, begin: Callable[[], bool]) -> Receipt:
        """Send one message; what is put off is tried again, what is unknown never. Raises MailUnavailable."""
        try:
            for attempt in _again():
                with attempt:
                    return self._once(mail, address, number, begin)
        except PutOff as late:
            return Receipt("put_off", late.code)
        raise AssertionError("a retry ends by an answer or an error")

    def _once(self, mail: bytes, address: str, number: str, begin: Callable[[], bool]) -> Receipt:
        client = self.connected()
        try:
            if refused := self._envelope(client, address, number):
                client.rset()
                return refused
            if not begin():
                client.rset()
                return Receipt("held_back")
            code, said = client.docmd("DATA")
            if code != GO_ON:
                if refused := self._no(code, said):
                    client.rset()
                    return refused
                raise PutOff(code)
        except OSError:  # smtplib's own errors are of this kind
            self._drop()
            raise PutOff from None
        except PutOff:
            self._drop()
            raise
        return self._text(client, mail)

    def _envelope(self, client: smtplib.SMTP, address: str, number: str) -> Receipt | None:
        """From whom and to whom; a refusal, or None. Reports of servers that can will hold our number, and no text."""
        options = [f"ENVID={number}", "RET=HDRS"] if client.has_extn("dsn") else []
        sender = parseaddr(self._mailer.sender)[1]
        code, said = client.mail(sender, options)
        if options and code in UNKNOWN_OPTIONS:  # it offers what it does not know
            client.rset()
            code, said = client.mail(sender)
        if code == LOG_IN:
            raise MailUnavailable(
                f"the mail server {self._mailer.host} asks us to log in first. Set user under [mail], "
                "and ULNFLOW_MAIL__PASSWORD."
            )
        if refused := self._no(code, said):
            return refused
        code, said = client.rcpt(address)
        return self._no(code, said, blames_address=True)

    def _text(self, client: smtplib.SMTP, mail: bytes) -> Receipt:
        """The text and the last answer: from here on, a lost connection means that nobody knows."""
        try:
            client.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
            if client.sock is not None:
                client.sock.settimeout(LAST_ANSWER)
            code, said = client.getreply()
            if client.sock is not None:
                client.sock.settimeout(PATIENCE)
        except OSError:
            self._drop()
            return Receipt("unknown")
        if SUBMITTED <= code <= LAST:
            return Receipt("accepted", code, _status(said))
        try:
            refused = self._no(code, said)
        except PutOff:
            self._drop()
            raise
        return refused or Receipt("unknown", code)

    def _no(self, code: int, said: bytes, *, blames_address: bool = False) -> Receipt | None:
        """A refusal for good as a receipt, one for now as PutOff, None for a yes."""
        if code >= PERMANENT:
            status = _status(said)
            about = status.startswith(ABOUT_THE_ADDRESS) if status else blames_address
            return Receipt("refused", code, status, address=about)
        if code >= TEMPORARY:
            raise PutOff(code)
        return None

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def _again() -> Iterator[stamina.Attempt]:
    return iter(
        stamina.retry_context(
            on=PutOff, attempts=ATTEMPTS, timeout=None, wait_initial=FIRST_WAIT, wait_max=LONGEST_WAIT, wait_jitter=0.5
        )
    )


def _status(said: bytes) -> str:
    found = _STATUS.match(said)
    return found[0].decode() if found else ""
