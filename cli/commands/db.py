"""ulnflow db: the database set up, checked, given to others, and moved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.exits import FINDINGS, UNVERIFIED
from cli.options import DryRun, Form, Format

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade(form: Format = Form.table) -> None:
    """Bring the database to this version, whole or not at all. Repeating it changes nothing."""
    from cli import wiring
    from cli.desk import admit
    from cli.render import say, show
    from workflow.store import roles

    admit("db upgrade")
    with wiring.located() as (_, database):
        done = wiring.upgrade(database)
        with database.reading() as connection:
            grouped = database.kind == "postgresql" and bool(list(roles.present(connection)))
    _tell_the_log(done)
    show([{"done": line} for line in done], form, columns=["done"])
    if not done:
        say("The database is at this version already; nothing was changed.")
    elif grouped:
        say("Next: ulnflow db roles")


def _tell_the_log(done: list[str]) -> None:
    """Record an upgrade in the log of a centre; the upgrade stands, whether or not the log can be told."""
    from cli import wiring
    from cli.render import complain
    from workflow.errors import StoreError

    steps = dict(line.split(" ", 1) for line in done)
    if all(step.startswith("nothing") for step in steps.values()):
        return  # made new, and nobody's yet
    try:
        with (
            wiring.opened() as (_, settings, office),
            office.engine.work(wiring.act(settings, "db upgrade")) as work,
        ):
            work.record("schema_upgraded", evidence=steps)
    except StoreError as wrong:
        complain(f"The database was upgraded, but the log could not be told. {wrong}")


@app.command()
def check(form: Format = Form.table) -> None:
    """Check version, guards, settings and integrity. Exit code 1 with findings, 3 if it cannot be checked."""
    from cli import wiring
    from cli.desk import admit
    from cli.explain import rows_of
    from cli.privacy import restored
    from cli.render import complain, show
    from workflow.errors import SchemaMissing, SchemaTooNew, StoreError
    from workflow.store import condition

    admit("db check")
    try:
        with wiring.located() as (_, database):
            wiring.check(database)
            with database.reading() as connection:
                found = [
                    *condition.findings(connection, wiring.RIGHTS),
                    *restored(wiring.find_folder(), connection),
                ]
    except (SchemaMissing, SchemaTooNew):
        raise
    except StoreError as wrong:
        complain(f"The database cannot be checked. {wrong}")
        raise typer.Exit(UNVERIFIED) from None
    show(rows_of(found), form, columns=["about", "weight", "message", "fix"])
    if any(one.weight == "wrong" for one in found):
        raise typer.Exit(FINDINGS)


@app.command()
def roles(
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """PostgreSQL: make the groups of operators and auditors, and give each its rights. With --dry-run: show the SQL."""
    from cli import wiring
    from cli.desk import admit
    from cli.render import say, show
    from states.errors import NotPossible
    from workflow.store import roles as groups

    admit("db roles")
    with wiring.located() as (_, database):
        if database.kind != "postgresql":
            raise NotPossible("a database in a file knows no roles: who may write the file may do everything")
        wiring.check(database)
        with database.writing() as connection:
            made = list(groups.statements(connection, wiring.RIGHTS))
            if not dry_run:
                groups.run(connection, made)
        named = groups.groups(database.name)
    if dry_run:
        if form is Form.table:
            typer.echo("\n".join(f"{sql};" for sql in made))
        else:
            show([{"sql": f"{sql};"} for sql in made], form, columns=["sql"])
        return
    rows = [{"group": name, "for": WHO[kind], "sql": f'GRANT "{name}" TO account;'} for kind, name in named.items()]
    show(rows, form, columns=["group", "for", "sql"])
    say("Make an account for each person (CREATE ROLE account LOGIN) and give it one of these; nobody works as owner.")


WHO = {"operator": "whoever advances learners", "auditor": "whoever reads the log, and sees no person"}


@app.command()
def encrypt(form: Format = Form.table) -> None:
    """Encrypt the database file with the key that ulnflow.toml names; every byte is compared before it takes its place.

    The key is made where there is none. Without it nobody can read the database again: keep a copy elsewhere.
    """
    from cli.desk import admit
    from cli.encrypting import rewrite
    from cli.render import say, show

    admit("db encrypt")
    done = rewrite(plain=False)
    show(done, form, columns=["table", "rows", "digest"])
    if not done:
        say("The database is encrypted already; nothing was changed.")
        return
    say("The database is encrypted. Keep a copy of the key file apart from it, and delete old backups that are not.")
    say("What the disk still holds of the plain file, only the disk's own encryption hides.")


@app.command()
def decrypt(form: Format = Form.table) -> None:
    """Write the database file as a plain one again; every byte is compared before it takes its place."""
    from cli.desk import admit
    from cli.encrypting import rewrite
    from cli.render import say, show

    admit("db decrypt")
    done = rewrite(plain=True)
    show(done, form, columns=["table", "rows", "digest"])
    say(
        "The database is plain. Next: take [encryption] out of ulnflow.toml."
        if done
        else "The database is plain already; nothing was changed."
    )


@app.command()
def move(
    to: Annotated[
        str, typer.Option("--to", help="The new database, postgresql://USER@HOST/DATABASE, never with a password.")
    ] = "",
    to_file: Annotated[
        Path | None,
        typer.Option("--to-file", help="The new database as a file in the folder.", show_default=False),
    ] = None,
    form: Format = Form.table,
) -> None:
    """Copy everything to another database and compare every byte; an interrupted move goes on. The old one is closed.

    Without --to or --to-file the address is taken from ULNFLOW_MOVE_TO, or asked for, or read from standard input.
    """
    from cli.desk import admit
    from cli.moving import move_to
    from cli.render import say, show

    admit("db move")
    moved, steps = move_to(to, to_file)
    show(moved, form, columns=["table", "rows", "digest"])
    for step in steps:
        say(step)
