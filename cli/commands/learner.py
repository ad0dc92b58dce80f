"""ulnflow learner: one learner shown, corrected, explained; leaving and coming back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.options import (
    DryRun,
    Form,
    Format,
    ListFile,
    On,
    Qualification,
    Reason,
    Reference,
    References,
    Yes,
    names_nobody,
    real,
)

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(reference: Reference, form: Format = Form.table) -> None:
    """Show a learner's details, ULN history and cases. The look is recorded."""
    from cli.desk import desk
    from cli.render import show as show_rows
    from cli.render import show_one
    from states.steps.look_up import show as look_up

    with desk("learner show") as at:
        shown = look_up(at.office, at.act, reference)
        if form is not Form.table:
            cases = [
                {"qualification": c.facts.get("qualification", ""), "cohort": c.cohort, "state": c.state}
                for c in shown.cases
            ]
            ulns = [{"uln": uln, "status": status} for uln, status in shown.ulns]
            show_one(
                {
                    "reference": reference,
                    "version": shown.version,
                    "details": shown.values,
                    "ulns": ulns,
                    "cases": cases,
                },
                form,
            )
            return
        known = {label: value for label, value in shown.values.items() if value}
        show_one({"Reference": reference, "Details version": shown.version, **known}, form)
        if shown.ulns:
            show_rows([{"ULN": uln, "status": status} for uln, status in shown.ulns], form)
        show_rows(
            [{"case": c.case, "qualification": c.facts.get("qualification", ""), "cohort": c.cohort,
              "state": at.office.route.states[c.state].title} for c in shown.cases],
            form,
        )  # fmt: skip


