"""The command line as a whole: help, forms, streams, exit codes, repeats and rehearsals."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import commands as root
from states.steps.correct import RECORDED
from tests.unit.commands import DATA, REPLY, SHEET, Centre, centre_at, run

ROOT = Path(__file__).parents[2]
FORMS = ("json", "ndjson", "csv")
WITHOUT_DATA = {"init", "demo"}
PERSONAL = re.compile(r"name|dob|birth|uln|postcode|email|mail|gender|address|surname|title")
ABOUT_THE_CENTRE = {"uln:how", "init:late_uln", "audit pack:names"}


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words, such as `lrs submit`."""
    group = group or root()
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        words = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, words)
        else:
            yield words, command


COMMANDS = dict(commands())
READS = [
    "today", "status", "status --learners", "stuck", "help lrs", "help lar", "help ilm", "help", "cohort list",
    "route show", "exception list", "exception show ILM-00011", "dispatch list", "dispatch reconcile", "dispatch show 1", "duty list", "learner show ILM-00001",
    "learner why ILM-00001", "learner find", "audit history ILM-00001", "audit events", "audit verify", "uln check -",
    f"lrs check {REPLY}", "uln check-template", "profile list", "profile check", "lar owed", "approve",
    "audit ask", "audit ask altered", "audit ask refusals", "audit ask sent-to-lrs", "audit ask registered-in-time",
]  # fmt: skip
STEPS = {
    "cohort import": ("new", (str(SHEET), "--cohort", "NF-1", "--funded")),
    "cohort waive": ("told", ("NF-1", "--reason", "x")),
    "lrs submit": ("gathered", ()),
    "lrs submit --via portal": ("gathered", ()),
    "lrs submit --as xml": ("gathered", ()),
    "lrs sent": ("prepared", ("1",)),
    "lrs receive": ("prepared", (str(REPLY),)),
    "lrs answer": ("prepared", ("ILM-00001", "--code", "RC001")),
    "lrs reject": ("prepared", ("1", "--reason", "x")),
    "lrs recall": ("prepared", ("ILM-00001", "--reason", "x")),
    "exception resolve": ("received", ("ILM-00011", "--decision", "again", "--reason", "x")),
    "exception resolve --all": ("received", ("--decision", "again", "--reason", "x")),
    "exception assign": ("received", ("ILM-00011", "--to", "Bo Example")),
    "exception challenge": ("received", ("ILM-00011", "--reference", "LRS-77")),
    "exception candidates": ("received", ("ILM-00011", "-")),
    "dispatch mark-sent": ("prepared", ("1",)),
    "dispatch reject": ("prepared", ("1", "--reason", "x")),
    "uln pass": ("received", ()),
    "uln told": ("received", ("ILM-00001", "--how", "email")),
    "uln not-told": ("told", ("ILM-00001", "--evidence", "bounce")),
    "uln wrong": ("told", ("ILM-00001", "--reason", "x", "--evidence", "x")),
    "ilm register": ("told", ("--reason", "x")),
    "ilm confirm": ("ordered", ("--order", "WG-1", "--all")),
    "ilm reject": ("ordered", ("1", "--reason", "x")),
    "ilm exception": ("registered", ("ILM-00001", "--evidence", "x")),
    "ilm mismatches": ("registered", (str(DATA / "ilm_mismatches.csv"),)),
    "lar confirm": ("registered", ("--by", "ilm", "--reference", "L-1", "--all")),
    "route alternative": ("gathered", ("ILM-00001", "--reason", "x", "--yes")),
    "learner edit": ("gathered", ("ILM-00001", "postcode")),
    "learner withdraw": ("gathered", ("ILM-00001", "--reason", "left_course")),
    "learner close": ("gathered", ("ILM-00001", "--reason", "overseas")),
    "advance": (
        "registered",
        ("confirm_lar_update", "--state", "registered_with_ilm", "-e", "by=ilm", "-e", "reference=L-1"),
    ),
}
TYPED = {
    "lrs answer": "3465047078\n",
    "learner edit": "B1 1AA\n",
    "exception candidates": "ULN,Given name,Family name,Date of birth\n3465047078,Ann,Lee,1990-01-31\n",
}


def begin(step: str, tmp_path: Path) -> tuple[Centre, list[str]]:
    place, rest = STEPS[step]
    centre, words = centre_at(place, tmp_path), [*step.split(), *rest]
    if words[1] in {"sent", "mark-sent", "reject"}:
        ((number,),) = centre.rows("SELECT max(id) FROM dispatch WHERE direction='out'")
        words[2] = str(number)
    return centre, words


def counts(result: Any) -> tuple[int, dict[str, int], list[str]]:
    said = json.loads(result.out)
    return result.code, said["counts"], sorted(r["reference"] + r["rule"] for r in said["refusals"])


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(words):
    command = COMMANDS[words]
    assert command.help, words
    assert command.help.splitlines()[0].endswith((".", "?")), words
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, (words, parameter.name)
        assert not (parameter.param_type_name == "argument" and len(parameter.name) < 3), words


