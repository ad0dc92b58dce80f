"""What a cohort sheet was taken for: said in words before it is taken in, or as data to look at first."""

from __future__ import annotations

from typing import Any, Final

import typer

from cli.exits import FINDINGS
from cli.options import Form
from cli.render import say, show, show_one
from states.counting import counted
from states.learner.details import LABELS
from states.sheet_ports import SheetFacts
from states.steps.gather_details import Imported

SAID: Final = {
    "elsewhere": "in another cohort for the same qualification",
    "form": "not written as it must be",
    "open_dispatch": "an open file holds the learner already",
    "postcode_form": "not written as a postcode",
    "same_details": "somebody else has the same",
    "reference_twice": "stands in the sheet before",
    "replaced": "takes the place of another value",
    "uln": "cannot be a ULN",
}
"""What was noticed, in words; other codes are words already."""
WEIGHTS: Final = {
    "note": "understood so, please check",
    "missing": "to put right before the LRS",
    "malformed": "left blank",
    "refused": "row refused",
}


def said(pairs: list[str] | None) -> dict[str, str]:
    """What --map says, heading -> field; a heading may hold = itself. Raises typer.BadParameter."""
    told: dict[str, str] = {}
    for pair in pairs or ():
        heading, between, field = pair.rpartition("=")
        if not between or not heading.strip():
            raise typer.BadParameter('--map takes "Heading=field", or "Heading=-" to leave a column out')
        if told.setdefault(heading.strip(), field.strip()) != field.strip():
            raise typer.BadParameter(f"--map says two things of {heading.strip()}")
    return told


def say_what_was_read(about: SheetFacts, *, day_first: bool) -> None:
    """How the sheet was understood, in words."""
    order = "day first" if day_first else "month first"
    at_row = f"headings in row {about.header_row}"
    say(f"Read {counted(about.rows, 'learner')}; {at_row}; dates like 7/4/1988 are read {order}.")
    if about.told or about.left_out:
        meant = [f"{heading} is {_label(field)}" for heading, field in about.told.items()]
        meant += [f"{heading} is left out" for heading in about.left_out]
        before = "As remembered of these columns (drop it with --forget-mapping)" if about.remembered else "As you say"
        say(f"{before}: {'; '.join(meant)}.")
    if about.unknown_columns:
        say(f"Columns not used: {', '.join(about.unknown_columns)}")
    for heading, (field, nearest) in about.likely.items():
        say(f'{heading} is much like {nearest}. If it means the same: --map "{heading}={field}"')
    for row, why in about.skipped:
        say(f"Row {row} passed over: {why}")
    if about.skipped_rows > len(about.skipped):
        say(f"And {about.skipped_rows - len(about.skipped):,} more rows passed over.")


def show_preview(imported: Imported, form: Form) -> None:
    """What each column was taken for, and what was noticed how often; no value of anybody.

    For machines it is one record, and the command ends here: with 1 where rows would be refused.
    """
    columns = _columns(imported.about)
    noticed = [
        {"field": field, "what": code, "weight": weight, "rows": rows}
        for (weight, field, code), rows in sorted(imported.noticed.counts.items(), key=lambda item: -item[1])
    ]
    if form is Form.table:
        show(columns, form, title="What the columns were taken for")
        if noticed:
            show([_in_words(one) for one in noticed], form, title="What was noticed")
        return
    tally = imported.tally
    record = {
        "dry_run": True,
        "sheet": imported.about.sheet,
        "header_row": imported.about.header_row,
        "learners": imported.about.rows,
        "rows_passed_over": imported.about.skipped_rows,
        "columns": columns,
        "noticed": noticed,
        "counts": dict(tally.counts),
        "refused": len({(r.reference, r.message) for r in tally.refusals}),
        "notes": tally.notes,
    }
    show_one(record, form)
    if tally.refusals:
        raise typer.Exit(FINDINGS)


def _in_words(noticed: dict[str, Any]) -> dict[str, Any]:
    said = SAID.get(noticed["what"], noticed["what"].replace("_", " "))
    return {**noticed, "field": _label(noticed["field"]), "what": said, "weight": WEIGHTS[noticed["weight"]]}


def _columns(about: SheetFacts) -> list[dict[str, str]]:
    rows = [
        {"heading": heading, "taken_for": _label(field), "by": "--map" if heading in about.told else "its heading"}
        for heading, field in about.columns.items()
    ]
    rows += [{"heading": heading, "taken_for": "left out", "by": "--map"} for heading in about.left_out]
    for heading in about.unknown_columns:
        field, nearest = about.likely.get(heading, ("", ""))
        guess = f"perhaps {_label(field)}, as {nearest}" if field else ""
        rows.append({"heading": heading, "taken_for": "not used", "by": guess})
    return rows


def _label(field: str) -> str:
    return LABELS.get(field, field.replace("_", " ").capitalize())
