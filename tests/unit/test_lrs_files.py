"""The LRS files: the batch as the upload demands it, and the reply as it comes back."""

import io
import tomllib
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.errors import FileRefused
from states.exchange.gate import held
from states.exchange.lrs.plug import LrsFiles
from states.exchange.lrs.practice import answer_batch
from states.exchange.lrs.reply import read_reply
from states.learner.details import Details
from states.ports import BatchLearner
from workflow.errors import DefinitionError

HEADINGS = (
    b'"FileVersion","FileName","UKPRN","LearnerRecordCount","ULN","MISIdentifier","Title","GivenName",'
    b'"PreferredGivenName","MiddleOtherName","FamilyName","PreviousFamilyName","FamilyNameAt16","SchoolAtAge16",'
    b'"LastKnownAddressLine1","LastKnownAddressLine2","LastKnownAddressTown","LastKnownAddressCountyorCity",'
    b'"LastKnownPostCode","DateOfAddressCapture","DateOfBirth","PlaceOfBirth","EmailAddress","Gender",'
    b'"Nationality","ScottishCandidateNumber","AbilityToShare","VerificationType",'
    b'"OtherVerificationDescription","Notes"\r\n'
)
TIDY = Path(__file__).parents[1] / "data" / "lrb_reply_tidy.csv"


def table(name):
    return tomllib.loads(files("config").joinpath("lrs", name).read_text(encoding="utf-8"))


BATCH, CODES = table("batch.toml"), table("return_codes.toml")
VERIFY = table("verify.toml")
LRS = LrsFiles(batch=BATCH, return_codes=CODES, verify=VERIFY)


def details(**changes):
    known = {
        "given_name": "Zoë",
        "family_name": "O'Brien",
        "date_of_birth": date(2004, 2, 29),
        "gender": "2",
        "postcode": "CV4 9EE",
        "ability_to_share": "1",
        "id_type": "2",
    }
    return Details(**{**known, **changes})


def learner(reference="L-1", uln="", **changes):
    return BatchLearner(reference=reference, details=details(**changes), uln=uln)


def written(learners, reference="LRB_10000001_010920261015"):
    target = io.BytesIO()
    LRS.write_batch(learners, ukprn="10000001", reference=reference, target=target)
    return target.getvalue()


def reply_from(data, tmp_path):
    path = tmp_path / "reply.csv"
    path.write_bytes(data)
    return LRS.read_reply(path)


def tidy():
    return TIDY.read_bytes()


def test_the_name_is_exactly_what_the_upload_demands():
    assert LRS.batch_name("10000001", datetime(2026, 9, 1, 7, 5)) == "LRB_10000001_010920260705.CSV"
    with pytest.raises(FileRefused, match="UKPRN"):
        LRS.batch_name("1000000", datetime(2026, 9, 1, 7, 5))


def test_a_batch_is_byte_for_byte_what_the_upload_demands():
    data = written([learner(), learner("L-2", uln="1000102504", family_name="-Smith", email="a@example.org")])
    assert data.startswith(HEADINGS)
    first, second = data.removeprefix(HEADINGS).decode("utf-8").split("\r\n")[:2]
    assert first == (
        '"2A","LRB_10000001_010920261015","10000001","2","","L-1","","Zoë","","","O\'Brien","","","","","","","",'
        '"CV4 9EE","","2004-02-29","","","2","","","1","2","",""'
    )
    assert second.startswith('"","","","","1000102504","L-2","","Zoë","","","-Smith"')
    assert data.endswith(b'""\r\n')


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("given_name", {"given_name": ""}),
        ("given_name", {"given_name": "   "}),
        ("given_name", {"given_name": "x" * 36}),
        ("family_name", {"family_name": "=1+1"}),
        ("family_name", {"family_name": "Two\nlines"}),
        ("date_of_birth", {"date_of_birth": None}),
        ("gender", {"gender": "3"}),
        ("postcode", {"postcode": "M1 1AC"}),
        ("postcode", {"postcode": "CV4  9EE"}),
        ("postcode", {"postcode": ""}),
        ("ability_to_share", {"ability_to_share": ""}),
        ("id_type", {"id_type": "8"}),
        ("id_description", {"id_type": "999"}),
        ("id_description", {"id_type": "999", "id_description": "x" * 256}),
        ("email", {"email": "zoe@example"}),
        ("preferred_name", {"preferred_name": "x" * 36}),
        ("uln", {"uln": "9999999999"}),
        ("uln", {"uln": "1000102508"}),
        ("reference", {"reference": ""}),
        ("reference", {"reference": "x" * 129}),
        ("reference", {"reference": "=cmd"}),
    ],
)
def test_what_the_upload_would_refuse_is_named_and_never_shown(field, changes):
    bad = learner(**changes)
    found = LRS.refusals(bad)
    assert [finding.field for finding in found] == [field]
    with pytest.raises(FileRefused) as refused:
        written([learner("L-0"), bad])
    shown = str(refused.value) + found[0].message + found[0].fix
    for value in ("Zoë", "O'Brien", "M1 1AC", "1000102508", "zoe@example", "=1+1", "xxxxxx"):
        assert value not in shown


