"""ulnflow exception: what a person must decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import All, DryRun, Form, Format, ListFile, Number, Reason, Reference, References

if TYPE_CHECKING:
    from states.steps.prepare_decision import Compared

app = typer.Typer(no_args_is_help=True)
Code = Annotated[
    str,
    typer.Option(
        "--code",
        help="Only answers of this code, such as RC006, or of a mismatch at ILM, such as name_differs.",
        show_default=False,
    ),
]


@app.command("list")
def list_(
    code: Code = "",
    to: Annotated[str, typer.Option("--to", help="Only those assigned to this person.", show_default=False)] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those assigned to you.")] = False,
    form: Format = Form.table,
) -> None:
    """List LRS and ILM exceptions, oldest first, with what the answer meant."""
    from cli.desk import desk
    from cli.explain import rows_of
    from cli.render import say, show
    from states.reports.exceptions import exceptions

    with desk("exception list") as at:
        person = at.act.actor if mine else " ".join(to.split())
        rows = rows_of(exceptions(at.office, code=code, to=person))
        columns = ["reference", "cohort", "origin", "code", "working_days", "assigned", "meaning", "next_command"]
        show(rows, form, columns=columns if form is Form.table else [*columns[:6], "challenge", *columns[6:]])
        if rows:
            say("existing: a candidate is this learner. new: nobody is, one was declared in the portal.")
            say("again: details were corrected or completed, and the LRS is to be asked once more.")


@app.command()
def show(reference: Reference, form: Format = Form.table) -> None:
    """Show a learner's five details beside the candidates, what differs marked. The look is recorded."""
    from cli.desk import desk
    from cli.render import say, show_one
    from states.addressed import addressed
    from states.deciding import assigned_to, code_of
    from states.reports.exceptions import meaning_of
    from states.steps.prepare_decision import look_at

    with desk("exception show") as at:
        found = look_at(at.office, at.act, reference)
        answer = {
            "Answer": ": ".join(filter(None, (code_of(found.standing), meaning_of(at.office, found.standing)))),
            "Assigned to": assigned_to(found.standing),
            "ULN held": found.held,
            "ULNs answered": ", ".join(found.answered),
        }
        head = {"Reference": reference, **found.values}
        if form is Form.table:
            show_one({**head, **{name: value for name, value in answer.items() if value}}, form)
            _side_by_side(found)
        else:
            show_one({**head, **answer, "Candidates": [_record(one) for one in found.candidates]}, form)
        if found.undecided:
            say(found.undecided)
            return
        if not found.candidates:
            say(addressed("What the portal shows, for comparison: ulnflow exception candidates REFERENCE", reference))
        word = "Next"
        for decision in ("existing --candidate NUMBER" if found.candidates else "existing", "new", "again"):
            line = f"ulnflow exception resolve REFERENCE --decision {decision} --reason WHY"
            say(f"{word}: {addressed(line, reference)}")
            word = "Or"


def _record(one: Any) -> dict[str, Any]:
    likeness = one.likeness
    return {
        "number": one.number,
        "percent": likeness.percent,
        "ULN": one.uln,
        **one.values,
        "differs": list(likeness.differs),
        "not compared": list(likeness.unknown),
        "known here": one.known,
    }


def _side_by_side(found: Compared) -> None:
    """A line a detail, a column a candidate, the likeliest first; what differs is marked."""
    from cli.render import show as show_rows
    from states.learner.details import FIVE_DETAILS, LABELS

    if not found.candidates:
        return
    heads = {one.number: f"candidate {one.number}" for one in found.candidates}
    lines: list[dict[str, str]] = [
        {"detail": "alike", "ours": "", **{heads[one.number]: f"{one.likeness.percent} %" for one in found.candidates}},
        {"detail": "ULN", "ours": found.held, **{heads[one.number]: one.uln for one in found.candidates}},
    ]
    for name in FIVE_DETAILS:
        line = {"detail": LABELS[name], "ours": found.values[LABELS[name]]}
        for one in found.candidates:
            mark = "differs: " if name in one.likeness.differs else ""
            line[heads[one.number]] = (mark + one.values[LABELS[name]]) or "(not given)"
        lines.append(line)
    if any(one.known for one in found.candidates):
        lines.append({"detail": "known here", "ours": "", **{heads[one.number]: one.known for one in found.candidates}})
    show_rows(lines, Form.table, title="Side by side; how alike is a hint, you decide")


@app.command()
def candidates(
    reference: Reference,
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="CSV or XLSX with ULN, names, date of birth, gender, postcode.")
    ] = "-",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Keep the candidates the portal shows, from a file or as typed, until the exception is decided."""
    from cli.desk import desk
    from cli.typed import sheet
    from states.steps.prepare_decision import keep_candidates

    typed = sheet(["ULN", "Given name", "Family name", "Date of birth", "Gender", "Postcode"]) if file == "-" else b""
    with desk("exception candidates") as at:
        source = typed if file == "-" else Path(file)
        found = at.office.plugs.candidate_source.read(source, day_first=at.settings.policy.day_first)
        at.finish(keep_candidates(at.office, at.act, reference, found, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def assign(
    references: References = None,
    to: Annotated[str, typer.Option("--to", help="The person who is to decide.")] = "",
    listed: ListFile = None,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Ask a person to decide about learners."""
    from cli import people
    from cli.desk import desk
    from states.steps.prepare_decision import assign as give

    person = people.checked_actor(to, "--to")
    with desk("exception assign") as at:
        at.finish(give(at.office, at.act, at.named(references, listed), person, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def challenge(
    reference: Reference,
    number: Number = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record a data challenge at the LRS by its reference: the learner is held until it is decided."""
    from cli.desk import desk
    from states.steps.prepare_decision import challenge as hold

    with desk("exception challenge") as at:
        at.finish(hold(at.office, at.act, reference, number, words=reason, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def resolve(
    references: References = None,
    decision: Annotated[
        str, typer.Option("--decision", help="existing (a candidate), new (declared new), or again (ask again).")
    ] = "",
    candidate: Annotated[
        int | None, typer.Option("--candidate", help="The one chosen, by its number.", show_default=False)
    ] = None,
    reason: Reason = "",
    code: Code = "",
    listed: ListFile = None,
    everyone: All = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record what was decided. The ULN is asked for, or read from standard input, unless it is known.

    With several learners, --list or --all: only again, each judged on its own.
    """
    from cli.desk import desk
    from cli.typed import typed
    from states.errors import NotPossible
    from states.steps.decide_exception import ask_again, resolve_exception

    one = references[0] if references and len(references) == 1 and not (listed or everyone or code) else ""
    asked = decision in {"existing", "new"} and candidate is None and bool(one)
    uln = typed("ULN the portal shows") if asked else ""
    with desk("exception resolve") as at:
        if one:
            tally = resolve_exception(
                at.office, at.act, one, decision=decision, reason=reason, uln=uln, candidate=candidate, dry_run=dry_run
            )  # fmt: skip
        elif decision != "again" or candidate is not None:
            raise NotPossible("several at once: only --decision again; existing and new are decided one by one")
        else:
            named = None if everyone else at.named(references, listed)
            tally = ask_again(at.office, at.act, named, code=code, reason=reason, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)
