"""A wire to a PostgreSQL server that is cut at a commit: before the server hears of it, or after it answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

from psycopg import conninfo

Cut = Literal["before", "after", "never"]
COMMIT: Final = b"COMMIT\0"


class Wire:
    """Listens on the loopback interface and hands every byte on; `cut` says when it stops doing so."""

    def __init__(self, address: str) -> None:
        known = conninfo.conninfo_to_dict(address)
        self._server = (str(known.get("host") or "/tmp"), int(known.get("port") or 5432))  # noqa: S108 - the driver's own default
        self._door = socket.create_server(("127.0.0.1", 0))
        port = self._door.getsockname()[1]
        self.address = conninfo.make_conninfo(
            address, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
        self.cut: Cut = "never"
        self.cuts = 0
        self._deaf: socket.socket | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = self._reach()
                self._open += [near, far]
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
                threading.Thread(target=self._bring, args=(far, near), daemon=True).start()

    def _reach(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """From the client to the server."""
        with suppress(OSError):
            while data := near.recv(65_536):
                commits = COMMIT in data
                if commits and self.cut == "before":
                    self.cuts += 1
                    break
                if commits and self.cut == "after":
                    self._deaf = far
                far.sendall(data)
        self._part(near, far)

    def _bring(self, far: socket.socket, near: socket.socket) -> None:
        """From the server to the client, but not the answer to a commit that is to be lost."""
        with suppress(OSError):
            while data := far.recv(65_536):
                if self._deaf is far:
                    self.cuts += 1
                    break
                near.sendall(data)
        self._part(near, far)

    def _part(self, near: socket.socket, far: socket.socket) -> None:
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._door.close()
        for end in self._open:
            end.close()


@contextmanager
def wire_to(address: str) -> Iterator[Wire]:
    """A wire that is taken away at the end."""
    wire = Wire(address)
    try:
        yield wire
    finally:
        wire.close()
