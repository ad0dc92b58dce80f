"""A route is checked whole when it is read, and each fault is said with its place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from states.rules import LEARNER_RULES
from tests.fakes.loan import TOML, loan_route
from workflow import Route, read_route
from workflow.errors import DefinitionError

ILM = Path(__file__).parents[2] / "states" / "routes" / "ilm.toml"


def spoiled(*path: Any, value: Any = None) -> str:
    """The loan's TOML with one value set, or taken away when the value is None."""
    record: dict[str, Any] = tomllib.loads(TOML)
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return tomli_w.dumps(record)


def added(**transition: Any) -> str:
    record = tomllib.loads(TOML)
    record["transitions"].append(transition)
    return tomli_w.dumps(record)


FAULTS = {
    "the file is not TOML": ("[route", "is not TOML"),
    "the head lacks its name": (spoiled("route", "name"), r"\[route\] lacks name"),
    "the head lacks its version": (spoiled("route", "version"), r"\[route\] lacks version"),
    "the head is missing": ("x = 1", r"\[route\] lacks name"),
    "a key of the file is unknown": (spoiled("colour", value=1), "the file has the unknown key colour"),
    "a key of the head is unknown": (spoiled("route", "colour", value="red"), r"\[route\] has the unknown key colour"),
    "a key of a state is unknown": (
        spoiled("states", "lent", "colour", value="red"),
        "state lent has the unknown key colour",
    ),
    "a key of a transition is unknown": (
        spoiled("transitions", 0, "colour", value="red"),
        "transition lend has the unknown key colour",
    ),
    "a key of a duty is unknown": (
        spoiled("duties", "send_letter", "cloc", value=1),
        "duty send_letter has the unknown",
    ),
    "a key of an expectation is unknown": (
        spoiled("states", "lent", "expects", value=[{"trigger": "remind", "whn": []}]),
        "what state lent expects has the unknown key whn",
    ),
    "the initial state is unknown": (
        spoiled("route", "initial", value="wished"),
        "initial state wished is not declared",
    ),
    "an arrow comes from an unknown state": (
        added(trigger="wish", **{"from": "wished"}, to="lent"),
        "transition wish names the unknown state wished",
    ),
    "an arrow leads to an unknown state": (
        added(trigger="wish", **{"from": "lent"}, to="wished"),
        "transition wish names the unknown state wished",
    ),
    "a state cannot be reached": (
        spoiled("states", "burnt", value={"final": True}),
        "state burnt cannot be reached from requested",
    ),
    "a state is a dead end": (
        spoiled("transitions", 5, "to", value="lost").replace('from = "*"', 'from = ["requested", "overdue"]')
        + '[[transitions]]\ntrigger = "hide"\nfrom = "lent"\nto = "hidden"\n[states.hidden]\nowner = "x"\nclock = 1\n',
        "state hidden is a dead end",
    ),
    "no state is final": (
        '[route]\nname = "a"\nversion = 1\ninitial = "s"\n[states.s]\nowner = "x"\nclock = 1\n',
        "no state is final",
    ),
    "a rule does not exist": (
        spoiled("transitions", 0, "rules", value=["L9"]),
        "transition lend asks the unknown rule L9",
    ),
    "a rule asked always does not exist": (spoiled("route", "always", value=["L9"]), "asks the unknown rule L9"),
    "a warning rule does not exist": (
        spoiled("transitions", 2, "warns", value=["L9"]),
        "renew asks the unknown rule L9",
    ),
    "a state has no clock": (spoiled("states", "lent", "clock"), "state lent has no clock"),
    "a clock is negative": (
        spoiled("states", "lent", "clock", value=-1),
        "the clock of state lent must be a whole number",
    ),
    "a clock is a text": (
        spoiled("states", "lent", "clock", value="2"),
        "the clock of state lent must be a whole number",
    ),
    "a clock is true": (
        spoiled("states", "lent", "clock", value=True),
        "the clock of state lent must be a whole number",
    ),
    "a duty has no clock": (spoiled("duties", "send_letter", "clock"), "duty send_letter lacks clock"),
    "a duty has no owner": (spoiled("duties", "send_letter", "owner"), "duty send_letter lacks owner"),
    "a state has no owner": (spoiled("states", "lent", "owner"), "state lent has no owner"),
    "a trigger leaves a state twice": (
        added(trigger="lend", **{"from": "requested"}, to="lost"),
        "trigger lend leaves state requested twice",
    ),
    "a transition lacks its target": (spoiled("transitions", 0, "to"), "transition lend lacks to"),
    "a transition lacks its trigger": (spoiled("transitions", 0, "trigger"), "transition lacks trigger"),
    "an unknown duty is opened": (
        spoiled("transitions", 0, "opens", value=["dance"]),
        "transition lend opens the unknown duty dance",
    ),
    "an opened duty has no name": (
        spoiled("transitions", 0, "opens", value=[{"when": "torn"}]),
        "what transition lend opens lacks duty",
    ),
    "what is expected does not leave the state": (
        spoiled("states", "requested", "expects", value=[{"trigger": "remind"}]),
        "state requested expects remind, which does not leave it",
    ),
    "what is expected when is no rule": (
        spoiled("states", "requested", "expects", value=[{"trigger": "lend", "when": ["L9"]}]),
        "expects lend when L9 holds, which is no rule",
    ),
    "something else is required": (
        spoiled("transitions", 0, "requires", value=["blood"]),
        "transition lend requires blood: only reason and evidence",
    ),
    "a deadline is half a deadline": (
        spoiled("states", "lent", "deadline", value={"name": "due_back"}),
        "the deadline of state lent lacks before",
    ),
    "a state is no table": (spoiled("states", "lent", value=3), "state lent must be a table"),
    "the states are no table": (spoiled("states", value=3), "states of the file must be a table"),
    "a transition is no table": (spoiled("transitions", value=[1]), "a transition must be a table"),
    "a source is a number": (
        spoiled("transitions", 0, "from", value=1),
        "from of transition lend must be a text or a list",
    ),
    "a source is a list of lists": (
        spoiled("transitions", 0, "from", value=[["requested"]]),
        "from of transition lend must hold texts only",
    ),
    "a version is a text": (spoiled("route", "version", value="1"), r"version of \[route\] must be a whole number"),
}


