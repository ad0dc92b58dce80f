"""The awarding organisation by files: what the profile says is written, and nothing is cut off or guessed."""

import io
import tomllib
from datetime import date
from importlib.resources import files

import openpyxl
import pytest

from states.errors import FileRefused
from states.exchange.awarding.profile import ProfiledAwardingBody
from states.learner.details import Details
from states.registration import Registration, RegistrationFile
from workflow.errors import DefinitionError

PROFILE = tomllib.loads(files("config").joinpath("profiles", "ilm-generic.toml").read_text(encoding="utf-8"))
ILM = ProfiledAwardingBody(PROFILE)


def registration(reference="L-1", funded=True, uln="1000102504", qualification="8605-11", **changes):
    known = {
        "given_name": "Zoë",
        "family_name": "O'Brien-Smith, Jr",
        "date_of_birth": date(2004, 2, 29),
        "gender": "2",
        "postcode": "CV4 9EE",
    }
    return Registration(
        reference=reference,
        details=Details(**{**known, **changes}),
        uln=uln,
        qualification=qualification,
        cohort="Autumn",
        funded=funded,
    )


def file(*people):
    return RegistrationFile(profile="ilm-generic", word="all", extension="csv", registrations=people)


def test_the_file_is_what_the_profile_says():
    target = io.BytesIO()
    ILM.write_registration(file(registration(), registration("L-2", uln="", gender="9")), target)
    assert target.getvalue().decode("utf-8") == (
        "Centre learner reference,ULN,First name,Last name,Date of birth,Gender,Postcode,Email,Qualification,"
        "Cohort,Funding\r\n"
        'L-1,1000102504,Zoë,"O\'Brien-Smith, Jr",29/02/2004,F,CV4 9EE,,8605-11,Autumn,Funded\r\n'
        'L-2,,Zoë,"O\'Brien-Smith, Jr",29/02/2004,U,CV4 9EE,,8605-11,Autumn,Funded\r\n'
    )
    assert ILM.profile == "ilm-generic"
    assert ILM.label == "check against your centre's own template"
    assert ILM.registration_window


@pytest.mark.parametrize(
    ("field", "code", "changes"),
    [
        ("given_name", "missing", {"given_name": ""}),
        ("family_name", "too_long", {"family_name": "x" * 36}),
        ("family_name", "formula_start", {"family_name": "@x"}),
        ("date_of_birth", "missing", {"date_of_birth": None}),
        ("gender", "not_a_code", {"gender": "7"}),
        ("postcode", "postcode_form", {"postcode": "M1 1AC"}),
        ("uln", "uln", {"uln": "9999999999"}),
        ("qualification", "unknown_qualification", {"qualification": "Leadership"}),
        ("qualification", "missing", {"qualification": ""}),
        ("funded", "funded_unknown", {"funded": None}),
        ("reference", "too_long", {"reference": "x" * 31}),
    ],
)
def test_what_does_not_fit_is_refused_and_never_cut_off_or_shown(field, code, changes):
    bad = registration(**changes)
    assert [(finding.field, finding.code) for finding in ILM.refusals(bad)] == [(field, code)]
    target = io.BytesIO()
    with pytest.raises(FileRefused) as refused:
        ILM.write_registration(file(bad), target)
    assert target.getvalue() == b""
    assert not any(value in str(refused.value) for value in ("M1 1AC", "9999999999", "O'Brien", "xxxxx36"))


def test_funded_and_non_funded_learners_go_into_separate_files():
    people = [registration("L-1"), registration("L-2", funded=False), registration("L-3")]
    parts = [(part.word, [one.reference for one in part.registrations]) for part in ILM.split(people)]
    assert parts == [("funded", ["L-1", "L-3"]), ("non-funded", ["L-2"])]
    with pytest.raises(FileRefused, match="one file"):
        ILM.write_registration(file(*people), io.BytesIO())
    with pytest.raises(FileRefused, match="1 of them"):
        ILM.split([*people, registration("L-4", funded=None)])
    whole = ProfiledAwardingBody({**PROFILE, "split": {}})
    assert [part.word for part in whole.split(people)] == ["all"]
    assert whole.split([]) == []


def test_nobody_stands_in_a_file_twice_and_no_file_is_empty():
    for people in ([], [registration(), registration()]):
        with pytest.raises(FileRefused):
            ILM.write_registration(file(*people), io.BytesIO())


def test_only_named_qualifications_pass_where_the_profile_names_them():
    narrow = ProfiledAwardingBody({**PROFILE, "qualifications": {"known": ["8605-12"], "hint": "8605-12"}})
    assert [finding.code for finding in narrow.refusals(registration())] == ["unknown_qualification"]
    assert narrow.refusals(registration(qualification="8605-12")) == ()


def confirmed(tmp_path, text):
    path = tmp_path / "confirmation.csv"
    path.write_bytes(text.encode("utf-8"))
    return ILM.read_confirmation(path)


def test_a_confirmation_is_read_whatever_the_order_of_its_columns(tmp_path):
    read = confirmed(tmp_path, "Order No.,Colour,CANDIDATE NUMBER,learner reference\r\nO1,red,C1,L-1\r\n,,C2, L-2 \r\n")
    rows = [(row.row, row.reference, row.candidate_number, row.order_number) for row in read.rows]
    assert rows == [(2, "L-1", "C1", "O1"), (3, "L-2", "C2", "")]
    assert (read.name, len(read.digest)) == ("confirmation.csv", 64)


def test_a_confirmation_may_be_a_workbook_with_numbers(tmp_path):
    book = openpyxl.Workbook()
    for row in (["Reference", "Candidate number", "Order number"], ["L-1", 1234567, 88.0]):
        book.active.append(row)
    book.save(tmp_path / "confirmation.xlsx")
    row = ILM.read_confirmation(tmp_path / "confirmation.xlsx").rows[0]
    assert (row.row, row.candidate_number, row.order_number) == (2, "1234567", "88")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Reference,Candidate\r\nL-1,C1\r\nL-1,C2\r\n", "line 3.*stands in an earlier row"),
        ("Reference,Candidate\r\nL-1,C1\r\nL-2,C1\r\n", "line 3.*stands in an earlier row"),
        ("Reference,Candidate\r\nL-1,\r\n", "candidate number is empty"),
        ("Reference,Candidate\r\n,C1\r\n", "reference is empty"),
        ("Reference,Order\r\nL-1,O1\r\n", "no column holds the candidate number"),
        ("Reference,Candidate,Candidate no\r\nL-1,1,2\r\n", "two columns look like"),
        ("Reference,Candidate\r\nL-1,C1,extra\r\n", "more cells"),
    ],
)
def test_a_confirmation_that_cannot_be_right_is_refused(tmp_path, text, says):
    with pytest.raises(FileRefused, match=says):
        confirmed(tmp_path, text)


def test_a_faulty_profile_is_refused_with_every_fault():
    columns = [{"heading": "A", "source": "shoe_size"}, {"heading": "A", "source": "reference", "max": 0}]
    with pytest.raises(DefinitionError) as refused:
        ProfiledAwardingBody({**PROFILE, "column": columns})
    assert len(refused.value.faults) == 3
    with pytest.raises(DefinitionError, match="date format"):
        ProfiledAwardingBody({**PROFILE, "date_format": "DD/MM"})
    with pytest.raises(DefinitionError, match="heading for reference"):
        ProfiledAwardingBody({**PROFILE, "confirmation": {}})
