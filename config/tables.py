"""Tables and texts a centre may edit: its own copy in its config folder, else the one shipped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

FILE: Final = "ulnflow.toml"
LARGEST: Final = 50_000_000


def read_table(name: str, folder: Path | None = None) -> Mapping[str, Any]:
    """A table such as lrs/batch.toml: the centre's own in its config folder, else the one shipped."""
    own = folder / "config" / name if folder is not None else None
    text = own.read_text("utf-8") if own is not None and own.is_file() else _shipped(name)
    return tomllib.loads(text)


def read_beside(name: str, folder: Path | None = None) -> bytes | None:
    """A file such as profiles/sheet.xlsx, at most 50 MB: the centre's own, else the one shipped; None without one."""
    own = folder / "config" / name if folder is not None else None
    if own is not None and own.is_file():
        with own.open("rb") as source:
            return source.read(LARGEST)
    shipped = files("config").joinpath(*name.split("/"))
    return shipped.read_bytes() if shipped.is_file() else None


def table_names(kind: str, folder: Path | None = None) -> dict[str, bool]:
    """The tables of a kind, such as profiles, by name; true for those that are the centre's own."""
    shipped = {Path(one.name).stem: False for one in files("config").joinpath(kind).iterdir() if ".toml" in one.name}
    place = folder / "config" / kind if folder is not None else None
    own = {one.stem: True for one in place.glob("*.toml")} if place is not None and place.is_dir() else {}
    return dict(sorted({**shipped, **own}.items()))


def read_text(name: str, folder: Path | None = None) -> str:
    """A text such as letters/uln.txt: the centre's own, else the one shipped."""
    own = folder / "config" / name if folder is not None else None
    return own.read_text("utf-8") if own is not None and own.is_file() else _shipped(name)


def _shipped(name: str) -> str:
    return files("config").joinpath(*name.split("/")).read_text("utf-8")
