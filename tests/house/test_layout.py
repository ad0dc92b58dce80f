"""The floors of the house, the size of its files, and what the wheel carries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflow", "states", "cli", "config")
LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "stuff", "manager"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_the_import_floors_hold_and_no_circle_exists() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_the_contracts_name_every_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert tuple(settings["root_packages"]) == PACKAGES
    exhaustive = {c["containers"][0] for c in settings["contracts"] if c.get("exhaustive")}
    assert {"workflow", "states", "cli"} <= exhaustive


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_no_file_is_longer_than_400_lines(folder: str) -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in sources(folder)}
    assert {path.relative_to(ROOT).as_posix(): n for path, n in lengths.items() if n > LONGEST} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in sources(*PACKAGES, "tests") if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in sources(*PACKAGES, "tests")}
    assert {folder.relative_to(ROOT).as_posix() for folder in folders if not (folder / "__init__.py").exists()} == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources, built offline."""
    copy = tmp_path_factory.mktemp("wheel") / "ulnflow"
    copy.mkdir()
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    run = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    (made,) = (copy / "dist").glob("*.whl")
    return made


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_module_and_every_data_file(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= set(zipfile.ZipFile(wheel).namelist())
    assert {"states/routes/ilm.toml", "workflow/store/migrations/script.py.mako", "config/letters/uln.txt"} <= ours


def test_the_unpacked_wheel_sets_up_a_database_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    script = (
        "import pathlib, workflow\n"
        "from importlib.resources import files\n"
        "from states.learner.repository import LINEAGE\n"
        "from states.rules import LEARNER_RULES\n"
        "from workflow.store import schema\n"
        "from workflow.store.database import Database\n"
        "text = files('states').joinpath('routes/ilm.toml').read_text('utf-8')\n"
        "workflow.read_route(text, source='ilm.toml', rules=LEARNER_RULES)\n"
        "schema.upgrade(Database(pathlib.Path('fresh.db')), [schema.ENGINE, LINEAGE])\n"
        "print(workflow.__file__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()).is_relative_to(site)
    assert (tmp_path / "fresh.db").exists()
