"""People kept to cohorts among many learners: their own go on, and the rest is left to a colleague."""

from __future__ import annotations

import json

import pytest

from tests.fakes.bodies import csv_file
from tests.fakes.centre import row, uln
from tests.journey.databases import BOTH, at
from tests.journey.staffed import ANN, by, denied, staff
from tests.journey.test_bounces import SENDER, number, report


@BOTH
def test_of_learners_named_together_ones_own_go_on_and_the_others_are_refused(tmp_path, clock, database):
    centre = at(tmp_path, clock, database)
    centre.enrol("A-1", "A-2")
    centre.enrol("B-11", cohort="NF-2")
    staff(centre)
    result = by(centre, ANN, "learner", "withdraw", "A-1", "B-11", "--reason", "left_course", "--format", "json")
    assert result.code == 1
    said = json.loads(result.out)
    assert [(r["reference"], r["rule"], r["code"]) for r in said["refusals"]] == [("B-11", "cohorts", "other_cohort")]
    assert said["counts"]["refused"] == 1
    assert (centre.state("A-1"), centre.state("B-11")) == ("withdrawn", "details_gathered")
    assert len(denied(centre)) == 1
    advanced = by(centre, ANN, "advance", "withdraw", "A-2", "B-11", "--reason", "left_course")
    assert (advanced.code, centre.state("A-2"), centre.state("B-11")) == (1, "withdrawn", "details_gathered")
    assert by(centre, "Cy Example", "learner", "show", "B-11").code == 0
    centre.do("audit", "verify")


def test_all_means_all_of_ones_own_and_refuses_nobody(centre):
    centre.enrol("A-1")
    centre.enrol("B-11", cohort="NF-2")
    staff(centre)
    assert by(centre, ANN, "lrs", "submit").code == 0
    assert [one["MISIdentifier"] for one in centre.batch()] == ["A-1"]
    for words in (("withdraw", "--all"), ("withdraw", "--state", "details_gathered")):
        assert by(centre, "Cy Example", "advance", *words, "--reason", "left_course").code == 0
    assert (centre.state("A-1"), centre.state("B-11")) == ("details_gathered", "withdrawn")
    assert denied(centre) == []


def test_messages_that_wait_and_registrations_are_told_of_for_ones_own_alone(centre):
    centre.enrol("A-1")
    centre.enrol("B-11", cohort="NF-2")
    centre.ask_lrs({"A-1": uln(1), "B-11": uln(2)})
    centre.do("uln", "pass")
    staff(centre)
    assert by(centre, ANN, "uln", "told", "--how", "email", "--all").code == 0
    assert (centre.state("A-1"), centre.state("B-11")) == ("uln_passed_to_learner", "uln_received")
    assert by(centre, "Cy Example", "uln", "told", "--how", "email", "--all").code == 0
    assert by(centre, "Bea Example", "ilm", "register").code == 0
    answer = [{"Reference": name, "Candidate number": name, "Order number": "WG-1"} for name in ("A-1", "B-11")]
    path = csv_file(centre.folder / "answer.csv", answer)
    assert by(centre, ANN, "ilm", "confirm", "--file", path).code == 1
    assert (centre.state("A-1"), centre.state("B-11")) == ("registered_with_ilm", "uln_passed_to_learner")
    assert len(denied(centre)) == 1
    assert by(centre, "Cy Example", "ilm", "confirm", "--file", path).code == 0
    assert centre.state("B-11") == "registered_with_ilm"


