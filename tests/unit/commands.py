"""Runs commands in this process on a centre's folder, and holds folders prepared up to a place of the route."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cli.app import main
from tests.fakes import centre
from tests.fakes.centre import Result

DATA = Path(__file__).parents[1] / "data"
SHEET, REPLY = DATA / "cohort_tidy.csv", DATA / "lrb_reply_tidy.csv"
UKPRN = "99990001"
LOUD = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "ULNFLOW_FOLDER")


class _Stream(io.TextIOWrapper):
    """A standard stream in memory, a terminal when asked to be one."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", newline="")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()


@contextmanager
def _standing_in(streams: tuple[_Stream, _Stream, _Stream], argv: list[str], env: dict[str, str]) -> Iterator[None]:
    before = (sys.stdin, sys.stdout, sys.stderr, sys.argv)
    kept = {name: os.environ.get(name) for name in {*LOUD, *env}}
    for name in LOUD:
        os.environ.pop(name, None)
    os.environ.update(env)
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.argv = argv
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr, sys.argv = before
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run(*args: Any, stdin: str | bytes = "", terminal: bool = False, **env: str) -> Result:
    """The command as typed: `terminal` makes standard output a terminal (standard input never is one)."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    streams = (_Stream(given), _Stream(terminal=terminal), _Stream(terminal=terminal))
    code = 0
    with _standing_in(streams, ["ulnflow", *map(str, args)], env):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return Result(code, streams[1].text(), streams[2].text())


BESIDE = {"logs", "seals"}


class Centre(centre.Centre):
    """A centre's folder, read from outside: tables, files, what a command changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, None)

    def run(self, *args: Any, stdin: str | bytes = "", terminal: bool = False, **env: str) -> Result:
        return run("--folder", self.folder, *args, stdin=stdin, terminal=terminal, **env)

    def ok(self, *args: Any, stdin: str | bytes = "", code: int = 0) -> Result:
        result = self.run(*args, stdin=stdin)
        assert result.code == code, result.out + result.err
        return result

    def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.folder / "ulnflow.db")
        try:
            return connection.execute(sql, arguments).fetchall()
        finally:
            connection.close()

    def write(self, sql: str, *arguments: Any) -> None:
        """Change the database behind the program's back."""
        connection = sqlite3.connect(self.folder / "ulnflow.db")
        try:
            connection.execute(sql, arguments)
            connection.commit()
        finally:
            connection.close()

    def kinds(self, since: int = 0) -> list[str]:
        return [kind for (kind,) in self.rows("SELECT kind FROM event WHERE position > ? ORDER BY position", since)]

    def places(self) -> dict[str, str]:
        return dict(
            self.rows("SELECT reference, state FROM learner JOIN cases ON subject = learner.id ORDER BY cases.id")
        )

    def tables(self) -> dict[str, str]:
        """A digest of every table, in the order of its rows."""
        names = [n for (n,) in self.rows("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
        return {n: sha256(repr(self.rows(f"SELECT * FROM {n}")).encode()).hexdigest() for n in names}

    def files(self) -> dict[str, str]:
        """A digest of every file but the database's, the logs and the checkpoints that follow each event."""
        return {
            p.relative_to(self.folder).as_posix(): sha256(p.read_bytes()).hexdigest()
            for p in sorted(self.folder.rglob("*"))
            if p.is_file()
            and not p.is_symlink()
            and not p.name.startswith("ulnflow.db")
            and p.parent.name not in BESIDE
        }

    def snapshot(self) -> tuple[dict[str, str], dict[str, str]]:
        return self.tables(), self.files()

    def outbox(self, pattern: str) -> list[Path]:
        return sorted(p for p in (self.folder / "outbox").rglob(pattern) if ".pending" not in p.parts)


STEPS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "new": (("init", "--ukprn", UKPRN, "--operator", "Ann Example"),),
    "gathered": (("cohort", "import", SHEET, "--cohort", "NF-1", "--funded"),),
    "prepared": (("lrs", "submit"),),
    "received": (("lrs", "receive", REPLY),),
    "told": (("uln", "pass"), ("uln", "told", "--how", "email", "--all")),
    "ordered": (("cohort", "waive", "NF-1", "--reason", "the window closes"), ("ilm", "register")),
    "registered": (("ilm", "confirm", "--order", "WG-1", "--all"),),
}
"""The recommended route on the tidy cohort, place by place."""


@cache
def _template(place: str) -> Path:
    names = list(STEPS)
    at = names.index(place)
    folder = Path(tempfile.mkdtemp(prefix="ulnflow-test-")) / "centre"
    if at:
        shutil.copytree(_template(names[at - 1]), folder)
    for step in STEPS[place]:
        result = run("--folder", folder, *step)
        assert result.code == 0, result.out + result.err
        if step[:2] == ("cohort", "waive"):
            Centre(folder).agree()
    return folder


def centre_at(place: str, folder: Path) -> Centre:
    """A centre of one's own whose cohort stands at a place of the route."""
    own = Path(tempfile.mkdtemp(prefix=f"{place}-", dir=folder)) / "centre"
    shutil.copytree(_template(place), own)
    return Centre(own)


HEADINGS = (
    "Learner reference,Given name,Family name,Date of birth,Gender,Postcode,Ability to share,ID verification type,ULN"
)
GOOD = {
    "reference": "R1", "given": "Ann", "family": "Lee", "dob": "1990-01-31", "gender": "2", "postcode": "B8 6XA",
    "share": "1", "id": "2", "uln": "",
}  # fmt: skip


def sheet_line(**changes: str) -> str:
    """A row of a cohort sheet, each cell quoted."""
    return ",".join('"' + value.replace('"', '""') + '"' for value in {**GOOD, **changes}.values())


def write_sheet(path: Path, *rows: str, headings: str = HEADINGS) -> Path:
    path.write_bytes("\r\n".join([headings, *rows, ""]).encode("utf-8", "surrogatepass"))
    return path
