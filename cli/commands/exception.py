"""ulnflow exception: what a person must decide."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DryRun, Form, Format, Reason, Reference

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List LRS and ILM exceptions, oldest first, with what the answer meant."""
    from cli.desk import desk
    from cli.render import show
    from states.learner.repository import Learners
    from workflow.working_days import between, day_of

    with desk("exception list") as at, at.office.look() as look:
        found = look.log.find(states=["lrs_exception", "ilm_exception"])
        names = Learners(look.connection).references([s.subject for s in found])
        rows = []
        for s in sorted(found, key=lambda s: s.entered_at):
            code = s.facts.get("exception", {}).get("code", "") if s.state == "lrs_exception" else ""
            meaning = at.office.plugs.lrs.classify(code)[1] if code and code != "wrong_uln" else ""
            if code == "wrong_uln":
                meaning = "The ULN held proved wrong."
            decided = s.facts.get("decision") == "again"
            rows.append(
                {
                    "reference": names[s.subject],
                    "cohort": s.cohort,
                    "from": "LRS" if s.state == "lrs_exception" else "ILM",
                    "code": code,
                    "working_days": between(day_of(s.entered_at), at.office.today(), at.office.policy.closed),
                    "meaning": "Will be asked about again." if decided else meaning or "ILM reports a mismatch.",
                    "next": "ulnflow lrs submit"
                    if decided
                    else f"ulnflow exception resolve {names[s.subject]}"
                    if s.state == "lrs_exception"
                    else f"ulnflow ilm resolve {names[s.subject]}",
                }
            )
        show(rows, form, columns=["reference", "cohort", "from", "code", "working_days", "meaning", "next"])


@app.command()
def show(reference: Reference, form: Format = Form.table) -> None:
    """Show a learner's five details, to compare with the candidates in the portal. The look is recorded."""
    from cli.desk import desk
    from cli.render import say, show_one
    from states.steps.look_up import compare

    with desk("exception show") as at:
        shown = compare(at.office, at.act, reference)
        show_one({"Reference": reference, **shown.values}, form)
        say(f"Next: ulnflow exception resolve {reference} --decision existing|new|again --reason WHY")


@app.command()
def resolve(
    reference: Reference,
    decision: Annotated[
        str, typer.Option("--decision", help="existing (a candidate), new (declared new), or again (ask again).")
    ] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record what was decided. The ULN is asked for, or read from standard input, unless asking again."""
    from cli.desk import desk, typed
    from states.steps.decide_exception import resolve_exception

    uln = typed("ULN the portal shows") if decision in {"existing", "new"} else ""
    with desk("exception resolve") as at:
        tally = resolve_exception(
            at.office, at.act, reference, decision=decision, reason=reason, uln=uln, dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)
