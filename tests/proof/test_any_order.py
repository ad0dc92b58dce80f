"""Commands in any order a person could type them in: after each the log holds and says what the board says."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.fakes import postgres
from tests.fakes.centre import Result, row, uln
from tests.proof.places import STAGES, Place, place_at, references
from tests.proof.scale import SOAK, at_scale

PEOPLE = references(6)
SETTINGS = settings(
    max_examples=at_scale(4, 60),
    stateful_step_count=at_scale(10, 30),
    derandomize=not SOAK,
    phases=[Phase.generate],  # a failure is told as it happened: shrinking it would take longer than finding it
    report_multiple_bugs=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
who = st.sampled_from(PEOPLE)
some = st.lists(who, min_size=1, max_size=3, unique=True)
answer = st.sampled_from(["own", "own", "own", "another's", "RC006", "WSVRC003", "none", "odd"])
MINDLESS = {"lrs submit", "lrs receive", "cohort import", "learner edit", "ilm register", "cohort waive"}
"""Commands whose repeat writes nothing at all; of the others a second attempt by a person may be kept, as a refusal."""


class AnyOrder(RuleBasedStateMachine):
    """One centre; `on` is the database it works on."""

    on = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="ulnflow-order-"))
        self.place: Place
        self.ran: Counter[str] = Counter()

    @initialize(stage=st.sampled_from(STAGES))
    def begin(self, stage: str) -> None:
        self.place = place_at(stage, self.on, self.home / "centre")
        self.route = self.place.route()

    # --- how a command is typed ---------------------------------------------------------------------------------

    def type(self, *words: Any, stdin: str = "") -> Result:
        """As a rehearsal, for real, and once more."""
        place, name = self.place, " ".join(map(str, words[:2]))
        self.ran[name] += 1
        before = place.snapshot()
        sound(place.run(*words, "--dry-run", stdin=stdin))
        assert place.snapshot() == before, f"a dry run of {words} changed something"
        result = sound(place.run(*words, stdin=stdin))
        size, cases = place.count(), self.standings()
        sound(place.run(*words, stdin=stdin))
        more = Counter(kind for (kind,) in place.rows("SELECT kind FROM event WHERE position > ?", size))
        if name in MINDLESS:
            assert not more, f"{words} once more wrote {dict(more)}"
        assert set(more) <= {"refused", "run_began", "run_ended"}, f"{words} once more wrote {dict(more)}"
        assert self.standings() == cases
        return result

    def standings(self) -> list[tuple[Any, ...]]:
        return self.place.rows("SELECT id, subject, cohort, state, facts FROM cases ORDER BY id")

    # --- what people do -----------------------------------------------------------------------------------------

    @rule(people=some, lacks=st.sampled_from(["", "Postcode", "ID seen"]), cohort=st.sampled_from(["NF-1", "NF-2"]))
    def enrol(self, people: list[str], lacks: str, cohort: str) -> None:
        rows = [{**row(reference), **({lacks: ""} if lacks else {})} for reference in people]
        self.type("cohort", "import", self.place.sheet(rows), "--cohort", cohort)

    @rule(via=st.sampled_from(["batch", "batch", "portal"]))
    def submit(self, via: str) -> None:
        self.type("lrs", "submit", "--via", via)

    @precondition(lambda self: bool(self.place.batches()))
    @rule(answers=st.lists(answer, min_size=6, max_size=6), pick=st.integers(0, 5))
    def receive(self, answers: list[str], pick: int) -> None:
        batches = self.place.batches()
        path = batches[pick % len(batches)]
        given: dict[str, str | tuple[str, str]] = {}
        for one, what in zip(self.place.batch(path), answers, strict=False):
            number = PEOPLE.index(one["MISIdentifier"]) + 1
            said = {"own": uln(number), "another's": uln(1), "none": None, "odd": ("", "RC999")}
            if (told := said.get(what, ("", what))) is not None:
                given[one["MISIdentifier"]] = told
        if given:
            self.type("lrs", "receive", self.place.reply(given, to=path, name=f"reply-{pick}.csv"))

    @rule(people=some, how=st.sampled_from(["email", "letter"]))
    def tell(self, people: list[str], how: str) -> None:
        self.about(people, "uln", "told", "--how", how)

    @rule(cohort=st.sampled_from(["NF-1", "NF-2"]))
    def waive(self, cohort: str) -> None:
        self.type("cohort", "waive", cohort, "--reason", "the window closes")

    @rule()
    def agree(self) -> None:
        self.place.agree()

    @rule()
    def register(self) -> None:
        self.type("ilm", "register")

    @rule(people=some)
    def confirm(self, people: list[str]) -> None:
        self.about(people, "ilm", "confirm", "--order", "WG-1")

    @rule(people=some)
    def finish(self, people: list[str]) -> None:
        self.about(people, "lar", "confirm", "--by", "ilm", "--reference", "L-1")

    @rule(one=who, back=st.booleans())
    def leave(self, one: str, back: bool) -> None:
        if back:
            self.about([one], "learner", "reinstate", "--reason", "came back")
        else:
            self.about([one], "learner", "withdraw", "--reason", "left_course")

    @rule(people=some)
    def recall(self, people: list[str]) -> None:
        self.about(people, "lrs", "recall", "--reason", "asked too early")

    @rule(one=who, postcode=st.sampled_from(["B1 1AA", "CV4 9EE", "-"]))
    def edit(self, one: str, postcode: str) -> None:
        self.about([one], "learner", "edit", field="postcode", stdin=f"{postcode}\n")

    @rule(one=who)
    def decide(self, one: str) -> None:
        self.about([one], "exception", "resolve", "--decision", "again", "--reason", "checked against the passport")

    @rule(one=who)
    def alternative(self, one: str) -> None:
        self.about([one], "route", "alternative", "--reason", "the window closes", "--yes")

    @rule()
    def advance(self) -> None:
        self.type("advance", "reuse_uln", "--state", "details_gathered")

    def about(self, people: list[str], noun: str, verb: str, *options: str, field: str = "", stdin: str = "") -> None:
        self.type(noun, verb, *people, *([field] if field else []), *options, stdin=stdin)

    # --- what always holds --------------------------------------------------------------------------------------

    @invariant()
    def log_holds(self) -> None:
        """Every standing, duty and place in a file is what the events add up to."""
        if hasattr(self, "place"):
            self.place.holds()

    @invariant()
    def only_ways_of_the_route_were_gone(self) -> None:
        if hasattr(self, "place"):
            arrows = {(a.trigger, a.source): a.target for a in self.route.arrows.values()}
            for trigger, source, target in self.place.rows(
                "SELECT DISTINCT trigger, source, target FROM event WHERE kind='moved'"
            ):
                assert arrows[trigger, source] in {target, "="}, (trigger, source, target)

    @invariant()
    def board_counts_everybody_once(self) -> None:
        if hasattr(self, "place"):
            board = json.loads(self.place.do("status", "--format", "json").out)
            ((cases,),) = self.place.rows("SELECT count(*) FROM cases")
            assert sum(line["learners"] for line in board) == cases

    def teardown(self) -> None:
        if hasattr(self, "place") and self.place.address:
            postgres.drop(self.place.address)
        shutil.rmtree(self.home, ignore_errors=True)
        TYPED.update(self.ran)


TYPED: Counter[str] = Counter()


def sound(result: Result) -> Result:
    """A command ends in words and with an exit code that is documented."""
    assert result.code in {0, 1, 2, 4}, result.said
    assert "nobody foresaw" not in result.said, result.said
    return result


class OnServer(AnyOrder):
    on = "postgresql"


@pytest.mark.timeout(at_scale(300, 7_200))
@pytest.mark.parametrize("machine", [AnyOrder, OnServer], ids=["sqlite", "postgresql"])
def test_in_any_order_commands_keep_the_log_whole_and_a_repeat_adds_nothing(machine: type[AnyOrder]) -> None:
    """The projection is the fold of the events, only ways of the route are gone, a dry run leaves nothing."""
    TYPED.clear()
    run_state_machine_as_test(machine, settings=SETTINGS)
    print(f"{machine.on}: {sum(TYPED.values())} commands, each rehearsed, typed and repeated: {dict(TYPED)}")
