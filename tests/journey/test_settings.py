"""What a centre may set: weights of rules and clocks."""

import pytest
import time_machine

from cli import wiring
from tests.fakes.centre import DATA, MONDAY, Centre
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