@pytest.mark.parametrize("postcode", ["ZZ99 9ZZ", "CV49EE", "GIR 0AA", "BFPO 123", "EC1A 1BB"])
def test_postcodes_the_lrs_takes_are_taken_as_they_stand(postcode):
    assert LRS.refusals(learner(postcode=postcode)) == ()


def test_a_file_holds_no_more_than_the_limit_no_fewer_than_one_and_nobody_twice():
    small = LrsFiles(batch={**BATCH, "limit": 2}, return_codes=CODES, verify=VERIFY)
    three = [learner(f"L-{n}") for n in range(3)]
    for learners in (three, [], [three[0], three[0]]):
        target = io.BytesIO()
        with pytest.raises(FileRefused):
            small.write_batch(learners, ukprn="10000001", reference="X", target=target)
        assert target.getvalue() == b""
    assert LRS.limit == 5000


def test_the_tidy_reply_is_read_whole():
    reply = LRS.read_reply(TIDY)
    assert (reply.ukprn, reply.batch_reference) == ("99990001", "LRB_99990001_230620261015")
    assert (len(reply.rows), reply.practice, reply.name) == (24, False, "lrb_reply_tidy.csv")
    other = {row.code: (row.row, row.outcome, row.uln) for row in reply.rows if row.outcome != "success"}
    assert other == {
        "RC006": (11, "rejected", ""),
        "RC008": (16, "exception", ""),
        "RC011": (21, "rejected", ""),
    }
    assert reply.rows[0].uln == "3465047078"
    assert reply.rows[0].echo.date_of_birth == date(1972, 5, 29)
    assert reply.rows[0].reference == "ILM-00001"
    assert {"given_name", "postcode", "id_type"} <= reply.echoed
    assert "existing_uln" not in reply.echoed


def test_both_spellings_of_the_headings_are_accepted(tmp_path):
    other = tidy().replace(b"FamilyNameAt16", b"FamilyNameAtAge16").replace(b"CountyorCity", b"CountyOrCity")
    assert len(reply_from(other, tmp_path).rows) == 24


