"""The command `ulnflow`: nouns and verbs put together, and errors turned into exit codes.

0 ok, 1 findings or some learners refused, 2 usage, 3 cannot verify, 4 data or configuration, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import (
    advance,
    audit,
    cohort,
    daily,
    db,
    demo,
    doctor,
    duty,
    exception,
    guide,
    ilm,
    lar,
    learner,
    lrs,
    route,
    setup,
    uln,
)
from cli.options import chosen

OK, USAGE, DATA, INTERRUPTED = 0, 2, 4, 130

app = typer.Typer(
    name="ulnflow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Takes every learner from details gathered to an updated achievement record, checked and logged.",
    epilog="Start with: ulnflow demo. Then: ulnflow init, and ulnflow today every morning.",
)
for panel, entries in {
    "Every day": (
        ("today", daily.today),
        ("status", daily.status),
        ("stuck", daily.stuck),
        ("help", guide.guide),
    ),
    "To begin": (("init", setup.init), ("demo", demo.demo), ("doctor", doctor.doctor)),
    "In general": (("advance", advance.advance),),
}.items():
    for name, function in entries:
        app.command(name, rich_help_panel=panel)(function)
for panel, groups in {
    "The route, step by step": (
        ("cohort", cohort.app, "Sheets in: the details of learners."),
        ("lrs", lrs.app, "To the Learning Records Service and back."),
        ("uln", uln.app, "ULNs checked, and passed to learners."),
        ("ilm", ilm.app, "Registration with ILM."),
        ("lar", lar.app, "The achievement record."),
        ("route", route.app, "The picture of the route, and the alternative."),
    ),
    "When something happens": (
        ("exception", exception.app, "What a person must decide."),
        ("duty", duty.app, "What is owed beside the route."),
        ("learner", learner.app, "One learner: shown, corrected, explained."),
        ("audit", audit.app, "The log: read and checked."),
        ("db", db.app, "The database: upgraded, checked, shared, moved."),
    ),
}.items():
    for name, group, words in groups:
        app.add_typer(group, name=name, help=words, rich_help_panel=panel)


@app.callback()
def options(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="The centre's folder, if it is not here.", show_default=False)
    ] = None,
    on_behalf_of: Annotated[
        str, typer.Option("--on-behalf-of", help="The person you act for.", show_default=False)
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Data and errors only.")] = False,  # noqa: FBT002 - Typer declares options as defaults
) -> None:
    """Keep what was said before the command."""
    chosen.folder, chosen.on_behalf_of, chosen.quiet = folder, on_behalf_of, quiet


def main() -> None:
    """Run the command; every error leaves by its exit code and without a personal value."""
    if os.environ.get("NO_COLOR"):
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")  # typer's help is bold even then, on a terminal
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
    try:
        code = _commands().main(prog_name="ulnflow", standalone_mode=False)
    except typer.Abort:
        code = INTERRUPTED
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer's own answer to it would read as findings
            raise stop.__context__ from None
        raise
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as wrong:
        if not hasattr(wrong, "exit_code"):
            raise
        return _misused(wrong)
    if code == INTERRUPTED:
        sys.stderr.write("\nInterrupted. What was confirmed before is kept; repeat the command to go on.\n")
    return code if isinstance(code, int) else OK


@cache
def _commands() -> Any:
    """The tree of commands; building it from the functions costs as much as running one, so it is kept."""
    return typer.main.get_command(app)


def _misused(wrong: Any) -> int:
    """Say in plain words how a command was typed wrongly; without anything typed, show what there is."""
    from cli.render import complain  # noqa: PLC0415 - only when something went wrong

    context, message = wrong.ctx, wrong.format_message().replace("Value error, ", "")
    if type(wrong).__name__ == "NoArgsIsHelpError":  # rich has printed the help already
        if message:
            complain(message)
        return USAGE
    complain(message)
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
    from states.unit_of_work import NotPossible  # noqa: PLC0415 - as above
    from workflow.errors import DefinitionError, Refused, WorkflowError  # noqa: PLC0415 - as above

    if isinstance(wrong, Refused):
        complain(str(wrong))
        return 1
    if isinstance(wrong, DefinitionError):
        complain(f"{wrong.source} cannot be used:\n" + "\n".join(f"  - {fault}" for fault in wrong.faults))
        return DATA
    if isinstance(wrong, WorkflowError):
        complain(str(wrong))
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