@pytest.mark.parametrize(("text", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named_with_its_place_when(text: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says) as caught:
        loan_route(text)
    assert str(caught.value).startswith("loan.toml: ")


def test_every_fault_is_said_at_once() -> None:
    text = spoiled("states", "lent", "clock").replace("L1", "L9").replace("send_letter", "dance", 1)
    with pytest.raises(DefinitionError) as caught:
        loan_route(text)
    said = " ".join(caught.value.faults)
    assert all(word in said for word in ("no clock", "rule L9", "duty dance"))


def test_the_loan_is_read_whole() -> None:
    route = loan_route()
    assert route.triggers_from("lent") == ("remind", "renew", "take_back", "write_off")
    assert route.final_states() == ("returned", "lost")
    assert route.arrows["renew", "overdue"].target == "overdue"
    assert route.arrows["renew", "lent"].rules == ("L0", "L1", "L2")
    assert route.arrows["renew", "lent"].warns == {"L2"}
    assert route.triggers["lend"] == "lend the book"


def test_a_star_means_every_open_state() -> None:
    arrows = loan_route().arrows
    assert {source for trigger, source in arrows if trigger == "write_off"} == {"requested", "lent", "overdue"}


def test_a_centre_sets_its_own_clocks_and_the_hash_stays() -> None:
    own = loan_route(clocks={"lent": 99, "send_letter": 98})
    assert (own.states["lent"].clock, own.duties["send_letter"].clock) == (99, 98)
    assert own.hash == loan_route().hash


def test_a_clock_for_nothing_is_a_fault() -> None:
    with pytest.raises(DefinitionError, match="a clock is set for lnet, which is neither a state nor a duty"):
        loan_route(clocks={"lnet": 3})


def test_a_clock_in_the_file_does_not_change_the_hash() -> None:
    changed = spoiled("states", "lent", "clock", value=3)
    changed = changed.replace("before = 3", "before = 4")
    assert loan_route(changed).hash == loan_route().hash
    assert loan_route(spoiled("duties", "send_letter", "clock", value=7)).hash == loan_route().hash


@pytest.mark.parametrize(
    "text",
    [
        spoiled("route", "version", value=2),
        spoiled("route", "name", value="lending"),
        spoiled("route", "always", value=[]),
        spoiled("states", "lent", "title", value="Out"),
        spoiled("states", "lent", "owner", value="desk"),
        spoiled("states", "overdue", "clock_from", value="due"),
        spoiled("states", "lent", "expects"),
        spoiled("transitions", 0, "rules", value=["L2"]),
        spoiled("transitions", 1, "opens", value=["send_letter"]),
        spoiled("transitions", 2, "warns"),
        spoiled("transitions", 4, "requires", value=["reason"]),
        spoiled("transitions", 5, "to", value="overdue"),
        spoiled("duties", "block_card", "owner", value="reader"),
        added(trigger="burn", **{"from": "lent"}, to="lost"),
    ],
)
def test_anything_else_changes_the_hash(text: str) -> None:
    assert loan_route(text).hash != loan_route().hash


def test_comments_and_order_of_keys_do_not_change_the_hash() -> None:
    assert loan_route(tomli_w.dumps(tomllib.loads(TOML))).hash == loan_route().hash


def test_the_learners_route_reads_with_the_learners_rules() -> None:
    route = read_route(ILM.read_text(encoding="utf-8"), source="ilm.toml", rules=LEARNER_RULES)
    assert isinstance(route, Route)
    asked = {code for arrow in route.arrows.values() for code in arrow.rules}
    assert asked == set(LEARNER_RULES)
