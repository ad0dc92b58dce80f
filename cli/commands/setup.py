"""ulnflow init: a centre's folder with its configuration and database."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
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
        nations, who = ", ".join(wiring.NATIONS), ", ".join(wiring.WHO_UPDATES)
        late = f"Who updates the LAR of a learner whose ULN came late ({who})"
        answers = {
            "ukprn": _answer(ukprn, "UKPRN of the centre (8 digits)", "--ukprn", _no_ukprn),
            "nation": _answer(
                nation, f"Nation ({nations})", "--nation", partial(_not_among, wiring.NATIONS), "england"
            ),
            "late_uln": _answer(late_uln, late, "--late-uln", partial(_not_among, wiring.WHO_UPDATES), "centre"),
            "operator": _answer(operator, "Your name, as the log will carry it", "--operator", _nobody),
            "sender": sender,
        }
        wiring.write_settings(where, **answers)
        say(f"Written: {where / wiring.FILE}")
    wiring.create(where, practice=False)
    sealing.begin(where)
    say(f"The database is ready in {where}.")
    say("Next: ulnflow cohort import FILE --cohort NAME --qualification CODE --funded")


def _answer(given: str, question: str, option: str, fault: Callable[[str], str], default: str = "") -> str:
    """What was given or, at a keyboard, answered: asked again until it can be taken."""
    import sys

    asks = sys.stdin.isatty()
    while True:
        text = given or _ask(asks, question, option, default)
        if not (wrong := fault(text)):
            return text
        if given or not asks:
            raise typer.BadParameter(wrong, param_hint=option)
        typer.echo(f"{wrong[:1].upper()}{wrong[1:]}.", err=True)


def _ask(asks: bool, question: str, option: str, default: str = "") -> str:
    if asks:
        return str(typer.prompt(question, default=default or None, err=True)).strip()
    if default:
        return default
    raise typer.BadParameter(f"say it with {option}: nobody is at the keyboard to ask")


def _no_ukprn(text: str) -> str:
    valid = re.fullmatch(r"[1-9][0-9]{7}", text, re.ASCII)
    return "" if valid else "a UKPRN has eight digits and does not begin with 0"


def _not_among(words: Sequence[str], text: str) -> str:
    return "" if text in words else f"say one of: {', '.join(words)}"


def _nobody(name: str) -> str:
    from cli import people
    from workflow.errors import DefinitionError

    try:
        people.checked_actor(name, "your name")
    except DefinitionError as wrong:
        return f"your name {wrong.faults[0]}"
    return ""
