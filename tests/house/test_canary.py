"""Rows E2, E6 and E10: every command is made to fail with a learner's values in hand, and none of them gets out."""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
import subprocess
import sys
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel

from states.unit_of_work import Glance
from tests.fakes.bodies import csv_file
from tests.fakes.centre import row, uln
from tests.house.test_commands import COMMANDS, ROOT
from tests.house.test_privacy import Watched, everything_but_personal, hits
from tests.journey.canary import CANARY, NUMBER
from tests.unit.commands import Centre, centre_at

SHEET, REPLY, LIST, REPORT = "sheet-1.csv", "reply.csv", "list.csv", "report.csv"
TYPED = f"Zebediah Quuxbury {NUMBER}\n"
ASKED = {
    "learner edit": "GY9 3UG\n",
    "exception candidates": f"ULN,Given name,Family name,Date of birth\n{NUMBER},Zebediah,Quuxbury,1987-11-23\n",
}
R1 = "R1"
WORDS: dict[str, tuple[str, ...]] = {
    "today": (), "status": ("--learners",), "stuck": (), "help": ("lrs",), "doctor": (),
    "advance": ("withdraw", R1, "--reason", "other"),
    "cohort import": (SHEET, "--cohort", "NF-1"), "cohort list": (), "cohort waive": ("NF-1", "--reason", "x"),
    "lrs submit": (), "lrs sent": ("1",), "lrs receive": (REPLY,), "lrs check": (REPLY,),
    "lrs answer": (R1, "--code", "RC001"), "lrs reject": ("1", "--reason", "x"), "lrs recall": (R1, "--reason", "x"),
    "uln check": ("-",), "uln pass": (), "uln send": (R1,), "uln bounced": (SHEET,), "uln check-template": (),
    "uln told": (R1, "--how", "email"), "uln not-told": (R1, "--evidence", "x"),
    "uln wrong": (R1, "--reason", "x", "--evidence", "x"),
    "ilm register": (R1,), "ilm confirm": (R1, "--order", "WG-1"), "ilm reject": ("1", "--reason", "x"),
    "ilm exception": (R1, "--evidence", "x"), "ilm mismatches": (REPORT,), "ilm reconcile": (LIST,),
    "ilm resolve": (R1, "--evidence", "x"), "ilm results": (R1, "--reference", "x"),
    "lar create": (R1, "--reference", "x"), "lar cross-reference": (R1, "--reference", "x"),
    "lar confirm": (R1, "--by", "ilm", "--reference", "x"), "lar reject": ("1", "--reason", "x"), "lar owed": (),
    "enrolment reconcile": (SHEET,), "profile list": (), "profile check": (),
    "route show": (), "route alternative": (R1, "--reason", "x", "--yes"),
    "exception list": (), "exception show": (R1,), "exception candidates": (R1,),
    "exception assign": (R1, "--to", "Bo Example"), "exception challenge": (R1, "--reference", "x"),
    "exception resolve": (R1, "--decision", "new", "--reason", "x"),
    "dispatch list": (), "dispatch show": ("1",), "dispatch mark-sent": ("1",), "dispatch reject": ("1", "--reason", "x"),
    "dispatch reconcile": (), "duty list": (), "duty close": (R1, "tell_learner", "--evidence", "x"),
    "learner show": (R1,), "learner edit": (R1, "postcode"), "learner find": (), "learner why": (R1,),
    "approve": (), "learner erase": (R1, "--basis", "request", "--yes"), "learner disclose": (R1, "--to", "out"),
    "learner withdraw": (R1, "--reason", "other"), "learner reinstate": (R1, "--reason", "x"),
    "learner close": (R1, "--reason", "other"), "learner reopen": (R1, "--reason", "x"),
    "retention hold": (R1, "--reason", "claim"), "retention lift": (R1,), "retention due": (),
    "retention apply": ("--yes",),
    "audit history": (R1, "--reasons"), "audit events": (), "audit verify": (), "audit seal": (),
    "audit prove": ("1",), "audit consistency": ("seals/none.checkpoint",), "audit witness": ("none.checkpoint",),
    "audit pack": ("--learner", R1, "--to", "out", "--with-names"), "audit check-pack": ("out",),
    "audit ask": ("Q1", "--learner", R1), "learner correct": ("1", "--reason", "wrong_learner"),
    "keys show": (), "keys new": (), "keys rotate": (),
    "db upgrade": (), "db check": (), "db roles": ("--dry-run",), "db move": ("postgresql://nobody@localhost:1/none",),
    "db encrypt": (), "db decrypt": (),
}  # fmt: skip
ELSEWHERE = {"init", "demo"}
"""Commands that make a folder of their own, and know no learner of this one."""