@pytest.mark.parametrize("words", [w for w in COMMANDS if w not in WITHOUT_DATA])
def test_every_command_that_prints_data_can_print_it_for_machines(words):
    options = {option for parameter in COMMANDS[words].params for option in parameter.opts}
    assert "--format" in options


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_takes_a_personal_value_as_an_argument(words):
    """Arguments stand in the process list and in the shell's history."""
    for parameter in COMMANDS[words].params:
        names = {parameter.name, *(option.strip("-") for option in parameter.opts)}
        if f"{words}:{parameter.name}" in ABOUT_THE_CENTRE:
            continue
        assert not [name for name in names if PERSONAL.search(name)], (words, names)


def test_every_step_command_can_be_rehearsed():
    for step in STEPS:
        words = step.partition(" --")[0]
        assert "--dry-run" in {option for p in COMMANDS[words].params for option in p.opts}, words


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (w, p)
        for w in READS
        for p in ("new", "received")
        if p == "received" or (not w.endswith("show 1") and "ILM-" not in w)
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_parses_for_machines(tmp_path, words, place, form):
    """Also when there is nothing to list: [], nothing, or headings alone."""
    centre = centre_at(place, tmp_path)
    result = centre.run(*words.split(), "--format", form, stdin="Brandon\n" if "find" in words else "1000000043\n")
    assert result.code in {0, 1}, result.out + result.err
    if form == "json":
        assert isinstance(json.loads(result.out), list | dict)
    elif form == "ndjson":
        assert all(isinstance(json.loads(line), dict) for line in result.out.splitlines())
    else:
        rows = list(csv.reader(io.StringIO(result.out), strict=True))
        assert len({len(row) for row in rows if row}) <= 1 or words == "today"
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize("words", READS)
def test_no_color_and_no_terminal_mean_no_escape(tmp_path, words):
    centre = centre_at("received", tmp_path)
    for terminal in (True, False):
        result = centre.run(
            *words.split(), terminal=terminal, stdin="Brandon\n", **({"NO_COLOR": "1"} if terminal else {})
        )
        said = result.out + (result.err if not words.startswith(("audit verify", "audit ask")) else "")
        assert "\x1b" not in said, words


@pytest.mark.parametrize("words", READS)
def test_a_table_fits_a_terminal_of_eighty_columns(tmp_path, words):
    centre = centre_at("received", tmp_path)
    result = centre.run(*words.split(), terminal=True, stdin="Brandon\n", COLUMNS="80", NO_COLOR="1")
    if words != "route show":
        assert max((len(line) for line in result.out.splitlines()), default=0) <= 80


def test_words_go_to_standard_error_and_quiet_keeps_them_back(tmp_path):
    centre = centre_at("gathered", tmp_path)
    loud = centre.run("lrs", "submit", "--dry-run")
    assert "Dry run" in loud.err
    assert "Dry run" not in loud.out
    quiet = centre.run("--quiet", "lrs", "submit", "--dry-run")
    assert quiet.err == ""
    assert quiet.out == loud.out
    assert centre.run("--quiet", "lrs", "sent", "none").err


@pytest.mark.parametrize(
    ("step", "form"),
    [(s, f) for s in STEPS for f in FORMS if f == "json" or s in {"lrs submit", "cohort import", "advance"}],
)
def test_a_step_prints_one_record_for_machines_and_no_prose(tmp_path, step, form):
    centre, words = begin(step, tmp_path)
    result = centre.run(*words, "--format", form, stdin=TYPED.get(step, ""))
    assert result.code in {0, 1}
    if form == "json":
        assert {"dry_run", "counts", "refusals", "files", "next"} <= set(json.loads(result.out))
    else:
        assert len(result.out.splitlines()) == (1 if form == "ndjson" else 2)
    assert result.err == ""


@pytest.mark.parametrize("step", STEPS)
def test_a_rehearsal_writes_nothing_and_counts_as_the_real_run(tmp_path, step):
    centre, words = begin(step, tmp_path)
    before, typed = centre.snapshot(), TYPED.get(step, "")
    rehearsed = centre.run(*words, "--dry-run", "--format", "json", stdin=typed)
    assert centre.snapshot() == before
    real = centre.run(*words, "--format", "json", stdin=typed)
    assert counts(rehearsed) == counts(real)
    assert json.loads(rehearsed.out)["dry_run"] is True
    assert centre.snapshot() != before


@pytest.mark.parametrize("step", [s for s in STEPS if s != "lrs receive"])
def test_a_repeated_step_changes_nothing(tmp_path, step):
    """A repeat is recognised or refused; a person's refused attempt may stand in the log, nobody moves."""
    centre, words = begin(step, tmp_path)
    typed = TYPED.get(step, "")
    first = centre.run(*words, stdin=typed)
    assert first.code == 0 or step == "ilm register", first.out + first.err
    before, places, files = centre.events(), centre.places(), centre.files()
    again = centre.run(*words, stdin=typed)
    assert again.code in {0, 1, 2, 4}
    assert centre.places() == places
    assert centre.files() == files
    decided_again = {"noted"} if step == "exception resolve" else set()
    assert set(centre.kinds(before)) <= {"refused", "run_began", "run_ended"} | decided_again


