"""A learner erased, handed out, held and due: through the commands, on both databases (rows E3, E4 and E5)."""

from __future__ import annotations

import json
import shutil
import stat

from cli import wiring
from tests.fakes.centre import row, uln
from tests.journey.canary import CANARY, LATER, NUMBER, OLD, YES, found, in_files, in_tables, left
from tests.journey.databases import BOTH, at


@BOTH
def test_an_erased_learner_is_nowhere_and_the_log_verifies(tmp_path, clock, database):
    """E3: tables, database file, write-ahead log, files in the outbox; the trail is readable."""
    centre = left(tmp_path, clock, database)
    assert in_tables(centre)
    assert in_files(centre)
    before, story = centre.events(), centre.json("audit", "history", "R1")
    centre.to(LATER)
    centre.refused("learner", "erase", "R1", "--basis", "request")
    rehearsed = centre.do("learner", "erase", "R1", *YES, "--dry-run")
    assert "would be removed: outbox/" in rehearsed.said
    assert centre.events() == before
    assert found(b"".join(path.read_bytes() for path in centre.files()))
    done = centre.do("learner", "erase", "R1", *YES)
    assert "what remains: the Learning Records Service" in done.said
    assert ("VACUUM" in done.said or "vacuumed" in done.said) is (database == "postgresql")
    assert in_tables(centre) == []
    assert in_files(centre) == []
    centre.do("audit", "verify")
    after = centre.json("audit", "history", "R1")
    assert [line["what"] for line in after["lines"]][: len(story["lines"])] == [line["what"] for line in story["lines"]]
    assert "were erased (request)" in after["lines"][-1]["what"]
    told = centre.json("audit", "events", "--kind", "erased")
    assert [line["kind"] for line in told] == ["erased"]
    assert centre.json("learner", "show", "R2")["details"]["Given name"] == "Robin"


@BOTH
def test_who_is_held_kept_or_under_way_is_not_erased(tmp_path, clock, database):
    """E4: under a hold, inside retention, twice, unknown."""
    centre = left(tmp_path, clock, database)
    centre.enrol("R9")
    before = centre.events()
    assert "under way" in centre.refused("learner", "erase", "R9", *YES).said
    assert "kept until 2032-09-07" in centre.refused("learner", "erase", "R1", *YES).said
    assert "--basis: request" in centre.refused("learner", "erase", "R1", "--basis", "whim", "--yes").said
    unknown = centre.refused("learner", "erase", "Zebediah", *YES).said
    assert found(unknown.encode()) == []
    assert centre.events() == before
    centre.to(LATER)
    assert "say why as a code" in centre.refused("retention", "hold", "R1", "--reason", "a whim").said
    centre.do("retention", "hold", "R1", "--reason", "claim", "--note", "T-77")
    assert "legal hold (claim)" in centre.refused("learner", "erase", "R1", *YES).said
    held = centre.events()
    assert "nothing changed" in centre.do("retention", "hold", "R1", "--reason", "claim").said
    assert centre.events() == held
    centre.do("retention", "lift", "R1")
    assert "nothing changed" in centre.do("retention", "lift", "R1").said
    centre.do("learner", "erase", "R1", *YES)
    erased = centre.events()
    again = centre.do("learner", "erase", "R1", *YES)
    assert f"erased before, on {LATER}: nothing was changed" in again.said
    assert centre.events() == erased
    centre.do("audit", "verify")


@BOTH
def test_an_erased_learner_comes_back_by_no_way(tmp_path, clock, database):
    """Not by name, by a sheet, by a late answer, by a move of many, nor by the awarding organisation's list."""
    centre = left(tmp_path, clock, database)
    reply = centre.folder / "reply.csv"
    late = centre.folder / "late.csv"
    late.write_bytes(reply.read_bytes().replace(b"RC008", b"RC001").replace(b'"",', f'"{OLD}",'.encode(), 1) + b"\r\n")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    for words in (
        ("learner", "show", "R1"), ("learner", "why", "R1"), ("learner", "edit", "R1", "postcode"),
        ("learner", "reinstate", "R1", "--reason", "x"), ("uln", "wrong", "R1", "--reason", "x", "--evidence", "x"),
        ("lrs", "answer", "R1"), ("learner", "disclose", "R1", "--to", centre.folder / "out"),
        ("retention", "hold", "R1", "--reason", "claim"), ("audit", "history", "R1", "--reasons"),
    ):  # fmt: skip
        said = centre.refused(*words, stdin="GY9 3UF\n").said
        assert "was erased on" in said, words
        assert "ulnflow audit history R1" in said
    back = centre.sheet([row("R1", **CANARY), row("R2")])
    told = centre.json("cohort", "import", back, "--cohort", "NF-1")
    assert told["counts"]["rows refused"] == 1
    centre.run("lrs", "receive", late)
    centre.run("advance", "reinstate", "--cohort", "NF-1", "--reason", "x")
    assert centre.states()["withdrawn"] == 1
    assert in_tables(centre) == []
    assert centre.quarantined() == []
    centre.do("audit", "verify")
    for words in (("today",), ("status", "--learners"), ("stuck",), ("exception", "list"), ("dispatch", "reconcile")):
        result = centre.run(*words)
        assert result.code in {0, 1}, result.said


