"""ulnflow dispatch: the register of files that went out and came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DryRun, Form, Format, On, Reason

if TYPE_CHECKING:
    from workflow.store.dispatch_log import Dispatch

app = typer.Typer(no_args_is_help=True)
File = Annotated[str, typer.Argument(metavar="FILE", help="A file, by register number or name.")]
COLUMNS = (
    "number", "name", "what", "state", "prepared", "sent", "learners", "answered", "released", "open", "adds_up",
)  # fmt: skip
LATEST = 100


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option("--kind", help="Only this kind, such as lrs_batch.", show_default=False)] = "",
    state: Annotated[str, typer.Option("--state", help="Only this state, such as sent.", show_default=False)] = "",
    only_open: Annotated[bool, typer.Option("--open", help="Only files that wait for something.")] = False,
    form: Format = Form.table,
) -> None:
    """List files with how far each got: prepared, sent, partly answered, answered, rejected, superseded, received.

    Sheets of cohorts that came in are left out unless --kind asks for them.
    """
    from cli.desk import desk
    from cli.explain import rows_of
    from cli.render import say, show
    from states.reports.dispatches import listed

    kind, state = _known(kind, state)
    with desk("dispatch list") as at:
        rows = listed(at.office, kind=kind, state=state, only_open=only_open)
        if form is not Form.table:
            show(rows_of(rows), form, columns=[*COLUMNS[:2], "kind", "direction", *COLUMNS[2:]])
            return
        show(rows_of(rows[-LATEST:]), form, columns=list(COLUMNS))
        if len(rows) > LATEST:
            say(f"The latest {LATEST} of {len(rows)} are shown; all of them with --format csv.")
        if waiting := [row for row in rows if row.open]:
            say(f"Next: ulnflow dispatch show {waiting[0].number}")


@app.command()
def show(file: File, form: Format = Form.table) -> None:
    """Show a file: its learners by reference, and whether its bytes and its list are those that were registered."""
    from cli.desk import desk
    from cli.exits import FINDINGS
    from cli.explain import rows_of
    from cli.render import show as show_rows
    from cli.render import show_one
    from states.reports.dispatches import shown

    with desk("dispatch show") as at:
        found = shown(at.office, file)
        facts = {"digest": found.digest, "path": found.path, "file": found.kept, "list_holds": found.frozen}
        if form is Form.table:
            head = {name: value for name, value in rows_of([found.file])[0].items() if value != ""}
            show_one({**head, **facts}, form)
            if found.places:
                show_rows(rows_of(found.places), form, columns=["row", "reference", "place", "days", "code"])
        elif form is Form.json:
            show_one({**rows_of([found.file])[0], **facts, "places": rows_of(found.places)}, form)
        else:
            show_rows(rows_of(found.places), form, columns=list(PLACE))
        if not found.frozen or not found.file.adds_up or found.kept == "changed":
            raise typer.Exit(FINDINGS)


PLACE = ("number", "file", "row", "reference", "place", "version", "days", "late", "code")


@app.command("mark-sent")
def mark_sent(
    file: File, at_day: On = "", reason: Reason = "", dry_run: DryRun = False, form: Format = Form.table
) -> None:
    """Record that a prepared file went out, as `lrs sent` does; other files are proved sent by what comes of them."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps import submit_to_lrs
    from states.vocabulary import LRS_KINDS

    with desk("dispatch mark-sent") as at:
        dispatch = _find(at.office, file)
        if dispatch.kind not in LRS_KINDS:
            raise _other_way(at.office, dispatch)
        tally = submit_to_lrs.mark_sent(
            at.office, at.act, str(dispatch.id), on=day(at_day), reason=reason, dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def reject(file: File, reason: Reason = "", dry_run: DryRun = False, form: Format = Form.table) -> None:
    """Record that a whole file was refused, or never sent, as `lrs reject` and `ilm reject` do."""
    from cli.desk import desk
    from states.steps import register_with_ilm, submit_to_lrs
    from states.vocabulary import LRS_KINDS, REGISTRATION

    with desk("dispatch reject") as at:
        dispatch = _find(at.office, file)
        number = str(dispatch.id)
        if dispatch.kind in LRS_KINDS:
            tally = submit_to_lrs.reject(at.office, at.act, number, reason, dry_run=dry_run)
        elif dispatch.kind == REGISTRATION:
            tally = register_with_ilm.reject_registration(at.office, at.act, number, reason, dry_run=dry_run)
        else:
            raise _other_way(at.office, dispatch)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def reconcile(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Files by number or name; every one if none.", show_default=False),
    ] = None,
    form: Format = Form.table,
) -> None:
    """Prove who was sent, who came back, who is waited for and who never came; answers about nobody are listed.

    Exit code 1 if it does not add up. As CSV or ndjson: a line for each learner's place in each file.
    """
    from cli.desk import desk
    from cli.exits import FINDINGS
    from cli.explain import rows_of
    from cli.render import say, show_one
    from cli.render import show as show_rows
    from states.reports.dispatches import reconcile as add_up

    with desk("dispatch reconcile") as at:
        found, places = add_up(at.office, files or ())
        if form is Form.json:
            record = {"adds_up": found.adds_up, "sums": rows_of([found.sums])[0], "files": rows_of(found.files)}
            lists = {"waiting": rows_of(found.waiting), "quarantine": rows_of(found.quarantine)}
            show_one({**record, **lists}, form)
        elif form is not Form.table:
            show_rows(rows_of(list(places)), form, columns=list(PLACE))
        else:
            show_rows(rows_of(found.files), form, columns=[c for c in COLUMNS if c not in {"prepared", "sent"}])
            for title, rows in (
                ("Never came back", [place for place in found.waiting if place.late]),
                ("Waiting", [place for place in found.waiting if not place.late]),
                ("About nobody we sent", found.quarantine),
            ):
                if rows:
                    columns = ["file", "row", "reference", "code" if rows is found.quarantine else "days"]
                    show_rows(rows_of(rows[:LATEST]), form, columns=columns, title=title)
                if len(rows) > LATEST:
                    say(f"{len(rows) - LATEST} more; all of them with --format csv.")
            sums = found.sums
            say(
                f"{sums.sent} places = {sums.answered} answered + {sums.released} released + {sums.open} open. "
                f"{sums.learners} learners = {sums.came_back} came back + {sums.still_waited_for} still waited for + "
                f"{sums.taken_back} taken back."
            )
            say("It adds up." if found.adds_up else "It does NOT add up. See: ulnflow audit verify")
        if not found.adds_up:
            raise typer.Exit(FINDINGS)


