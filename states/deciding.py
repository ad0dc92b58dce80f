"""What waits for a person's decision, and what was agreed about it: who sees to it, which hold it has at the LRS.

What was agreed names what it is about, so that it ends with that and is never taken for the next exception's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from states.lrs_match import DOUBTED
from states.unit_of_work import Glance, UnitOfWork
from workflow import Standing

LRS: Final = "lrs_exception"
ILM: Final = "ilm_exception"
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def doubtful(standing: Standing) -> bool:
    """Whether an answer was kept that contradicts the ULN held."""
    return "kept_answer" in standing.facts and bool(standing.facts.get("uln"))


def answer_of(standing: Standing) -> Mapping[str, Any]:
    """The answer that waits for a decision: its code, its file, and what a verification found different."""
    if standing.state == ILM and not doubtful(standing):
        return NOTHING
    found: Mapping[str, Any] = standing.facts.get("kept_answer" if doubtful(standing) else "exception") or NOTHING
    return found


def code_of(standing: Standing) -> str:
    """The code of the answer that waits for a decision, or of what ILM found different; empty where there is none."""
    if standing.state == ILM and not doubtful(standing):
        return str(standing.facts.get("mismatch", ""))
    return str(answer_of(standing).get("code", ""))


def spelled(look: Glance, code: str) -> frozenset[str]:
    """The codes that may be meant by one that was typed, without regard to case; empty for none."""
    typed = code.strip()
    return frozenset({typed.casefold(), look.office.plugs.lrs.normalise_code(typed).casefold()} if typed else ())


def subject_of(standing: Standing) -> str:
    """What a decision about this case is about; another text once that is settled."""
    if doubtful(standing):
        return f"answer {answer_of(standing).get('dispatch')}"
    return f"{standing.state} {standing.entered_at}"


def assigned_to(standing: Standing) -> str:
    """The person who was asked to decide; empty when nobody was."""
    return str(_agreed(standing, "assigned").get("to", ""))


def challenge_of(standing: Standing) -> Mapping[str, Any]:
    """The data challenge at the LRS that holds the case: `reference`, and `since` as YYYY-MM-DD; empty when none."""
    return _agreed(standing, "challenge")


def _agreed(standing: Standing, name: str) -> Mapping[str, Any]:
    agreed: Mapping[str, Any] = standing.facts.get(name) or NOTHING
    return agreed if agreed and agreed.get("about") == subject_of(standing) else NOTHING


def open_decisions(look: Glance) -> list[tuple[int, Standing]]:
    """Every case that waits for a decision with the time since when (microseconds, UTC), the oldest first."""
    found = [(s.entered_at, s) for s in look.log.find(states=[LRS, ILM])]
    since = {case: at for _, duty, case, _, at in look.log.all_open_duties() if duty in DOUBTED and case is not None}
    known = {s.case for _, s in found}
    beside = look.log.load(sorted(case for case in since if case not in known))
    found += [(since[s.case], s) for s in beside.values() if doubtful(s)]
    return sorted(found, key=lambda one: (one[0], one[1].case))


def doubted(uow: UnitOfWork, standing: Standing) -> bool:
    """Whether a kept answer waits for a decision beside the state."""
    return "kept_answer" in standing.facts and bool(uow.close_duties(standing.case, *DOUBTED))


def no_decision(uow: UnitOfWork, standing: Standing, reference: str) -> str:
    """Why no decision about an answer of the LRS waits for a case; empty when one does."""
    if standing.state == LRS or doubted(uow, standing):
        return ""
    return f"{reference} is not an LRS exception. See: ulnflow exception list"


def waiting_case(uow: UnitOfWork, reference: str) -> Standing:
    """The case asked for, or, where none was named and nothing is to be decided there, one that waits."""
    found = uow.find_case(reference)
    named = not uow.learners.by_reference([reference])
    if named or found.state in {LRS, ILM} or doubted(uow, found):
        return found
    own = uow.log.load(uow.learners.cases([found.subject])[found.subject])
    waiting = [s for s in own.values() if s.state in {LRS, ILM} or doubted(uow, s)]
    return waiting[-1] if waiting else found
