"""That an event is in the log as it was sealed: told in words, and checked by somebody else."""

from __future__ import annotations

import base64
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.centre import Centre
from workflow.store.guards import SQLITE


def test_a_proof_says_what_it_shows_and_another_checks_it_by_the_line_it_prints(centre: Centre):
    centre.enrol("L-1")
    size = centre.events()
    proved = centre.do("audit", "prove", "2", str(size))
    root = centre.json("audit", "verify")["root"]
    assert root in proved.said
    assert base64.b64encode(bytes.fromhex(root)).decode() in proved.said
    assert f"{size:09}.checkpoint, over {size} events" in proved.said
    assert centre.json("audit", "verify")["origin"] in proved.said
    made, check = (line for line in proved.err.splitlines() if line.startswith(("ulnflow ", "python ")))
    words, into = made.split(" > ")
    (centre.folder / into).write_text(centre.do(*shlex.split(words)[1:]).out, "utf-8")
    program = [sys.executable, *shlex.split(check)[1:]]
    assert subprocess.run(program, cwd=centre.folder, check=True, capture_output=True).stdout.strip() == b"in the log"
    file = centre.folder / into
    file.write_text(file.read_text("utf-8").replace('\\"kind\\":\\"', '\\"kind\\":\\"not_'), "utf-8")
    assert b"ProofRefused" in subprocess.run(program, cwd=centre.folder, check=False, capture_output=True).stderr


def test_an_event_that_was_changed_is_not_proved(centre: Centre):
    centre.enrol("L-1")
    if centre.on != "sqlite":
        pytest.skip("its guards are taken away")
    for name in SQLITE:
        centre.change(f"DROP TRIGGER {name}")
    centre.change("UPDATE event SET body = CAST(REPLACE(CAST(body AS TEXT), 'Ann', 'Eve') AS BLOB) WHERE position = 2")
    result = centre.run("audit", "prove", "2")
    assert result.code == 1
    assert "Event 2 is not as it was sealed" in result.err
    assert "proof" not in result.out


@pytest.mark.parametrize("said", ["L-1", "two", "1.5", "9" * 30])
def test_a_learner_is_no_event_and_the_way_to_theirs_is_told(centre: Centre, said):
    centre.enrol("L-1")
    result = centre.run("audit", "prove", said)
    assert result.code == 2
    assert "ulnflow audit history REFERENCE" in result.said
    assert said not in result.said


def test_a_root_is_told_in_both_its_spellings(centre: Centre):
    """In hex everywhere, and beside it as the checkpoint has it."""
    centre.enrol("L-1")
    sealed = centre.json("audit", "seal")
    line = (centre.folder / sealed["file"]).read_text("utf-8").split("\n")[2]
    assert sealed["root_base64"] == line
    verified = centre.json("audit", "verify")
    assert (verified["root"], verified["root_base64"]) == (sealed["root"], line)
    made = centre.json("audit", "pack", "--learner", "L-1")
    folder = Path(made["folder"])
    checked = centre.json("audit", "check-pack", folder, "--key", made["key"])
    spelled = (folder / "checkpoint.txt").read_text("utf-8").split("\n")[2]
    assert checked["root"] == f"{base64.b64decode(spelled).hex()}, which the checkpoint spells {spelled}"