def _find(office: Any, file: str) -> Dispatch:
    with office.look() as look:
        found: Dispatch = look.find_dispatch(file)
        return found


def _other_way(office: Any, dispatch: Dispatch) -> Exception:
    """What to do about a file whose kind knows no such step."""
    from states.errors import Prevented
    from states.reports import next_move
    from states.reports.words import FILES

    what = FILES.get(dispatch.kind, dispatch.kind)
    if dispatch.direction != "out":
        return Prevented(f"number {dispatch.id} came in ({what}): only files of ours are sent or rejected")
    with office.look() as look:
        line = next_move.file(look, dispatch)
    return Prevented(f"{dispatch.name} ({what}) goes on by what comes of it: {line}")


def _known(kind: str, state: str) -> tuple[str, str]:
    """Kind and state as the register writes them; raises NotPossible for what it knows not."""
    from states.errors import NotPossible
    from states.reports.words import FILES
    from workflow.store.dispatch_log import ANSWERED, PARTLY, PREPARED, RECEIVED, REJECTED, SENT, SUPERSEDED

    states = (PREPARED, SENT, PARTLY, ANSWERED, REJECTED, SUPERSEDED, RECEIVED)
    state = state.strip().replace(" ", "_").replace("-", "_")
    if kind and kind not in FILES:
        raise NotPossible(f"there is no kind {kind}; kinds are: {', '.join(FILES)}", kind)
    if state and state not in states:
        raise NotPossible(f"there is no such state; states are: {', '.join(states)}")
    return kind, state
