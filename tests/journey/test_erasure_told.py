"""What is told of an erasure: by the log afterwards, and to those who ask for one and agree, before and after (E4)."""

from __future__ import annotations

import shutil

from tests.fakes.centre import row
from tests.fakes.packs import alone
from tests.journey.canary import CANARY, LATER, YES, found, in_files, in_tables, left
from tests.journey.databases import BOTH


@BOTH
def test_the_log_answers_about_an_erased_learner_and_says_that_the_values_are_gone(tmp_path, clock, database):
    """A question and a pack about them, with names asked for: the trail is whole, the names are not there."""
    centre = left(tmp_path, clock, database)
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    rows = centre.json("audit", "ask", "Q1", "--learner", "R1")["rows"]
    assert "were erased (request)" in rows[-1]["what"]
    folder = tmp_path / "out"
    centre.do("audit", "pack", "--learner", "R1", "--with-names", "--to", folder)
    (pack,) = folder.iterdir()
    names = (pack / "names.csv").read_text("utf-8-sig").splitlines()
    assert names[1:] == [f"R1,values erased on {LATER},,"]
    assert f"values erased on {LATER}" in (pack / "story.html").read_text("utf-8")
    assert found(b"".join(path.read_bytes() for path in pack.iterdir())) == []
    assert alone(pack, "--key", centre.json("keys", "show")[0]["key"])[0] == 0
    assert centre.json("audit", "events", "--kind", "disclosed") == []  # nobody in it has a name


@BOTH
def test_packs_with_names_go_with_the_learner_and_those_given_elsewhere_are_told(tmp_path, clock, database):
    """E4: made about the learner, the cohort, everybody; a folder and a zip; one for another place, one without names."""
    centre = left(tmp_path, clock, database)
    centre.do("audit", "pack", "--learner", "R1", "--with-names", "--zip", "--for", "Example Audit")
    centre.do("audit", "pack", "--cohort", "NF-1", "--with-names")
    centre.do("audit", "pack", "--since", "2020-01-01", "--with-names", "--to", tmp_path / "elsewhere")
    centre.do("audit", "pack", "--learner", "R2", "--with-names")
    centre.do("audit", "pack", "--learner", "R1")
    packs = centre.folder / "outbox" / "packs"
    lying = {path.name for path in packs.iterdir()}
    told = [event["position"] for event in centre.json("audit", "events", "--kind", "disclosed")]
    assert (len(lying), len(told)) == (5, 4)
    centre.to(LATER)
    before = centre.events()
    rehearsed = centre.do("learner", "erase", "R1", "--basis", "request", "--dry-run")
    assert "would be removed: outbox/packs/pack-" in rehearsed.said
    assert ({path.name for path in packs.iterdir()}, centre.events()) == (lying, before)
    done = centre.do("learner", "erase", "R1", *YES)
    assert done.said.count("removed: outbox/packs/pack-") == 3
    assert f"the pack with names that entry {told[0]} tells of (for Example Audit)" in done.said
    assert f"entry {told[1]} tells of; it names 2 other learners as well" in done.said
    assert f"what remains: the pack with names that entry {told[2]} tells of is not in outbox/packs" in done.said
    assert f"entry {told[3]} " not in done.said
    assert len(list(packs.iterdir())) == 2
    assert in_files(centre) == []
    assert found(b"".join(path.read_bytes() for path in (tmp_path / "elsewhere").rglob("names.csv"))) != []
    rows = centre.json("audit", "ask", "Q13")["rows"]
    (details,) = [row["details"] for row in rows if "remains" in row["details"]]
    assert details["packs"] == told[:3]
    assert "disclosures" in details["remains"]
    centre.do("audit", "verify")


def test_a_pack_with_names_counts_those_who_have_one(tmp_path, clock):
    centre = left(tmp_path, clock, "sqlite")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    centre.do("audit", "pack", "--cohort", "NF-1", "--with-names")
    (event,) = centre.json("audit", "ask", "Q6")["rows"][-1:]
    assert event["what"] == "Names and ULNs of 2 learners were given out."


def test_a_pack_that_lies_here_again_goes_when_the_erasure_is_repeated(tmp_path, clock):
    """A copy brought back from elsewhere is known by its manifest, whatever it is called."""
    centre = left(tmp_path, clock, "sqlite")
    centre.do("audit", "pack", "--learner", "R1", "--with-names", "--to", tmp_path / "elsewhere")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    (pack,) = (tmp_path / "elsewhere").iterdir()
    packs = centre.folder / "outbox" / "packs"
    packs.mkdir(parents=True, exist_ok=True)
    shutil.copytree(pack, packs / "unpacked" / "brought-back")
    assert in_files(centre) != []
    again = centre.do("learner", "erase", "R1", *YES)
    assert "removed: outbox/packs/unpacked/brought-back" in again.said
    assert (in_files(centre), [path for path in packs.rglob("*") if path.is_file()]) == ([], [])
    assert "the pack" not in centre.do("learner", "erase", "R1", *YES).said


def test_asking_alone_never_erases_where_nobody_needs_to_agree(tmp_path, clock):
    """`--ask` needs no --yes only while a second person must agree."""
    centre = left(tmp_path, clock, "sqlite")
    with centre.settings("\n[approvals]\nsecond_person = false\n"):
        assert "cannot be undone" in centre.refused("learner", "erase", "R1", "--basis", "request", "--ask").said
    centre.to(LATER)
    assert "cannot be undone" in centre.refused("learner", "erase", "R1", "--basis", "request", "--ask").said
    assert in_tables(centre)


