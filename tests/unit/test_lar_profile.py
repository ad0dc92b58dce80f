"""The LAR system of the alternative route by files."""

import io
import tomllib
from datetime import date
from importlib.resources import files

import pytest

from states.errors import FileRefused
from states.exchange.lar.profile import ProfiledLar
from states.learner.details import Details
from states.registration import Registration
from workflow.errors import DefinitionError

PROFILE = tomllib.loads(files("config").joinpath("profiles", "lar-generic.toml").read_text(encoding="utf-8"))
LAR = ProfiledLar(PROFILE)


def registration(uln="1000102504", candidate_number="ABC123", **changes):
    known = {
        "given_name": "Zoë",
        "family_name": "O'Brien",
        "date_of_birth": date(2004, 2, 29),
        "gender": "2",
        "postcode": "CV4 9EE",
    }
    return Registration(
        reference="L-1",
        details=Details(**{**known, **changes}),
        uln=uln,
        qualification="8605-11",
        cohort="Autumn",
        funded=None,
        candidate_number=candidate_number,
    )


def test_the_file_that_adds_learners():
    target = io.BytesIO()
    LAR.write_learners([registration(candidate_number="")], target)
    assert target.getvalue().decode("utf-8") == (
        "ULN,Given name,Family name,Date of birth,Gender,Postcode,Centre learner reference\r\n"
        "1000102504,Zoë,O'Brien,2004-02-29,2,CV4 9EE,L-1\r\n"
    )
    assert LAR.label == "check against your centre's own template"


def test_the_cross_reference_file_ties_uln_and_candidate_number_and_carries_no_name():
    target = io.BytesIO()
    LAR.write_cross_reference([registration()], target)
    assert target.getvalue().decode("utf-8") == (
        "ULN,Candidate number,Qualification,Centre learner reference\r\n1000102504,ABC123,8605-11,L-1\r\n"
    )


@pytest.mark.parametrize(
    ("write", "changes", "says"),
    [
        ("write_learners", {"uln": ""}, "ULN is missing"),
        ("write_learners", {"uln": "9999999999"}, "ULN is not valid"),
        ("write_learners", {"gender": ""}, "Gender is missing"),
        ("write_cross_reference", {"candidate_number": ""}, "Candidate number is missing"),
        ("write_cross_reference", {"candidate_number": "x" * 21}, "21 characters, 20 are allowed"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_byte_is_written(write, changes, says):
    target = io.BytesIO()
    with pytest.raises(FileRefused, match=says):
        getattr(LAR, write)([registration(**changes)], target)
    assert target.getvalue() == b""


def test_a_profile_without_columns_is_refused():
    with pytest.raises(DefinitionError, match="no column"):
        ProfiledLar({**PROFILE, "learners": {}})
