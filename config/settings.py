"""A centre's own settings: read from ulnflow.toml, overridden by ULNFLOW_ variables, checked when read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

FILE: Final = "ulnflow.toml"
Nation = Literal["england", "wales", "scotland", "northern_ireland"]


def _day_is_real(value: str) -> str:
    date.fromisoformat(value)
    return value


def checked_address(value: SecretStr) -> SecretStr:
    """The address of a PostgreSQL database, or nothing; it may hold a password, so what is wrong is told without it."""
    text = value.get_secret_value()
    if text:
        try:
            parts = urlsplit(text)
            sound = parts.scheme in {"postgresql", "postgres"} and bool(parts.path.strip("/")) and "@" not in parts.path
        except ValueError:
            sound = False
        if not sound or not text.isprintable() or " " in text:
            raise ValueError("must be written as postgresql://USER@HOST/DATABASE, special characters as %XX")
    return value


Ukprn = Annotated[str, StringConstraints(pattern=re.compile(r"^[1-9][0-9]{7}$", re.ASCII))]
Text = Annotated[str, StringConstraints(max_length=120)]
Address = Annotated[SecretStr, AfterValidator(checked_address)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day_is_real)]


class Section(BaseModel):
    """A table of ulnflow.toml; unknown keys are refused, values never shown in errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Centre(Section):
    """The centre: its UKPRN (8 digits), nation (whose holidays count), and where its mail comes from."""

    ukprn: Ukprn
    nation: Nation = "england"
    name: Text = ""
    sender: Text = ""


class Policy(Section):
    """What the centre decided: who updates the LAR of a late ULN, and how a date like 7/4/1988 is read."""

    late_uln: Literal["ilm", "centre"] = "centre"
    day_first: bool = True


class Seal(Section):
    """Where checkpoints of the log are written: a folder, in the centre's own or anywhere, such as a share."""

    folder: Text = "seals"

    def folder_in(self, centre: Path) -> Path:
        """The folder, seen from the centre's."""
        return centre / self.folder


class Settings(BaseSettings):
    """Everything in ulnflow.toml; `clocks` are working days by state or duty, `rules` block or warn by rule code.

    `database_url` names a database on a PostgreSQL server; without it `database` is a file in the folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="ULNFLOW_",
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
    )

    centre: Centre
    policy: Policy = Field(default_factory=Policy)
    seal: Seal = Field(default_factory=Seal)
    operator: Text = ""
    database: Text = "ulnflow.db"
    database_url: Address = SecretStr("")
    clocks: dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    rules: dict[str, Literal["block", "warn"]] = Field(default_factory=dict)
    closures: list[Day] = Field(default_factory=list)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(folder: Path) -> Settings:
    """The settings of a centre's folder; raises pydantic's ValidationError and tomllib's TOMLDecodeError."""

    class OfFolder(Settings):
        model_config = SettingsConfigDict(toml_file=folder / FILE)

    return OfFolder()


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
