"""A profile judged whole: every fault at once, with its line, and a made-up learner written by it."""

import io
import re
from importlib.resources import files

import openpyxl
import pytest

from states.exchange.machine_file import no_templates
from states.exchange.profile_check import examine
from states.registration import Window
from tests.unit.commands import Centre, run

SHIPPED = files("config").joinpath("profiles")
ILM = SHIPPED.joinpath("ilm-generic.toml").read_text("utf-8")


def faults(text, name="ilm-generic"):
    """(line, place, what) of each fault."""
    return [(one.line, one.place, one.what) for one in examine(name, text, no_templates).faults]


@pytest.mark.parametrize("name", ["ilm-generic", "lar-generic", "example-second-body"])
def test_the_profiles_shipped_have_no_fault_and_say_that_they_are_nobodys(name):
    examined = examine(name, SHIPPED.joinpath(f"{name}.toml").read_text("utf-8"), no_templates)
    assert examined.faults == []
    assert re.search("template|nobody", examined.label)
    assert all(examined.headings.values())


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


FAULTY = [
    ('source = "given_name"', 'source = "shoe_size"', "column 3 source", "First name: source shoe_size is not known"),
    ('source = "given_name"', 'value = "x"\nsource = "given_name"', "column 3 source", "and not both"),
    ("max = 30\n", "max = 0\n", "column 1 max", "whole number from 1"),
    ('codes = { "1" = "M"', 'codes = { "1" = "Male"', "column 6 max", "longer than 1 characters"),
    ('heading = "ULN"', 'heading = "First name"', "column 3 heading", "stands twice"),
    ("required = true", 'required = "yes"', "column 1 required", "must be true or false"),
    ('date_format = "DD/MM/YYYY"', 'date_format = "DD/MM"', "date_format", "DD, MM and YYYY"),
    ('by = "funded"', 'by = "colour"', "split by", "can be funded"),
    ('words = { yes = "funded"', 'words = { yes = "FUNDED/1"', "split words", "small letters"),
    ('pattern = "[0-9]{4}-[0-9]{2,3}"', 'pattern = "["', "qualifications pattern", "regular expression"),
    ('pattern = "[0-9]{4}-[0-9]{2,3}"', 'pattern = "[a-z]{9}"', "qualifications", "no code it knows"),
    ("refused = [", 'refused = ["Accepted", ', "confirmation words refused", "two outcomes"),
    ("name_differs = [", '"Name!" = [', "mismatches codes Name!", "small letters"),
    ("[split]", "[spilt]", "spilt", "is not a key"),
    ("[qualifications]", '[window]\nlast_day = "soon"\n[qualifications]', "window last_day", "YYYY-MM-DD"),
    ("[qualifications]", '[template]\nfile = "x.xlsx"\n[qualifications]', "template sheet", "is missing"),
    ('profile = "ilm-generic"', 'profile = "other"', "profile", "as its file is called"),
]


@pytest.mark.parametrize(("before", "after", "place", "says"), FAULTY)
def test_each_fault_is_told_by_line_and_place(before, after, place, says):
    assert before in ILM
    text = ILM.replace(before, after, 1)
    found = [one for one in faults(text) if one[1] == place and says in one[2]]
    assert found, faults(text)
    assert found[0][0] is not None


def test_every_fault_is_told_at_once_with_the_line_it_stands_in():
    text = ILM.replace("max = 30", "max = 0", 1).replace('source = "uln"', 'source = "uhn"', 1) + "\n[colour]\n"
    assert [(line, place) for line, place, _ in faults(text)] == [
        (line_of(text, "max = 0"), "column 1 max"),
        (line_of(text, '"uhn"'), "column 2 source"),
        (line_of(text, "[colour]"), "colour"),
    ]
    assert faults("a = = 1") == [(1, "column 5", "is not TOML: Invalid value")]


def test_what_a_plain_learner_would_not_fit_is_a_fault():
    """A length nobody's date fits, although each key is right by itself."""
    text = ILM.replace('source = "date_of_birth"\nmax = 10', 'source = "date_of_birth"\nmax = 8')
    ((line, place, what),) = faults(text)
    assert place == "column 5"
    assert "Date of birth: a made-up learner does not fit" in what
    assert "1990" not in what
    assert text.splitlines()[line - 1] == "[[column]]"


def test_the_command_needs_neither_folder_nor_database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("profile", "check").code == 0
    assert run("profile", "list").code == 0
    assert run("--folder", tmp_path / "none", "profile", "list").code == 4
    centre = Centre(tmp_path)
    (tmp_path / "ulnflow.toml").write_text('operator = "Ann Example"\n[centre]\nukprn = "99990001"\n')
    place = tmp_path / "config" / "profiles"
    place.mkdir(parents=True)
    (place / "ilm-generic.toml").write_text(ILM.replace("max = 30", "max = 0", 1))
    result = centre.run("profile", "check", "ilm-generic")
    assert result.code == 1
    assert "column 1 max" in result.out
    assert str(line_of(ILM, "max = 30")) in result.out
    assert not list(tmp_path.glob("*.db*"))


def test_a_window_is_the_earliest_of_the_days_that_are_known():
    from datetime import date

    window = Window(date(2027, 7, 31), 84, 28)
    assert window.last(date(2026, 9, 1), date(2027, 6, 30)) == date(2026, 11, 24)
    assert window.last(None, date(2027, 6, 30)) == date(2027, 6, 2)
    assert window.last(None, None) == date(2027, 7, 31)
    assert Window(days_after_start=84).last(None, date(2027, 6, 30)) is None


def test_a_workbook_for_a_machine_holds_texts_alone():
    """No number is guessed, no link made, a leading zero stays."""
    from states.exchange.machine_file import MachineFile
    from states.exchange.profile_section import Section

    made = io.BytesIO()
    MachineFile(Section({}, "", []), "xlsx", no_templates).write(
        ["A", "B"], ["", ""], [["007", "http://x"], ["-Smith", "1E5"]], made
    )
    page = openpyxl.load_workbook(made).active
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["A", "B"],
        ["007", "http://x"],
        ["-Smith", "1E5"],
    ]
    assert {cell.data_type for row in page.iter_rows() for cell in row} == {"s"}
    assert page._hyperlinks == []
