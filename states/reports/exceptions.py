"""What a person must decide: LRS exceptions, ILM exceptions, and answers that contradict a ULN already held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from states import deciding
from states.counting import counted
from states.deciding import answer_of, assigned_to, challenge_of, code_of, doubtful, open_decisions, spelled
from states.reports.commands import quoted
from states.to_type import names_to_type
from states.unit_of_work import Office
from workflow import Standing
from workflow.working_days import between, day_of

LRS, ILM, DOUBT = "LRS", "ILM", "LRS, beside the ULN held"
WRONG = "wrong_uln"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRow:
    """One decision that waits: where it comes from, the code, what it means, and what to type.

    `assigned` is the person asked to decide, `challenge` the reference of a data challenge that holds it; both are
    empty when there is none. `working_days` counts since the answer came.
    """

    reference: str
    cohort: str
    origin: str
    code: str
    working_days: int
    assigned: str
    challenge: str
    meaning: str
    next_command: str


def exceptions(office: Office, *, code: str = "", to: str = "") -> list[ExceptionRow]:
    """Every open decision, the oldest first; only those of a code, or those assigned to a person."""
    with office.look() as look:
        wanted = spelled(look, code)
        found = [
            (at, s)
            for at, s in open_decisions(look)
            if (not wanted or code_of(s).casefold() in wanted) and (not to or assigned_to(s) == to)
        ]
        waiting = [s for _, s in found]
        names, to_type = look.references(waiting), names_to_type(look, waiting)
        today, closed = office.today(), office.policy.closed
        return [
            ExceptionRow(
                reference=names[s.case],
                cohort=s.cohort,
                origin=origin_of(s),
                code=code_of(s),
                working_days=between(day_of(at), today, closed),
                assigned=assigned_to(s),
                challenge=str(challenge_of(s).get("reference", "")),
                meaning=meaning_of(office, s),
                next_command=_command(s, to_type[s.case]),
            )
            for at, s in found
        ]


def origin_of(standing: Standing) -> str:
    """Whose answer waits for a decision."""
    return {deciding.ILM: ILM, deciding.LRS: LRS}.get(standing.state, DOUBT)


def meaning_of(office: Office, standing: Standing) -> str:
    """What the answer that waits for a decision means, in plain words, what differs, and what was agreed since."""
    differs = ", ".join(answer_of(standing).get("differs", ()))
    parts = (
        "It was decided to ask again." if standing.facts.get("decision") == "again" else "",
        _meaning(office, standing),
        f"Different: {differs}." if differs else "",
        held_by(office, standing),
    )
    return " ".join(filter(None, parts))


def held_by(office: Office, standing: Standing) -> str:
    """The data challenge that holds a case, with its reference and age; empty when none does."""
    challenge = challenge_of(standing)
    if not challenge:
        return ""
    age = between(date.fromisoformat(challenge["since"]), office.today(), office.policy.closed)
    days = counted(max(age, 0), "working day")
    return f"Held by data challenge {challenge['reference']} at the LRS since {challenge['since']} ({days})."


def _meaning(office: Office, standing: Standing) -> str:
    code = str(answer_of(standing).get("code", ""))
    if code == WRONG:
        return "The ULN held proved wrong."
    if code:
        return office.plugs.lrs.classify(code)[1]
    return "ILM reports that the ULN does not match." if standing.state == deciding.ILM else ""


def _command(standing: Standing, reference: str) -> str:
    who = quoted(reference)
    if standing.facts.get("decision") == "again":
        return f"ulnflow lrs submit {who}"
    if standing.state == deciding.ILM and not doubtful(standing):
        return f"ulnflow ilm resolve {who} --evidence REFERENCE"
    if code_of(standing) == WRONG:
        return f"ulnflow exception resolve {who} --decision again --reason WHY"
    return f"ulnflow exception resolve {who} --decision DECISION --reason WHY"
