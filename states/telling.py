"""A learner told the ULN, or not: what the commands that record it, send it and hear back of it have in common."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

from states import effects
from states.facts import addressed
from states.rules import NO_ADDRESS
from states.tally import Refusal, Tally
from states.to_type import names_to_type
from states.unit_of_work import Glance, UnitOfWork
from states.vocabulary import MESSAGE, NOT_ACTIVE
from workflow import Move, Outcome, Standing

AT_ONCE: Final = 10
"""How many learners a command to type names."""

OWED: Final = ("tell_learner", "tell_learner_again")
"""The duties that telling closes."""


def is_owed(look: Glance, standing: Standing) -> bool:
    """Whether a learner is still to be told: in the state for it, or by a duty."""
    return standing.state == "uln_received" or any(
        duty in OWED for _, duty in look.log.open_duties([standing.case]).get(standing.case, ())
    )


def unaddressed(look: Glance, standings: Iterable[Standing]) -> set[int]:
    """The cases no e-mail can have reached: no address is on file, and no message of ours was made for one."""
    subjects = {s.case: s.subject for s in standings}
    return subjects.keys() - addressed(look.learners, look.dispatches, subjects)


def how_to_tell(look: Glance, standings: Sequence[Standing]) -> list[str]:
    """What to do with messages that wait: by e-mail for who has an address, by letter for who has none."""
    without = unaddressed(look, standings)
    lines = []
    if len(without) < len(standings):
        sent = "ulnflow uln send --all"
        lines.append(sent if look.office.policy.mails else "send the e-mails, then: ulnflow uln told --how email --all")
    if without:
        names = names_to_type(look, [s for s in standings if s.case in without])
        lines.append(by_letter(names.values() if lines else ()))
    return lines


def by_letter(names: Iterable[str]) -> str:
    """What to type of learners once their letters were handed over; of all whose message waits where none is named."""
    few = list(islice(names, AT_ONCE + 1))
    who = f"{' '.join(map(shlex.quote, few))} --how letter" if few else "--how letter --all"
    return f"hand over the letters, then: ulnflow uln told {who if len(few) <= AT_ONCE else 'REFERENCE --how letter'}"


def leave_out(look: Glance, standings: Sequence[Standing], tally: Tally) -> list[Standing]:
    """Those of some learners whom an e-mail can have reached; the others are told, with what to do about them."""
    without = unaddressed(look, standings)
    if without:
        tell_of_letters(look, [s for s in standings if s.case in without], tally)
    return [s for s in standings if s.case not in without]


def tell_of_letters(look: Glance, without: Sequence[Standing], tally: Tally) -> None:
    """Say who has no e-mail address, and what to do about them."""
    names = sorted(names_to_type(look, without).values())
    tally.counts["have no e-mail address: hand over the letter"] += len(names)
    tally.notes.append(f"without an e-mail address: {listed(names)}")
    tally.next.append(by_letter(names))


def number_of(look: Glance, dispatch: int, case: int, subject: int) -> str:
    """The number of a message: its set, the case, and a code that nobody outside can make up."""
    plain = f"D{dispatch}.{case}"
    return f"{plain}.{look.learners.commitment(subject, plain)[:16]}"


def mail_file(dispatch: int, case: int) -> str:
    """The name of the e-mail file of a message."""
    return f"D{dispatch}-{case}.eml"


def record(
    uow: UnitOfWork,
    standings: Sequence[Standing],
    tally: Tally,
    *,
    evidence: Mapping[str, Any],
    on: date | None = None,
    reason: str = "",
    command_id: str = "",
) -> list[Outcome]:
    """Record that learners were told the ULN held now: `evidence` names how, and by whom; what was owed is closed.

    Each is read anew under the lock. A message of ours that waits for it counts as having done it.
    """
    names = uow.references(standings)
    standings = list(uow.log.load([s.case for s in standings]).values())
    waiting = uow.dispatches.waiting([s.case for s in standings], [MESSAGE])
    on_route: list[Move] = []
    beside: list[Move] = []
    touched: set[int] = set()
    mailed = evidence["how"] == "email" and "message" not in evidence
    without = unaddressed(uow, standings) if mailed else set()
    for standing in standings:
        places = waiting.get(standing.case, ())
        duties = uow.close_duties(standing.case, *OWED)
        touched |= {d.id for _, d in places}
        move = Move(
            case=standing.case,
            on=on,
            reason=reason,
            evidence=evidence,
            facts=effects.told(standing, str(evidence["how"]), on, uow.work.clock()),
            dispatch=places[-1][1].id if places else None,
            settles="answered" if places else None,
            closes=duties,
            command_id=command_id,
        )
        left = standing.state in NOT_ACTIVE and bool(places)
        if standing.state != "uln_received" and (duties or left) and standing.facts.get("uln"):
            if standing.case in without:
                tally.counts["refused"] += 1
                name = names[standing.case]
                tally.refusals.append(Refusal(name, standing.state, "P1", "no_address", "email", NO_ADDRESS))
                continue
            beside.append(move)
        elif standing.state == "uln_passed_to_learner" and standing.facts.get("told_uln") == standing.facts.get("uln"):
            tally.counts["told before, nothing changed"] += 1
        else:
            on_route.append(move)
    outcomes = uow.fire("pass_uln_to_learner", on_route, bulk=len(on_route) > 1)
    outcomes += uow.note("learner_told", beside)
    tally.add(outcomes, names, "told their ULN")
    uow.settle_all(touched, proved_by="telling")
    return outcomes


def listed(names: Iterable[str]) -> str:
    """A line's worth of references."""
    every = list(names)
    return ", ".join(every[:10]) + (f" and {len(every) - 10} more" if len(every) > 10 else "")  # noqa: PLR2004 - a line's worth