def test_a_reply_moves_ones_own_and_a_colleague_takes_in_the_rest(centre):
    centre.enrol("A-1", "A-2")
    centre.enrol("B-11", "B-12", cohort="NF-2")
    centre.do("lrs", "submit")
    reply = centre.reply({"A-1": uln(1), "A-2": uln(2), "B-11": uln(3), "B-12": ("", "RC008")})
    staff(centre)
    result = by(centre, ANN, "lrs", "receive", reply, "--format", "json")
    assert result.code == 1
    assert {r["reference"]: r["code"] for r in json.loads(result.out)["refusals"]} == {
        "B-11": "other_cohort", "B-12": "other_cohort"
    }  # fmt: skip
    assert [centre.state(name) for name in ("A-1", "A-2", "B-11", "B-12")] == [
        "uln_received", "uln_received", "details_gathered", "details_gathered"
    ]  # fmt: skip
    assert ["of cohort NF-2 (2 learners)" in one["what"] for one in denied(centre)] == [True]
    assert (centre.quarantined(), centre.held("B-11")) == ([], "")
    with centre.typing("Bea Example"):
        centre.do("dispatch", "reconcile")
        centre.do("audit", "verify")
    events = centre.events()
    assert by(centre, ANN, "lrs", "receive", reply).code == 1
    assert centre.events() == events + 1
    assert by(centre, "Cy Example", "lrs", "receive", reply).code == 1  # an exception, and are not Cy's
    assert [centre.state(name) for name in ("B-11", "B-12")] == ["uln_received", "lrs_exception"]
    assert [(state, places) for _, state, places in centre.dispatches("lrs_batch")] == [("answered", {"answered": 4})]
    assert centre.state("A-1") == "uln_received"
    with centre.typing("Bea Example"):
        centre.do("dispatch", "reconcile")
        centre.do("audit", "verify")


def test_a_sheet_for_another_cohort_or_about_its_learners_is_refused_row_by_row(centre):
    centre.enrol("B-11", cohort="NF-2")
    staff(centre)
    rows = [row("A-1"), row("B-11", Postcode="B1 1AA"), row("B-12", Cohort="NF-2"), row("A-3", Cohort="NF-3")]
    mixed = centre.sheet(rows)
    result = by(centre, ANN, "cohort", "import", mixed, "--cohort", "NF-1", "--format", "json")
    assert result.code == 1
    assert {r["reference"] for r in json.loads(result.out)["refusals"]} == {"B-11", "B-12"}
    with centre.typing("Bea Example"):
        learners = {one["reference"]: one["cohort"] for one in centre.json("status", "--learners")}
    assert learners == {"A-1": "NF-1", "A-3": "NF-3", "B-11": "NF-2"}
    assert centre.facts("B-11")["details_version"] == 1
    assert [one["reference"] for one in denied(centre)] == ["B-11"]
    none = centre.sheet([row("A-4"), row("B-11")])
    words = ("cohort", "import", none, "--cohort", "NF-1", "--all-or-nothing")
    assert by(centre, ANN, *words).code == 1
    assert len(denied(centre)) == 2
    assert by(centre, ANN, "cohort", "import", centre.sheet([row("A-5")])).code == 1  # without a cohort it is nobody's
    with centre.typing("Bea Example"):
        assert {one["reference"] for one in centre.json("status", "--learners")} == {"A-1", "A-3", "B-11"}


def test_what_cohorts_roles_and_a_second_person_refuse_is_told_under_refusals_and_not_under_changes(centre):
    """Q4 and Q14: one line for many learners of a command, found by cohort, by learner where it was one, by what refused."""
    centre.enrol("A-1")
    centre.enrol("B-11", "B-12", cohort="NF-2")
    staff(centre)
    by(centre, ANN, "learner", "withdraw", "A-1", "B-11", "B-12", "--reason", "left_course")
    by(centre, ANN, "learner", "show", "B-11")
    by(centre, "Di Auditor", "learner", "show", "B-11")
    by(centre, "Bea Example", "cohort", "waive", "NF-1", "--reason", "soon")
    with centre.typing("Bea Example"):
        (waits,) = centre.json("approve")
        centre.refused("approve", waits["request"])
        rows = centre.json("audit", "ask", "Q4")["rows"]
        assert [(one["who"], one["reference"], one["rules"]) for one in rows] == [
            ("Ann Example", "", ["cohorts"]), ("Ann Example", "B-11", ["cohorts"]), ("Di Auditor", "", ["roles"]),
            ("Bea Example", "", ["same_person"]),
        ]  # fmt: skip
        assert "of cohort NF-2 (2 learners)" in rows[0]["why"]
        assert "same person" in rows[3]["why"]
        assert len(centre.json("audit", "ask", "Q4", "--cohort", "NF-2")["rows"]) == 2
        assert len(centre.json("audit", "ask", "Q4", "--learner", "B-11", "--rule", "cohorts")["rows"]) == 2
        changes = centre.json("audit", "ask", "Q14")["rows"]
    assert not any("Refused" in one["what"] for one in changes)


