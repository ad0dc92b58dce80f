"""ulnflow help: who helps at which step, and how each step is done; from a dated table a centre may edit."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.options import Form, Format


class Topic(StrEnum):
    """What there is help for."""

    lrs = "lrs"
    lar = "lar"
    ilm = "ilm"
    route = "route"


def guide(
    topic: Annotated[Topic, typer.Argument(metavar="lrs|lar|ilm|route")] = Topic.route, form: Format = Form.table
) -> None:
    """Contacts and step-by-step guidance for lrs, lar, ilm or the whole route."""
    from cli import wiring
    from cli.render import say, show, show_one
    from workflow.errors import SchemaMissing

    try:
        folder = wiring.find_folder()
    except SchemaMissing:
        folder = None
    entry = wiring.table("contacts.toml", folder)["topic"][topic.value]
    if form is not Form.table:
        show_one(entry, form)
        return
    say(f"{entry['title']} (as of {entry['as_of']}; a centre may edit config/contacts.toml)")
    show([{"step": number, "what to do": step} for number, step in enumerate(entry.get("steps", ()), 1)], form)
    contacts = [
        {"whom": c["name"], "how": c["how"], "note": "historic" if c.get("historic") else ""}
        for c in entry.get("contacts", ())
    ]
    if contacts:
        show(contacts, form)
