"""What a centre may set: weights of rules and clocks."""

import pytest
import time_machine

from cli import wiring
from tests.fakes.centre import DATA, MONDAY, Centre, Keyboard
from workflow.errors import DefinitionError


def settings(centre, words):
    file = centre.folder / "ulnflow.toml"
    file.write_text(file.read_text("utf-8") + words, "utf-8")


def test_the_cohort_gate_may_be_lowered_and_a_warning_raised(centre):
    settings(centre, '\n[rules]\nI2 = "warn"\nD6 = "block"\n')
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    refused = centre.run("lrs", "submit", "--format", "json")
    assert refused.code == 1
    assert '"notice_undated"' in refused.out


def test_what_makes_a_step_true_cannot_be_lowered(centre):
    settings(centre, '\n[rules]\nU1 = "warn"\n')
    result = centre.run("status")
    assert result.code == 4
    assert "rules.U1" in result.err


def test_a_clock_of_the_centre_counts_and_a_wrong_name_is_refused(centre):
    settings(centre, "\n[clocks]\ndetails_gathered = 1\n")
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    centre.days(3)
    assert '"overdue"' in centre.run("stuck", "--format", "json").out
    settings(centre, "nowhere = 1\n")
    assert "nowhere" in centre.run("status").err


@pytest.mark.parametrize(
    "address",
    [
        "mysql://ann:s3cret@host/centre",
        "postgresql://ann:s3/cret@host/centre",
        "postgresql://ann:s3cret@host",
        "s3cret",
    ],
)
def test_a_wrong_address_of_a_database_is_told_by_its_key_alone(centre, monkeypatch, address):
    """It may hold a password."""
    monkeypatch.setenv("ULNFLOW_DATABASE_URL", address)
    with pytest.raises(DefinitionError) as refused:
        wiring.load_settings(centre.folder)
    assert "database_url" in str(refused.value)
    assert "s3" not in str(refused.value)
    centre.set(f'database_url = "{address}"')
    result = centre.run("status")
    assert result.code == 4
    assert "database_url" in result.err
    assert "s3" not in result.said


def test_the_variable_overrides_the_file_and_is_not_shown(centre, monkeypatch):
    monkeypatch.setenv("ULNFLOW_DATABASE_URL", "postgresql://ann:s3cret@host/centre")
    settings = wiring.load_settings(centre.folder)
    assert wiring.place(centre.folder, settings) == "postgresql://ann:s3cret@host/centre"
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_a_server_that_cannot_be_reached_is_told_without_its_address(centre):
    centre.set('database_url = "postgresql://owner9:s3cret@127.0.0.1:9/centre?connect_timeout=2"')
    result = centre.run("status")
    assert result.code == 4
    assert "cannot be reached" in result.err
    for part in ("s3cret", "owner9", "127.0.0.1"):
        assert part not in result.said


def test_a_folder_for_practice_opens_no_real_database(tmp_path):
    """The variable counts in every folder, in that of the demonstration too."""
    with time_machine.travel(MONDAY, tick=True) as clock:
        real = Centre(tmp_path / "real", clock, on="postgresql").init(ukprn="10012345")
        practice = Centre(tmp_path / "practice", clock, on="sqlite").init()
        practice.set(next(line for line in (real.folder / "ulnflow.toml").read_text().splitlines() if "_url" in line))
        assert practice.run("status").code == 4