def test_a_mismatch_report_is_taken_in_for_ones_own(centre):
    centre.enrol("A-1")
    centre.enrol("B-11", cohort="NF-2")
    centre.ask_lrs({"A-1": uln(1), "B-11": uln(2)})
    for words in (("pass",), ("told", "--how", "email", "--all")):
        centre.do("uln", *words)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    staff(centre)
    path = csv_file(centre.folder / "m.csv", [{"Reference": n, "Error": "DOB does not match"} for n in ("A-1", "B-11")])
    assert by(centre, ANN, "ilm", "mismatches", path).code == 1
    assert (centre.state("A-1"), centre.state("B-11")) == ("ilm_exception", "registered_with_ilm")
    found = by(
        centre, ANN, "enrolment", "reconcile", centre.sheet([row("A-1", Postcode="B1 1AA"), row("B-11", Gender="M")])
    )
    assert "A-1" in found.out
    assert "B-11" not in found.out
    assert by(centre, "Cy Example", "ilm", "mismatches", path).code == 0
    assert centre.state("B-11") == "ilm_exception"


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_whose_a_uln_is_is_told_to_nobody_kept_from_them(centre, more):
    """Named by a ULN alone, a learner of another cohort is a row; the look is in the log, in a dry run as well."""
    centre.enrol("A-1")
    centre.enrol("B-11", cohort="NF-2")
    centre.ask_lrs({"A-1": uln(1), "B-11": uln(2)})
    for words in (("pass",), ("told", "--how", "email", "--all")):
        centre.do("uln", *words)
    centre.do("ilm", "register")
    staff(centre)
    answer = csv_file(centre.folder / "a.csv", [{"ULN": uln(2), "Candidate number": "C-2", "Order number": "WG-1"}])
    found = by(centre, ANN, "ilm", "confirm", "--file", answer, *more, "--format", "json")
    assert ("row 2" in found.out, "B-11" in found.said, len(denied(centre))) == (True, False, 1)
    with centre.typing("Bea Example"):
        centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    report_ = csv_file(centre.folder / "m.csv", [{"ULN": uln(2), "Error": "DOB does not match"}])
    found = by(centre, ANN, "ilm", "mismatches", report_, *more)
    assert found.code == 1
    assert ("row 2" in found.said, "B-11" in found.said, len(denied(centre))) == (True, False, 2)
    found = by(centre, ANN, "ilm", "confirm", "--file", answer, *more)
    assert "B-11" not in found.said
    sheet = centre.sheet([row("B-11", Cohort="NF-2")])
    assert by(centre, ANN, "cohort", "import", sheet, *more).code == 1
    assert len(denied(centre)) == 3


@BOTH
def test_a_rule_names_no_learner_of_another_cohort(tmp_path, clock, database):
    """U2 and D8, and the desk of exceptions: somebody holds this ULN, has these details; whose they are is not said."""
    centre = at(tmp_path, clock, database)
    centre.enrol("A-1", "A-2")
    centre.enrol("B-11", cohort="NF-2")
    centre.ask_lrs({"A-1": ("", "RC008"), "A-2": uln(5), "B-11": uln(2)})
    double = row("B-11") | {"Learner reference": "A-3"}
    centre.do("cohort", "import", centre.sheet([double]), "--cohort", "NF-1")
    staff(centre)
    decide = ("exception", "resolve", "A-1", "--decision", "existing", "--reason", "x")
    for words in ((*decide, "--dry-run"), decide, ("lrs", "answer", "A-1", "--code", "RC001")):
        said = by(centre, ANN, *words, stdin=f"{uln(2)}\n").said
        assert "a learner of another cohort holds this ULN" in said, said
        assert "B-11" not in said
    assert "A-2 holds this ULN" in by(centre, ANN, *decide, stdin=f"{uln(5)}\n").said
    found = by(centre, ANN, "lrs", "submit", "A-3").said
    assert "a learner of another cohort has the same five details" in found
    assert "B-11" not in found
    listed = f"ULN,Given name,Family name,Date of birth\n{uln(2)},Ann,Lee,1990-01-31\n"
    assert by(centre, ANN, "exception", "candidates", "A-1", "-", stdin=listed).code == 0
    shown = by(centre, ANN, "exception", "show", "A-1").said
    assert "held by a learner of another cohort" in shown
    assert "B-11" not in by(centre, ANN, "audit", "history", "A-1", "--refusals").said
    with centre.typing("Bea Example"):
        assert "B-11 holds this ULN" in centre.run(*decide, stdin=f"{uln(2)}\n").said
        centre.do("audit", "verify")


