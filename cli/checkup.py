"""What `ulnflow doctor` looks at: the programs, the settings, the folder, the database and the clock.

Each look stands alone: what cannot be looked at becomes a finding itself, and the others go on.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from cli import people, privacy, sealing, wiring
from cli.checkpoints import beside, refuse_another_history
from cli.typed import holds_password
from states.counting import counted
from states.exchange.outbox import Outbox
from workflow.errors import DefinitionError, StoreError, WorkflowError
from workflow.sealing import sound
from workflow.store import meta
from workflow.store.condition import Finding, integrity, last_recorded, settings
from workflow.store.database import Database
from workflow.store.seals import Seals, signers

OURS: Final = ("workflow", "states", "cli", "config")
LIBRARIES: Final = (
    "psycopg",
    "SQLAlchemy",
    "sqlmodel",
    "alembic",
    "transitions",
    "orjson",
    "pydantic-settings",
    "typer",
)
ROOM: Final = 500_000_000
"""Bytes free below which a day's work may not fit."""

LARGE_WAL: Final = 200_000_000
DAY: Final = 86_400
CLOCK_SLACK_S: Final = 120
OPEN_TO_OTHERS: Final = 0o077


def examine() -> list[Finding]:
    """Everything there is to say, in the order a person would look."""
    found = [*_programs(), *_names()]
    try:
        folder = wiring.find_folder()
        known = wiring.load_settings(folder)
    except DefinitionError as wrong:
        said = "; ".join(wrong.faults)
        return [*found, Finding("settings file", "wrong", said, f"put these right in {wiring.FILE}")]
    except WorkflowError as wrong:
        return [*found, Finding("settings file", "wrong", str(wrong), "ulnflow init")]
    found.append(Finding("settings file", "ok", f"{wiring.FILE} can be read"))
    for look in (_operator, _people, _folder, _permissions, _room, _drafts, _database):
        try:
            found += look(folder, known)
        except WorkflowError as wrong:
            found.append(Finding(look.__name__.strip("_"), "wrong", str(wrong)))
        except OSError as wrong:
            found.append(
                Finding(look.__name__.strip("_"), "wrong", f"the system refused: {wrong.strerror}", "check rights")
            )
    return found


def _programs() -> Iterator[Finding]:
    yield Finding("ulnflow", "ok", wiring.product())
    yield Finding("Python", "ok", ".".join(map(str, sys.version_info[:3])))
    there = []
    for name in LIBRARIES:
        try:
            there.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                "libraries", "wrong", f"{name} is not there", "install ulnflow anew, in an environment of its own"
            )
    yield Finding("libraries", "ok", ", ".join(there))


def _names() -> Iterator[Finding]:
    """Another package that brings a module of one of our names may be imported instead of ours."""
    owners = importlib.metadata.packages_distributions()
    for name in OURS:
        others = sorted(set(owners.get(name, ())) - {"ulnflow"})
        if others:
            yield Finding("names", "wrong", f"{', '.join(others)} has a module named {name} as well",
                          "install ulnflow in an environment of its own")  # fmt: skip
        module = sys.modules.get(name)
        home = Path(str(getattr(module, "__file__", ""))).parent.parent
        if module is not None and home != Path(__file__).parents[1]:
            yield Finding("names", "wrong", f"{name} comes from another place than this program",
                          "install ulnflow in an environment of its own")  # fmt: skip


def _operator(_folder: Path, known: wiring.Settings) -> Iterator[Finding]:
    yield Finding("operator", "ok", f"the log will name {wiring.actor(known)}")


def _people(_folder: Path, known: wiring.Settings) -> Iterator[Finding]:
    """Whether anybody is named, whether whoever is at work is among them, and whether each thing has somebody."""
    if not known.people:
        yield Finding("people", "note", "nobody is named: everybody is operator and approver",
                      "name them under [people] in ulnflow.toml, where several work")  # fmt: skip
        return
    who = wiring.actor(known)
    own = people.roles_of(known.roles, who)
    theirs = ", ".join(own) or "none of them"
    if (cohorts := people.cohorts_of(known.kept, who)) is not None:
        theirs += f", of {', '.join(sorted(cohorts))} alone"
    yield Finding(
        "people", "ok" if own else "wrong", f"{len(known.people)} are named; {who} is {theirs}",
        "" if own else "add the name under [people] in ulnflow.toml",
    )  # fmt: skip
    for role in ("operator", "approver"):
        if not any(role in roles for roles in known.roles.values()):
            yield Finding("people", "wrong", f"nobody is {role}", f"give somebody the role {role} under [people]")


def _folder(folder: Path, _known: wiring.Settings) -> Iterator[Finding]:
    """Whether files can be written, and whether file times and this computer's clock agree."""
    probe = folder / f".ulnflow-doctor-{os.getpid()}"
    try:
        probe.touch(mode=0o600, exist_ok=False)
        apart = probe.stat().st_mtime - time.time()
    finally:
        probe.unlink(missing_ok=True)
    yield Finding("folder", "ok", "files can be written")
    if abs(apart) > CLOCK_SLACK_S:
        yield Finding(
            "clock", "wrong", f"the disk's clock is {apart:+.0f} seconds from this computer's", "set both clocks"
        )


