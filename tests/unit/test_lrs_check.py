"""ulnflow lrs check: every flaw of a batch or a reply, ours or another program's, by line, column, rule and fix."""

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.exchange.lrs.check import check_file
from states.ports import BATCH_FORMS, BatchLearner
from tests.unit.commands import REPLY, run
from tests.unit.test_lrs_files import LRS, PEOPLE, learner
from tests.unit.test_lrs_xml import NAME, reply, row, verified, written

TODAY = date(2026, 9, 1)


def checked(path):
    return check_file(path, LRS._layout, LRS._codes, LRS._verify, today=TODAY)


def file(folder, data, name=f"{NAME}.CSV"):
    path = folder / name
    path.write_bytes(data)
    return path


def other_program(*changes, rows=3, reply=False):
    """A batch as another program writes it, cells changed at (row from 1, column name)."""
    people = [learner(f"L-{n}", given_name=f"Canary{n}") for n in range(rows)]
    cells = list(csv.reader(io.StringIO(written(people, "csv").decode(), newline="")))
    if reply:
        cells = [[*line, "ReturnCode" if not n else "RC001"] for n, line in enumerate(cells)]
    for at, name, value in changes:
        cells[at][cells[0].index(name)] = value
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL).writerows(cells)
    return target.getvalue().encode()


def told(result):
    return [(one["line"], one["learner"], one["column"], one["rule"]) for one in json.loads(result.out)["findings"]]


@given(st.lists(PEOPLE, min_size=1, max_size=4))
def test_whatever_is_written_has_no_flaw_in_either_format(tmp_path_factory, people):
    folder = tmp_path_factory.mktemp("written")
    sent = [BatchLearner(reference=f"L-{n}", details=one) for n, one in enumerate(people)]
    for form in BATCH_FORMS:
        found = checked(file(folder, written(sent, form), f"{NAME}.{form.upper()}"))
        assert (found.groups, found.kind, found.form, found.learners) == ([], "batch", form, len(sent))


def test_every_flaw_is_listed_not_only_the_first(tmp_path):
    data = other_program(
        (1, "LearnerRecordCount", "7"),
        (1, "GivenName", ""),
        (1, "DateOfBirth", "29/02/2004"),
        (2, "LastKnownPostCode", "M1 1AC"),
        (2, "Gender", "F"),
        (2, "DateOfBirth", "2020-01-01"),
        (2, "MISIdentifier", "L-0"),
        (3, "VerificationType", "999"),
        (3, "ULN", "1000102508"),
        (3, "Title", "x" * 36),
        (3, "SchoolAtAge16", "=cmd"),
        (3, "ScottishCandidateNumber", "12"),
        (3, "EmailAddress", "canary@nowhere"),
        (3, "FileName", "another"),
        (3, "AbilityToShare", ""),
    )
    result = run("lrs", "check", file(tmp_path, data), "--format", "json")
    assert result.code == 1
    assert set(told(result)) == {
        (2, None, "LearnerRecordCount", "count"),
        (2, 1, "GivenName", "missing"),
        (2, 1, "DateOfBirth", "date"),
        (3, 2, "LastKnownPostCode", "postcode_form"),
        (3, 2, "Gender", "not_a_code"),
        (3, 2, "DateOfBirth", "age"),
        (3, 2, "MISIdentifier", "twice"),
        (4, 3, "OtherVerificationDescription", "missing"),
        (4, 3, "ULN", "uln"),
        (4, 3, "Title", "too_long"),
        (4, 3, "SchoolAtAge16", "formula"),
        (4, 3, "ScottishCandidateNumber", "form"),
        (4, 3, "EmailAddress", "email_form"),
        (4, 3, "FileName", "two_files"),
        (4, 3, "AbilityToShare", "missing"),
    }
    said = json.loads(result.out)
    assert all(one["message"] and one["fix"] for one in said["findings"])
    assert (said["kind"], said["format"], said["learners"], said["number_of_findings"]) == ("batch", "CSV", 3, 15)


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv"])
def test_no_personal_value_is_shown(tmp_path, form):
    data = other_program((1, "DateOfBirth", "29/02/2004"), (2, "EmailAddress", "canary@nowhere"),
                         (3, "GivenName", "Canary=" + "x" * 40), (3, "ULN", "1000102508"))  # fmt: skip
    result = run("lrs", "check", file(tmp_path, data), "--format", form)
    assert result.code == 1
    for value in ("anary", "2004", "1000102508", "nowhere", "O'Brien", "CV4"):
        assert value not in result.out + result.err


def test_equal_flaws_stand_together_for_people_and_apart_for_machines(tmp_path):
    data = other_program(*((n, "Gender", "F") for n in range(1, 9)), rows=8)
    table = run("lrs", "check", file(tmp_path, data))
    assert table.code == 1
    assert "lines 2, 3, 4, 5, 6 ..." in table.out
    lines = run("lrs", "check", file(tmp_path, data), "--format", "ndjson")
    assert [json.loads(one)["line"] for one in lines.out.splitlines()] == list(range(2, 10))
    assert "learners: 8" in lines.err
    rows = list(csv.DictReader(io.StringIO(run("lrs", "check", file(tmp_path, data), "--format", "csv").out)))
    assert len(rows) == 8
    assert set(rows[0]) == {"line", "learner", "column", "rule", "message", "fix"}