def test_the_same_reply_again_changes_nothing(tmp_path):
    centre = centre_at("received", tmp_path)
    before = centre.snapshot()
    assert centre.run("lrs", "receive", REPLY).code == 0
    assert centre.snapshot() == before


def test_the_published_ulns_are_judged_as_listed():
    """A list of objects with value, valid, reason; exit 1 since some are wrong; no folder is needed."""
    with (DATA / "uln_vectors.csv").open(encoding="utf-8", newline="") as source:
        listed = [(row["value"], row["expected"] == "valid") for row in csv.DictReader(source)]
    result = run("uln", "check", "--format", "json", "-", stdin="".join(f"{value}\n" for value, _ in listed))
    judged = json.loads(result.out)
    assert result.code == 1
    assert [(row["value"], row["valid"]) for row in judged] == listed
    assert all(set(row) == {"value", "valid", "reason"} and row["reason"] for row in judged)
    assert run("uln", "check", "-", stdin="1000000043\n").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("uln", "check", "1000000043"), ("uln", "check", "10 0000 0043"), ("uln", "check", "-", "1000000043"),
        ("uln", "check", "１０００００００４３"), ("learner", "find", "1000000043"), ("status", "1000000043"),
    ],
)  # fmt: skip
def test_a_number_typed_as_an_argument_is_not_repeated(words, tmp_path):
    """E10: it may be a ULN; `uln check` says how numbers are given."""
    result = centre_at("new", tmp_path).run(*words)
    assert result.code == 2
    assert not re.search(r"\d{4}", result.out + result.err)
    if words[:2] == ("uln", "check") and len(words) == 3:
        assert "into a file" in result.err
        assert "standard input" in result.err


def test_demo_plays_in_the_folder_that_is_named_before_or_after_it(tmp_path, monkeypatch):
    """One of two ways to name it; two folders, or one in use, are refused with what to do."""
    played: list[Path] = []
    monkeypatch.setattr("cli.practice.run", lambda where, _seed: played.append(where))
    new, used = tmp_path / "new", tmp_path / "used"
    used.mkdir()
    (used / "x").touch()
    assert run("--folder", str(new), "demo").code == 0
    assert run("demo", str(new)).code == 0
    assert run("--folder", str(new), "demo", str(new)).code == 0
    assert played == [new, new, new]
    for wrong in (["--folder", str(new), "demo", str(used)], ["--folder", str(used), "demo"]):
        result = run(*wrong)
        assert result.code == 2
        assert "give one of them" in result.err or "ulnflow demo NEW-FOLDER" in result.err
    assert len(played) == 3


@pytest.mark.parametrize("trigger", sorted(RECORDED))
def test_every_command_that_records_a_corrected_entry_anew_is_one_and_takes_a_day(trigger):
    words = RECORDED[trigger].split()
    options = {option for parameter in COMMANDS[" ".join(words[:2])].params for option in parameter.opts}
    assert {"--at", *(word for word in words if word.startswith("--"))} <= options


def test_every_command_of_the_pages_exists():
    known = {words.split()[0] for words in COMMANDS} | set(COMMANDS)
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for line in page.read_text("utf-8").splitlines():
            for first, second in re.findall(r"(?:^|`|\$ )ulnflow ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", line):
                assert first in known, (page.name, line)
                group = [words for words in COMMANDS if words.startswith(f"{first} ")]
                assert not group or not second or f"{first} {second}" in known, (page.name, line)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("words", [["--help"], ["lrs", "--help"], ["uln", "check", "-"], ["lrs", "none"]])
def test_no_color_on_a_real_terminal_means_no_escape(words):
    import pty

    ours, theirs = pty.openpty()
    env = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    call = [sys.executable, "-c", "from cli.app import main; main()", *words]
    with subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=ROOT, env=env) as command:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # how Linux tells that the other side has closed
                break
            if not part:
                break
            said += part
    os.close(ours)
    assert command.returncode in {0, 2}
    assert said.strip()
    assert b"\x1b" not in said


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    centre = centre_at("registered", tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-c", "from cli.app import main; main()", "-q", "--folder", centre.folder, "audit", "events"],
        stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_disk_behind_standard_output_is_told(tmp_path):
    centre = centre_at("received", tmp_path)
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", "from cli.app import main; main()", "--folder", centre.folder, "cohort", "list"],
            stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False, text=True,
        )  # fmt: skip
    assert result.returncode == 4
    assert result.stderr.startswith("The system refused")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "made another error of"])
def test_an_interrupted_command_ends_with_130_and_leaves_nothing(swallowed, tmp_path, monkeypatch):
    """A library that Ctrl-C meets in its own work may raise what it likes."""
    centre = centre_at("gathered", tmp_path)
    before, handler = centre.snapshot(), signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(*_args: Any, **_more: Any) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if swallowed:
                raise RuntimeError("no model can be built") from None
            raise

    monkeypatch.setattr("states.steps.submit_to_lrs._write_file", interrupt)
    try:
        result = centre.run("lrs", "submit")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)
    assert result.code == 130
    assert "Interrupted" in result.err
    assert "Traceback" not in result.err
    assert centre.snapshot() == before