def test_a_file_of_the_lar_system_is_rejected_by_who_has_its_learners(centre):
    centre.enrol("B-11", cohort="NF-2")
    centre.do("route", "alternative", "B-11", "--reason", "no ULN in time", "--yes")
    centre.do("ilm", "register", "B-11")
    centre.do("ilm", "confirm", "B-11", "--order", "WG-1", "--candidate", "C-1")
    centre.ask_lrs({"B-11": uln(11)})
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("lar", "create", "--prepare")
    staff(centre)
    file = centre.dispatches("lar_learners")[-1][0]
    refused = by(centre, ANN, "lar", "reject", file, "--reason", "x")
    assert (refused.code, "NF-2" in refused.err) == (4, True)
    assert by(centre, "Cy Example", "lar", "reject", file, "--reason", "x").code == 0


def test_who_has_a_case_in_ones_cohort_is_seen_and_edited_and_erased_by_who_has_both(centre):
    """The details are the learner's, and so are seen to where they are first found wrong; each case is moved apart."""
    centre.enrol("L-1")
    centre.enrol("L-1", cohort="NF-2", Qualification="8605-32")
    staff(centre)
    assert by(centre, ANN, "learner", "show", "L-1").code == 0
    assert by(centre, ANN, "learner", "edit", "L-1", "postcode", stdin="B1 1AA\n").code == 0
    assert {centre.facts("L-1", code)["details_version"] for code in ("8605-31", "8605-32")} == {2}
    assert by(centre, ANN, "learner", "withdraw", "L-1@8605-32", "--reason", "left_course").code == 4
    assert by(centre, ANN, "learner", "withdraw", "L-1", "--reason", "left_course").code == 0
    assert [centre.state("L-1", code) for code in ("8605-31", "8605-32")] == ["withdrawn", "details_gathered"]
    assert by(centre, "Cy Example", "learner", "withdraw", "L-1@8605-32", "--reason", "left_course").code == 0
    erase = ("learner", "erase", "L-1", "--basis", "entered_in_error", "--yes")
    assert by(centre, ANN, *erase).code == 4
    assert "data are kept until" in by(centre, "Bea Example", *erase).err


def test_who_is_due_for_erasure_is_erased_by_who_has_them(centre):
    centre.enrol("A-1")
    centre.enrol("B-11", cohort="NF-2")
    for name in ("A-1", "B-11"):
        centre.do("learner", "withdraw", name, "--reason", "left_course")
    staff(centre)
    centre.days(366 * 7)
    result = by(centre, ANN, "retention", "apply", "--yes")
    assert result.code == 1, result.said
    assert "1" in result.out
    assert len(denied(centre)) == 1
    assert by(centre, "Bea Example", "learner", "show", "B-11").code == 0
    assert by(centre, "Bea Example", "learner", "show", "A-1").code != 0