@BOTH
def test_answers_in_quarantine_about_the_learner_go_too(tmp_path, clock, database):
    centre = at(tmp_path, clock, database)
    centre.enrol("R2")
    centre.do("lrs", "submit")
    stranger = {"MISIdentifier": "R1", "ULN": NUMBER, "ReturnCode": "RC001"}
    centre.run(
        "lrs", "receive", centre.reply({"R2": uln(1)}, more=[stranger, {**stranger, "MISIdentifier": "R8", "ULN": OLD}])
    )
    assert centre.quarantined() == ["R1", "R8"]
    centre.do("cohort", "import", centre.sheet([row("R1", **CANARY)]), "--cohort", "NF-1")
    centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    assert centre.quarantined() == ["R8"]
    assert NUMBER.encode() not in {trace for _, trace in in_tables(centre)}


def only_the_backup_is_found(centre):
    """The checkpoints beside the database remember the log that the backup cut off; nothing else is wrong."""
    found = centre.json("audit", "verify")
    assert {fault["kind"] for fault in found["faults"]} == {"seal"}, found["faults"]


def test_a_backup_from_before_an_erasure_is_erased_again_before_anything_is_shown(tmp_path, clock):
    """E5: by any command, once, with its own event; where the learner was under way in it as well."""
    centre = left(tmp_path, clock, "sqlite")
    shutil.copy(centre.folder / "ulnflow.db", tmp_path / "late.db")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    register = centre.folder / "erased.register"
    assert stat.S_IMODE(register.stat().st_mode) == 0o600
    assert found(register.read_bytes()) == []
    for name in ("ulnflow.db-wal", "ulnflow.db-shm"):
        (centre.folder / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "late.db", centre.folder / "ulnflow.db")
    before = (centre.folder / "ulnflow.db").read_bytes()
    for look in (("doctor",), ("db", "check")):
        told = centre.run(*look)
        assert (told.code, "older than 1 erasure in erased.register" in told.out) == (1, True)
        assert found(told.said.encode()) == []
    assert (centre.folder / "ulnflow.db").read_bytes() == before
    first = centre.run("learner", "find", stdin="Zebediah\n")
    assert "older than 1 erasure" in first.err
    assert "R1" not in first.out
    assert in_tables(centre) == []
    assert in_files(centre) == []
    assert "older than" not in centre.run("learner", "find", stdin="Zebediah\n").err
    assert [one["weight"] for one in centre.json("db", "check") if one["about"] == "erasures"] == ["ok"]
    assert "from an older backup" in centre.json("audit", "history", "R1")["lines"][-1]["what"]
    only_the_backup_is_found(centre)


def test_a_backup_in_which_the_learner_was_under_way_is_erased_as_well(tmp_path, clock):
    centre = at(tmp_path, clock, "sqlite")
    centre.do("cohort", "import", centre.sheet([row("R1", **CANARY), row("R2")]), "--cohort", "NF-1")
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", "1" if len(centre.dispatches()) == 1 else "2")
    shutil.copy(centre.folder / "ulnflow.db", tmp_path / "early.db")
    centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    centre.enrol("R7")
    centre.do("learner", "withdraw", "R7", "--reason", "left_course")
    centre.to(LATER)
    centre.do("learner", "erase", "R1", *YES)
    centre.do("learner", "erase", "R7", *YES)
    for name in ("ulnflow.db-wal", "ulnflow.db-shm"):
        (centre.folder / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "early.db", centre.folder / "ulnflow.db")
    assert "older than 1 erasure" in centre.run("today").err
    assert centre.states() == {"withdrawn": 1, "submitted_to_lrs": 1}
    assert in_tables(centre) == []
    centre.enrol("R8")  # takes the number that R7 had before the backup came back
    assert "older than" not in centre.run("today").err
    assert centre.json("learner", "show", "R8")["details"]["Given name"] == "Robin"
    only_the_backup_is_found(centre)


def test_files_that_a_crash_behind_the_commit_left_go_with_the_next_command(tmp_path, clock, monkeypatch):
    """The lists that went back to people too, though who stood in them is known no more."""
    centre = left(tmp_path, clock, "sqlite")
    centre.to(LATER)
    held = centre.files()
    assert found(b"".join(path.read_bytes() for path in held))
    with monkeypatch.context() as crash:
        crash.setattr("states.erasing.clear", lambda *_args, **_more: (_ for _ in ()).throw(KeyboardInterrupt))
        assert centre.run("learner", "erase", "R1", *YES).code == 130
    assert centre.files() == held
    centre.do("audit", "verify")
    assert in_files(centre) == []


