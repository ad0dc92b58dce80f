"""What the command reads before it works: little, so that it starts at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "sqlalchemy",
    "sqlmodel",
    "pydantic_settings",
    "structlog",
    "transitions",
    "jinja2",
    "xlsxwriter",
    "lxml",
    "holidays",
}
LOADED = """
import sys
from cli.app import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def loaded(tmp_path: Path, *words: str, typed: str = "") -> set[str]:
    """The modules a command had read when it ended."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED, *words], cwd=tmp_path, input=typed, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    return set(run.stderr.split("\n")[-2].split())


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (["--help"], ""),
        (["lrs", "--help"], ""),
        (["uln", "check", "-"], "1000000043\n"),
        (["lrs", "check", str(ROOT / "tests" / "data" / "lrb_reply_tidy.csv")], ""),
    ],
)
def test_a_command_without_a_database_reads_none_of_the_heavy_libraries(
    tmp_path: Path, words: list[str], typed: str
) -> None:
    modules = loaded(tmp_path, *words, typed=typed)
    assert "cli.app" in modules
    assert {name.split(".")[0] for name in modules} & HEAVY == set()
    assert "workflow.engine" not in modules


def test_the_help_reads_no_noun_and_a_verb_reads_its_own_noun_alone(tmp_path: Path) -> None:
    nouns = {f"cli.commands.{name}" for name in ("cohort", "lrs", "uln", "ilm", "lar", "route", "audit", "db")}
    assert loaded(tmp_path, "--help") & nouns == set()
    assert loaded(tmp_path, "uln", "check", "-", typed="1000000043\n") & nouns == {"cli.commands.uln"}
