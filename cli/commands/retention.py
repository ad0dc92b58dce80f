"""ulnflow retention: legal holds, whose data need be kept no longer, and their erasure."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.options import DryRun, Form, Format, ListFile, References, Yes, names_nobody, real

app = typer.Typer(no_args_is_help=True)
Note = Annotated[str, typer.Option("--note", help="A ticket or file number, never a person.", callback=names_nobody)]
COLUMNS = ("reference", "ended as", "since", "kept until", "hold")


@app.command()
def hold(
    references: References = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="Why, as a code of privacy.toml: complaint, claim, investigation, audit, restriction.",
            show_default=False,
            callback=real,
        ),
    ] = "",
    listed: ListFile = None,
    note: Note = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Put learners under a legal hold by a reason code: until it is lifted, only two people together may erase them."""
    from cli.desk import desk
    from cli.privacy import privacy_of
    from states.steps.keep_learners import hold as place

    with desk("retention hold") as at:
        keeping = privacy_of(at.folder, at.settings.retention.years, {}).keeping
        names = at.named(references, listed)
        at.finish(place(at.office, at.act, names, reason, keeping, note=note, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def lift(
    references: References = None,
    listed: ListFile = None,
    note: Note = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Lift the legal hold learners are under."""
    from cli.desk import desk
    from states.steps.keep_learners import lift as end

    with desk("retention lift") as at:
        names = at.named(references, listed)
        at.finish(end(at.office, at.act, names, note=note, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def due(form: Format = Form.table) -> None:
    """List learners whose data need be kept no longer, those under a hold marked; and all who are under one."""
    from cli.desk import desk
    from cli.privacy import privacy_of
    from cli.render import say, show, show_each
    from states.steps.keep_learners import due as found
    from states.steps.keep_learners import held

    with desk("retention due") as at:
        kept = at.settings.retention
        keeping = privacy_of(at.folder, kept.years, kept.by_state).keeping
        titles = at.office.route.states
        rows = (
            dict(zip(COLUMNS, (one.reference, titles[one.state].title, one.since, one.until, one.hold), strict=True))
            for one in found(at.office, keeping)
        )
        number = show_each((_plain(row) for row in rows), form, columns=COLUMNS)
        if form is not Form.table:
            return
        if under := held(at.office):
            show([{"under a hold": name, "why": code} for name, code in under], form)
        say(f"Due: {number}. Next: ulnflow retention apply --dry-run" if number else "Nobody is due.")


@app.command()
def apply(yes: Yes = False, dry_run: DryRun = False, form: Format = Form.table) -> None:
    """Erase everybody who is due and under no hold. It cannot be undone: look with --dry-run, then say --yes."""
    from cli.desk import desk
    from cli.privacy import privacy_of
    from cli.render import progress
    from states.errors import NotPossible
    from states.steps.keep_learners import apply as erase_due
    from states.steps.keep_learners import due as found

    if not (yes or dry_run):
        raise NotPossible("this cannot be undone: look with --dry-run, then repeat with --yes")
    with desk("retention apply") as at:
        kept = at.settings.retention
        privacy = privacy_of(at.folder, kept.years, kept.by_state)
        learners = list(found(at.office, privacy.keeping))
        with progress(len(learners), "erasing") as bar:
            tally = erase_due(at.office, at.act, privacy, learners, dry_run=dry_run, progress=bar)
        if not learners:
            tally.notes.append("nobody is due: nothing was changed")
        at.finish(tally, form, dry_run=dry_run)


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}
