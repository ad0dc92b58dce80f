"""What an answer of the LRS makes known of a learner: which ULN, matched with which details, on all their cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from states.asked import Answer
from states.learner.details import FIVE_DETAILS, Details, changed_fields
from states.learner.repository import HELD, IN_ERROR, UlnRecord
from states.learner.uln import fault
from states.ports import ReplyRow
from states.unit_of_work import UnitOfWork
from workflow import Move, Outcome, Standing
from workflow.store.dispatch_log import Dispatch, Member

DOUBTED: Final = ("data_challenge",)
"""The duty that an answer opens which does not fit the ULN held."""
WRONG: Final = "wrong_uln"
"""The code of an exception that is no answer: the ULN held proved wrong."""
WHOSE_ANSWER: Final = 16
"""Hexadecimal digits of a commitment that tell one answer from another."""
OTHER_CASES: Final = "received for the learner's other qualification as well"


@dataclass(frozen=True, slots=True)
class Matched:
    """An answer and whom it is about: the case, the file of ours and the place in it.

    `rivals` are answers of the same file for the same learner that say something else.
    """

    row: ReplyRow
    standing: Standing
    dispatch: Dispatch
    member: Member
    rivals: tuple[ReplyRow, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """What is known of learners before their answers are taken in: ULNs held or held once, details now and as sent."""

    ulns: Mapping[int, Sequence[UlnRecord]]
    current: Mapping[int, tuple[int, Details]]
    sent: Mapping[tuple[int, int], Details]

    def answer_id(self, one: Matched, commit: Callable[[int, str], str], echoed: frozenset[str]) -> str:
        """What an answer is known by: file, case, code and ULN, and whatever it says beyond those.

        That is older numbers, what differs, and details echoed that are not those sent.
        """
        row, learner = one.row, one.standing.subject
        sent = self.sent.get((learner, one.member.version))
        other = [name for name in sorted(echoed) if sent and getattr(row.echo, name) != getattr(sent, name)]
        said = [*row.linked, *row.differs, *(f"{name}={getattr(row.echo, name)}" for name in other)]
        parts = [f"answer:{one.dispatch.id}:{one.standing.case}:{row.code}"]
        parts.append(commit(learner, row.uln)[:WHOSE_ANSWER] if row.uln else "")
        parts += [commit(learner, chr(31).join(said))[:WHOSE_ANSWER]] if said else []
        return ":".join([*parts, *(["twice"] if one.rivals else [])])


def know(uow: UnitOfWork, matched: Sequence[Matched]) -> Known:
    """What is known of the learners of some answers, read at once."""
    subjects = [one.standing.subject for one in matched]
    went = {(one.standing.subject, one.member.version) for one in matched}
    sent = uow.learners.versions(went) if went else {}
    return Known(uow.learners.ulns(subjects), uow.learners.current(subjects), sent)


def match_facts(uow: UnitOfWork, one: Matched, known_of: Known) -> dict[str, Any]:
    """What a good answer makes known: which ULN of the learner's history, matched with which version, stale or not."""
    learner, version = one.standing.subject, one.member.version
    history = known_of.ulns.get(learner, ())
    wanted = one.row.uln or next((r.uln for r in history if r.status == HELD), "")
    number = next((r.number for r in history if r.uln == wanted and r.status != IN_ERROR), 0)
    sent = known_of.sent.get((learner, version))
    _, now = known_of.current[learner]
    today = uow.office.today().isoformat()
    moved_on = [name for name in changed_fields(sent, now) if name in FIVE_DETAILS] if sent else []
    number = number or max((r.number for r in history), default=0) + 1
    known = one.standing.facts
    return {
        "uln": number,
        "uln_since": known.get("uln_since") if known.get("uln") == number else uow.work.clock(),
        "match_version": version,
        "stale": dict.fromkeys(moved_on, today) or None,
    }


def merges(uow: UnitOfWork, one: Matched) -> bool:
    """Whether the answer's ULN is the master into which the LRS merged the one held."""
    held = uow.held_uln(one.standing.subject) if one.row.linked and one.standing.facts.get("uln") else ""
    return bool(held) and held in one.row.linked and one.row.uln != held


def owed_for_another(uow: UnitOfWork, standing: Standing, number: int) -> tuple[str, ...]:
    """The duties that arise where the ULN of a number in the history takes the place of the one held."""
    opens = []
    if number != standing.facts.get("uln"):
        opens += ["tell_learner"] if "told_at" in standing.facts else []
        opens += ["replace_uln_at_ilm"] if "registered_at" in standing.facts else []
    open_now = {name for _, name in uow.log.open_duties([standing.case]).get(standing.case, ())} if opens else set()
    return tuple(name for name in opens if name not in open_now)


def hold(uow: UnitOfWork, pairs: Sequence[tuple[Matched, Move]], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Write the ULNs that were accepted into the learners' histories, and tell the learners' other cases.

    Returns what became of other cases that waited for a ULN in place of a wrong one.
    """
    moved = [(one, move) for (one, move), outcome in zip(pairs, outcomes, strict=True) if outcome.result == "moved"]
    for one, _ in moved:
        if one.row.uln:
            uow.learners.hold_uln(one.standing.subject, one.row.uln, one.member.version)
            older = [number for number in one.row.linked if fault(number) is None]
            if older:
                uow.learners.keep_merged(one.standing.subject, older, one.member.version)
    return _tell_other_cases(uow, moved)


def _tell_other_cases(uow: UnitOfWork, moved: Sequence[tuple[Matched, Move]]) -> list[Outcome]:
    """The ULN is the learner's: cases that rest on it, or have not begun, know of the match as well.

    Those that lost it as a wrong one receive it.
    """
    known = {one.standing.subject: (one.standing.case, move) for one, move in moved}
    cases = {learner: own for learner, own in uow.learners.cases(known).items() if len(own) > 1}
    if not cases:
        return []
    others = uow.log.load([case for own in cases.values() for case in own])
    final, initial = uow.office.route.final_states(), uow.office.route.initial
    moves, again = [], []
    for standing in others.values():
        case, move = known[standing.subject]
        if standing.case != case and _lost_it(standing):
            again.append(_received(uow, standing, move))
            continue
        match = {name: move.facts[name] for name in ("uln", "match_version", "stale")}
        rests = "uln" in standing.facts or standing.state == initial
        if standing.case != case and standing.state not in final and rests and _differs(standing, match):
            moves.append(Move(case=standing.case, evidence={"case": case}, facts=match))
    if moves:
        uow.work.note("match_known", moves, shared=True)
    return uow.fire("receive_uln", again)


def _lost_it(standing: Standing) -> bool:
    return standing.state == "lrs_exception" and standing.facts.get("exception", {}).get("code") == WRONG


def _received(uow: UnitOfWork, standing: Standing, move: Move) -> Move:
    """The same ULN for another case of the learner, by the same file: a person decided that the old one is wrong."""
    uln = uow.held_uln(standing.subject)
    match = {name: move.facts[name] for name in ("uln", "uln_since", "match_version", "stale")}
    return Move(
        case=standing.case,
        dispatch=move.dispatch,
        reason="stated",
        evidence={"decision": "existing", "case": move.case},
        facts={"exception": None, "decision": None, "kept_answer": None, **match},
        commitments={"uln": uow.learners.commitment(standing.subject, uln)},
        private=Answer(uln, None, frozenset(), decided=True),
    )


def _differs(standing: Standing, match: dict[str, Any]) -> bool:
    return any(standing.facts.get(name) != value for name, value in match.items())