SHOWS = {"learner show", "learner find", "exception show", "uln check"}
"""Commands that may print values where they do not fail: on standard output, never beside it."""

KNOWS_NOBODY = {
    "help", "doctor", "lrs check", "uln check", "uln check-template", "profile list", "profile check", "db upgrade",
    "db check", "db roles", "db move", "db encrypt", "db decrypt", "uln bounced", "uln send",
}  # fmt: skip
"""Commands that never open a transaction about learners, or stop before it here."""


class Strict(BaseModel):
    """A model that says what it was given when it complains."""

    number: int


def broken(kind: str) -> Any:
    """Something that fails with the canary in its message, its locals, its parameters or its input."""

    real, calls = Glance.__init__, count()

    def break_down(*args: Any, **_more: Any) -> None:
        if next(calls) == 0:
            real(*args)  # the desk looks how long the log is before the command begins
            return
        given_name, secret = "Zebediah", {"uln": NUMBER, "postcode": "GY9 3UF"}
        if kind == "locals":
            raise RuntimeError(f"{given_name} Quuxbury {secret}")
        if kind == "parameters":
            raise sqlite3.OperationalError(f"INSERT INTO personal VALUES ('{given_name}', '{NUMBER}')")
        Strict.model_validate({"number": f"{given_name} {NUMBER}"})

    return break_down


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """The canary and two others, sent to the LRS; nothing that fails changes it."""
    centre = centre_at("new", tmp_path_factory.mktemp("canary"))
    centre.ok("cohort", "import", centre.sheet([row("R1", **CANARY), row("R2"), row("R3")]), "--cohort", "NF-1")
    centre.ok("lrs", "submit")
    centre.reply({"R1": NUMBER}, name=REPLY)
    theirs = {"ULN": NUMBER, "Candidate number": "C-1", "Last name": "Quuxburough", "Date of birth": "23/11/1987"}
    csv_file(centre.folder / LIST, [theirs])
    csv_file(centre.folder / REPORT, [{"ULN": NUMBER, "Reason": "Quuxbury is another"}])
    return centre


def test_every_command_is_tried():
    assert set(COMMANDS) == WORDS.keys() | ELSEWHERE


@pytest.mark.parametrize("kind", ["locals", "parameters", "pydantic"])
@pytest.mark.parametrize("words", WORDS)
def test_a_command_that_fails_inside_shows_and_logs_nothing_of_the_learner(
    gathered, monkeypatch, tmp_path, words, kind
):
    """E2: the first thing every step does with the database fails with the values in hand."""
    files = {name: gathered.folder / name for name in (SHEET, REPLY, LIST, REPORT)} | {"out": tmp_path / "out"}
    monkeypatch.setattr("states.unit_of_work.Glance.__init__", broken(kind))
    args = [files.get(word, word) for word in WORDS[words]]
    result = gathered.run(*words.split(), *args, stdin=ASKED.get(words, TYPED))
    assert hits(result.err) == [], result.err
    assert words in SHOWS or hits(result.out) == []
    assert "Traceback" not in result.err
    if words not in KNOWS_NOBODY and not words.startswith(("audit", "keys")):
        assert result.code == 4, result.err
        said = {"locals": "RuntimeError", "parameters": "the database says", "pydantic": "ValidationError"}[kind]
        assert said in result.err
    for path in (gathered.folder / "logs").rglob("*"):
        assert hits(path.read_bytes()) == []


