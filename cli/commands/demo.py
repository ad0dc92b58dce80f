"""ulnflow demo: the whole route on a practice cohort, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import chosen

PRACTICE_FOLDER = "ulnflow-practice"


def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="A new folder; ulnflow-practice if not said.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other people and answers.")] = 7,
) -> None:
    """Show the whole route on a made-up cohort of 30, answered by a practice LRS. Nothing real is touched."""
    from cli.practice import run
    from cli.render import say
    from states.errors import NotPossible

    if folder and chosen.folder and folder != chosen.folder:
        raise typer.BadParameter("--folder and the argument name two folders; give one of them")
    where = folder or chosen.folder or _free(Path.cwd())
    if where.exists() and any(where.iterdir()):
        raise NotPossible(f"{where} is not empty; practice needs a new folder of its own: ulnflow demo NEW-FOLDER")
    say(f"PRACTICE: made-up learners and a practice LRS, in {where}")
    run(where, seed)


def _free(here: Path) -> Path:
    candidate, number = here / PRACTICE_FOLDER, 1
    while candidate.exists():
        number += 1
        candidate = here / f"{PRACTICE_FOLDER}-{number}"
    return candidate
