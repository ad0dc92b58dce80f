"""What is wrong with settings, in words for people: which key, what it may be, and where it stands; never its value."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "literal_error": "can be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_long": "may have {max_length} characters at the most",
    "too_short": "must name at least one, or be left out",
    **dict.fromkeys(("bool_parsing", "bool_type"), "can be true or false, without quotes"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number, without quotes"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list, in [ ]"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a table"),
    **dict.fromkeys(("string_type", "secret_type"), "must be a text, in quotes"),
}
"""Kinds of error, as pydantic 2 names them."""

FORMS: Final = {
    "ukprn": "must have eight digits, and not begin with 0",
    "closures": "must be days as YYYY-MM-DD",
    "awarding": "must be the name of a profile: small letters, digits and - only",
}
"""Key, or table -> how a text is written, where there is a pattern for it."""


def worded(wrong: ValidationError, text: str, *, environment: str) -> list[str]:
    """The faults, each with the line of the file's text; `environment` begins the variables that stand above it."""
    lines = list(_keys(text))
    found = []
    for fault in wrong.errors(include_input=False, include_url=False):
        path = [str(part) for part in fault["loc"] if not isinstance(part, int)]
        variable = environment + "__".join(path).upper()
        where = f"set by {variable}" if variable in os.environ else _line(path, lines)
        found.append(f"{'.'.join(path)}: {_words(fault, path)}" + (f" ({where})" if where else ""))
    return list(dict.fromkeys(found))


def _words(fault: Any, path: Sequence[str]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return next((FORMS[part] for part in reversed(path) if part in FORMS), "is not written as it must be")
    told = {name: str(value).replace("'", "") for name, value in context.items()}
    return WORDS[kind].format(**told) if kind in WORDS else str(fault["msg"])


def _line(path: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> str:
    """The line of a key or, where it has none, of what it stands in."""
    at, depth = 0, 0
    for number, key in lines:
        if len(key) > depth and list(path[: len(key)]) == key:
            at, depth = number, len(key)
    return f"line {at}" if at else ""


def _keys(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line and the full name of each table and key; what goes on over several lines is known by its first."""
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        begins = line.strip()
        if begins.startswith("["):
            if name := _name(begins):
                table = name
                yield number, table
        elif "=" in begins and (name := _name(begins.partition("=")[0] + "= 0")):
            yield number, [*table, *name]


def _name(line: str) -> list[str]:
    """The parts of the name that a line of TOML gives; none for what is no such line."""
    try:
        inner: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return []
    parts = []
    while isinstance(inner, dict) and inner:
        (part, inner), *_ = inner.items()
        parts.append(part)
    return parts
