"""A centre's own settings: read from ulnflow.toml, overridden by ULNFLOW_ variables, checked when read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config.faults import worded
from config.tables import FILE
from workflow.errors import DefinitionError

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
USUAL: Final = {"starttls": 587, "tls": 465, "none": 25}
"""The ports mail is handed in at (RFC 6409, 2011; RFC 8314, 2018)."""

ENVIRONMENT: Final = "ULNFLOW_"
"""How the variables begin that stand above the file."""

LateUln = Literal["ilm", "centre"]
Nation = Literal["england", "wales", "scotland", "northern_ireland"]


def _day_is_real(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be days of the calendar, as YYYY-MM-DD") from None
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
Profile = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9-]{0,39}\Z", re.ASCII))]
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


class Mail(Section):
    """The mail server: without a host no mail is sent. The password comes from the environment alone."""

    host: Text = ""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Text = ""
    password: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def nothing_goes_in_clear(self) -> Mail:
        """Without encryption only to a server on this computer; a port that is not said is the usual one."""
        if self.host and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("security may be none only for a mail server on this computer; use starttls or tls")
        self.port = self.port or USUAL[self.security]
        return self


class Policy(Section):
    """What the centre decided: who updates the LAR of a late ULN, and how a date like 7/4/1988 is read.

    `placeholder_days` is how long a funded aim may carry 9999999999 (ILR rules ULN_06 and ULN_07, 2025).
    """

    late_uln: LateUln = "centre"
    day_first: bool = True
    placeholder_days: int = Field(default=60, ge=1, le=400)


class Awarding(Section):
    """Which profiles registration and LAR files are written by; `by_qualification` names others by code."""

    profile: Profile = "ilm-generic"
    lar_profile: Profile = "lar-generic"
    by_qualification: dict[str, Profile] = Field(default_factory=dict)


class Lrs(Section):
    """How the centre's batches for the LRS are written."""

    format: Literal["csv", "xml"] = "csv"


Role = Literal["operator", "approver", "auditor"]
"""What a person may do at this centre; what each role may is decided where commands begin."""


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


def _named(value: str) -> str:
    if not (name := _plain(value)):
        raise ValueError("must name a cohort")
    return name


class Person(Section):
    """A person's roles, and the cohorts they are kept to; without cohorts the roles hold for every one."""

    roles: list[Role]
    cohorts: Annotated[list[Annotated[Text, AfterValidator(_named)]], Field(min_length=1)] | None = None


def _as_person(value: Any) -> Any:
    return {"roles": value} if isinstance(value, list) else value


class Seal(Section):
    """Where checkpoints of the log are written: a folder, in the centre's own or anywhere, such as a share."""

    folder: Text = "seals"

    def folder_in(self, centre: Path) -> Path:
        """The folder, seen from the centre's."""
        return centre / self.folder


class Encryption(Section):
    """Where the key of an encrypted database file is; without it the file is plain."""

    key_file: Text = ""


class Retention(Section):
    """Years a learner's data are kept after their last case became final; `by_state` sets others by final state.

    Six years is how long most claims can be brought (Limitation Act 1980, section 5).
    """

    years: int = Field(default=6, ge=0, le=100)
    by_state: dict[str, Annotated[int, Field(ge=0, le=100)]] = Field(default_factory=dict)


class Approvals(Section):
    """Whether somebody else must agree to a correction or a waiver; a centre of one person does without."""

    second_person: bool = True


class Settings(BaseSettings):
    """Everything in ulnflow.toml; `clocks` are working days by state or duty, `rules` block or warn by rule code.

    `people` are the roles of each person by name, and the cohorts of who is kept to some.
    `database_url` names a database on a PostgreSQL server; without it `database` is a file in the folder.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT,
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
    )

    centre: Centre
    policy: Policy = Field(default_factory=Policy)
    seal: Seal = Field(default_factory=Seal)
    encryption: Encryption = Field(default_factory=Encryption)
    retention: Retention = Field(default_factory=Retention)
    lrs: Lrs = Field(default_factory=Lrs)
    approvals: Approvals = Field(default_factory=Approvals)
    mail: Mail = Field(default_factory=Mail)
    awarding: Awarding = Field(default_factory=Awarding)
    operator: Text = ""
    people: dict[Text, Annotated[Person, BeforeValidator(_as_person)]] = Field(default_factory=dict)
    database: Text = "ulnflow.db"
    database_url: Address = SecretStr("")
    clocks: dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    rules: dict[str, Literal["block", "warn"]] = Field(default_factory=dict)
    closures: list[Day] = Field(default_factory=list)

    @property
    def roles(self) -> Mapping[str, list[Role]]:
        """The roles of each person by name."""
        return {name: person.roles for name, person in self.people.items()}

    @property
    def kept(self) -> Mapping[str, list[str]]:
        """The cohorts of each person who is kept to some, by name."""
        return {name: person.cohorts for name, person in self.people.items() if person.cohorts is not None}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file, which may hold no password for mail."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls)
        mail = file.toml_data.get("mail")
        if isinstance(mail, dict) and "password" in mail:
            raise DefinitionError(FILE, ["mail.password: not in this file; set it as ULNFLOW_MAIL__PASSWORD"])
        return init_settings, env_settings, file


def read_settings(folder: Path) -> Settings:
    """The settings of a centre's folder; raises DefinitionError naming each wrong key, and TOMLDecodeError."""

    class OfFolder(Settings):
        model_config = SettingsConfigDict(toml_file=folder / FILE)

    try:
        return OfFolder()
    except ValidationError as wrong:
        text = (folder / FILE).read_text("utf-8") if (folder / FILE).is_file() else ""
        raise DefinitionError(FILE, worded(wrong, text, environment=ENVIRONMENT)) from None
