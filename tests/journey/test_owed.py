"""The alternative route's debt: who is owed a ULN, with the days left, and the files for the LAR system."""

from __future__ import annotations

import json

import pytest

from tests.fakes.bodies import cells
from tests.fakes.centre import Centre, uln


@pytest.fixture
def late(centre: Centre) -> Centre:
    """L-1 (funded, begun on 1 September) and L-2 (not funded) registered without a ULN on 7 September."""
    centre.enrol("L-1")
    centre.enrol("L-2", Funded="N")
    centre.do("route", "alternative", "L-1", "L-2", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register")
    for name in ("L-1", "L-2"):
        centre.do("ilm", "confirm", name, "--order", "WG-7", "--candidate", f"C-{name}")
    return centre


def paid(centre: Centre) -> None:
    centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)})
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")


def test_the_list_of_the_owed_counts_working_days_and_the_placeholders_sixty(late):
    """20 working days from the registration; ILR ULN_06 and ULN_07: 60 calendar days from the start of a funded aim."""
    first, second = late.json("lar", "owed")
    assert (first["reference"], first["registered"], first["due"], first["days_left"]) == (
        "L-1",
        "2026-09-07",
        "2026-10-05",
        20,
    )
    assert (first["placeholder_until"], first["placeholder_days_left"]) == ("2026-10-31", 54)
    assert (second["placeholder_until"], second["placeholder_days_left"]) == ("", None)
    assert first["next_command"] == "ulnflow lrs submit L-1"

    assert (first["funded"], second["funded"]) == (True, False)
    assert "No start day" not in late.do("lar", "owed").err

    late.to("2026-11-03")
    late.do("lrs", "submit", "L-1")
    late.do("lrs", "sent", late.batches()[-1].name)
    first = late.json("lar", "owed", "--cohort", "NF-1")[0]
    assert first["state"] == "Submitted to the LRS"
    assert (first["days_left"], first["placeholder_days_left"]) == (-21, -3)
    assert [len(late.do("lar", "owed", "-f", form).out.splitlines()) for form in ("csv", "ndjson")] == [3, 2]
    assert "L-2" in late.do("lar", "owed").out
    assert "there is no cohort" in late.refused("lar", "owed", "--cohort", "NONE").said

    late.do("lrs", "receive", late.reply({"L-1": uln(1)}))
    assert [one["reference"] for one in late.json("lar", "owed")] == ["L-2"]  # paid


def test_the_list_says_of_whom_no_start_day_is_known(late):
    """A blank beside a funded learner is told of, with the command that fills it."""
    late.do("learner", "edit", "L-1", "start", stdin="-\n")
    told = "No start day is known of L-1, so no placeholder days: ulnflow learner edit L-1 start"
    assert late.json("lar", "owed")[0]["placeholder_until"] == ""
    assert told in late.do("lar", "owed").err
    assert told in late.do("audit", "ask", "placeholder").err


def test_a_file_for_the_lar_system_is_written_once_and_again_only_when_it_was_refused(late):
    paid(late)
    start, nothing = late.events(), late.files()
    rehearsed = late.json("lar", "create", "--prepare", "--dry-run")
    assert (late.events(), late.files()) == (start, nothing)
    made = late.json("lar", "create", "--prepare")
    assert made["counts"] == rehearsed["counts"]
    assert [one["learners"] for one in made["files"]] == [2]
    before = late.files()
    again = late.json("lar", "create", "--prepare")
    assert again["counts"] == {"already in a file for the LAR system": 2}
    assert late.files() == before
    late.do("lar", "reject", made["files"][0]["name"], "--reason", "the upload failed")
    assert "rejected already: nothing changed" in late.do("lar", "reject", made["files"][0]["name"]).said
    assert [one["learners"] for one in late.json("lar", "create", "--prepare")["files"]] == [2]
    late.do("audit", "verify")


def test_who_a_rule_or_the_profile_holds_back_is_left_out_of_the_lar_file_and_says_why(late):
    """C2: no cross-reference without a LAR; the match must be fresh; others go."""
    paid(late)
    late.do("learner", "edit", "L-2", "family_name", stdin="Changed\n")
    result = late.run("lar", "create", "--prepare", "--format", "json")
    assert result.code == 1
    told = json.loads(result.out)
    assert [(one["reference"], one["rule"]) for one in told["refusals"]] == [("L-2", "I1")]
    assert [one["learners"] for one in told["files"]] == [1]
    assert "does not leave the state" in late.refused("lar", "cross-reference", "L-1", "--prepare").said


def test_a_lar_profile_of_the_centres_own_may_write_workbooks(late):
    (late.folder / "config" / "profiles").mkdir(parents=True)
    (late.folder / "config" / "profiles" / "our-lar.toml").write_text(
        'profile = "our-lar"\nextension = "xlsx"\ndate_format = "DD.MM.YYYY"\n'
        '[[learners.column]]\nheading = "No."\nsource = "uln"\nrequired = true\n'
        '[[learners.column]]\nheading = "Born"\nsource = "date_of_birth"\n'
        '[[cross_reference.column]]\nheading = "No."\nsource = "uln"\nrequired = true\n'
        '[[cross_reference.column]]\nheading = "Theirs"\nsource = "candidate_number"\nrequired = true\n',
        "utf-8",
    )
    settings = late.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[awarding]\nlar_profile = "our-lar"\n', "utf-8")
    paid(late)
    late.do("lar", "create", "--prepare")
    late.do("lar", "create", "--all", "--reference", "MAIL-1")
    late.do("lar", "cross-reference", "--prepare")
    learners, cross = sorted(
        (late.folder / "outbox" / "lar").glob("*.xlsx"), key=lambda path: int(path.name[1:].split("-")[0])
    )
    assert cells(learners) == [["No.", "Born"], [uln(1), "31.01.1990"], [uln(2), "31.01.1990"]]
    assert cells(cross)[1] == [uln(1), "C-L-1"]
