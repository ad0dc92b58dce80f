"""Exit codes mean the same whatever the command: 1 refused, 2 used wrongly, 4 not there or not usable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house.test_commands import COMMANDS
from tests.unit.commands import DATA, SHEET, Centre, centre_at

BESIDE_COHORT = {
    "audit ask": ("refusals",),
    "lar confirm": ("--by", "ilm", "--reference", "L-1"),
    "lar create": ("--reference", "L-1"),
    "lar cross-reference": ("--reference", "L-1"),
    "uln told": ("--how", "email"),
    "ilm confirm": ("--order", "WG-1"),
    "ilm results": ("--reference", "L-1"),
    "ilm reconcile": (str(DATA / "ilm_mismatches.csv"),),
    "enrolment reconcile": (str(SHEET),),
    "lrs recall": ("--reason", "x"),
    "route alternative": ("--reason", "x", "--yes"),
    "advance": ("create_lar",),
}
"""What a command needs beside a cohort."""


def test_exit_codes_are_as_documented(tmp_path):
    """0 done, 1 findings or refused, 2 used wrongly, 4 data or configuration."""
    centre = centre_at("gathered", tmp_path)
    assert centre.run("cohort", "list").code == 0
    assert centre.run("uln", "check", "-", stdin="1\n").code == 1
    assert centre.run("uln", "told", "ILM-00001", "--how", "email").code == 1
    for wrong in (["--nosuch"], ["nosuch"], ["lrs", "submit", "--nosuch"], ["lrs", "receive"], ["status", "-f", "x"]):
        assert centre.run(*wrong).code == 2
    assert centre.run("lrs", "receive", "none.csv").code == 4
    assert Centre(tmp_path / "none").run("status").code == 4


def about_a_cohort() -> Iterator[tuple[str, str]]:
    """Commands that take a cohort there must be, alone and with what they take beside it; importing makes one."""
    for words, command in COMMANDS.items():
        takes = {parameter.name for parameter in command.params} | {o for p in command.params for o in p.opts}
        if "--cohort" in takes and words != "cohort import":
            yield words, ""
            yield from (
                (words, typed) for name, typed in (("references", "ILM-00001"), ("--all", "--all")) if name in takes
            )


@pytest.mark.parametrize(("words", "beside"), list(about_a_cohort()))
def test_a_cohort_there_is_not_is_refused_alike_by_every_command(tmp_path, words, beside):
    """4, and where to look; a slip of the pen is never nobody."""
    centre = centre_at("told", tmp_path)
    before = centre.snapshot()
    result = centre.run(*words.split(), *BESIDE_COHORT.get(words, ()), "--cohort", "NOPE", *beside.split())
    assert (result.code, result.out) == (4, ""), result.err
    assert result.err == "there is no cohort NOPE. See: ulnflow cohort list\n"
    assert centre.snapshot() == before


@pytest.mark.parametrize(
    "words",
    [
        "learner why NOPE", "uln pass NOPE", "audit ask Q99", "audit ask Q4 --rule D77", "audit ask Q4 --trigger leap",
        "audit ask Q4 --learner NOPE", "audit ask Q4 --actor NOPE", "advance leap --all", "cohort waive NOPE --reason x",
        "dispatch show NOPE", "approve 99999", "audit prove 99999",
    ],
)  # fmt: skip
def test_what_is_named_and_is_not_there_ends_with_4(tmp_path, words):
    assert centre_at("told", tmp_path).run(*words.split()).code == 4


def test_an_empty_board_says_so_in_words(tmp_path):
    centre = centre_at("new", tmp_path)
    for more in ((), ("--learners",)):
        assert "There is nobody yet" in centre.ok("status", *more).err
    assert "Nobody was here by 2026-01-05" in centre.ok("status", "--at", "2026-01-05").err
    assert "nobody" not in centre_at("gathered", tmp_path).ok("status").err.lower()


def test_what_a_state_a_hold_or_a_second_person_refuses_ends_with_1_in_earnest_and_in_a_dry_run(tmp_path):
    """2 is for what was typed wrongly, though the same words be possible another day."""
    centre = centre_at("gathered", tmp_path)
    erase = ("learner", "erase", "ILM-00001", "--basis", "request")
    assert centre.run(*erase, "--yes").code == centre.run(*erase, "--dry-run").code == 1  # under way
    centre.ok("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    centre.ok("retention", "hold", "ILM-00001", "--reason", "claim")
    assert centre.run(*erase, "--yes").code == centre.run(*erase, "--dry-run").code == 1  # under a hold
    assert centre.run(*erase).code == 1
    centre.ok(*erase, "--ask")
    ((request,),) = centre.rows("SELECT max(position) FROM event WHERE kind = 'approval_asked'")
    assert centre.run("approve", request).code == 1  # by who asked
    assert centre.run("approve", request, "--refuse").code == 2
    centre.agree()
    for words in ("learner show", "learner why", "retention lift"):
        assert centre.run(*words.split(), "ILM-00001").code == 1  # erased
    assert centre.run("exception", "assign", "ILM-00002", "--to", "Bo Example").code == 1
    for wrong in (("--basis", "whim", "--yes"), ()):
        assert centre.run("learner", "erase", "ILM-00002", *wrong).code == 2
    assert centre.run("learner", "find", stdin="x\n").code == 2
