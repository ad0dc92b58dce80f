"""What every rule looks like, so that none changes behind its version; `python -m` this module writes it anew."""

import ast
import hashlib
import inspect
import json
import textwrap
from pathlib import Path
from types import ModuleType

from states.learner import checks, uln
from states.rules import LEARNER_RULES

FILE = Path(__file__).parent.parent / "data" / "rules_snapshot.json"
LEANS_ON: dict[str, ModuleType] = dict.fromkeys(("D2", "D3", "D4", "D5", "D6", "D7"), checks) | dict.fromkeys(
    ("D9", "U1"), uln
)


def shape(source: str) -> str:
    """Code without docstrings and blanks: the same on every version of Python."""
    source = textwrap.dedent(source)
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            for number in range(body[0].lineno - 1, body[0].end_lineno):
                lines[number] = ""
    return "".join("".join(lines).split())


def snapshot() -> dict[str, dict[str, object]]:
    """Version and hash of each rule and of what it leans on."""
    found = {}
    for code, rule in LEARNER_RULES.items():
        text = shape(inspect.getsource(rule.check)) + "".join(sorted(rule.needs))
        if code in LEANS_ON:
            text += shape(inspect.getsource(LEANS_ON[code]))
        found[code] = {"version": rule.version, "hash": hashlib.sha256(text.encode()).hexdigest()[:16]}
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(snapshot(), indent=1, sort_keys=True) + "\n", "utf-8")
