"""A route as a picture: the steps in a row, the alternative beside them, counts where they are known."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given

from states.rules import LEARNER_RULES
from tests.fakes.loan import TOML, loan_route
from tests.fakes.routes import routes
from workflow import read_route
from workflow.diagram import mermaid, text

ILM = read_route(
    (Path(__file__).parents[2] / "states" / "routes" / "ilm.toml").read_text(encoding="utf-8"),
    source="ilm.toml",
    rules=LEARNER_RULES,
)
ASIDE = ("lrs_exception", "ilm_exception", "withdrawn", "closed_without_lar")


def test_the_text_shows_six_steps_in_order_with_the_alternative_beside():
    assert text(ILM) == (
        "1  Details gathered          ->  Registered without a ULN  then 2\n"
        "|\n"
        "2  Submitted to the LRS\n"
        "|\n"
        "3  ULN received\n"
        "|\n"
        "4  ULN passed to the learner ->  LAR created\n"
        "|                                |\n"
        "5  Registered with ILM           LAR cross-referenced\n"
        "|                                |\n"
        "6  LAR updated               <-  Results submitted\n"
        "\n"
        "On the way: LRS exception, ILM exception, Withdrawn, Closed without LAR\n"
    )


def test_counts_stand_beside_every_state():
    drawn = text(ILM, {"details_gathered": 12, "lar_created": 3, "withdrawn": 1})
    assert re.search(r"1  Details gathered +12 ->  Registered without a ULN +0", drawn)
    assert re.search(r"LAR created +3$", drawn, re.MULTILINE)
    assert "Withdrawn 1" in drawn


def test_the_text_is_plain_ascii_for_any_terminal():
    assert text(ILM, {"lar_updated": 1_000_000}).isascii()


def test_a_route_without_numbered_steps_follows_what_is_expected():
    assert text(loan_route()).splitlines()[:5] == [
        "1  Requested",
        "|",
        "2  Lent      ->  Overdue",
        "|",
        "3  Returned",
    ]


def test_mermaid_leaves_out_what_happens_on_the_way():
    drawn = mermaid(ILM)
    assert drawn.startswith("flowchart LR\n")
    assert all(name in drawn for name in ILM.states if name not in ASIDE)
    assert not any(name in drawn for name in ASIDE)


def test_mermaid_numbers_the_steps_and_counts_the_cases():
    drawn = mermaid(ILM, {"uln_received": 4})
    assert 'uln_received["3. ULN received<br/>4"]' in drawn
    assert 'lar_created["LAR created<br/>0"]' in drawn


def test_the_full_picture_has_every_state_and_every_arrow():
    drawn = mermaid(ILM, full=True)
    assert all(f"{name}[" in drawn for name in ILM.states)
    pairs = {(arrow.source, arrow.target) for arrow in ILM.arrows.values()}
    assert {(a, b) for a, b in re.findall(r'^    (\w+) -->\|".*"\| (\w+)$', drawn, re.MULTILINE)} == pairs


def test_a_title_cannot_break_out_of_its_quotes():
    route = loan_route(TOML.replace('"Lent"', "'\"]; x'"))
    assert 'lent["2. #quot;]; x"]' in mermaid(route)


@given(routes())
def test_every_route_can_be_drawn(route):
    for drawn in (mermaid(route), mermaid(route, {}, full=True)):
        assert drawn.startswith("flowchart LR\n")
    for state in route.states.values():
        assert state.title in text(route, {})
