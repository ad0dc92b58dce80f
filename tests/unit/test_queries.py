"""The read side: counts, lists and events of many cases, in plain SQL that names its states."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.contract.stores import STORES
from tests.fakes.loan import DAY, DESK, MONDAY, desk_on
from tests.fakes.plans import plans
from workflow import Move
from workflow.event import Event, parse
from workflow.store.dispatch_log import Dispatch, DispatchLog
from workflow.store.event_log import Draft
from workflow.store.history import event_of
from workflow.store.queries import Queries
from workflow.working_days import day_of, start_of

FOREVER = 2**62


@pytest.fixture(params=STORES)
def desk(request, tmp_path):
    desk = desk_on(STORES[request.param](tmp_path))
    yield desk
    desk.database.close()


@pytest.fixture
def ask(desk):
    """Put one question to the read side."""

    def asking(name, *arguments, **named):
        with desk.database.reading() as connection:
            found = getattr(Queries(connection), name)(*arguments, **named)
            return found if isinstance(found, (dict, list, int)) else list(found)

    return asking


def file(desk, number, state, members, *, kind="letter", sent_at=None, prepared_at=MONDAY):
    """A file with members given as (case, state of its place)."""
    with desk.database.writing() as connection:
        log = DispatchLog(connection)
        log.add(
            Dispatch(number, "out", kind, f"file{number}.txt", "", "d", state, prepared_at, sent_at, len(members)),
            [(case, row, 1) for row, (case, _) in enumerate(members, 1)],
        )
        raw = connection
        for case, place in members:
            raw.execute("UPDATE dispatch_member SET state=? WHERE dispatch=? AND case_id=?", (place, number, case))


def refuse(desk, *cases, **facts):
    """A refusal by L1 that is remembered."""
    desk.library.banned |= {100 + case for case in cases}
    desk.engine.fire_many("lend", list(cases), DESK)


# --- who stands where


def test_cases_are_counted_by_cohort_and_state(desk, ask):
    desk.open(2, cohort="A")
    (last,) = desk.open(1, cohort="B")
    desk.engine.fire("lend", Move(case=last), DESK)
    assert ask("counts") == {("A", "requested"): 2, ("B", "lent"): 1}
    assert ask("counts", "B") == {("B", "lent"): 1}


def test_cases_are_listed_oldest_clock_first_and_no_more_than_asked(desk, ask):
    first, second = desk.open(1, cohort="A"), desk.open(1, cohort="B")
    desk.clock.now += 5 * DAY
    third = desk.open(1, cohort="A")
    assert [p.case for p in ask("places", ["requested"])] == [*first, *second, *third]
    assert [p.case for p in ask("places", ["requested"], limit=1)] == first
    assert [p.case for p in ask("places", ["requested"], before=MONDAY + DAY)] == [*first, *second]
    assert [p.case for p in ask("places", ["requested", "lent"], cohorts=["A"])] == [*first, *third]
    assert ask("places", ["lent"]) == []


def test_a_clock_that_has_not_begun_is_before_no_moment(desk, ask):
    (case,) = desk.open()
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.engine.fire("remind", Move(case=case), DESK)
    assert ask("began_before", "overdue", FOREVER) == {}
    assert [p.clock_from for p in ask("places", ["overdue"])] == [None]


ONCE = "event_once", "sqlite_autoindex_event_1"
"""What the two databases call the index of the rule that a place in a case is taken once."""

QUESTIONS = {
    "places": (lambda q: q.places(["lent"], before=9, limit=5), "cases_by_state"),
    "began_before": (lambda q: q.began_before("lent", 9), "cases_by_state"),
    "counts of a cohort": (lambda q: q.counts("A"), "cases_by_cohort"),
    "numbers of a cohort": (lambda q: q.numbers(cohort="A", states=["lent"]), "cases_by_cohort"),
    "history": (lambda q: q.events(case=1), ONCE),
    "actor and period": (lambda q: q.events(actor="Ada Desk", since=1, until=2), "event_by_actor"),
    "rare kind": (lambda q: q.events(kind="cohort_waived", latest=100), "event_rare"),
    "looks": (lambda q: q.looks_at(1), "event_rare"),
    "as of": (lambda q: q.as_of(1, by="recorded"), ONCE),
    "each as of": (lambda q: q.each_as_of(1), ONCE),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_from_its_index(desk, question):
    ask, index = QUESTIONS[question]
    desk.open(3, cohort="A")
    with desk.database.reading() as connection:
        found = plans(connection, lambda watched: ask(Queries(watched)))
    assert any(name in found[-1] for name in (index if index is ONCE else [index])), found


def test_the_oldest_of_a_state_are_listed_without_sorting(desk):
    with desk.database.reading() as connection:
        (plan,) = plans(connection, lambda watched: Queries(watched).places(["lent"], before=9, limit=5))
    assert "TEMP B-TREE" not in plan
    assert "  ->  Sort" not in plan


def test_the_numbers_of_a_cohort_and_of_states_are_eight_bytes_each(desk, ask):
    first, second = desk.open(2, cohort="A"), desk.open(1, cohort="B")
    desk.engine.fire("lend", Move(case=first[0]), DESK)
    assert list(ask("numbers")) == [*first, *second]
    assert list(ask("numbers", limit=2)) == first
    assert list(ask("numbers", states=["requested"])) == [first[1], *second]
    assert list(ask("numbers", cohort="A", states=["lent", "overdue"])) == [first[0]]
    with desk.database.reading() as connection:
        assert Queries(connection).numbers().itemsize == 8


def test_a_case_is_free_unless_an_open_file_holds_it_or_a_refusal_blocks_it(desk, ask):
    held, answered, refused, free = desk.open(4)
    file(desk, 1, "sent", [(held, "open"), (answered, "answered")])
    file(desk, 2, "rejected", [(free, "open")])
    file(desk, 3, "sent", [(free, "open")], kind="bill")
    refuse(desk, refused)
    assert ask("free", {"requested": ["letter"], "lent": []}) == {"requested": 2}
    assert ask("free_cases", "requested", ["letter"], 10) == [answered, free]
    assert ask("began_before", "requested", FOREVER, free=["letter"]) == {"": 2}
    assert ask("free_cases", "requested", ["letter", "bill"], 10) == [answered]
    assert ask("free_cases", "requested", [], 10) == [held, answered, free]
    assert ask("began_before", "requested", FOREVER) == {"": 4}


# --- why not


def test_a_refusal_is_remembered_with_its_reasons_until_the_case_moves(desk, ask):
    (case,) = desk.open(1, cohort="A")
    refuse(desk, case)
    (found,) = ask("refusals", ["requested"])
    assert (found.case, found.cohort, found.trigger) == (case, "A", "lend")
    assert [(o["rule"], o["code"]) for o in found.said] == [("L1.2", "banned")]
    assert ask("refusals", ["lent"]) == ask("refusals", ["requested"], cohort="B") == []
    assert ask("refusals", ["requested"], cases=[case + 1]) == []
    assert len(ask("refusals", ["requested"], cases=[case])) == 1
    desk.library.banned.clear()
    desk.engine.fire("lend", Move(case=case), DESK)
    assert ask("refusals", list(desk.route.states)) == []


def test_the_same_refusal_of_many_is_counted_by_cohort(desk, ask):
    cases = desk.open(3, cohort="A")
    refuse(desk, *cases)
    (shared,) = ask("shared_refusals", ["requested"])
    assert (shared.cohort, shared.state, shared.trigger, shared.cases) == ("A", "requested", "lend", 3)
    assert ask("shared_refusals", ["requested"], "B") == []


def test_a_trigger_that_does_not_leave_the_state_blocks_nobody(desk, ask):
    slipped, refused = desk.open(2)
    refuse(desk, refused)
    desk.engine.fire_many("take_back", [slipped, refused], DESK)
    assert desk.count("blocked") == 3
    assert ask("free", {"requested": []}) == {"requested": 1}
    assert ask("free_cases", "requested", [], 9) == [slipped]
    assert ask("began_before", "requested", FOREVER, free=[]) == {"": 1}
    assert [(r.case, r.trigger) for r in ask("refusals", ["requested"])] == [(refused, "lend")]
    assert [(s.trigger, s.cases) for s in ask("shared_refusals", ["requested"])] == [("lend", 1)]


def test_a_refusal_for_rules_that_are_left_out_blocks_nobody(desk):
    desk.open()
    refuse(desk, 1)
    with desk.database.reading() as connection:
        assert Queries(connection, ignoring=["L"]).free_cases("requested", [], 9) == []
        assert Queries(connection, ignoring=["L1"]).free_cases("requested", [], 9) == [1]


# --- duties and files


def test_open_duties_are_found_by_name_age_cohort_and_case(desk, ask):
    (case,) = desk.open(1, cohort="A", repeat_offender=True)
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.engine.fire("remind", Move(case=case), DESK)
    every = dict.fromkeys(desk.route.duties, FOREVER)
    assert [(d.duty, d.case, d.state, d.cohort) for d in ask("duties", every)] == [
        ("block_card", case, "overdue", "A"),
        ("send_letter", case, "overdue", "A"),
    ]
    assert ask("count_duties", every) == {"block_card": 1, "send_letter": 1}
    assert ask("count_duties", {"send_letter": MONDAY, "block_card": FOREVER}) == {"block_card": 1}
    assert ask("duties", every, cohort="B") == ask("duties", every, case=case + 1) == []
    assert len(ask("duties", every, limit=1)) == 1


def test_open_files_come_with_the_counts_of_their_members(desk, ask):
    one, two, three = desk.open(3)
    file(desk, 1, "partly_answered", [(one, "open"), (two, "answered"), (three, "released")])
    file(desk, 2, "answered", [(one, "answered")])
    file(desk, 3, "prepared", [])
    assert [(o.dispatch.id, o.open, o.answered, o.released) for o in ask("open_dispatches")] == [
        (1, 1, 1, 1),
        (3, 0, 0, 0),
    ]


def test_members_of_a_file_that_answered_nobody_wait_for_its_reply_still(desk, ask):
    one, two = desk.open(2, cohort="A")
    file(desk, 1, "partly_answered", [(one, "open"), (two, "released")])
    file(desk, 2, "partly_answered", [(one, "open"), (two, "answered")])
    found = ask("open_members", [1, 2])
    assert [(w.case, w.dispatch, w.row, w.dispatch_state) for w in found] == [
        (one, 1, 1, "sent"),
        (one, 2, 1, "partly_answered"),
    ]
    assert ask("open_members", [1], cohort="B") == ask("open_members", []) == []
    assert ask("open_members_by_state") == {(1, "requested"): 1, (2, "requested"): 1}


def test_the_latest_answers_come_first(desk, ask):
    file(desk, 1, "answered", [], sent_at=MONDAY + 5)
    file(desk, 2, "received", [], prepared_at=MONDAY + 9)
    file(desk, 3, "sent", [], sent_at=MONDAY + 99)
    assert [d.id for d in ask("latest_answers", 5)] == [2, 1]
    assert [d.id for d in ask("latest_answers", 1)] == [2]


def test_a_run_that_did_not_end_is_found(desk, ask):
    assert ask("unfinished_runs") == []
    desk.engine.fire_many("lend", desk.open(2), DESK)
    assert ask("unfinished_runs") == []


# --- events


def test_refusals_and_looks_are_hidden_unless_asked_for(desk, ask):
    (case,) = desk.open()
    refuse(desk, case)
    with desk.engine.work(DESK) as work:
        work.record("looked_up", evidence={"case": case})
    kinds = {"opened", "run_began", "run_ended"}
    assert {e.kind for e in ask("events")} == kinds
    assert {e.kind for e in ask("events", refusals=True)} == {*kinds, "refused"}
    assert {e.kind for e in ask("events", reads=True)} == {*kinds, "looked_up"}
    assert [e.kind for e in ask("events", kind="refused")] == ["refused"]
    assert [e.kind for e in ask("looks_at", case)] == ["looked_up"]
    assert ask("looks_at", case + 1) == []


def test_events_are_filtered_by_every_column(desk, ask):
    one, two = desk.open(2)
    desk.engine.fire("lend", Move(case=one), DESK)
    desk.clock.now += DAY
    desk.engine.fire("lend", Move(case=two, dispatch=4), DESK)
    assert [e.case for e in ask("events", trigger="lend")] == [one, two]
    assert [e.kind for e in ask("events", case=one)] == ["opened", "moved"]
    assert [e.case for e in ask("events", dispatch=4)] == [two]
    assert ask("events", actor="Somebody Else") == []
    assert len(ask("events", actor=DESK.actor)) == 4
    tuesday = start_of(day_of(MONDAY)) + DAY
    assert [e.case for e in ask("events", since=tuesday)] == [two]
    assert len(ask("events", until=tuesday)) == 3


def test_the_last_events_come_in_the_order_of_the_log(desk, ask):
    desk.open(5)
    assert [e.position for e in ask("last_events", 2)] == [4, 5]
    assert [e.position for e in ask("events", latest=3)] == [3, 4, 5]
    assert [e.position for e in ask("events", limit=2)] == [1, 2]
    assert ask("count_events") == 5


def test_events_are_read_one_at_a_time(desk):
    desk.open(3)
    with desk.database.reading() as connection:
        stream = Queries(connection).events()
        assert next(stream).position == 1
        stream.close()


def test_an_event_read_says_what_the_whole_event_says(desk):
    (case,) = desk.open(1, cohort="A", repeat_offender=True)
    refuse(desk, case)
    desk.library.banned.clear()
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.engine.fire("remind", Move(case=case, evidence={"letter": "1"}), DESK)
    with desk.engine.work(DESK) as work:
        work.record("dispatch_sent", dispatch=9, closes=[[1, "send_letter"]])
    bodies = [row[0] for row in desk.rows("SELECT body FROM event ORDER BY position")]
    assert len(bodies) > 5
    for body in bodies:
        read, whole = event_of(bytes(body)), parse(bytes(body))
        assert {f.name: getattr(read, f.name) for f in fields(Event)} == {
            f.name: getattr(whole, f.name) for f in fields(Event)
        }
        with pytest.raises(AttributeError):
            read.nothing_of_the_kind  # noqa: B018
    for wrong in (b"[]", b'{"schema":2}', b"{", b"1"):
        with pytest.raises(ValueError):
            event_of(wrong)


# --- as of a moment


def void(desk, case, position):
    """A correction, as a later version writes it."""
    with desk.engine.work(DESK) as work:
        standing = work.log.load([case])[case]
        body = {
            **work._on_route, "kind": "corrected", "case": case, "sequence": standing.sequence + 1,
            "prev": standing.leaf.hex(), "voids": position,
        }  # fmt: skip
        after = standing._replace(sequence=standing.sequence + 1, state="requested", occurred_at=MONDAY)
        return work.log.append([Draft(body, after)], desk.clock())[0]


def test_where_everybody_stood_is_what_had_happened_or_what_was_known(desk, ask):
    one, two = desk.open(2, cohort="A")
    monday = desk.clock.now
    desk.clock.now += 2 * DAY
    desk.engine.fire("lend", Move(case=one, occurred_at=monday + DAY), DESK)
    assert ask("as_of", MONDAY - DAY) == ask("as_of", MONDAY - DAY, by="recorded") == {}
    assert ask("as_of", monday) == {("A", "requested"): 2}
    assert ask("as_of", monday + DAY) == {("A", "lent"): 1, ("A", "requested"): 1}
    assert ask("as_of", monday + DAY, by="recorded") == {("A", "requested"): 2}
    assert ask("as_of", monday + 3 * DAY, by="recorded") == {("A", "lent"): 1, ("A", "requested"): 1}
    assert ask("as_of", monday + 3 * DAY, cohort="B") == {}
    assert ask("each_as_of", monday + DAY) == [(one, "lent"), (two, "requested")]
    assert ask("each_as_of", monday + DAY, by="recorded") == [(one, "requested"), (two, "requested")]
    assert ask("each_as_of", MONDAY - DAY) == []


def test_now_is_as_of_now(desk, ask):
    cases = desk.open(4, cohort="A")
    desk.engine.fire_many("lend", cases[:3], DESK)
    desk.engine.fire_many("remind", cases[:2], DESK)
    desk.engine.fire_many("take_back", [cases[3]], DESK)
    now = desk.clock.now
    assert ask("as_of", now) == ask("as_of", now, by="recorded") == ask("counts")


def test_a_move_that_was_corrected_is_passed_over_once_the_correction_was_known(desk, ask):
    (case,) = desk.open()
    desk.clock.now += DAY
    position = desk.engine.fire("lend", Move(case=case), DESK).position
    lent = desk.clock.now
    desk.clock.now += DAY
    void(desk, case, position)
    assert ask("as_of", lent) == {("", "requested"): 1}
    assert ask("as_of", lent, by="recorded") == {("", "lent"): 1}
    assert ask("as_of", desk.clock.now, by="recorded") == {("", "requested"): 1}


def test_the_events_of_a_file_are_found_by_its_duty(desk, ask):
    with desk.engine.work(DESK) as work:
        work.record("dispatch_prepared", dispatch=9, opens=["send_letter"])
        work.record("dispatch_sent", dispatch=9, closes=[[1, "send_letter"]])
    assert [e.kind for e in ask("dispatch_events", 9)] == ["dispatch_prepared", "dispatch_sent"]
    assert ask("dispatch_events", 8) == []
