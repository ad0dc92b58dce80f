"""ulnflow profile: layouts of the files for awarding organisations and LAR systems, listed and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import FINDINGS
from cli.options import Form, Format, chosen

if TYPE_CHECKING:
    from cli.profiles import Profiles

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List the profiles there are, which are in use, and whether each can be used. No database is needed."""
    from cli.render import say, show
    from states.exchange.profile_check import examine

    profiles, used = _profiles()
    rows = []
    for name, own in profiles.names.items():
        examined = examine(name, profiles.text(name), profiles.template)
        rows.append(
            {
                "profile": name,
                "for": examined.kind,
                "from": "the centre" if own else "ulnflow",
                "in_use": used.get(name, ""),
                "version": examined.version,
                "faults": len(examined.faults),
            }
        )
    show(rows, form, columns=["profile", "for", "from", "in_use", "version", "faults"])
    if form is Form.table:
        say("Next: ulnflow profile check PROFILE")


@app.command()
def check(
    profile: Annotated[
        str, typer.Argument(metavar="[PROFILE]", help="Which one; those in use if not said.", show_default=False)
    ] = "",
    form: Format = Form.table,
) -> None:
    """Check a profile whole and try it on a made-up learner. Exit code 1 with faults; no database is needed."""
    from dataclasses import asdict

    from cli.render import say, show
    from states.exchange.profile_check import examine

    profiles, used = _profiles()
    found = [examine(name, profiles.text(name), profiles.template) for name in ([profile] if profile else used)]
    if form in {Form.json, Form.ndjson}:
        show([asdict(one) for one in found], form)
    else:
        faults = [{"profile": one.name, **asdict(fault)} for one in found for fault in one.faults]
        if form is Form.table:
            written = [
                {"profile": one.name, "file": file, "headings": headings}
                for one in found
                for file, headings in one.headings.items()
            ]
            show(written, form, columns=["profile", "file", "headings"])
        if faults or form is Form.csv:
            show(faults, form, columns=["profile", "line", "place", "what"])
    for one in found:
        said = f"{len(one.faults)} faults" if one.faults else "no faults; a made-up learner was written by it"
        about = " ".join(filter(None, (one.kind, one.version)))
        say(f"{one.name} ({about}; {one.label}): {said}.")
    if any(one.faults for one in found):
        raise typer.Exit(FINDINGS)


def _profiles() -> tuple[Profiles, dict[str, str]]:
    """The profiles of the folder one is in, or those shipped where there is none, and what each is in use for."""
    from cli import wiring
    from cli.profiles import in_use
    from workflow.errors import SchemaMissing

    folder, awarding = None, wiring.Awarding()
    try:
        folder = wiring.find_folder()
        awarding = wiring.load_settings(folder).awarding
    except SchemaMissing:
        if chosen.folder is not None:
            raise
    return wiring.profiles(folder), in_use(awarding.profile, awarding.by_qualification, awarding.lar_profile)
