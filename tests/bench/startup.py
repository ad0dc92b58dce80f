"""How long `ulnflow --help` takes, beside a bare Typer app with as many commands whose imports are lazy too."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import typer

from cli.app import app

ROOT = Path(__file__).parents[2]
ROUNDS = 20
BAR = 1.3


def bare_app() -> str:
    """A program with our groups, commands and options by number, and nothing behind them."""
    group = typer.main.get_command(app)
    lines = [
        "from typing import Annotated",
        "import typer",
        "app = typer.Typer(name='bare', no_args_is_help=True, help='As many commands as ulnflow.')",
    ]

    def command(owner: str, name: str, parameters: int) -> None:
        options = ", ".join(
            f"option_{n}: Annotated[str, typer.Option('--option-{n}', help='An option.')] = ''"
            for n in range(parameters)
        )
        lines.extend(
            [
                f"@{owner}.command('{name}')",
                f"def {owner}_{name.replace('-', '_')}({options}) -> None:",
                "    'Do this.'",
                "    import sqlite3",
            ]
        )

    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            owner = f"group_{name.replace('-', '_')}"
            lines.append(f"{owner} = typer.Typer(no_args_is_help=True)")
            for inner, one in found.commands.items():
                command(owner, inner, len(one.params))
            lines.append(f"app.add_typer({owner}, name='{name}', help='A group.')")
        else:
            command("app", name, len(found.params))
    lines.append("def main() -> None:\n    app()")
    return "\n".join(lines) + "\n"


def measure(rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of both, interleaved so that the machine's moods meet both alike."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare_cli.py").write_text(bare_app(), encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(ROOT)])}
        starts = {
            "ours": [sys.executable, "-c", "from cli.app import main; main()", "--help"],
            "bare": [sys.executable, "-c", "from bare_cli import main; main()", "--help"],
        }
        taken: dict[str, list[float]] = {name: [] for name in starts}
        for number in range(rounds + 2):
            for name in sorted(starts, reverse=bool(number % 2)):
                begin = time.perf_counter()
                subprocess.run(starts[name], check=True, capture_output=True, env=env, cwd=folder)
                if number >= 2:  # the first two write byte code and warm the disk
                    taken[name].append(time.perf_counter() - begin)
    return statistics.median(taken["ours"]), statistics.median(taken["bare"])
