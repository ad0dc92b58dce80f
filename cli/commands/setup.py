"""ulnflow init: a centre's folder with its configuration and database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from cli.options import chosen


def init(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Where; here if not said.")] = None,
    ukprn: Annotated[str, typer.Option("--ukprn", help="The centre's UKPRN, 8 digits.")] = "",
    nation: Annotated[str, typer.Option("--nation", help="england, wales, scotland or northern_ireland.")] = "",
    late_uln: Annotated[
        str, typer.Option("--late-uln", help="Who updates the LAR when the ULN came late: ilm or centre.")
    ] = "",
    operator: Annotated[str, typer.Option("--operator", help="Your name, as the log will carry it.")] = "",
    sender: Annotated[
        str, typer.Option("--sender", help="The address messages come from; without one they open as drafts.")
    ] = "",
) -> None:
    """Set up a centre's folder: asks for what was not given, writes ulnflow.toml and the database."""
    import sys

    from cli import sealing, wiring
    from cli.desk import admit
    from cli.render import say

    where = folder or chosen.folder or Path.cwd()
    if (where / wiring.FILE).exists():
        chosen.folder = where
        admit("db upgrade")
        say(f"{wiring.FILE} is there already and stays as it is; the database is brought up to date.")
        given = {
            "--ukprn": ukprn,
            "--nation": nation,
            "--late-uln": late_uln,
            "--operator": operator,
            "--sender": sender,
        }
        if said := ", ".join(option for option, value in given.items() if value):
            say(f"Not taken, for the file is there: {said}. Change it there.")
    else:
        asks = sys.stdin.isatty()
        answers = {
            "ukprn": _ukprn(ukprn, asks=asks),
            "nation": nation
            or _ask(asks, "Nation (england, wales, scotland, northern_ireland)", "--nation", "england"),
            "late_uln": late_uln
            or _ask(asks, "Who updates the LAR of a learner whose ULN came late (ilm, centre)", "--late-uln", "centre"),
            "operator": operator or _ask(asks, "Your name, as the log will carry it", "--operator"),
            "sender": sender,
        }
        wiring.write_settings(where, **answers)
        say(f"Written: {where / wiring.FILE}")
    wiring.create(where, practice=False)
    sealing.begin(where)
    say(f"The database is ready in {where}.")
    say("Next: ulnflow cohort import FILE --cohort NAME --qualification CODE --funded")


def _ukprn(given: str, *, asks: bool) -> str:
    """The centre's number, asked again until it can be one."""
    while True:
        text = given or _ask(asks, "UKPRN of the centre (8 digits)", "--ukprn")
        if re.fullmatch(r"[1-9][0-9]{7}", text, re.ASCII):
            return text
        if given or not asks:
            raise typer.BadParameter("a UKPRN has eight digits and does not begin with 0")
        typer.echo("A UKPRN has eight digits and does not begin with 0.", err=True)


def _ask(asks: bool, question: str, option: str, default: str = "") -> str:
    if asks:
        return str(typer.prompt(question, default=default or None, err=True))
    if default:
        return default
    raise typer.BadParameter(f"say it with {option}: nobody is at the keyboard to ask")
