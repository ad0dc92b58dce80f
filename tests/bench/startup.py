"""How fast the command starts, beside a bare Typer app with as many commands whose imports are lazy too."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cli.app import commands
from cli.nouns import Lazy
from tests.bench.harness import say
from tests.bench.report import Result, seconds

ROOT = Path(__file__).parents[2]
WARM = 2
"""The first rounds write byte code and warm the disk."""

COMMANDS = {"--help": ["--help"], "uln check": ["uln", "check", "-"]}
NUMBER = b"1000000043\n"


def bare_app() -> str:
    """A program with our groups, commands and options by number, and nothing behind them."""
    group = commands()
    lines = [
        "from typing import Annotated",
        "import typer",
        "app = typer.Typer(name='bare', no_args_is_help=True, help='As many commands as ulnflow.')",
    ]

    def command(owner: str, name: str, parameters: list) -> None:
        options = [
            f"option_{n}: Annotated[str, typer.Option('--option-{n}', help='An option.')] = ''"
            for n, one in enumerate(parameters)
            if one.param_type_name == "option"
        ]
        words = [
            f"argument_{n}: Annotated[str, typer.Argument(help='An argument.')] = ''"
            for n, one in enumerate(parameters)
            if one.param_type_name == "argument"
        ]
        lines.extend(
            [
                f"@{owner}.command('{name}')",
                f"def {owner}_{name.replace('-', '_')}({', '.join(words + options)}) -> None:",
                "    'Do this.'",
                "    import sys",
                "    print(sys.stdin.read())",
            ]
        )

    for name in group.list_commands(None):
        found = group.get_command(None, name)
        if isinstance(found, Lazy):
            owner = f"group_{name.replace('-', '_')}"
            lines.append(f"{owner} = typer.Typer(no_args_is_help=True)")
            for inner in found.list_commands(None):
                command(owner, inner, found.get_command(None, inner).params)
            lines.append(f"app.add_typer({owner}, name='{name}', help='A group.')")
        else:
            command("app", name, found.params)
    lines.append("def main() -> None:\n    app()")
    return "\n".join(lines) + "\n"


def measure(arguments: list[str], rounds: int) -> tuple[float, float]:
    """Median seconds of both, in turns so that the machine's moods meet both alike."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare_cli.py").write_text(bare_app(), encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(ROOT)])}
        starts = {
            "ours": [sys.executable, "-c", "from cli.app import main; main()", *arguments],
            "bare": [sys.executable, "-c", "from bare_cli import main; main()", *arguments],
        }
        taken: dict[str, list[float]] = {name: [] for name in starts}
        for number in range(rounds + WARM):
            say(f"{' '.join(arguments)}, {number + 1} of {rounds + WARM}")
            for name in sorted(starts, reverse=bool(number % 2)):
                begin = time.perf_counter()
                subprocess.run(starts[name], check=True, capture_output=True, env=env, cwd=folder, input=NUMBER)
                if number >= WARM:
                    taken[name].append(time.perf_counter() - begin)
    say("")
    return statistics.median(taken["ours"]), statistics.median(taken["bare"])


def startup(*, quick: bool) -> list[Result]:
    """The help and a command that needs no database: G10."""
    rounds = 5 if quick else 20
    return [
        seconds("G10", f"ulnflow {name}", "a bare lazy Typer app", measure(arguments, rounds), rounds, 0.87)
        for name, arguments in COMMANDS.items()
    ]
