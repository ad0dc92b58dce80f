"""Who may do what, told to the log whenever the settings say otherwise than it was last told."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from states.unit_of_work import Office
from states.vocabulary import PEOPLE_CHANGED
from workflow import Act
from workflow.store.history import History


def told(office: Office, act: Act, people: Mapping[str, Sequence[str]]) -> bool:
    """Record the roles of the people where they differ from those last recorded; returns whether they did.

    Nobody is what a log begins with. Raises NotAllowed.
    """
    now = {unicodedata.normalize("NFC", " ".join(name.split())): sorted(set(roles)) for name, roles in people.items()}
    with office.look() as look:
        last = list(History(look.connection).events(kind=PEOPLE_CHANGED, latest=1))
    if now == _as_told(last[0].evidence.get("people") if last else None):
        return False
    with office.begin(act) as uow:
        uow.work.record(PEOPLE_CHANGED, evidence={"people": now})
    return True


def _as_told(people: Any) -> dict[str, list[str]]:
    return {str(name): list(roles) for name, roles in (people or {}).items()}
