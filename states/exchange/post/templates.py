"""Templates of messages and letters: what they may use, and every fault of one with its line.

Rule: a ULN together with a name, date of birth, gender or postcode in an unencrypted e-mail is a breach
(LRS guide for learning providers, "Common security breaches", 2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workflow.errors import DefinitionError

IDENTITY: Final = ("given_name", "family_name", "date_of_birth", "postcode", "gender")
"""What must not stand beside the ULN."""

GIVEN: Final = frozenset({"uln", "given_name"})
"""What the words of a message may use; each message is given one of the two."""

LAID_OUT: Final = frozenset({"letters", "centre", "day"})
"""What the layout of letters is given: the letters themselves, the centre's name, the day."""

OF_A_LETTER: Final = frozenset({"reference", "subject", "paragraphs", "text", "apart"})
"""What a letter, or a paragraph of one, has."""

_PARTS: Final = {*IDENTITY, "uln", *OF_A_LETTER}
SUBJECT: Final = "Subject:"
UNFILLABLE: Final = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What a template may raise while it is filled."""

WORDS: Final = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # plain text, no HTML is made
    keep_trailing_newline=True,
)
PAGES: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
_DRAWN_IN: Final = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_SAMPLES: Final = {"uln": "1000000043", "given_name": "Robin"}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a letter; `apart` marks one that stands by itself, such as the ULN."""

    text: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, ready to be laid out."""

    reference: str
    subject: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True, order=True)
class TemplateFault:
    """What is wrong with a template; `line` counts from 1, 0 where the whole of it is meant."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


def check_words(text: str, needs: str = "") -> list[TemplateFault]:
    """Every fault of the words of a message; empty when they may be used.

    Refused are a ULN beside identity data, variables no message is given, other templates, a subject line that is
    missing or carries a variable, and what cannot be filled. `needs` names the one variable it must use.
    """
    faults = _check_subject(text)
    used, more = _read(WORDS, text)
    faults += more
    together = [name for name in IDENTITY if name in used]
    if "uln" in used and together:
        line = max(used["uln"], *(used[name] for name in together))
        what = f"it carries the ULN together with {', '.join(together)}: the LRS counts that as a breach"
        faults.append(TemplateFault(line, what))
    faults += [
        TemplateFault(line, f"it uses {name}, which no message is given")
        for name, line in used.items()
        if name not in {*GIVEN, *IDENTITY}
    ]
    faults += [
        TemplateFault(used[name], f"it uses {name}: only the given name may be used")
        for name in together
        if name not in GIVEN
    ]
    if not faults and needs and set(used) != {needs}:
        faults.append(TemplateFault(0, f"it must use {needs} and nothing else"))
    if not faults:
        faults += _try(WORDS, text, {name: _SAMPLES[name] for name in used})
    return sorted(faults)


def check_layout(text: str) -> list[TemplateFault]:
    """Every fault of the layout of letters; empty when it may be used.

    A layout is given the finished words only, so that it cannot put identity data beside a ULN.
    """
    used, faults = _read(PAGES, text)
    for name, line in used.items():
        if name in IDENTITY or name == "uln":
            faults.append(
                TemplateFault(line, f"it uses {name}: what a letter tells stands in its paragraphs, and only there")
            )
        elif name not in {*LAID_OUT, *OF_A_LETTER}:
            faults.append(TemplateFault(line, f"it uses {name}, which no letter is given"))
    if not faults:
        faults += [
            TemplateFault(0, f"it never uses {name}, so that nothing of the letters would be shown")
            for name in ("letters", "paragraphs", "text")
            if name not in used
        ]
    if not faults:
        letter = Letter("L-1", "Subject", (Paragraph("Text"), Paragraph("Text", apart=True)))
        faults += _try(PAGES, text, {"letters": [letter], "centre": "Centre", "day": "1 January 2026"})
    return sorted(faults)


def sound(name: str, faults: list[TemplateFault]) -> None:
    """Raise DefinitionError where a template has faults."""
    if faults:
        raise DefinitionError(name, [str(fault) for fault in faults])


def _check_subject(text: str) -> list[TemplateFault]:
    first, _, body = text.partition("\n")
    faults = []
    if not first.startswith(SUBJECT) or not first.removeprefix(SUBJECT).strip():
        what = "its first line is not a subject line, such as Subject: Your Unique Learner Number"
        faults.append(TemplateFault(1, what))
    if "{" in first:
        faults.append(TemplateFault(1, "its subject line carries a variable: subjects are read by everyone"))
    if not body.strip():
        faults.append(TemplateFault(0, "it has no text"))
    return faults


def _read(environment: ImmutableSandboxedEnvironment, text: str) -> tuple[dict[str, int], list[TemplateFault]]:
    """The names a template uses, each with its first line, and what keeps it from being a template at all."""
    try:
        tree = environment.parse(text)
        environment.compile(text)
    except TemplateError as error:
        return {}, [TemplateFault(getattr(error, "lineno", 0) or 0, f"it is not a valid template: {error.message}")]
    faults = [TemplateFault(node.lineno, "it draws in another template") for node in tree.find_all(_DRAWN_IN)]
    outside = meta.find_undeclared_variables(tree)
    used: dict[str, int] = {}
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        name = _name_of(node, outside)
        if name:
            used[name] = min(node.lineno, used.get(name, node.lineno))
    return used, faults


def _name_of(node: Any, outside: set[str]) -> str:
    """The variable that a node reads, or the part of one where that part matters; else empty."""
    if isinstance(node, nodes.Name):
        return node.name if node.name in outside else ""
    if isinstance(node, nodes.Getattr):
        part: object = node.attr
    else:
        part = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return str(part) if part in _PARTS else ""


def _try(environment: ImmutableSandboxedEnvironment, text: str, given: Mapping[str, Any]) -> list[TemplateFault]:
    """Fill a template with made-up values."""
    try:
        environment.from_string(text).render(given)
    except UNFILLABLE as error:
        return [TemplateFault(_line_of(error), "it cannot be filled")]
    return []


def _line_of(error: BaseException) -> int:
    """The line of the template in which an error was raised; 0 where that is not known."""
    place, line = error.__traceback__, 0
    while place is not None:
        if place.tb_frame.f_code.co_filename == "<template>":
            line = place.tb_lineno
        place = place.tb_next
    return line