@app.command()
def edit(
    reference: Reference,
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD]...", help="Names of fields, such as postcode; values are asked for.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Correct details: name the fields, and each value is asked for or read from a line of standard input.

    Without fields, lines like "postcode: ..." are read. A "-" clears a field.
    """
    from cli.desk import desk
    from cli.typed import lines, typed
    from states.errors import NotPossible
    from states.learner.entry import FIELDS, EntryRefused, field_named, read_entry
    from states.steps.gather_details import edit_details

    with desk("learner edit") as at:
        try:
            if fields:
                given = [(field_named(name), typed(FIELDS[field_named(name)])) for name in fields]
            else:
                given = [(field_named(line.partition(":")[0]), line.partition(":")[2].strip()) for line in lines()]
            day_first, id_types = at.settings.policy.day_first, at.office.policy.id_types
            changes = {
                name: read_entry(name, "" if text == "-" else text, day_first=day_first, id_types=id_types)
                for name, text in given
                if text
            }
        except EntryRefused as wrong:
            raise NotPossible(str(wrong)) from None
        at.finish(edit_details(at.office, at.act, reference, changes, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def find(form: Format = Form.table) -> None:
    """Find learners by name or ULN, asked for or read from standard input. The look is recorded."""
    from cli.desk import desk
    from cli.render import show as show_rows
    from cli.typed import typed
    from states.steps.look_up import find as look_for

    words = typed("Name or ULN")
    with desk("learner find") as at:
        rows = [
            {"reference": reference, "cohort": s.cohort, "state": at.office.route.states[s.state].title}
            for reference, s in look_for(at.office, at.act, words)
        ]
        show_rows(rows, form, columns=["reference", "cohort", "state"])


@app.command()
def correct(
    entry: Annotated[
        int, typer.Argument(metavar="EVENT", help="The entry's number, as audit history shows it.", min=1)
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="One of the codes above.", show_default=False, callback=real)
    ] = "",
    note: Annotated[
        str, typer.Option("--note", help="More about it, in your own words; kept apart from the log.")
    ] = "",
    and_after: Annotated[
        bool, typer.Option("--and-after", help="Void the later entries that rest on it as well.")
    ] = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Void an entry that was untrue when recorded; a second person must agree. What others were told becomes duties.

    Reasons: wrong_learner, wrong_answer, wrong_entry, entered_twice, never_happened.
    """
    from cli.desk import desk
    from states.steps.correct import correct as void

    with desk("learner correct") as at:
        tally = void(at.office, at.act, entry, reason, note, and_after=and_after, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def why(reference: Reference, qualification: Qualification = "", form: Format = Form.table) -> None:
    """Explain where a learner stands, what comes next, and what holds it up. Rules are asked live."""
    from cli.desk import desk
    from cli.wiring import table
    from states.reports.why import why as explain

    with desk("learner why") as at:
        from cli.explain import show_why

        show_why(
            explain(at.office, reference, qualification, guidance=table("contacts.toml", at.folder), act=at.act), form
        )


@app.command()
def erase(
    reference: Reference,
    basis: Annotated[str, typer.Option("--basis", help="Why: request, retention_ended, ...", callback=real)] = "",
    note: Annotated[
        str, typer.Option("--note", help="A ticket or file number, never a person.", callback=names_nobody)
    ] = "",
    ask: Annotated[bool, typer.Option("--ask", help="Under a hold or before its time: ask a second person.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Destroy a learner's personal values and key; the log stays. Under a hold, only if a second person agrees.

    What was sent outside is listed, not reached. With --dry-run: what would be destroyed, what remains, and which hold
    or time of retention stands against it. --ask needs no --yes: nothing is done before a second person agrees.
    """
    from cli.desk import desk
    from cli.privacy import privacy_of
    from states.steps.erase_learner import erase_learner

    with desk("learner erase") as at:
        kept = at.settings.retention
        privacy = privacy_of(at.folder, kept.years, kept.by_state)
        tally = erase_learner(
            at.office, at.act, reference, basis, privacy, note=note, ask=ask, sure=yes, dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def disclose(
    reference: Reference,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files are written.")],
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Write everything held about a learner to a folder, as JSON and as a page to read. It is recorded."""
    from cli.desk import desk
    from cli.explain import rows_of
    from cli.wiring import text
    from states.exchange.disclosure import TEMPLATE, Disclosures
    from states.reports.trail import trail
    from states.steps.disclose_learner import disclose as hand_out
    from states.steps.look_up import reasons

    with desk("learner disclose") as at:
        words = {} if dry_run else reasons(at.office, at.act, reference)
        story = trail(at.office, reference, refusals=True, reasons=words)
        lines = [{name: str(value) for name, value in row.items() if value} for row in rows_of(story.lines)]
        place = Disclosures(to, text(TEMPLATE, at.folder), at.settings.centre.name, at.office.today())
        at.finish(hand_out(at.office, at.act, reference, lines, place, dry_run=dry_run), form, dry_run=dry_run)


def _leaving(trigger: str, words: str) -> Callable[..., None]:
    """One command of leaving or coming back; all of them take the same."""

    def run(
        references: References = None,
        reason: Reason = "",
        listed: ListFile = None,
        at_day: On = "",
        dry_run: DryRun = False,
        form: Format = Form.table,
    ) -> None:
        from cli.desk import desk
        from cli.typed import day
        from states.steps.leave_and_return import REASONS, leave_or_return

        with desk(f"learner {trigger}") as at:
            standings = at.choose(references, listed=listed, everyone=False)
            known = REASONS.get(trigger, ())
            code = reason if reason in known or not reason else "other" if known else "stated"
            tally = leave_or_return(
                at.office, at.act, standings, trigger, reason=code, words="" if code == reason else reason,
                on=day(at_day), dry_run=dry_run,
            )  # fmt: skip
            at.finish(tally, form, dry_run=dry_run)

    run.__doc__ = words
    return run


for _name, _trigger, _words in (
    (
        "withdraw",
        "withdraw",
        "Record that learners left. Reasons: left_course, moved_away, changed_course, duplicate, deceased, or words.",
    ),
    ("reinstate", "reinstate", "Bring withdrawn learners back; what is known of them stands."),
    (
        "close",
        "close_without_lar",
        "Close without a LAR. Reasons: declined_uln, overseas, scotland, not_achieved, or words.",
    ),
    ("reopen", "reopen", "Open closed learners again; what is known of them stands."),
):
    app.command(_name)(_leaving(_trigger, _words))