@pytest.mark.parametrize(
    ("name", "told"), [("lrs/batch.toml", False), ("profiles/ilm-generic.toml", True), ("lrs/return_codes.toml", False)]
)
def test_a_broken_table_stops_no_report_that_can_do_without_it(centre, name, told):
    """Where deadlines are left out for it, that is told; what needs the table is refused by its name."""
    centre.enrol("L-1")
    centre.days(10)
    asked = [("today",), ("status",), ("stuck",), ("cohort", "list")]
    whole = [centre.json(*words) for words in asked]
    path = centre.folder / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = [1\n", "utf-8")
    assert [centre.json(*words) for words in asked] == whole
    for words in asked:
        assert (name in centre.run(*words).err) is told
    refused = centre.run(*(("audit", "ask", "stuck") if told else ("lrs", "submit")))
    assert (refused.code in {2, 4}, name in refused.err) == (True, True)


@pytest.mark.parametrize("again", ["DI EXAMPLE", "D\uff49 Example", "Di\u2800 Example"])
def test_who_is_kept_to_cohorts_stands_in_the_settings_once_however_written(centre, again):
    people = f'[people]\n"Di Example" = {{ roles = ["operator"], cohorts = ["NF-1"] }}\n"{again}" = ["operator"]\n'
    with centre.settings(people):
        result = centre.run("status")
    assert result.code == 4
    assert "may stand here once only" in result.said


# --- what is wrong is told in words -----------------------------------------------------------------------------------

WRONG = """
operater = "Ann"
closures = ["2026-13-01"]

[people]
"Bo Example" = ["admin"]
"Cy Example" = { roles = "operator" }

[policy.more]

[clocks]
lar_created = "two"
uln_received = -1

[rules]
D1 = "off"

[awarding]
profile = "A b"

[mail]
port = 99999
user = false
"""
TOLD = {
    "operater: there is no such key": "operater =",
    "closures: must be days of the calendar, as YYYY-MM-DD": "closures =",
    "people.Bo Example.roles: can be operator, approver or auditor": '"Bo Example" =',
    "people.Cy Example.roles: must be a list, in [ ]": '"Cy Example" =',
    "policy.more: there is no such key": "[policy.more]",
    "clocks.lar_created: must be a whole number, without quotes": "lar_created =",
    "clocks.uln_received: must be 0 or more": "uln_received =",
    "rules.D1: can be block or warn": "D1 =",
    "awarding.profile: must be the name of a profile: small letters, digits and - only": "profile =",
    "mail.port: must be 65535 or less": "port =",
    "mail.user: must be a text, in quotes": "user =",
    "centre.ukprn: is missing": "[centre]",
}


def test_each_wrong_key_is_told_in_words_with_what_it_may_be_and_its_line(tmp_path):
    file = tmp_path / "ulnflow.toml"
    file.write_text(WRONG + '\n[centre]\nnation = "wales"\n', "utf-8")
    lines = file.read_text("utf-8").splitlines()
    with pytest.raises(DefinitionError) as wrong:
        wiring.load_settings(tmp_path)
    places = {said: next(n for n, line in enumerate(lines, 1) if line.startswith(at)) for said, at in TOLD.items()}
    assert sorted(wrong.value.faults) == sorted(f"{said} (line {number})" for said, number in places.items())


def test_a_wrong_variable_is_told_by_its_name(centre, monkeypatch):
    monkeypatch.setenv("ULNFLOW_POLICY__LATE_ULN", "Ann")
    with pytest.raises(DefinitionError) as wrong:
        wiring.load_settings(centre.folder)
    assert wrong.value.faults == ("policy.late_uln: can be ilm or centre (set by ULNFLOW_POLICY__LATE_ULN)",)


def test_the_doctor_says_which_line_to_put_right(centre):
    settings(centre, '\n[people]\n"Bo Example" = ["admin"]\n')
    number = (centre.folder / "ulnflow.toml").read_text("utf-8").splitlines().index('"Bo Example" = ["admin"]') + 1
    found = next(one for one in centre.json("doctor") if one["about"] == "settings file")
    assert found["message"] == f"people.Bo Example.roles: can be operator, approver or auditor (line {number})"
    assert found["fix"] == "put these right in ulnflow.toml"


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_asks_again_for_each_answer_that_cannot_be_and_loses_none(tmp_path):
    """Nothing is written before every answer can be taken."""
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = Centre(tmp_path / "centre", clock, on="sqlite")
        answers = ["123", "99990001", "englnd", "wales", "nobody", "ilm", "   ", "1", "Ann Example"]
        result = centre.run("init", stdin=Keyboard("\n".join([*answers, ""])))
        assert result.code == 0, result.err
        assert "A UKPRN has eight digits" in result.err
        assert "Say one of: england, wales, scotland, northern_ireland." in result.err
        assert "Say one of: ilm, centre." in result.err
        assert "Your name must be a person's name" in result.err
        known = wiring.load_settings(centre.folder)
    assert (known.centre.ukprn, known.centre.nation, known.policy.late_uln) == ("99990001", "wales", "ilm")
    assert known.operator == "Ann Example"


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--nation", "englnd", "england, wales, scotland, northern_ireland"),
        ("--late-uln", "nobody", "ilm, centre"),
        ("--operator", "42", "must be a person's name"),
        ("--ukprn", "12", "eight digits"),
    ],
)
def test_a_wrong_option_of_init_is_told_with_what_it_may_be_and_nothing_is_written(tmp_path, option, value, told):
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = Centre(tmp_path / "centre", clock, on="sqlite")
        given = {"--ukprn": "99990001", "--operator": "Ann Example", option: value}
        result = centre.run("init", *(word for pair in given.items() for word in pair))
    assert result.code == 2
    assert option in result.said
    assert told in result.said
    assert not list(centre.folder.iterdir())
