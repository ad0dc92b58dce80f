"""What a person must decide: LRS exceptions, ILM exceptions, and answers that contradict a ULN already held."""

from __future__ import annotations

from dataclasses import dataclass

from states.reports.commands import quoted
from states.unit_of_work import Office
from workflow import Standing
from workflow.working_days import between, day_of

LRS, ILM, DOUBT = "LRS", "ILM", "LRS, beside the ULN held"
WRONG = "wrong_uln"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRow:
    """One decision that waits: where it comes from, the code, what it means, and what to type."""

    reference: str
    cohort: str
    origin: str
    code: str
    working_days: int
    meaning: str
    next_command: str


def exceptions(office: Office) -> list[ExceptionRow]:
    """Every open decision, the oldest first."""
    with office.look() as look:
        found = look.log.find(states=["lrs_exception", "ilm_exception"])
        challenged = {case for _, duty, case, _, _ in look.log.all_open_duties() if duty == "data_challenge" and case}
        doubted = [s for s in look.log.load(sorted(challenged)).values() if doubtful(s)]
        names = look.references([*found, *doubted])
        today, closed = office.today(), office.policy.closed
        return [
            ExceptionRow(
                reference=names[s.case],
                cohort=s.cohort,
                origin=ILM if s.state == "ilm_exception" else LRS if s.state == "lrs_exception" else DOUBT,
                code=code_of(s),
                working_days=between(day_of(s.entered_at), today, closed),
                meaning=meaning_of(office, s),
                next_command=_command(s, names[s.case]),
            )
            for s in sorted([*found, *doubted], key=lambda s: s.entered_at)
        ]


def doubtful(standing: Standing) -> bool:
    """Whether an answer was kept that contradicts the ULN held."""
    return "kept_answer" in standing.facts and bool(standing.facts.get("uln"))


def code_of(standing: Standing) -> str:
    """The code of the answer that waits for a decision; empty where there is none."""
    answer = standing.facts.get("kept_answer" if doubtful(standing) else "exception", {})
    return str(answer.get("code", "")) if standing.state != "ilm_exception" or doubtful(standing) else ""


def meaning_of(office: Office, standing: Standing) -> str:
    """What the answer that waits for a decision means, in plain words."""
    meaning = _meaning(office, standing)
    return f"It was decided to ask again. {meaning}".strip() if standing.facts.get("decision") == "again" else meaning


def _meaning(office: Office, standing: Standing) -> str:
    code = code_of(standing)
    if code == WRONG:
        return "The ULN held proved wrong."
    if code:
        return office.plugs.lrs.classify(code)[1]
    return "ILM reports that the ULN does not match." if standing.state == "ilm_exception" else ""


def _command(standing: Standing, reference: str) -> str:
    who = quoted(reference)
    if standing.facts.get("decision") == "again":
        return f"ulnflow lrs submit {who}"
    if standing.state == "ilm_exception" and not doubtful(standing):
        return f"ulnflow ilm resolve {who} --evidence REFERENCE"
    if code_of(standing) == WRONG:
        return f"ulnflow exception resolve {who} --decision again --reason WHY"
    return f"ulnflow exception resolve {who} --decision DECISION --reason WHY"
