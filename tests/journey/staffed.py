"""People of a centre, one of them kept to cohorts; commands typed by each, and what the log says was denied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fakes.centre import Centre, Result

ANN = "Ann Example"
PEOPLE = """
[people]
"Ann Example" = { roles = ["operator", "approver"], cohorts = ["NF-1", "NF-3"] }
"Bea Example" = ["operator", "approver"]
"Cy Example" = { roles = ["operator"], cohorts = ["NF-2"] }
"Di Auditor" = ["auditor"]
"""


def staff(centre: Centre, people: str = PEOPLE) -> Centre:
    with (centre.folder / "ulnflow.toml").open("a", encoding="utf-8") as file:
        file.write(people)
    return centre


def by(centre: Centre, who: str, *words: str | Path, stdin: str = "") -> Result:
    with centre.typing(who):
        return centre.run(*words, stdin=stdin)


def denied(centre: Centre) -> list[dict[str, Any]]:
    """What the log says of each refusal, without which case it is."""
    listed = by(centre, "Bea Example", "audit", "events", "--kind", "denied", "--all", "--format", "json").out
    return json.loads(listed) if listed else []
