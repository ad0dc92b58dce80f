"""ulnflow keys: the key that seals the log. It works by itself after init; who never asks need not know it."""

from __future__ import annotations

from contextlib import suppress

import typer

from cli.options import Form, Format

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(form: Format = Form.table) -> None:
    """List the keys that sign for this log: give them to whoever checks it."""
    from cli import sealing
    from cli.desk import desk
    from cli.render import say
    from cli.render import show as table
    from workflow.errors import StoreError
    from workflow.store.seals import known_keys

    with desk("keys show") as at:
        with at.office.database.reading() as connection:
            known = known_keys(connection)
        own = None
        if (sealing.place(at.folder) / sealing.LOG_KEY).exists():
            with suppress(StoreError):  # whoever seals is told
                own = sealing.own_key(at.folder, at.office)[0]
        table([{"key": str(key), "ours": "yes" if key == own else ""} for key in known], form, columns=["key", "ours"])
        if not known:
            say("The log names no key yet; the next command that writes makes one, or: ulnflow audit seal")


@app.command()
def new(form: Format = Form.table) -> None:
    """Make the key of this folder, where there is none or it was lost. The log tells of it."""
    from cli import sealing
    from cli.desk import desk
    from cli.render import say, show_one
    from states.errors import NotPossible
    from workflow.seal import keys
    from workflow.store.seals import Seals, signers

    with desk("keys new") as at:
        path = sealing.place(at.folder) / sealing.LOG_KEY
        secret = keys.taken(path)
        key = keys.public(secret, at.office.engine.origin)
        with at.office.database.reading() as connection:
            known = signers(connection)
            able = known.at(Seals(connection).length() + 1)
        if key in able:
            raise NotPossible("this folder has its key; to exchange it: ulnflow keys rotate")
        if key in known.keys:  # it was exchanged, and what it was exchanged for is lost
            keys.put_aside(path)
            secret = keys.make(path)
            key = keys.public(secret, at.office.engine.origin)
        at.sign([(key, secret)])
        show_one({"key": str(key)}, form)
        say("Keep a copy of the keys folder where only you can read it, and give the line above to whoever checks.")


@app.command()
def rotate(form: Format = Form.table) -> None:
    """Exchange the key of this folder for a new one; both sign the checkpoint that hands over. Repeating goes on."""
    from cli import sealing
    from cli.desk import desk
    from cli.render import say, show_one
    from workflow.seal import keys

    with desk("keys rotate") as at:
        folder = sealing.place(at.folder)
        key = sealing.finish_rotation(at.folder, at.office)
        if key is None:
            old = sealing.own_key(at.folder, at.office)
            path = folder / sealing.NEXT_KEY
            secret = keys.taken(path)
            key = keys.public(secret, at.office.engine.origin)
            at.sign([old, (key, secret)])
            path.replace(folder / sealing.LOG_KEY)
        show_one({"key": str(key)}, form)
        say("The old key signs no more; checkpoints it signed stay good. Give the new line to whoever checks.")