def test_a_file_in_order_is_told_as_such_without_a_folder(tmp_path):
    for form in BATCH_FORMS:
        result = run("lrs", "check", file(tmp_path, written([learner()], form), f"{NAME}.{form.upper()}"))
        assert result.code == 0, result.out + result.err
        assert form.upper() in result.out
    found = run("lrs", "check", REPLY, "--format", "json")
    assert found.code == 0
    said = json.loads(found.out)
    assert said["answers"] == {"success": 21, "rejected": 2, "possible": 1}
    assert said["codes"]["RC008"] == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"{NAME}.csv", "upper case"),
        ("LRB_1000001_010920261015.CSV", "LRB_<UKPRN>_<DDMMYYYYHHMM>.CSV"),
        ("LRB_10000001_310220261015.CSV", "LRB_<UKPRN>_<DDMMYYYYHHMM>.CSV"),
        ("LRB_10000001_0109202610150.CSV", "LRB_<UKPRN>_<DDMMYYYYHHMM>.CSV"),
        (f"{NAME} (1).CSV", "upper case"),
        ("cohort.csv", "LRB_<UKPRN>_<DDMMYYYYHHMM>.CSV"),
        ("LRB_10000002_010920261015.CSV", "another UKPRN"),
        (f"PRACTICE_{NAME}.CSV", "practice"),
    ],
)
def test_the_name_of_a_batch_is_checked(tmp_path, name, says):
    found = checked(file(tmp_path, written([learner()], "csv"), name)).groups
    assert [one.column for one in found] == ["file name"]
    assert says in found[0].message


def test_headings_are_compared_one_by_one(tmp_path):
    data = other_program().replace(b'"GivenName"', b'"givenname"').replace(b'"Notes"', b'"Remarks"')
    found = checked(file(tmp_path, data))
    assert [(one.column, one.message) for one in found.groups] == [
        ("GivenName", "heading 8 is not GivenName"),
        ("Notes", "heading 30 is not Notes"),
    ]


def test_a_byte_order_mark_a_short_row_and_too_many_learners_are_flaws(tmp_path):
    lines = other_program().split(b"\r\n")
    lines[2] = b'"","","","",""'
    found = checked(file(tmp_path, b"\xef\xbb\xbf" + b"\r\n".join(lines)))
    assert [(one.rule, list(one.lines)) for one in found.groups] == [("byte_order_mark", [1]), ("cells", [3])]
    small = replace(LRS._layout, limit=2)
    found = check_file(file(tmp_path, other_program()), small, LRS._codes, LRS._verify, today=TODAY)
    assert [one.rule for one in found.groups] == ["too_many"]


def test_blanks_after_a_postcode_pass_as_the_schema_lets_them(tmp_path):
    """Up to four of them, nine characters in all."""
    assert not checked(file(tmp_path, other_program((1, "LastKnownPostCode", "M1 1AA   ")))).groups
    assert checked(file(tmp_path, other_program((1, "LastKnownPostCode", "CV4 9EE   ")))).groups


def test_a_reply_is_checked_too(tmp_path):
    data = other_program((1, "ReturnCode", "RC777"), (2, "ULN", "1000102508"), (3, "MISIdentifier", ""), reply=True)
    found = {(one.rule, one.column, tuple(one.lines)) for one in checked(file(tmp_path, data, "reply.csv")).groups}
    assert found == {
        ("unknown_code", "ReturnCode", (2,)),
        ("uln", "ULN", (3,)),
        ("uln", "ULN", (4,)),
        ("missing", "MISIdentifier", (4,)),
    }
    data = reply(row(), row("L-2", "RC006", uln=""), header="<RejectedLearnersCount>3</RejectedLearnersCount>")
    found = checked(file(tmp_path, data.encode(), "reply.xml"))
    assert [one.message for one in found.groups] == [
        "the reply counts 3 learners as rejected, but holds 1 such answers"
    ]
    assert (found.kind, found.totals) == ("reply", {"success": 1, "rejected": 1})
    found = checked(file(tmp_path, verified("WSVRC005").encode(), "verify.xml"))
    assert (found.kind, found.groups, found.totals) == ("verify", [], {"exception": 1})


def test_the_flaws_of_an_xml_file_are_all_listed(tmp_path):
    data = written([learner(), learner("L-2")]).decode()
    data = (
        data.replace("<Gender>2</Gender>", "<Gender>F</Gender><Password>x</Password>", 1)
        .replace("<LearnerRecordCount>2", "<LearnerRecordCount>5")
        .replace("<JobType>FUL</JobType>\n", "")
        .replace("<ULN/>", '<ULN a="1"/>', 1)
    )
    found = {
        (one.rule, one.column, tuple(one.rows)) for one in checked(file(tmp_path, data.encode(), f"{NAME}.XML")).groups
    }
    assert found == {
        ("element", "", (1,)),
        ("attribute", "", (1,)),
        ("not_a_code", "Gender", (1,)),
        ("count", "LearnerRecordCount", (0,)),
        ("element", "JobType", (0,)),
    }


@pytest.mark.parametrize(
    "data", [b"", b"Name,Born\r\nZoe,2004\r\n", b"\x89PNG\r\n\x1a\n\x00", b"<html></html>", b"<a>"]
)
def test_what_cannot_be_read_is_refused_with_code_four(tmp_path, data):
    result = run("lrs", "check", file(tmp_path, data))
    assert result.code == 4
    assert NAME in result.err
    assert "Zoe" not in result.err


def test_a_folder_of_one_s_own_brings_its_own_tables(tmp_path):
    assert run("--folder", tmp_path, "lrs", "check", file(tmp_path, other_program())).code == 4
    (tmp_path / "ulnflow.toml").write_text("")
    (tmp_path / "config" / "lrs").mkdir(parents=True)
    (tmp_path / "config" / "lrs" / "verify.toml").write_text("fields = []")
    result = run("--folder", tmp_path, "lrs", "check", file(tmp_path, other_program()))
    assert result.code == 4
    assert "lrs/verify.toml" in result.err