def test_what_stands_beside_the_database_holds_nothing_of_the_learner(tmp_path):
    """E1: seals, keys, the register of erasures, names of files; after everything and an erasure."""
    watched = Watched(centre_at("new", tmp_path))
    centre = watched.centre
    (centre.folder / "ulnflow.toml").write_text(
        (centre.folder / "ulnflow.toml").read_text() + "\n[retention]\nyears = 0\n"
    )
    watched.run("cohort", "import", centre.sheet([row("R1", **CANARY), row("R2")]), "--cohort", "NF-1", code=0)
    watched.run("lrs", "submit", code=0)
    watched.run("lrs", "receive", centre.reply({"R1": NUMBER}), code=0)
    watched.run("uln", "pass", code=0)
    watched.run("uln", "told", "R1", "--how", "email", code=0)
    watched.run("learner", "withdraw", "R1", "--reason", "Quuxbury moved away", code=0)
    watched.run("retention", "hold", "R1", "--reason", "claim", "--note", NUMBER, code=2)
    watched.run("retention", "hold", "R1", "--reason", "claim", code=0)
    watched.run("retention", "due", code=0)
    watched.run("retention", "lift", "R1", code=0)
    watched.run("learner", "disclose", "R1", "--to", centre.folder / "handed", code=0)
    assert {p.stat().st_mode & 0o777 for p in (centre.folder / "handed").iterdir()} == {0o600}
    watched.run("audit", "seal", code=0)
    watched.run("learner", "erase", "R1", "--basis", "request", "--note", "GY9 3UF", "--yes", code=2)
    watched.run("learner", "erase", "R1", "--basis", "request", "--yes", code=0)
    watched.run("audit", "history", "R1", code=0)
    watched.run("audit", "verify", code=0)
    assert everything_but_personal(centre) == {}
    for path in centre.folder.rglob("*"):
        assert hits(path.name) == []
        beside = path.parent.name in {"seals", "keys", "logs"} or path.name.startswith(("erased", "ulnflow"))
        if path.is_file() and beside:
            assert hits(path.read_bytes()) == [], path.name


VALUES = (NUMBER, CANARY["Email"], CANARY["Postcode"])


@pytest.mark.parametrize("value", VALUES)
def test_no_field_that_names_nobody_takes_a_value_of_the_learner(tmp_path, value):
    """E1: cohorts, qualifications, references, order numbers and assignees go into the log and into names of files."""
    watched = Watched(centre_at("new", tmp_path))
    centre = watched.centre
    good = [row("R2"), row("R3")]
    for name in ("--cohort", "--qualification"):
        watched.run("cohort", "import", centre.sheet(good), name, value, code=2)
    for heading in ("Cohort", "Qualification", "Learner reference"):
        bad = {"Cohort": "NF-1", "Qualification": "8605-21", **row("R1", **CANARY), heading: value}
        watched.run("cohort", "import", centre.sheet([bad]), code=1)
    watched.run("cohort", "import", centre.sheet(good), "--cohort", "NF-1", code=0)
    for field in ("cohort", "qualification"):
        watched.run("learner", "edit", "R2", field, stdin=f"{value}\n", code=2)
    watched.run("lrs", "submit", code=0)
    watched.run("lrs", "receive", centre.reply({"R2": ("", "RC008"), "R3": uln(3)}), code=0)
    watched.run("exception", "assign", "R2", "--to", f"Bo Example {value}", code=4)
    watched.run("uln", "pass", code=0)
    watched.run("uln", "told", "R3", "--how", "email", code=0)
    watched.run("ilm", "confirm", "R3", "--order", value, code=2)
    watched.run("ilm", "confirm", "R3", "--order", "WG-1", "--candidate", value, code=2)
    watched.run("--on-behalf-of", f"Bo {value}", "learner", "withdraw", "R3", "--reason", "other", code=4)
    assert everything_but_personal(centre) == {}
    for path in (centre.folder / "outbox").rglob("*"):
        assert hits(path.name) == []


MISTYPED = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)


