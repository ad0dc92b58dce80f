"""Who may do what, told to the log whenever the settings say otherwise than it was last told."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from states.unit_of_work import Office
from states.vocabulary import PEOPLE_CHANGED
from workflow import Act
from workflow.event import EMPTY
from workflow.store.history import History


def told(
    office: Office, act: Act, people: Mapping[str, Sequence[str]], kept: Mapping[str, Sequence[str]] = EMPTY
) -> bool:
    """Record the roles of the people, and the cohorts of who is kept to some, where the log was last told otherwise.

    Returns whether it was. Nobody is what a log begins with. Raises NotAllowed.
    """
    now, own = _in_order(people), _in_order(kept)
    with office.look() as look:
        last = History(look.connection).readable(PEOPLE_CHANGED)[-1:]
    said = last[0].evidence if last else EMPTY
    if (now, own) == (_as_told(said.get("people")), _as_told(said.get("cohorts"))):
        return False
    with office.begin(act) as uow:
        uow.work.record(PEOPLE_CHANGED, evidence={"people": now, **({"cohorts": own} if own else {})})
    return True


def _in_order(people: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {unicodedata.normalize("NFC", " ".join(name.split())): sorted(set(said)) for name, said in people.items()}


def _as_told(people: Any) -> dict[str, list[str]]:
    return {str(name): list(said) for name, said in (people or {}).items()}
