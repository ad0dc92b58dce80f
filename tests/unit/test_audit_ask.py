"""What an auditor asks, on logs with planted findings: each is found, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import orjson
import pytest

from states.errors import NotFound, NotPossible
from states.registration import Window
from states.reports import statement
from states.reports.asking import Filters, answer, check
from states.reports.questions import find
from states.reports.verified import verified
from states.steps import look_up
from tests.contract.stores import STORES
from tests.fakes.loan import DAY
from tests.fakes.office import ADA, LINEAGES, open_centre
from tests.unit.commands import centre_at
from workflow import Act
from workflow.store.event_log import Draft

LOOKED = {"scope": "details"}


@pytest.fixture(params=STORES)
def centre(request, tmp_path):
    centre = open_centre(tmp_path, database=STORES[request.param](tmp_path, LINEAGES))
    yield centre
    centre.office.database.close()


def nobody(name):
    return "names nobody in particular" if name == "root" else ""


def ask(centre, number, notes=None, **filters):
    _, report = statement.state(centre.office, verified)
    return list(answer(centre.office, find(number), Filters(**filters), report=report, nobody=nobody, notes=notes))


def change(centre, sql, *arguments):
    with centre.office.database.writing() as connection:
        connection.execute(sql, arguments)


def look(centre, times, actor="Ada Example"):
    for _ in range(times):
        with centre.office.begin(Act(actor=actor, command="learner show")) as uow:
            uow.work.record("looked_up", evidence=LOOKED)


def plant(centre, case, **fields):
    """An event of a case that no command would write."""
    with centre.office.begin(ADA) as uow:
        standing = uow.log.load([case])[case]
        body = {
            "schema": 1, "kind": "moved", "case": case, "sequence": standing.sequence + 1, "prev": standing.leaf.hex(),
            "occurred_at": centre.clock(), "actor": "Ada Example", "command": "test", "command_id": "planted",
            "product": "ulnflow 0", "source": standing.state, "target": standing.state, **fields,
        }  # fmt: skip
        after = standing._replace(sequence=standing.sequence + 1)
        uow.log.append([Draft(body, after)], centre.clock())


# --- Q7: moved without


def test_nobody_was_moved_without_notice_or_evidence(centre):
    centre.submit(*centre.enrol("L-1", "L-2"))
    assert ask(centre, "Q7") == []


def test_details_that_were_sent_without_notice_or_evidence_are_found(centre):
    one, two = centre.enrol("L-1", "L-2")
    centre.submit(one, two)
    with centre.office.look() as seen:
        (payload,) = seen.connection.execute("SELECT payload FROM personal WHERE kind='details' LIMIT 1").fetchone()
    for learner, gone in ((1, {"ability_to_share": "0"}), (2, {"id_type": "", "id_checked_on": "2026-03-30"})):
        text = orjson.dumps({k: v for k, v in {**orjson.loads(payload), **gone}.items() if v}).decode()
        change(centre, "UPDATE personal SET payload=? WHERE kind='details' AND learner=?", text, learner)
    found = {(row["reference"], row["rule"]): row["finding"] for row in ask(centre, "Q7")}
    assert found == {
        ("L-1", "D6"): "privacy notice: the details that were sent say it was not shown",
        ("L-2", "D7"): "ID evidence: the details that were sent name none",
    }
    assert {row["reference"] for row in ask(centre, "Q7", learner="L-2")} == {"L-2"}


def test_a_notice_shown_after_the_details_were_sent_is_found(centre):
    (case,) = centre.enrol("L-1")
    centre.submit(case)
    change(centre, "UPDATE personal SET payload=replace(payload, '2026-02-01', '2026-03-30') WHERE kind='details'")
    (row,) = ask(centre, "Q7")
    assert row["finding"] == "privacy notice: shown on 2026-03-30, after it was sent on 2026-03-02"


def test_a_notice_without_its_date_is_a_note_and_no_finding(centre):
    (case,) = centre.enrol("L-1", lacks=("notice_version",))
    centre.submit(case)
    (row,) = ask(centre, "Q7")
    assert (row["rule"], row["weight"], "date not on file" in row["finding"]) == ("D6", "note", True)
    question = find("Q7")
    assert not question.finds(row)
    assert question.finds({**row, "weight": "wrong"})


def test_a_move_whose_rules_were_not_asked_or_did_not_hold_is_found(centre):
    one, two = centre.enrol("L-1", "L-2")
    refused = [{"rule": "D7.1", "code": "missing", "message": "x", "held": False}]
    plant(centre, one, trigger="submit_to_lrs", held=["D6.1"], said=refused)
    plant(centre, two, trigger="submit_to_lrs", held=["D7.1"])
    assert [(row["reference"], row["finding"]) for row in ask(centre, "Q7")] == [
        ("L-1", "ID evidence: the rule did not hold"),
        ("L-2", "privacy notice: the rule was not asked"),
    ]


def test_a_move_by_nobody_in_particular_is_found(centre):
    (case,) = centre.enrol("L-1")
    plant(centre, case, trigger="withdraw", actor="root")
    assert [row["finding"] for row in ask(centre, "Q7")] == ["moved by root: names nobody in particular"]


# --- Q11: state and events


def test_a_state_that_no_event_led_to_is_found_and_named(centre):
    centre.enrol("L-1", "L-2")
    assert ask(centre, "Q11") == []
    change(centre, "UPDATE cases SET state='uln_received' WHERE id=2")
    (row,) = ask(centre, "Q11")
    assert (row["kind"], row["reference"]) == ("projection", "L-2")
    assert [row["reference"] for row in ask(centre, "Q10")] == ["L-2"]


# --- Q12: times


def test_a_clock_that_was_set_back_or_forward_is_found_and_a_reason_makes_a_late_entry_a_note(centre):
    one, two = centre.enrol("L-1", "L-2")
    centre.days(10)
    centre.move("withdraw", one, reason="left_course", on=date(2026, 3, 5))
    assert [(row["finding"], row["weight"]) for row in ask(centre, "Q12")] == [("entered 5 working days late", "note")]
    centre.clock.now -= 2 * DAY
    look(centre, 1)
    plant(centre, two, trigger="withdraw", occurred_at=centre.clock() + DAY)
    with centre.office.begin(ADA) as uow:
        uow.work.record("looked_up", evidence=LOOKED)
        centre.clock.now += 3 * DAY
        uow.work.record("looked_up", evidence=LOOKED)
    centre.clock.now -= DAY
    wrong = [row["finding"] for row in ask(centre, "Q12") if row["weight"] == "wrong"]
    assert wrong == [
        "recorded earlier than the event before it: the clock was set back",
        "happened after it was recorded",
        "recorded in the future",
        "the clock jumped forward within one command",
    ]


# --- Q15: look-ups


def test_far_more_looks_than_usual_are_flagged_and_few_never_are(centre):
    for number in (2, 4, 3, 21, 9):
        look(centre, number)
        look(centre, 1, "Bo Example")
        centre.days(1)
    look(centre, 20, "New Example")
    rows = ask(centre, "Q15")
    assert [(row["looks"], row["usual"], row["flag"]) for row in rows if row["who"] == "Ada Example"] == [
        (2, 0, ""), (4, 2, ""), (3, 3, ""), (21, 3, "high"), (9, "3.5", ""),
    ]  # fmt: skip
    assert not [row for row in rows if row["flag"] and row["who"] != "Ada Example"]
    look(centre, 1, "New Example")
    assert [row["flag"] for row in ask(centre, "Q15", actor="New Example")] == ["high"]
    assert [row["looks"] for row in ask(centre, "Q15", actor="Ada Example", since=date(2026, 3, 5))] == [21, 9]


# --- events of other parts, and both times


def test_corrections_approvals_and_waivers_are_told_with_reason_and_approver(centre):
    one, two = centre.enrol("L-1", "L-2", cohort="Spring")
    plant(centre, one, kind="corrected", trigger=None, voids=1, reason="stated", approver="Bo Example")
    with centre.office.begin(ADA) as uow:
        for kind in ("approval_asked", "approved", "approval_refused"):
            uow.work.record(kind, reason="stated", approver="Bo Example", evidence={"deed": "cohort waive"})
        uow.work.record("cohort_waived", reason="stated", evidence={"cohort": "Spring"})
    plant(centre, two, trigger="withdraw", approver="Bo Example")
    rows = ask(centre, "Q8")
    assert [(row["approver"], row["voids"]) for row in rows] == [
        ("Bo Example", 1), *[("Bo Example", None)] * 3, ("", None), ("Bo Example", None),
    ]  # fmt: skip
    assert [row["reference"] for row in ask(centre, "Q8", learner="L-1")] == ["L-1", ""]
    assert len(ask(centre, "Q8", cohort="Spring")) == 3


def test_facts_of_privacy_and_administration_are_told_by_their_kind(centre):
    (case,) = centre.enrol("L-1")
    with centre.office.begin(ADA) as uow:
        uow.work.record("hold_placed", reason="stated", evidence={"case": case})
        uow.work.record("erased", evidence={"keys": 1, "backups": "until 2026-04-01"})
        uow.work.record("settings_changed", evidence={"key": "second_person", "to": False})
    assert [(row["reference"], row["details"]) for row in ask(centre, "Q13")] == [
        ("L-1", {"case": case}), ("", {"keys": 1, "backups": "until 2026-04-01"}),
    ]  # fmt: skip
    assert ask(centre, "Q14")[-1]["details"] == {"key": "second_person", "to": False}


def test_another_program_rules_or_route_is_told_where_it_first_wrote(centre):
    (case,) = centre.enrol("L-1")
    before = len(ask(centre, "Q14"))
    plant(centre, case, trigger="withdraw", product="ulnflow 1", rules="new", route_version=11)
    rows = ask(centre, "Q14")[before:]
    assert [(row["what"], row["from"] != "", row["to"]) for row in rows] == [
        ("product of the events", True, "ulnflow 1"),
        ("rules of the events", True, "new"),
        ("route version of the events", True, "11"),
    ]
    centre.days(3)
    assert ask(centre, "Q14", since=date(2026, 3, 4)) == []


def test_where_somebody_stood_is_told_by_both_times(centre):
    (case,) = centre.enrol("L-1")
    centre.days(4)
    centre.move("withdraw", case, reason="left_course", on=date(2026, 3, 3))
    told = {
        known: [row["state"] for row in ask(centre, "Q2", learner="L-1", at=date(2026, 3, 4), known_at=known)]
        for known in (date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 6))
    }
    assert told == {
        date(2026, 3, 1): [], date(2026, 3, 5): ["Details gathered"], date(2026, 3, 6): ["Withdrawn"],
    }  # fmt: skip


def test_refusals_are_found_by_the_rule_that_refused(centre):
    (case,) = centre.enrol("L-1", lacks=["postcode"])
    centre.fire("submit_to_lrs", case)
    centre.fire("create_lar", case)
    assert [row["rules"] for row in ask(centre, "Q4")] == [["D1"], ["route"]]
    assert [row["trigger"] for row in ask(centre, "Q4", rule="D1")] == ["submit_to_lrs"]
    assert [row["trigger"] for row in ask(centre, "Q4", rule="route", trigger="create_lar")] == ["create_lar"]
    assert ask(centre, "Q4", rule="D6") == []


# --- what cannot be judged


def test_who_has_no_last_day_to_register_by_is_never_counted_as_in_time(centre):
    """R1: a day that is missing is a finding of its own kind; a last day that passed is one without it."""
    window = Window(days_after_start=10, days_before_end=100)
    policy = replace(centre.office.policy, windows={"": window, "8605-11": Window()})
    centre.office = replace(centre.office, policy=policy)
    centre.enrol("L-1", cohort="Spring", register_by=date(2026, 3, 20))
    centre.enrol("L-2")
    centre.enrol("L-3", start="2026-02-27")
    centre.enrol("L-4", start="2026-01-01")
    centre.enrol("L-5", start="2026-02-27", planned_end="2026-12-01")
    centre.enrol("L-6", qualification="8605-11")
    told = {row["reference"]: row for row in ask(centre, "R1")}
    assert {name: row["in_time"] for name, row in told.items()} == {
        "L-1": "not due yet",
        "L-2": "cannot be judged: no start day",
        "L-3": "cannot be judged: no planned end",
        "L-4": "no",
        "L-5": "not due yet",
        "L-6": "cannot be judged: no last day to register by",
    }
    question = find("R1")
    assert [name for name, row in told.items() if question.finds(row)] == ["L-2", "L-3", "L-4", "L-6"]
    assert [name for name, row in told.items() if question.unjudged(row)] == ["L-2", "L-3", "L-6"]


def test_what_an_answer_could_not_look_at_stands_in_its_notes(centre):
    """Q7: details that are gone; R4: lists nobody compared."""
    notes: list[str] = []
    centre.submit(*centre.enrol("L-1"))
    change(centre, "DELETE FROM personal WHERE kind='details'")
    assert ask(centre, "Q7", notes=notes) == ask(centre, "R4", notes=notes) == []
    assert ["Judged by verdicts alone: 1 move whose" in note for note in notes] == [True, False, False]
    assert "Not compared, as far as was asked: ILM's own list." in notes


# --- what is not known, and what is recorded


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"learner": "L-9"}, "no learner has the reference L-9"),
        ({"cohort": "Autumn"}, "there is no cohort Autumn"),
        ({"actor": "Bo"}, "nobody of the name Bo is in the log; in it are: Ada Example"),
        ({"rule": "D77"}, "there is no rule D77"),
        ({"trigger": "leap"}, "there is no trigger leap"),
        ({"since": date(2026, 3, 4), "until": date(2026, 3, 3)}, "the period ends before it begins"),
    ],
)
def test_what_is_not_known_is_refused_by_name(centre, filters, says):
    centre.enrol("L-1")
    with pytest.raises((NotFound, NotPossible), match=says):
        ask(centre, "Q4", **filters)


def test_a_filter_that_a_question_does_not_understand_is_refused():
    with pytest.raises(NotPossible, match="altered does not know rule; it takes no filter"):
        check(find("altered"), Filters(rule="D6"), option=str)
    with pytest.raises(NotPossible, match="learner-history needs learner"):
        check(find("q1"), Filters(), option=str)
    with pytest.raises(NotFound, match="ulnflow audit ask"):
        find("Q99")


def test_that_a_question_was_asked_is_recorded_with_the_number_of_rows_alone(centre):
    centre.enrol("L-1")
    look_up.asked(centre.office, ADA, "moved-without-notice", reference="L-1", found=3)
    (row,) = ask(centre, "Q17")
    assert (row["question"], row["reference"], row["rows"]) == ("moved-without-notice", "L-1", 3)


# --- exit codes


def test_findings_end_with_1_and_a_log_that_does_not_hold_is_told(tmp_path):
    centre = centre_at("registered", tmp_path)
    assert centre.run("audit", "ask", "Q7").code == centre.run("audit", "ask", "Q11").code == 0
    centre.write("UPDATE cases SET state='uln_received' WHERE id=1")
    found = centre.run("audit", "ask", "Q11", "--format", "json")
    told = json.loads(found.out)
    assert (found.code, len(told["rows"]), told["log"]["holds"]) == (1, 1, False)
    other = centre.run("audit", "ask", "refusals")
    assert other.code == 1
    assert "it does not hold: 1 fault" in other.err


def test_what_cannot_be_judged_is_counted_apart_and_ends_with_1(tmp_path):
    result = centre_at("gathered", tmp_path).run("audit", "ask", "R1")
    assert result.code == 1
    assert "24 rows, 0 to look into, 24 that cannot be judged." in result.err


def test_a_check_that_was_left_out_is_never_0(tmp_path):
    centre = centre_at("registered", tmp_path)
    left_out = centre.run("audit", "ask", "Q4", "--no-verify", "--format", "json")
    told = json.loads(left_out.out)["log"]
    whole = json.loads(centre.run("audit", "ask", "Q4", "--format", "json").out)["log"]
    assert (left_out.code, told["holds"]) == (3, None)
    assert told["verified"] == f"not verified in this run; last sealed at {told['sealed']}"
    assert whole["size"] == told["size"] + 1
    for number in ("Q10", "Q11"):
        assert centre.run("audit", "ask", number, "--no-verify").code == 2


def test_the_root_is_that_of_the_log_whether_or_not_it_was_verified(centre):
    centre.enrol("L-1")
    checked, _ = statement.state(centre.office, verified)
    unchecked, report = statement.state(centre.office, None)
    assert (checked.root, checked.size) == (unchecked.root, unchecked.size)
    assert report is None
    assert unchecked.holds is None


def test_asking_leaves_one_trace_and_an_unknown_reference_none(tmp_path):
    centre = centre_at("received", tmp_path)
    before = len(centre.kinds())
    assert centre.run("audit", "ask", "Q4", "--learner", "NOBODY").code == 4
    assert centre.kinds(before) == []
    centre.ok("audit", "ask", "Q4")
    assert centre.kinds(before) == ["looked_up"]


def test_an_upgrade_of_the_schema_is_told_once(tmp_path):
    centre = centre_at("new", tmp_path)
    centre.write("DROP TABLE seal")
    centre.write("UPDATE engine_version SET version_num='0002'")
    centre.ok("db", "upgrade")
    centre.ok("db", "upgrade")
    asked = centre.run("audit", "ask", "Q14", "--format", "json")
    assert asked.code == 1  # the checkpoints went with the table
    told = json.loads(asked.out)["rows"]
    assert [row["details"] for row in told if row["what"] == "Schema upgraded."] == [{"engine_version": "0002 -> 0003"}]
