"""The command `ulnflow`: nouns and verbs put together, and errors turned into exit codes.

0 ok, 1 findings or refused as things stand, 2 usage, 3 cannot verify, 4 not there, data or configuration, 130
interrupted.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from cli.commands import advance, approve, daily, demo, doctor, guide, setup
from cli.exits import DATA, FINDINGS, INTERRUPTED, OK, USAGE
from cli.interrupts import interrupts
from cli.nouns import Lazy, noun
from cli.options import chosen

app = typer.Typer(
    name="ulnflow",
    cls=Lazy,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Takes every learner from details gathered to an updated achievement record, checked and logged.",
    epilog="Start with: ulnflow demo. Then: ulnflow init, and ulnflow today every morning.",
)
alone = typer.Typer()
"""Commands of one word."""

for panel, entries in {
    "Every day": (
        ("today", daily.today),
        ("status", daily.status),
        ("stuck", daily.stuck),
        ("help", guide.guide),
    ),
    "To begin": (("init", setup.init), ("demo", demo.demo), ("doctor", doctor.doctor)),
    "In general": (("advance", advance.advance), ("approve", approve.approve)),
}.items():
    for name, function in entries:
        alone.command(name, rich_help_panel=panel)(function)
NOUNS = {
    "The route, step by step": {
        "cohort": "Sheets in: the details of learners.",
        "lrs": "To the Learning Records Service and back.",
        "uln": "ULNs checked, and passed to learners.",
        "ilm": "Registration with ILM.",
        "lar": "The achievement record.",
        "enrolment": "The management system's enrolments, held beside ours.",
        "profile": "Layouts of the files for awarding organisations and LAR systems.",
        "route": "The picture of the route, and the alternative.",
    },
    "When something happens": {
        "exception": "What a person must decide.",
        "dispatch": "Files that went out and came in: the register.",
        "duty": "What is owed beside the route.",
        "learner": "One learner: shown, corrected, explained.",
        "retention": "How long data are kept: holds, who is due, and their erasure.",
        "audit": "The log: read, checked, sealed and proved.",
        "keys": "The keys that seal the log.",
        "db": "The database: upgraded, checked, shared, moved.",
    },
}


@app.callback()
def options(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="The centre's folder, if it is not here.", show_default=False)
    ] = None,
    on_behalf_of: Annotated[
        str | None, typer.Option("--on-behalf-of", help="The person you act for.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Data and errors only.")] = False,  # noqa: FBT002 - Typer declares options as defaults
) -> None:
    """Keep what was said before the command."""
    chosen.folder, chosen.on_behalf_of, chosen.quiet = folder, on_behalf_of, quiet


def main() -> None:
    """Run the command; every error leaves by its exit code and without a personal value."""
    if os.environ.get("NO_COLOR"):
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")  # typer's help is bold even then, on a terminal
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # else it reads the notes of every package there is
    code = OK
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()
    except Exception as wrong:  # noqa: BLE001 - the last door: nothing may leave as a trace that shows values
        code = _explain(wrong)
        _stop_writing()
    sys.exit(code)


def _run() -> int:
    """Run the command and give its exit code; the errors of typer become ours, those of the product pass."""
    with interrupts() as seen:
        try:
            code = commands().main(prog_name="ulnflow", standalone_mode=False)
        except typer.Abort:
            code = INTERRUPTED
        except SystemExit as stop:
            if isinstance(stop.__context__, BrokenPipeError):  # typer's own answer to it would read as findings
                raise stop.__context__ from None
            raise
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Exception as wrong:
            if seen:
                code = INTERRUPTED
            elif not hasattr(wrong, "exit_code"):
                raise
            else:
                return _misused(wrong)
    if code == INTERRUPTED:
        sys.stderr.write("\nInterrupted. What was confirmed before is kept; repeat the command to go on.\n")
    return code if isinstance(code, int) else OK


@cache
def commands() -> Lazy:
    """The tree of commands; a command is built when it is asked for, and kept."""
    root = cast("Lazy", typer.main.get_command(app))
    root.source = lambda: alone
    for panel, nouns in NOUNS.items():
        for name, words in nouns.items():
            root.add_command(noun(name, words, panel))
    return root


def _misused(wrong: Any) -> int:
    """Say in plain words how a command was typed wrongly; without anything typed, show what there is."""
    from cli.render import complain  # noqa: PLC0415 - only when something went wrong
    from states.learner.personal import unrepeated  # noqa: PLC0415 - as above

    context, message = wrong.ctx, wrong.format_message().replace("Value error, ", "")
    if type(wrong).__name__ == "NoArgsIsHelpError":  # rich has printed the help already
        if message:
            complain(message)
        return USAGE
    complain(unrepeated(message))
    if context is not None:
        complain(f"See: {context.command_path} --help")
    return USAGE


def _stop_writing() -> None:
    """Let nothing be written at the end of the program to an output that is gone or full."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _explain(wrong: Exception) -> int:
    """Say what to do; an error nobody foresaw is told by its kind and place, never by its text."""
    from cli.render import complain  # noqa: PLC0415 - only when something went wrong
    from states.errors import NotPossible, Prevented, Typed  # noqa: PLC0415 - as above
    from states.learner.personal import masked, unrepeated  # noqa: PLC0415 - as above
    from workflow.errors import DefinitionError, Refused, WorkflowError  # noqa: PLC0415 - as above

    if isinstance(wrong, DefinitionError):
        complain(masked(f"{wrong.source} cannot be used:\n" + "\n".join(f"  - {fault}" for fault in wrong.faults)))
        return DATA
    if isinstance(wrong, WorkflowError):
        text = str(wrong)
        for word in wrong.typed if isinstance(wrong, Typed) else ():
            text = text.replace(word, unrepeated(word))
        complain(masked(text))
        if isinstance(wrong, Refused | Prevented):
            return FINDINGS
        return USAGE if isinstance(wrong, NotPossible) else DATA
    if isinstance(wrong, OSError):
        complain(
            f"The system refused: {wrong.strerror or type(wrong).__name__}. "
            "Nothing was half done; check disk and rights."
        )
        return DATA
    place = wrong.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{Path(place.tb_frame.f_code.co_filename).name} line {place.tb_lineno}" if place else "an unknown place"
    complain(
        f"An error nobody foresaw: {type(wrong).__name__} in {where}. Nothing was half done. Please report this line."
    )
    return DATA
