"""Evidence packs made, checked by a Python without ulnflow, and changed as an attacker would."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.commands import Centre
from workflow import verifier


def pack_of(centre: Centre, *words: str) -> tuple[Path, dict]:
    """A pack made by command."""
    made = json.loads(centre.ok("audit", "pack", *words, "--format", "json").out)
    return Path(made["folder"]), made


def alone(folder: Path, *words: str) -> tuple[int, str]:
    """The pack's own verifier, run by a Python without any package, from its folder."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", *words],
        cwd=folder, capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    assert "Traceback" not in run.stderr
    return run.returncode, run.stdout + run.stderr


def refused(folder: Path, key: str) -> str:
    """What the verifier says against a pack."""
    with pytest.raises((verifier.Refused, ValueError, LookupError, OSError)) as wrong:
        verifier.check(folder, [key])
    return str(wrong.value)


def resigned(folder: Path, centre: Centre, **changed: str) -> None:
    """Sign a changed pack anew with the log's own key, as a thief of it would; facts of the manifest by name."""
    from workflow.pack import Pack
    from workflow.seal import checkpoint, keys

    secret = keys.read(centre.folder / "keys" / "log.pem")
    text, _ = (folder / "manifest.txt").read_text("utf-8").rsplit("\n\n", 1)
    facts, _ = verifier.manifest_of(text)
    facts |= changed
    (folder / "manifest.txt").unlink()
    told = checkpoint.parse((folder / "checkpoint.txt").read_bytes()).checkpoint
    again = Pack(folder, facts.pop("origin"), _told=told, _events=int(facts.pop("events")))
    again.close(
        {name: value for name, value in facts.items() if name not in {"size", "root"} and value},
        keys.public(secret, told.origin), secret,
    )  # fmt: skip


def without(folder: Path, line: int) -> None:
    """Take one event out of a pack, with its proof."""
    for name in ("events.jsonl", "proofs.jsonl"):
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:line] + lines[line + 1 :]))


def events_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]
