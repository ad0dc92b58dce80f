"""An answer typed back from the LRS portal: what cannot be right of it is refused before anything is written."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from states.errors import NotPossible, Prevented
from states.learner.uln import fault
from states.ports import CodeClass
from states.unit_of_work import Office
from workflow import Standing
from workflow.working_days import day_of

CODE: Final = re.compile(r"[A-Z]{2,6}[0-9]{1,6}")
"""What a return code looks like; anything else that is typed for one may be a ULN, and stays out of the log."""


def read_uln(text: str) -> str:
    """The ULN as typed, without the blanks inside; empty for none. Raises NotPossible, without it, for what is none."""
    uln = "".join(text.split())
    if uln and fault(uln):
        raise NotPossible(
            "what was typed is no ULN: ten digits, the first not 0, the last a check digit, and not the placeholder. "
            "Compare it with the portal and give it again; nothing was recorded"
        )
    return uln


def read_code(office: Office, code: str, uln: str) -> tuple[str, CodeClass, str]:
    """The code, its class and its meaning; a ULN alone is RC001. Raises NotPossible for what is no code."""
    code = (code or ("RC001" if uln else "")).strip().upper()
    if not code:
        raise NotPossible("give the ULN the portal shows, or the code it answered with")
    outcome, meaning = office.plugs.lrs.classify(code)
    if outcome == "unknown" and not CODE.fullmatch(code):
        raise NotPossible("that is no LRS code, such as RC001 or WSVRC003; a ULN is typed when it is asked for")
    return code, outcome, meaning


def refuse_without_uln(office: Office, standing: Standing, code: str, outcome: str, uln: str) -> None:
    """Success without the ULN says nothing, unless it confirms the one held: it would make an exception of it."""
    if outcome == "success" and not uln and ("confirm_match", standing.state) not in office.route.arrows:
        raise NotPossible(
            f"{code} says that the LRS has a ULN for this learner: give the ULN on standard input, or type it when it "
            "is asked for; nothing was recorded"
        )


def refuse_day(office: Office, standing: Standing, on: date | None) -> None:
    """A day no answer can have come on would make an exception of a good answer."""
    if on is not None and not day_of(standing.occurred_at) <= on <= office.today():
        raise Prevented(
            f"the answer cannot have come on {on}: the step before was on {day_of(standing.occurred_at)}, "
            f"and today is {office.today()}"
        )