@pytest.mark.parametrize("value", [*VALUES, MISTYPED, f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]}"])
@pytest.mark.parametrize(
    "words",
    [
        ("learner", "show", "?"), ("learner", "why", "?"), ("learner", "edit", "?", "postcode"), ("dispatch", "show", "?"),
        ("audit", "history", "?"), ("audit", "ask", "?"), ("audit", "ask", "Q1", "--learner", "?"),
        ("audit", "ask", "Q3", "--actor", "?"), ("audit", "ask", "Q4", "--rule", "?"), ("audit", "pack", "--learner", "?"),
        ("audit", "pack", "--cohort", "?"), ("advance", "?", "R1"), ("advance", "withdraw", "?", "--reason", "other"),
        ("advance", "withdraw", "--state", "?"), ("duty", "close", "?", "tell_learner", "--evidence", "x"),
        ("duty", "close", "R1", "?", "--evidence", "x"), ("cohort", "waive", "?", "--reason", "x"),
        ("status", "--cohort", "?"), ("lar", "owed", "--cohort", "?"), ("lrs", "receive", "?"), ("lrs", "recall", "?"),
        ("ilm", "confirm", "R1", "?", "--order", "WG-1"), ("uln", "send", "--dispatch", "?"), ("cohort", "import", "?"),
        ("exception", "assign", "?", "--to", "Bo Example"), ("learner", "find", "?"), ("lrs", "submit", "--via", "?"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_error_repeats_a_value_that_was_typed(gathered, words, value):
    """E10: where a reference, a file, a question or a word of ours belongs."""
    result = gathered.run(*(value if word == "?" else word for word in words), stdin="GY9 3UG\n")
    assert result.code in {0, 1, 2, 4}
    assert value not in result.said
    assert hits(result.said) == [], result.said
    for path in (gathered.folder / "logs").rglob("*"):
        assert value.encode() not in path.read_bytes()


def test_a_reference_that_is_known_is_shown_whatever_its_length(tmp_path):
    centre = centre_at("new", tmp_path)
    centre.ok("cohort", "import", centre.sheet([row(MISTYPED)]), "--cohort", "NF-1")
    assert (
        f"{MISTYPED} has no open duty" in centre.run("duty", "close", MISTYPED, "tell_learner", "--evidence", "x").err
    )


def test_no_commitment_is_guessed_without_the_key(tmp_path):
    """E6: neither a plain hash of the ULN nor one under no key is a commitment; the learner's own key makes it."""
    centre = centre_at("received", tmp_path)
    held = centre.rows("SELECT learner, lookup FROM personal WHERE kind = 'uln' AND status = 'held'")
    keys = dict(centre.rows("SELECT id, key FROM learner"))
    log = b"".join(body for (body,) in centre.rows("SELECT body FROM event"))
    assert len(held) > 20
    assert len(set(keys.values())) == len(keys)
    for learner, number in held:
        assert hmac.digest(keys[learner], number.encode(), "sha256").hex().encode() in log
        for guess in (number.encode(), number.encode() + b"\n", int(number).to_bytes(8, "big")):
            assert hashlib.sha256(guess).hexdigest().encode() not in log
            assert hashlib.sha256(b"\x00" + guess).hexdigest().encode() not in log
            assert hmac.digest(b"", guess, "sha256").hex().encode() not in log


def test_help_and_completion_know_no_learner(gathered):
    """E10: nothing is looked up in the database to complete a word."""
    for words, command in COMMANDS.items():
        assert not [p.name for p in command.params if getattr(p, "_custom_shell_complete", None)], words
        assert hits(gathered.run(*words.split(), "--help").out) == []
    asked = subprocess.run(
        [sys.executable, "-m", "cli.app"], cwd=gathered.folder, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_ULNFLOW_COMPLETE": "complete_bash",
             "COMP_WORDS": "ulnflow learner show ", "COMP_CWORD": "3"},
    )  # fmt: skip
    assert hits(asked.stdout + asked.stderr) == []
    assert b"R1" not in asked.stdout


def test_no_program_is_started_that_could_be_given_values():
    """E10: arguments of other programs stand in the list of processes."""
    for folder in ("workflow", "states", "cli", "config"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text("utf-8")
            assert "import subprocess" not in text, path
            assert "os.system" not in text, path