def test_a_report_that_a_message_never_arrived_is_taken_in_by_who_has_the_learner(centre):
    path = centre.folder / "ulnflow.toml"
    path.write_text(path.read_text("utf-8").replace('sender = ""', f'sender = "{SENDER}"'), "utf-8")
    centre.enrol("B-11", cohort="NF-2", Email="l-1@example.org")
    assert centre.ask_lrs({"B-11": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    staff(centre)
    bounce = report(centre, "1.eml", number(centre, 1))
    assert by(centre, ANN, "uln", "bounced", bounce).code == 1
    assert (centre.state("B-11"), len(denied(centre))) == ("uln_passed_to_learner", 1)
    late = report(centre, "2.eml", number(centre, 1), action="delayed", status="4.4.1")
    for words in ((late,), (late, "--dry-run")):
        found = by(centre, ANN, "uln", "bounced", *words)
        assert (found.code, "2.eml" in found.said, "B-11" in found.said) == (1, True, False)
    assert len(denied(centre)) == 3
    assert by(centre, "Cy Example", "uln", "bounced", bounce).code == 0
    assert centre.state("B-11") == "uln_received"


def test_a_run_of_a_colleague_that_was_interrupted_is_left_to_them(centre, monkeypatch):
    centre.enrol("A-1", "A-2")
    centre.enrol("B-11", cohort="NF-2")
    monkeypatch.setattr("workflow.engine.Engine._chunk", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert centre.run("advance", "withdraw", "A-2", "B-11", "--reason", "left_course").code != 0
    monkeypatch.undo()
    staff(centre)
    result = by(centre, ANN, "advance", "withdraw", "A-1", "--reason", "left_course")
    assert result.code == 0
    assert "waits for a colleague" in result.said
    assert [centre.state(n) for n in ("A-1", "A-2", "B-11")] == ["withdrawn", "details_gathered", "details_gathered"]
    assert by(centre, "Bea Example", "advance", "withdraw", "A-1", "--reason", "left_course").code == 1
    assert [centre.state(n) for n in ("A-2", "B-11")] == ["withdrawn", "withdrawn"]


def test_the_log_is_told_of_cohorts_and_of_people_without_as_before(centre):
    centre.enrol("A-1")
    staff(centre, '\n[people]\n"Ann Example" = ["operator"]\n')
    by(centre, ANN, "status")
    path = centre.folder / "ulnflow.toml"
    text = path.read_text("utf-8")
    kept = text.replace('["operator"]', '{ roles = ["operator"], cohorts = ["NF-2", "NF-1"] }')
    for said in (kept, kept, text):
        path.write_text(said, "utf-8")
        by(centre, ANN, "status")
    told = centre.json("audit", "events", "--kind", "people_changed", "--all")
    assert [one["what"].rpartition("what: ")[2].rstrip(".") for one in told] == [
        "Ann Example (operator)", "Ann Example (operator, of NF-1, NF-2 alone)", "Ann Example (operator)"
    ]  # fmt: skip
    path.write_text(kept, "utf-8")
    rows = centre.json("audit", "ask", "Q14")["rows"]
    assert any("of NF-1, NF-2 alone" in json.dumps(one) for one in rows)
    assert not any("Refused" in one["what"] for one in rows)
    (found,) = [one for one in json.loads(centre.run("doctor", "--format", "json").out) if one["about"] == "people"][:1]
    assert found["message"] == "1 are named; Ann Example is operator, of NF-1, NF-2 alone"


def test_a_move_in_another_cohort_is_found_afterwards(centre, monkeypatch):
    """By a program that knows no cohorts, say: the log had been told who was kept to which."""
    centre.enrol("A-1")
    centre.enrol("B-11", "B-12", cohort="NF-2")
    staff(centre)
    with centre.typing("Bea Example"):
        centre.do("learner", "withdraw", "B-12", "--reason", "left_course")
    assert by(centre, ANN, "learner", "withdraw", "A-1", "--reason", "left_course").code == 0
    assert centre.json("audit", "ask", "Q7")["rows"] == []
    monkeypatch.setattr("cli.people.cohorts_of", lambda *_: None)
    assert by(centre, ANN, "learner", "withdraw", "B-11", "--reason", "left_course").code == 0
    monkeypatch.undo()
    (found,) = centre.json("audit", "ask", "Q7")["rows"]
    assert found["finding"] == f"moved by {ANN}: was kept to NF-1, NF-3 then, and this was NF-2"


@pytest.mark.parametrize(
    "person",
    [
        '{ roles = ["operator"], cohorts = [] }', '{ roles = ["operator"], cohorts = [" "] }', '{ cohorts = ["NF-1"] }',
        '{ roles = ["operator"], cohorts = "NF-1" }', '{ roles = ["operator"], cohort = ["NF-1"] }',
        '{ roles = ["operator"], cohorts = ["NF-1"] }\n"ANN  example" = ["operator"]',
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(centre, person):
    staff(centre, f'\n[people]\n"Ann Example" = {person}\n')
    result = centre.run("status")
    assert result.code == 4
    assert "people" in result.err
