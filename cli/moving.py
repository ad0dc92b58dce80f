"""A centre's database moved to another: where to, by words that hold no password; copied, compared, verified."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

from cli import wiring
from cli.render import progress, say
from cli.typed import holds_password, typed
from states.errors import NotPossible
from workflow.errors import StoreError
from workflow.store import meta, roles, transfer
from workflow.store.database import Database
from workflow.store.event_log import EventLog
from workflow.store.verify import verify

VARIABLE = "ULNFLOW_MOVE_TO"


def move_to(address: str, file: Path | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Move the database of the folder that is meant; returns what was compared, and what to do next."""
    folder = wiring.find_folder()
    where = _target(folder, address, file)
    with wiring.located() as (settings, source):
        wiring.check(source)
        if source.where == where:
            raise NotPossible("that is the database this centre works on already")
        with source.reading() as connection:
            if (who := roles.account(connection).kind) != "owner":
                raise NotPossible(f"only the owner of a database may move it, and you work as {who}")
        moved = carry(folder, settings, source, wiring.opened_at(where, folder, settings))
    steps = [
        "The log holds there. The old database is kept, and closed for work.",
        f'Next: in ulnflow.toml take database_url out, and set database = "{where.relative_to(folder).as_posix()}"'
        if isinstance(where, Path)
        else 'Next: in ulnflow.toml set, above [centre], database_url = "postgresql://USER@HOST/DATABASE"; '
        "then, as the owner: ulnflow db roles",
    ]
    return moved, steps


def carry(folder: Path, settings: wiring.Settings, source: Database, target: Database) -> list[dict[str, Any]]:
    """Copy, compare, verify, shut the old one, open the new one, and close it; returns what was compared."""
    try:
        wiring.upgrade(target)
        with source.writing() as held:
            with progress(transfer.count(held), "copying") as bar:
                moved = transfer.copy(held, target, bar)
            say("Copied, and every byte compared; now the log is verified where it is.")
            _verify(folder, settings, target)
            transfer.shut(held, target)
        transfer.open_up(target)
    finally:
        target.close()
    return [{"table": one.table, "rows": one.rows, "digest": one.digest} for one in moved]


def _target(folder: Path, address: str, file: Path | None) -> Path | str:
    """Where to; a password comes from the variable or standard input alone, for arguments can be read by others."""
    if address and file is not None:
        raise typer.BadParameter("one of --to and --to-file is enough")
    if file is not None:
        path = (folder / file).resolve()
        if not path.is_relative_to(folder):
            raise typer.BadParameter("--to-file names a file in the centre's folder")
        return path
    if address:
        given = wiring.checked_address(address)
        if holds_password(given):
            raise typer.BadParameter(
                "others on this computer can read an argument: give the password by PGPASSWORD or a password file, "
                f"or the whole address by {VARIABLE}"
            )
        return given
    return wiring.checked_address(os.environ.get(VARIABLE) or typed("Address of the new database", hidden=True))


def _verify(folder: Path, settings: wiring.Settings, target: Database) -> None:
    """Read the whole log again on the new database; raises StoreError unless it holds."""
    with target.reading() as connection:
        facts = meta.read(connection)
        route = wiring.office_on(target, facts, folder, settings).route
        with progress(EventLog(connection, facts[meta.ORIGIN]).head(), "verifying") as bar:
            report = verify(connection, facts[meta.ORIGIN], {(route.name, route.version): route}, bar)
    if not report.holds:
        first = report.faults[0]
        raise StoreError(
            f"the log does not hold: event {first.position} {first.message}. The old database stays the one to use; "
            "see: ulnflow audit verify"
        )