@BOTH
def test_everything_held_is_handed_out_and_only_that_it_was_is_told(tmp_path, clock, database):
    centre = left(tmp_path, clock, database)
    before = centre.events()
    out = tmp_path / "out"
    centre.do("learner", "disclose", "R1", "--to", out)
    made = sorted(out.iterdir())
    assert [path.suffix for path in made] == [".html", ".json"]
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert found(path.name.encode()) == []
    record = json.loads(made[1].read_bytes())
    assert [one["Family name"] for one in record["details"]] == ["Quuxbury", "Quuxburough"]
    assert [one["ULN"] for one in record["ulns"]] == [NUMBER]
    assert list(record["reasons"].values()) == ["Quuxbury was compared by hand"]
    assert {one["what"] for one in record["files"]} == {"lrs batch", "uln message"}
    assert any("Withdrawn" in line["what"] for line in record["trail"])
    page = made[0].read_text("utf-8")
    assert "Quuxburough" in page
    assert "Told the ULN by e-mail" in page
    assert centre.events() - before == 3
    again = centre.run("learner", "disclose", "R1", "--to", out)
    assert again.code == 4
    assert "there already" in again.said
    assert sorted(out.iterdir()) == made
    assert [line["kind"] for line in centre.json("audit", "events", "--kind", "disclosed")] == ["disclosed"]
    centre.to(LATER)
    assert "handed out about the learner" in centre.do("learner", "erase", "R1", *YES).said


@BOTH
def test_those_whose_time_is_over_are_erased_together(tmp_path, clock, database):
    centre = left(tmp_path, clock, database)
    assert centre.json("retention", "due") == []
    centre.do("retention", "hold", "R2", "--reason", "audit")
    centre.to(LATER)
    centre.enrol("R4")
    listed = {line["reference"]: line["hold"] for line in centre.json("retention", "due")}
    assert listed == {"R1": "", "R2": "audit", "R3": ""}
    centre.do("retention", "hold", "R4", "--reason", "claim")
    assert centre.do("retention", "due", "--format", "csv").out.splitlines() == [
        "reference,ended_as,since,kept_until,hold,due",
        "R1,Withdrawn,2026-09-07,2032-09-07,,yes",
        "R2,Withdrawn,2026-09-07,2032-09-07,audit,yes",
        "R3,Withdrawn,2026-09-07,2032-09-07,,yes",
        "R4,,,,claim,no",
    ]
    assert "Due: 3." in centre.do("retention", "due").said
    centre.do("retention", "lift", "R4")
    before = centre.events()
    centre.run("retention", "apply", "--dry-run")
    assert centre.events() == before
    done = centre.run("retention", "apply", "--yes", "--format", "json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["counts"]["learners erased"] == 2
    assert [one["reference"] for one in told["refusals"]] == ["R2"]
    assert in_tables(centre) == []
    assert in_files(centre) == []
    assert [line["reference"] for line in centre.json("retention", "due")] == ["R2"]
    assert len(centre.json("audit", "events", "--kind", "erased")) == 2
    assert len(centre.json("audit", "events", "--kind", "retention_applied")) == 1
    centre.do("audit", "verify")


def test_a_centre_sets_its_own_time_by_state(tmp_path, clock):
    centre = left(tmp_path, clock, "sqlite")
    settings = centre.folder / wiring.FILE
    settings.write_text(settings.read_text() + "\n[retention]\nyears = 10\nby_state = { withdrawn = 2 }\n")
    centre.to("2028-09-06")
    assert centre.json("retention", "due") == []
    centre.to("2028-09-07")
    assert len(centre.json("retention", "due")) == 3


def test_a_file_others_wait_in_stays_and_goes_with_a_repeat(tmp_path, clock):
    centre = at(tmp_path, clock, "sqlite")
    centre.do("cohort", "import", centre.sheet([row("R1", **CANARY), row("R2")]), "--cohort", "NF-1")
    centre.do("lrs", "submit")
    centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    centre.to(LATER)
    assert "was not sent: reject it first" in centre.refused("learner", "erase", "R1", *YES).said
    centre.do("lrs", "sent", centre.batches()[0].name, "--reason", "x")
    done = centre.do("learner", "erase", "R1", *YES)
    assert "others wait in still holds the learner" in done.said
    assert centre.batches()
    centre.do("lrs", "receive", centre.reply({"R2": uln(1)}))
    assert "removed: outbox/lrs/" in centre.do("learner", "erase", "R1", *YES).said
    assert centre.batches() == []
    assert in_files(centre) == []
    centre.do("audit", "verify")
