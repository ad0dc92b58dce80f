"""A tidy cohort, command by command, from the sheet to the updated record."""

from __future__ import annotations

from tests.fakes.centre import DATA, Centre, uln

SHEET, REPLY = DATA / "cohort_tidy.csv", DATA / "lrb_reply_tidy.csv"
HARD = ("ILM-00011", "ILM-00016", "ILM-00021")


def nine_commands(centre: Centre) -> None:
    centre.do("cohort", "import", SHEET, "--cohort", "NF-1", "--funded")
    centre.do("lrs", "submit")
    centre.do("lrs", "receive", REPLY)
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("cohort", "waive", "NF-1", "--reason", "three answers are still owed by the LRS")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "WG-1", "--all")
    centre.do("lar", "confirm", "--by", "ilm", "--reference", "LAR-1", "--all")


def test_nine_commands_bring_everyone_the_lrs_answered_to_the_end(centre):
    nine_commands(centre)
    assert centre.states() == {"lar_updated": 21, "lrs_exception": 3}
    assert {centre.state(reference) for reference in HARD} == {"lrs_exception"}
    centre.do("audit", "verify")
