"""The centre's folder and the tables in it, for commands that need no database; importing this is cheap on purpose."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import platformdirs

from cli.options import chosen
from config.tables import FILE as FILE  # noqa: PLC0414 - handed on to commands, which do not read config
from config.tables import read_table, read_text
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.return_codes import ReturnCodes
from states.exchange.lrs.wrapper import VerifyTable, read_verify
from workflow.errors import DefinitionError, SchemaMissing

REGISTER: Final = "erased.register"
"""The register of erasures, in the centre's folder beside the database."""

LRS_TABLES: Final = ("lrs/batch.toml", "lrs/return_codes.toml", "lrs/verify.toml")


@contextmanager
def laid_out(name: str) -> Iterator[None]:
    """Tell a file of the centre's own that cannot be read or lacks something, naming it; raises DefinitionError."""
    try:
        yield
    except UnicodeDecodeError:
        raise DefinitionError(name, ["is not UTF-8; save it again as UTF-8"]) from None
    except tomllib.TOMLDecodeError as wrong:
        raise DefinitionError(name, [f"is not TOML: {wrong}"]) from None
    except DefinitionError as wrong:
        raise DefinitionError(name, wrong.faults) from None
    except KeyError as wrong:
        raise DefinitionError(name, [f"has no {wrong.args[0]}; compare it with the one ulnflow ships"]) from None
    except (TypeError, AttributeError, ValueError):
        raise DefinitionError(name, ["is not laid out as the one ulnflow ships; compare them"]) from None


def find_folder() -> Path:
    """The centre's folder: --folder, ULNFLOW_FOLDER, here or above, or the account's own; raises SchemaMissing."""
    named = chosen.folder or (Path(os.environ["ULNFLOW_FOLDER"]) if os.environ.get("ULNFLOW_FOLDER") else None)
    if named is not None:
        if not (named / FILE).is_file():
            raise SchemaMissing(f"{named} holds no {FILE}. Run there: ulnflow init")
        return named.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents, platformdirs.user_data_path("ulnflow", appauthor=False)):
        if (folder / FILE).is_file():
            return folder.resolve()
    raise SchemaMissing(f"no {FILE} is here or in a folder above. Go to the centre's folder, or run: ulnflow init")


def table(name: str, folder: Path | None = None) -> Mapping[str, Any]:
    """A table of the centre's or, without a folder, the one shipped."""
    with laid_out(name):
        return read_table(name, folder)


def text(name: str, folder: Path | None = None) -> str:
    """A text of the centre's or, without a folder, the one shipped."""
    with laid_out(name):
        return read_text(name, folder)


def lrs_tables() -> tuple[BatchLayout, ReturnCodes, VerifyTable]:
    """What is known of LRS files: the centre's own tables or, where no folder is meant, those shipped."""
    try:
        folder = find_folder()
    except SchemaMissing:
        if chosen.folder is not None:
            raise
        folder = None
    batch, codes, verify = (table(name, folder) for name in LRS_TABLES)
    with laid_out(", ".join(LRS_TABLES)):
        return BatchLayout.from_table(batch), ReturnCodes(codes), read_verify(verify)