@pytest.mark.parametrize(
    ("code", "normal", "outcome"),
    [
        ("RC10", "RC010", "rejected"),
        (" rc1 ", "RC001", "success"),
        ("RC777", "RC777", "unknown"),
        ("XY12", "XY12", "unknown"),
        ("", "?", "unknown"),
        ("Pearson", "?", "unknown"),
    ],
)
def test_a_code_in_any_spelling_is_classified_and_an_unknown_one_is_never_success(tmp_path, code, normal, outcome):
    reply = reply_from(tidy().replace(b'"RC008"', f'"{code}"'.encode()), tmp_path)
    row = reply.rows[15]
    assert (row.code, row.outcome) == (normal, outcome)
    assert row.meaning
    assert LRS.classify(code) == (outcome, row.meaning)
    assert LRS.normalise_code(code) == normal


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"99990001","24"', b'"99990001","25"', "LearnerRecordCount"),
        (b'"99990001","24"', '"99990001","٢٤"'.encode(), "LearnerRecordCount"),
        (b'"99990001","24"', b'"9999000","24"', "UKPRN"),
        (b'"2A"', b'"2B"', "version"),
        (b"1991-10-31", b"31/10/1991", "line 3, DateOfBirth"),
        (b"1991-10-31", b"1991-02-30", "line 3, DateOfBirth"),
        (b'"GivenName"', b'"givenname"', "heading 8 is not GivenName"),
        (b'"ReturnCode"', b'"Returncode"', "last heading"),
        (b'"","","","","2886060835"', b'"","","88880001","","2886060835"', "two files were joined"),
    ],
)
def test_a_reply_that_cannot_be_trusted_is_refused_whole(tmp_path, old, new, says):
    with pytest.raises(FileRefused, match=says) as refused:
        reply_from(tidy().replace(old, new, 1), tmp_path)
    assert "1991" not in str(refused.value)
    assert "Marcus" not in str(refused.value)


def test_a_batch_is_not_taken_for_a_reply(tmp_path):
    with pytest.raises(FileRefused, match="batch, not a reply"):
        reply_from(written([learner()]), tmp_path)
    with pytest.raises(FileRefused, match="no learner"):
        reply_from(tidy().split(b"\r\n")[0] + b"\r\n", tmp_path)


NAMES = st.text(st.sampled_from("AbcdéëłŻ-' "), min_size=1, max_size=33).map(lambda text: f"N{text}x")
PEOPLE = st.builds(
    details,
    given_name=NAMES,
    family_name=NAMES,
    preferred_name=st.just("") | NAMES,
    previous_family_name=st.just("") | NAMES,
    date_of_birth=st.dates(date(1916, 1, 1), date(2013, 1, 1)),
    gender=st.sampled_from("0129"),
    postcode=st.sampled_from(["ZZ99 9ZZ", "CV49EE", "cv4 9ee", "BFPO 123"]),
    ability_to_share=st.sampled_from("012"),
    id_type=st.sampled_from(["0", "7", "999"]),
    id_description=st.text(st.sampled_from('ab",;é'), min_size=1, max_size=255),
    email=st.sampled_from(["", "o'neil+x@example.co.uk"]),
)


@given(st.lists(PEOPLE, min_size=1, max_size=12), st.integers(0, 9))
def test_any_learner_written_comes_back_as_sent(people, seed):
    """Values are never altered on the way out or in."""
    sent = [BatchLearner(reference=f"L-{n}", details=one) for n, one in enumerate(people)]
    answer = answer_batch(written(sent), seed=seed, table=BATCH)
    with held(answer, "reply.csv") as gate:
        reply = read_reply(gate, LRS._layout, LRS._codes, LRS._verify)
    assert [row.reference for row in reply.rows] == [one.reference for one in sent]
    assert [row.echo for row in reply.rows] == people


def test_the_keying_sheet_has_the_fields_to_key_and_room_for_the_answer():
    target = io.BytesIO()
    LRS.write_keying_sheet([learner(), learner("=L-2")], title="Two to key", target=target)
    sheet = openpyxl.load_workbook(target).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    heading = next(row for row in cells if "ULN received" in row)
    assert {"Learner reference", "Given name", "Family name", "Date of birth", "Code"} <= set(heading)
    texts = [str(value) for row in cells for value in row if value is not None]
    assert any("Two to key" in text for text in texts)
    assert "2004-02-29 00:00:00" in texts
    assert "2 (female)" in texts
    assert not any(text.startswith("=") for text in texts)


def test_a_faulty_table_is_refused_with_every_fault():
    with pytest.raises(DefinitionError) as refused:
        LrsFiles(batch={**BATCH, "column": BATCH["column"][1:-2], "limit": 0}, return_codes=CODES, verify=VERIFY)
    assert len(refused.value.faults) == 2
    with pytest.raises(DefinitionError, match="class"):
        LrsFiles(
            batch=BATCH,
            return_codes={**CODES, "code": [{"code": "RC001", "class": "good", "meaning": "x"}]},
            verify=VERIFY,
        )
