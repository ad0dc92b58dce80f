"""ulnflow retention: legal holds, whose data need be kept no longer, and their erasure."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DryRun, Form, Format, ListFile, References, Yes, names_nobody, real

app = typer.Typer(no_args_is_help=True)
Note = Annotated[str, typer.Option("--note", help="A ticket or file number, never a person.", callback=names_nobody)]
COLUMNS = ("reference", "ended_as", "since", "kept_until", "hold", "due")


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
    """List learners whose data need be kept no longer, those under a hold marked; then others who are under one."""
    from cli.desk import desk
    from cli.privacy import privacy_of
    from cli.render import say, show
    from states.steps.keep_learners import due as found
    from states.steps.keep_learners import held

    with desk("retention due") as at:
        kept = at.settings.retention
        keeping = privacy_of(at.folder, kept.years, kept.by_state).keeping
        titles = at.office.route.states
        ended = list(found(at.office, keeping))
        known = {one.reference for one in ended}
        rows = [(one.reference, titles[one.state].title, one.since, one.until, one.hold, True) for one in ended] + [
            (name, "", None, None, code, False) for name, code in held(at.office) if name not in known
        ]
        show([dict(zip(COLUMNS, row, strict=True)) for row in rows], form, columns=COLUMNS)
        if form is not Form.table:
            return
        say(f"Due: {len(ended)}. Next: ulnflow retention apply --dry-run" if ended else "Nobody is due.")


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
