"""Open duties: who owes what, since when, until when."""

from __future__ import annotations

from typing import Any

from states.reports import commands, next_move
from states.to_type import names_to_type
from states.unit_of_work import Office
from workflow.working_days import after, day_of


def open_duties(office: Office) -> list[dict[str, Any]]:
    """Every open duty, oldest first; a file's duty carries the file's name instead of a reference."""
    rows: list[dict[str, Any]] = []
    with office.look() as look:
        found = look.log.all_open_duties()
        owing = list(look.log.load([case for _, _, case, _, _ in found if case is not None]).values())
        names, to_type = look.references(owing), names_to_type(look, owing)
        for _position, name, case, dispatch, opened_at in found:
            duty = office.route.duties[name]
            opened = day_of(opened_at)
            file = look.dispatches.get(dispatch) if dispatch is not None and case is None else None
            rows.append(
                {
                    "reference": names[case] if case is not None else "",
                    "duty": name,
                    "title": duty.title + (f" {file.name}" if file else ""),
                    "owner": duty.owner,
                    "opened": opened,
                    "due": after(opened, duty.clock, office.policy.closed),
                    "next": commands.duty(name, to_type[case])
                    if case is not None
                    else next_move.file(look, file)
                    if file
                    else "",
                }
            )
    return rows
