"""Processes of our own that are let go, killed or interrupted, and say how far they came.

They are forked from a server that has imported everything, so that a process costs milliseconds and a random moment
falls into its work rather than into its start.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

from tests.proof.places import Place
from tests.proof.points import Points, die, watched

FORKS: Final = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pytest", "psycopg", "xlsxwriter", "alembic.migration", "cli.app", "tests.proof.children", "tests.proof.clients"]
)
BEGUN, ENDED = "begun", "ended"
LONG: Final = 240
"""Seconds after which a process that should have ended fails its test."""


@dataclass
class Child:
    """A process at its task; `heard` is what it said so far, without the marks of its begin and end."""

    process: Any
    pipe: Pipe
    heard: list[Any] = field(default_factory=list)
    over: bool = False

    def begun(self) -> Child:
        """Wait until it is at its task."""
        assert self.pipe.poll(LONG), "it never began"
        assert self.pipe.recv() == BEGUN
        return self

    def hear(self) -> Child:
        """Wait until it says something, and keep it."""
        assert self.pipe.poll(LONG), "it says nothing"
        said = self.pipe.recv()
        self.over = said == ENDED
        self.heard += [] if self.over else [said]
        return self

    def send(self, seconds: float, number: signal.Signals) -> Child:
        """A signal after some time, unless it is gone by then: by a handle, which never means another process."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.process.pid)
            try:
                self.process.join(seconds)
                signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
        return self

    def ended(self) -> int:
        """Wait for its end and hear what it said; negative for the signal that ended it."""
        try:
            while True:
                said = self.pipe.recv() if self.pipe.poll(LONG) else ENDED
                if said == ENDED:
                    self.over = True
                else:
                    self.heard.append(said)
        except (EOFError, ConnectionResetError):
            pass
        self.process.join(LONG)
        assert self.process.exitcode is not None, "it does not end"
        self.pipe.close()
        return int(self.process.exitcode)

    @property
    def hit(self) -> bool:
        """Whether a signal ended it in the middle of its task: after its begin and before its end."""
        return self.process.exitcode < 0 and not self.over


def start(task: Callable[..., None], *arguments: Any, limits: Mapping[int, int] | None = None) -> Child:
    """A process that says when it begins; `task` gets the pipe to say more."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_child, args=(theirs, task, arguments, dict(limits or {})))
    process.start()
    theirs.close()
    return Child(process, ours)


def _child(pipe: Pipe, task: Callable[..., None], arguments: tuple[Any, ...], limits: dict[int, int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for which, value in limits.items():
        import resource

        resource.setrlimit(which, (value, value))
    pipe.send(BEGUN)
    try:
        task(pipe, *arguments)
    finally:
        pipe.send(ENDED)


def type_in(pipe: Pipe, folder: Path, out: str, chunk: int, at: int, words: tuple[str, ...]) -> None:
    """A task: the program itself, typed in a centre's folder, what it says going to a file.

    It dies at the point with the number `at`, and tells the points it passed when it comes to its end.
    """
    import workflow.engine
    from cli import app

    workflow.engine.CHUNK = chunk or workflow.engine.CHUNK
    os.chdir(folder)
    target = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(target, stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["ulnflow", *words]
    with watched(Points(at, die)) as points:
        try:
            app.main()
        finally:
            pipe.send(points.passed)


@dataclass
class Typed:
    """A command in a process of its own."""

    child: Child
    out: Path

    def ended(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return self.child.ended()

    @property
    def said(self) -> str:
        return " ".join(self.out.read_text("utf-8").split()) if self.out.exists() else ""


def typed(place: Place, *words: str, chunk: int = 0, at: int = 0, limits: Mapping[int, int] | None = None) -> Typed:
    """Type a command in a process of its own, in the centre's folder."""
    handle, name = tempfile.mkstemp(prefix="said-", dir=place.folder.parent)
    os.close(handle)
    return Typed(start(type_in, place.folder, name, chunk, at, words, limits=limits), Path(name))