def _permissions(folder: Path, known: wiring.Settings) -> Iterator[Finding]:
    """Whether others on this computer could read what is personal."""
    if os.name == "nt":
        yield Finding("rights", "note", "who may read the folder is decided by Windows", "see its Security tab")
        return
    base = folder / known.database
    places = [folder, folder / wiring.FILE, folder / "outbox", folder / "logs"]
    places += [base.with_name(base.name + suffix) for suffix in ("", "-wal", "-shm", ".lock")]
    open_ones = [
        path
        for path in places
        if path.exists() and path != folder and stat.S_IMODE(path.stat().st_mode) & OPEN_TO_OTHERS
    ]
    closed = not stat.S_IMODE(folder.stat().st_mode) & OPEN_TO_OTHERS
    key = sealing.place(folder) / sealing.LOG_KEY
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & OPEN_TO_OTHERS:
        yield Finding("seal", "wrong", f"keys/{key.name} can be read by others", f"chmod 600 keys/{key.name}")
    personal = [path for path in open_ones if path.name not in {wiring.FILE, "logs", "outbox"}]
    for path in personal:
        yield Finding("rights", "wrong", f"{path.name} can be read by others", f"chmod 600 {path.name}")
    if holds_password(known.database_url.get_secret_value()) and folder / wiring.FILE in open_ones and not closed:
        yield Finding(
            "rights", "wrong", f"{wiring.FILE} holds a password and can be read by others", f"chmod 600 {wiring.FILE}"
        )
    if not closed:
        yield Finding("rights", "note", "others may list the folder", "chmod 700 on the centre's folder")
    if closed and not personal:
        yield Finding("rights", "ok", "the folder is yours alone")


def _room(folder: Path, known: wiring.Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk", "ok" if free > ROOM else "wrong", f"{free // 1_000_000:,} MB free", "" if free > ROOM else "make room"
    )
    wal = folder / f"{known.database}-wal"
    with suppress(FileNotFoundError):
        held = wal.stat()
        if held.st_size > LARGE_WAL or (held.st_size and time.time() - held.st_mtime > DAY):
            yield Finding(
                "disk", "note", f"{wal.name}: {held.st_size // 1_000_000:,} MB are not in the database file yet",
                "close every ulnflow; a copy of the database needs this file as well",
            )  # fmt: skip


def _drafts(folder: Path, _known: wiring.Settings) -> Iterator[Finding]:
    left = Outbox(folder / "outbox").pending()
    if left:
        yield Finding(
            "outbox",
            "note",
            f"{counted(len(left), 'file')} to be named",
            "ulnflow today brings home what belongs",
        )
    else:
        yield Finding("outbox", "ok", "no file waits for its name")


def _database(folder: Path, known: wiring.Settings) -> Iterator[Finding]:
    """The database, as far as it lets itself be looked at."""
    where = wiring.place(folder, known)
    if isinstance(where, Path) and not where.is_file():
        yield Finding("database", "wrong", f"{where.name} is not there", "ulnflow init, or restore a backup")
        return
    database = wiring.opened_at(where, folder, known)
    try:
        seals = known.seal.folder_in(folder)
        for look in (_settings, _version, _whole, partial(_erased, folder), partial(_seal, seals)):
            try:
                yield from look(database)
            except WorkflowError as wrong:
                yield Finding("database", "wrong", str(wrong))
                return
    finally:
        database.close()


def _settings(database: Database) -> Iterator[Finding]:
    with database.reading() as connection:
        yield from settings(connection)


def _version(database: Database) -> Iterator[Finding]:
    wiring.check(database)
    yield Finding("database", "ok", f"{database.name} is at this version")


def _whole(database: Database) -> Iterator[Finding]:
    with database.reading() as connection:
        yield from integrity(connection, wiring.RIGHTS)
        last = last_recorded(connection)
    ahead = last / 1_000_000 - time.time()
    if ahead > CLOCK_SLACK_S:
        yield Finding(
            "clock", "wrong", f"this computer's clock is {ahead:.0f} seconds behind the last event", "set the clock"
        )
    else:
        yield Finding("clock", "ok", "not behind the last event")


def _erased(folder: Path, database: Database) -> Iterator[Finding]:
    """Whether a backup brought back who was erased."""
    with database.reading() as connection:
        yield from privacy.restored(folder, connection)


def _seal(home: Path, database: Database) -> Iterator[Finding]:
    """How far the log is sealed, and whether it can be."""
    with database.reading() as connection:
        seals = Seals(connection)
        last, size = seals.last(), seals.length()
        sealed = last.size if last else 0
        looks = seals.looks(sealed, size)
        origin = meta.read(connection)[meta.ORIGIN]
        try:
            sound(connection, origin)
            refuse_another_history(connection, origin, home)
        except StoreError as wrong:
            yield Finding("seal", "wrong", str(wrong), "ulnflow audit verify")
            return
        for fault in beside(connection, home, signers(connection).at)[1]:
            yield Finding("seal", "wrong", fault.message, "ulnflow audit verify")
    if sealed < size:
        yield Finding("seal", "note", sealing.unsealed(size - sealed, looks), "ulnflow audit seal")
    else:
        yield Finding("seal", "ok", f"all {counted(size, 'event')} are sealed" if size > 1 else "all is sealed")
