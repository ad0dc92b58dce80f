"""What a centre may set: weights of rules and clocks."""

from tests.fakes.centre import DATA


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