@BOTH
def test_a_second_person_may_agree_to_an_erasure_before_its_time(tmp_path, clock, database):
    """E4: under a hold and inside retention only so; who asked cannot agree, and the log names both."""
    centre = left(tmp_path, clock, database)
    centre.do("retention", "hold", "R1", "--reason", "claim")
    assert "add --ask" in centre.refused("learner", "erase", "R1", *YES).said
    before = centre.events()
    rehearsed = centre.refused("learner", "erase", "R1", "--basis", "request", "--dry-run")
    against = ("under a legal hold (claim) until it is lifted", "kept until 2032-09-07", "cannot be undone")
    for words in (*against, "add --ask", "would be removed: outbox/", "what remains: "):
        assert words in rehearsed.said
    assert (rehearsed.code, "learners erased" in rehearsed.out) == (1, False)
    rehearsed = centre.do("learner", "erase", "R1", "--basis", "request", "--ask", "--dry-run")
    for words in (*against, "would be removed: outbox/", "waits for a second person"):
        assert words in rehearsed.said
    early = centre.refused("learner", "erase", "R1", "--basis", "retention_ended", "--ask")
    assert "before that day name another basis" in early.said
    assert centre.events() == before
    asked = centre.do("learner", "erase", "R1", "--basis", "request", "--ask")
    assert "nothing is done before somebody else agrees" in asked.said
    waiting = centre.json("approve")
    assert [(one["asks_to"], one["reason"]) for one in waiting] == [
        ("erase the data of R1 before their time or under a hold, on the basis request", "under_hold")
    ]
    number = waiting[0]["request"]
    for words in against:
        assert words in waiting[0]["warning"]
    centre.refused("approve", number)
    assert in_tables(centre)
    centre.set('operator = "Bo Example"')
    before_that = centre.do("approve", number, "--dry-run")
    assert not (centre.folder / "erased.register").exists()
    assert in_tables(centre)
    done = centre.do("approve", number)
    for words in against:
        assert words in before_that.said
        assert words in done.said
    assert "removed: outbox/" in done.said
    assert in_tables(centre) == []
    assert in_files(centre) == []
    told = centre.json("audit", "events", "--kind", "erased")
    assert told[0]["who"] == "Bo Example, who approved"
    assert len((centre.folder / "erased.register").read_bytes().splitlines()) == 1
    centre.do("audit", "verify")


@BOTH
def test_the_same_person_under_another_reference_is_named_before_and_after(tmp_path, clock, database):
    """E3: a double holds the five details still; whoever erases, and whoever agrees, is told."""
    centre = left(tmp_path, clock, database)
    centre.do("cohort", "import", centre.sheet([row("R4", **CANARY), row("R5")]), "--cohort", "NF-1")
    centre.do("learner", "withdraw", "R4", "R5", "--reason", "duplicate")
    told = "the same person stands here as R4 too: erase it as well"
    asked = centre.do("learner", "erase", "R1", "--basis", "request", "--ask", "--dry-run")
    assert f"what remains: {told}" in asked.said
    centre.do("learner", "erase", "R1", "--basis", "request", "--ask")
    (waiting,) = centre.json("approve")
    assert told in waiting["warning"]
    centre.set('operator = "Bo Example"')
    assert f"what remains: {told}" in centre.do("approve", waiting["request"]).said
    (row_,) = centre.json("audit", "ask", "Q13")["rows"]
    assert row_ == centre.json("audit", "ask", "Q13", "--learner", "R1")["rows"][0]
    assert row_["reference"] == "R1"
    assert "were erased (request): " in row_["what"]
    assert ", files " in row_["what"]
    assert "doubles" in row_["details"]["remains"]
    centre.to(LATER)
    assert "R1" not in centre.do("learner", "erase", "R4", "--basis", "request", "--yes").said
    assert in_tables(centre) == []


def test_who_else_stands_in_a_file_that_goes_is_counted_before_and_after(tmp_path, clock):
    """A whole file goes with a learner; the dry run, whoever agrees, and the deed say how many others stand in it."""
    centre = left(tmp_path, clock, "sqlite")
    centre.do("learner", "erase", "R1", "--basis", "request", "--ask")
    (waiting,) = centre.json("approve")
    centre.to(LATER)
    rehearsed = centre.do("learner", "erase", "R1", *YES, "--dry-run")
    done = centre.do("learner", "erase", "R1", *YES)
    batch = next(line for line in done.err.splitlines() if "outbox/lrs/" in line)
    letters = next(line for line in done.err.splitlines() if "letters" in line)
    sheet = next(line for line in done.err.splitlines() if "outbox/results/" in line)
    for line, who in (
        (batch, "2 other learners stand in it"),
        (letters, "2 other"),
        (sheet, "2 further rows stand in it"),
    ):
        name = line.rpartition("outbox/")[2].partition(" (")[0]
        assert who in line
        assert f"would be removed: outbox/{name} ({who}" in rehearsed.said
        assert f"{name.rpartition('/')[2]} goes: {who}" in waiting["warning"]
    assert "would be destroyed: 1 x uln" in rehearsed.said
    assert " destroyed: 1 x uln" in done.said
    assert "would be" not in done.said


def test_erasing_everybody_who_is_due_names_the_doubles_that_stay(tmp_path, clock):
    centre = left(tmp_path, clock, "sqlite")
    centre.do("cohort", "import", centre.sheet([row("R4", **CANARY)]), "--cohort", "NF-1")
    centre.do("learner", "withdraw", "R4", "--reason", "duplicate")
    centre.to(LATER)
    assert "stands here as" not in centre.do("retention", "apply", "--dry-run").said
    centre.do("retention", "hold", "R4", "--reason", "claim")
    assert "the same person stands here as R4 too" in centre.refused("retention", "apply", "--yes").said
