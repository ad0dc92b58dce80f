"""ulnflow doctor: whether this computer, this folder and this database are fit for work."""

from __future__ import annotations

import typer

from cli.exits import FINDINGS
from cli.options import Form, Format


def doctor(form: Format = Form.table) -> None:
    """Look at programs, settings, rights, disk, clock and database: what is wrong, and its fix. Exit code 1 then."""
    from cli.checkup import examine
    from cli.explain import rows_of
    from cli.render import show

    found = examine()
    show(rows_of(found), form, columns=["about", "weight", "message", "fix"])
    if any(one.weight == "wrong" for one in found):
        raise typer.Exit(FINDINGS)
