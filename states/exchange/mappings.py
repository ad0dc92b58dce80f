"""What a person said of columns that nobody understood, kept for the next sheet with the same headings."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import tomli_w

from states.errors import FileRefused
from workflow import small_file
from workflow.errors import DefinitionError

FILE: Final = "mappings.toml"
HEAD: Final = (
    "# What columns of cohort sheets mean, as it was said with --map. Each part is for one set of headings.\n"
    "# Drop a part with: ulnflow cohort import FILE --forget-mapping\n\n"
)
KEY_DIGITS: Final = 24


def key_of(headings: Iterable[str]) -> str:
    """The name of a set of headings, each in its compared form: a digest, so that it repeats nothing of a sheet."""
    return hashlib.sha256("\n".join(sorted(set(headings))).encode()).hexdigest()[:KEY_DIGITS]


class Mappings:
    """The file of a centre that holds them; it is made when the first is kept, and replaced whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, dict[str, str]]:
        """Heading -> field (empty to leave it out), by the key of a set of headings; raises DefinitionError."""
        try:
            kept = tomllib.loads(self.path.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise DefinitionError(FILE, [f"cannot be read ({error.strerror or type(error).__name__})"]) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise DefinitionError(FILE, ["is not TOML; correct it, or remove the file"]) from None
        if not all(
            isinstance(part, dict) and all(isinstance(field, str) for field in part.values()) for part in kept.values()
        ):
            raise DefinitionError(FILE, ["holds something else than headings and fields; correct it, or remove it"])
        return kept

    def keep(self, key: str, columns: Mapping[str, str]) -> bool:
        """Keep what the columns of a set of headings mean; whether that changed anything. Raises FileRefused."""
        kept = self.all()
        if kept.get(key) == dict(columns):
            return False
        self._write({**kept, key: dict(columns)})
        return True

    def forget(self, key: str) -> bool:
        """Drop what was kept of a set of headings; whether there was anything. Raises FileRefused."""
        kept = self.all()
        if key not in kept:
            return False
        del kept[key]
        self._write(kept)
        return True

    def _write(self, kept: Mapping[str, Mapping[str, str]]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            small_file.replace(self.path, (HEAD + tomli_w.dumps(kept)).encode())
        except OSError as error:
            rule = f"it cannot be written ({error.strerror or type(error).__name__})"
            raise FileRefused(FILE, rule, "Check the config folder's permissions and the free space.") from None
