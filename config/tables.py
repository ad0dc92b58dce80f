"""Tables and texts a centre may edit: its own copy in its config folder, else the one shipped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

FILE: Final = "ulnflow.toml"


def read_table(name: str, folder: Path | None = None) -> Mapping[str, Any]:
    """A table such as lrs/batch.toml: the centre's own in its config folder, else the one shipped."""
    own = folder / "config" / name if folder is not None else None
    text = own.read_text("utf-8") if own is not None and own.is_file() else _shipped(name)
    return tomllib.loads(text)


def read_text(name: str, folder: Path | None = None) -> str:
    """A text such as letters/uln.txt: the centre's own, else the one shipped."""
    own = folder / "config" / name if folder is not None else None
    return own.read_text("utf-8") if own is not None and own.is_file() else _shipped(name)


def _shipped(name: str) -> str:
    return files("config").joinpath(*name.split("/")).read_text("utf-8")
