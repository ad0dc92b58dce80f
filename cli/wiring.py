"""The one place that builds: it alone reads `config`, picks the plugs and puts an office together."""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Final, get_args

import tomli_w
from pydantic import SecretStr

from cli import people, post
from cli.closed_days import ClosedDays
from cli.options import chosen
from cli.profiles import Profiles, WhenAsked
from cli.tables import FILE as FILE  # noqa: PLC0414 - handed on to commands
from cli.tables import LRS_TABLES, laid_out
from cli.tables import find_folder as find_folder  # noqa: PLC0414 - as above
from cli.tables import table as table  # noqa: PLC0414 - as above
from cli.tables import text as text  # noqa: PLC0414 - as above
from config.settings import Awarding as Awarding  # noqa: PLC0414 - handed on to commands, which do not read config
from config.settings import LateUln, Nation, read_settings
from config.settings import Settings as Settings  # noqa: PLC0414 - as above
from config.settings import checked_address as checked
from config.tables import read_beside, read_table, read_text, table_names
from states.asked import Asked, Policy
from states.exchange.awarding.bodies import AwardingBodies
from states.exchange.candidates import CandidateLists
from states.exchange.cohort_sheet import CohortSheets
from states.exchange.lar.profile import ProfiledLar
from states.exchange.lrs.plug import LrsFiles
from states.exchange.mappings import FILE as MAPPINGS
from states.exchange.mappings import Mappings
from states.exchange.outbox import Outbox
from states.exchange.result_sheet import ResultSheets
from states.facts import LearnerFacts
from states.learner import repository
from states.learner.repository import LINEAGE
from states.mail_ports import Mailer, Postbox
from states.ports import BatchForm
from states.rules import LEARNER_RULES
from states.unfinished import recover
from states.unit_of_work import PRACTICE_UKPRNS, Office
from workflow import Act, Definition, Engine, read_route
from workflow.errors import DefinitionError, SchemaMissing, StoreError
from workflow.rule import Rule
from workflow.store import meta, roles, schema
from workflow.store.database import Database
from workflow.store.encrypted import key_for
from workflow.store.schema import ENGINE

LINEAGES: Final = (ENGINE, LINEAGE)
RIGHTS: Final = {**roles.RIGHTS, **repository.RIGHTS}
MAY_WARN: Final = frozenset({"I2"})
"""Rules a centre may lower to a warning: the cohort gate is ILM's advice, the others are what makes a step true."""


def product() -> str:
    """Name and version, as events carry them."""
    try:
        return f"ulnflow {version('ulnflow')}"
    except PackageNotFoundError:
        return "ulnflow"


def clock() -> int:
    """Microseconds since 1970, UTC, by this machine."""
    return time.time_ns() // 1_000


class ConfiguredPlugs:
    """Plugs built from the centre's tables when first used."""

    def __init__(
        self, folder: Path, awarding: Awarding, *, practice: bool = False, lrs_format: BatchForm = "csv"
    ) -> None:
        self._folder, self._awarding, self._practice, self._lrs_format = folder, awarding, practice, lrs_format

    @cached_property
    def cohort_source(self) -> CohortSheets:
        """Opens cohort sheets by the alias table, and remembers in the config folder what was said of columns."""
        with laid_out("headings.toml"):
            return CohortSheets(
                read_table("headings.toml", self._folder),
                memory=Mappings(self._folder / "config" / MAPPINGS),
                scratch=self._folder / ".scratch",
            )

    @cached_property
    def candidate_source(self) -> CandidateLists:
        """Reads candidates by the same headings."""
        with laid_out("headings.toml"):
            return CandidateLists(read_table("headings.toml", self._folder))

    @cached_property
    def lrs(self) -> LrsFiles:
        """Writes and reads LRS files."""
        batch, codes, verify = (table(name, self._folder) for name in LRS_TABLES)
        with laid_out(", ".join(LRS_TABLES)):
            return LrsFiles(batch=batch, return_codes=codes, verify=verify, form=self._lrs_format)

    @cached_property
    def awarding_body(self) -> AwardingBodies:
        """Writes registrations, each by the profile of its qualification."""
        return profiles(self._folder).bodies(self._awarding.profile, self._awarding.by_qualification)

    @cached_property
    def lar_system(self) -> ProfiledLar:
        """Writes LAR files by profile."""
        return profiles(self._folder).lar(self._awarding.lar_profile)

    @cached_property
    def result_sheets(self) -> ResultSheets:
        """Writes what was found for people."""
        return ResultSheets()

    @cached_property
    def postbox(self) -> Postbox:
        """Writes messages and letters from the centre's templates."""
        return post.postbox(lambda name: text(name, self._folder), load_settings(self._folder).centre.name)

    @cached_property
    def mailer(self) -> Mailer:
        """Sends by the centre's mail server."""
        settings = load_settings(self._folder)
        return post.mailer(settings.mail.model_dump(), settings.centre.sender, FILE)

    @cached_property
    def outbox(self) -> Outbox:
        """Puts files into the centre's outbox folder; those of a practice database say so by their names."""
        return Outbox(self._folder / "outbox", mark="PRACTICE_" if self._practice else "")


def profiles(folder: Path | None) -> Profiles:
    """The profiles of a centre or, without a folder, those shipped."""
    return Profiles(
        partial(read_table, folder=folder), partial(read_text, folder=folder), partial(read_beside, folder=folder),
        table_names("profiles", folder),
    )  # fmt: skip


NATIONS: Final[tuple[str, ...]] = get_args(Nation)
WHO_UPDATES: Final[tuple[str, ...]] = get_args(LateUln)
"""Who may update the LAR of a late ULN."""


def load_settings(folder: Path) -> Settings:
    """The centre's settings; raises DefinitionError naming each wrong key and its line, never its value."""
    with laid_out(FILE):
        settings = read_settings(folder)
    people.refuse_twice(settings.people, settings.kept, FILE)
    return settings


def weighed_rules(settings: Settings) -> dict[str, Rule[Asked]]:
    """The rules with the weights a centre gave them; raises DefinitionError for a code that is none or may not be."""
    faults = [f"rules.{code}: there is no such rule" for code in settings.rules if code not in LEARNER_RULES]
    faults += [
        f"rules.{code}: only {', '.join(sorted(MAY_WARN))} may be lowered to a warning; any rule may be raised to block"
        for code, weight in settings.rules.items()
        if weight == "warn" and code in LEARNER_RULES and code not in MAY_WARN
    ]
    if faults:
        raise DefinitionError(FILE, faults)
    return {
        code: rule.weighing(settings.rules[code]) if code in settings.rules else rule
        for code, rule in LEARNER_RULES.items()
    }


def write_settings(folder: Path, *, ukprn: str, nation: str, late_uln: str, operator: str, sender: str) -> None:
    """Write a new ulnflow.toml, checked before anything is kept; raises DefinitionError."""
    people.checked_actor(operator)
    record = {
        "operator": operator,
        "centre": {"ukprn": ukprn, "nation": nation, "sender": sender},
        "policy": {"late_uln": late_uln, "day_first": True},
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE
    head = "# The settings of this centre. What may stand here: docs/configuration.md\n"
    draft = folder / f".{FILE}.{secrets.token_hex(4)}"
    draft.mkdir(mode=0o700)
    try:
        (draft / FILE).touch(mode=0o600)
        (draft / FILE).write_text(head + tomli_w.dumps(record), "utf-8")
        load_settings(draft)
        (draft / FILE).rename(path)
    finally:
        (draft / FILE).unlink(missing_ok=True)
        draft.rmdir()


def place(folder: Path, settings: Settings, *, practice: bool = False) -> Path | str:
    """Where a centre's database is: its file or, on a server, its address, which is never to be shown."""
    return (not practice and settings.database_url.get_secret_value()) or folder / settings.database


def checked_address(text: str) -> str:
    """The address of a database on a server; raises DefinitionError without it."""
    try:
        return checked(SecretStr(text or "nothing")).get_secret_value()
    except ValueError as wrong:
        raise DefinitionError("the address of the new database", [str(wrong)]) from None


@contextmanager
def located() -> Iterator[tuple[Settings, Database]]:
    """The database of the folder that is meant, whatever state it is in, closed at the end; raises StoreError."""
    folder = find_folder()
    settings = load_settings(folder)
    where = place(folder, settings)
    if isinstance(where, Path) and not where.is_file():
        raise SchemaMissing(f"{where.name} is not there. Run: ulnflow init")
    database = opened_at(where, folder, settings)
    try:
        yield settings, database
    finally:
        database.close()


def upgrade(database: Database) -> list[str]:
    """Run the migrations that are missing; returns what was done."""
    return schema.upgrade(database, LINEAGES)


def check(database: Database) -> None:
    """Raise SchemaMissing or SchemaTooNew unless the database is at this version."""
    schema.check(database, LINEAGES)


def create(folder: Path, *, practice: bool) -> None:
    """Make or upgrade the database of a folder; its log gets an origin that never changes. Practice is a file."""
    settings = load_settings(folder)
    database = opened_at(place(folder, settings, practice=practice), folder, settings)
    try:
        schema.upgrade(database, LINEAGES)
        with database.writing() as connection:
            known = meta.read(connection)
            if practice and known.get(meta.MODE) == meta.REAL:
                raise StoreError("this database is a real one; practice needs a folder of its own")
            if meta.ORIGIN not in known:
                whose = f"{meta.PRACTISED if practice else 'ulnflow'}/{settings.centre.ukprn}"
                meta.write(connection, meta.ORIGIN, f"{whose}/{secrets.token_hex(8)}")
                meta.write(connection, meta.MODE, meta.PRACTICE if practice else meta.REAL)
    finally:
        database.close()


def opened_at(where: Path | str, folder: Path, settings: Settings) -> Database:
    """A database, with the key of the settings where one is named; raises StoreError for a key that cannot be used."""
    name = settings.encryption.key_file
    return Database(where, key_for(where, folder / name) if name and isinstance(where, Path) else "")


def open_database(where: Path | str, folder: Path, settings: Settings) -> tuple[Database, dict[str, str]]:
    """A database that is set up, and what it says of itself; raises StoreError."""
    if isinstance(where, Path) and not where.is_file():
        raise SchemaMissing(f"{where.name} is not there. Run: ulnflow init")
    database = opened_at(where, folder, settings)
    try:
        schema.check(database, LINEAGES)
        with database.reading() as connection:
            facts = meta.read(connection)
        if not {meta.ORIGIN, meta.MODE} <= facts.keys():
            raise SchemaMissing(f"{database.name} belongs to no centre yet. Run: ulnflow init")
        if (facts[meta.MODE] == meta.PRACTICE) != facts[meta.ORIGIN].startswith(f"{meta.PRACTISED}/"):
            raise StoreError(f"{database.name} says it is {facts[meta.MODE]}, and its log says otherwise; somebody "
                             "changed that by hand")  # fmt: skip
        _refuse_foreign(settings, facts)
        if meta.MOVING in facts:
            raise StoreError(f"{database.name} is half copied; go on with: ulnflow db move, from where it is copied")
        if meta.MOVED in facts:
            raise StoreError(f"{database.name} was moved: name the new database in ulnflow.toml (docs/postgresql.md)")
    except BaseException:
        database.close()
        raise
    return database, facts


def open_office(folder: Path, now: Callable[[], int] = clock, *, practice: bool = False) -> Office:
    """The office of a centre's folder, ready to work; raises DefinitionError and StoreError."""
    settings = load_settings(folder)
    database, facts = open_database(place(folder, settings, practice=practice), folder, settings)
    try:
        return office_on(database, facts, folder, settings, now)
    except BaseException:
        database.close()
        raise


def office_on(
    database: Database, facts: Mapping[str, str], folder: Path, settings: Settings, now: Callable[[], int] = clock
) -> Office:
    """The office of a folder on a database that is open; raises DefinitionError."""
    practice = facts[meta.MODE] == meta.PRACTICE
    plugs = ConfiguredPlugs(folder, settings.awarding, practice=practice, lrs_format=settings.lrs.format)
    policy = Policy(
        late_uln=settings.policy.late_uln,
        closed=ClosedDays(settings.centre.nation, settings.closures),
        id_types=WhenAsked(partial(_id_types, folder)),
        windows=WhenAsked(lambda: plugs.awarding_body.windows()),  # noqa: PLW0108 - the plug is built when first asked
        placeholder_days=settings.policy.placeholder_days,
        second_person=settings.approvals.second_person,
        mails=bool(settings.mail.host and settings.centre.sender) and not practice,
    )
    rules = weighed_rules(settings)
    own = folder / "config" / "routes" / "ilm.toml"
    page = own if own.is_file() else files("states").joinpath("routes", "ilm.toml")
    with laid_out("routes/ilm.toml"):
        route = read_route(page.read_text("utf-8"), source="routes/ilm.toml", rules=rules, clocks=settings.clocks)
    source = LearnerFacts(
        policy,
        lambda registration: plugs.awarding_body.refusals(registration),  # noqa: PLW0108 - the plug is built when first asked
        route.final_states(),
    )
    engine = Engine(Definition(route, rules, source), database, origin=facts[meta.ORIGIN], product=product(), clock=now)
    return Office(
        engine=engine,
        database=database,
        plugs=plugs,
        policy=policy,
        ukprn=settings.centre.ukprn,
        sender=settings.centre.sender,
        practice=facts[meta.MODE] == meta.PRACTICE,
        outbox_folder=folder / "outbox",
    )


def _refuse_foreign(settings: Settings, facts: Mapping[str, str]) -> None:
    """A folder for practice never opens a real centre's database, as a variable set for every folder might have it."""
    theirs = facts[meta.ORIGIN].split("/")[1]
    if settings.centre.ukprn.startswith(PRACTICE_UKPRNS) and not theirs.startswith(PRACTICE_UKPRNS):
        raise StoreError("this folder is for practice, the database is a real centre's; see ULNFLOW_DATABASE_URL")


def _id_types(folder: Path) -> Mapping[str, str]:
    with laid_out("lrs/batch.toml"):
        types: Mapping[str, str] = read_table("lrs/batch.toml", folder)["codes"]["verification_type"]
        return types


def actor(settings: Settings) -> str:
    """Who is at work: the operator named in the settings, else the account of the computer."""
    if settings.operator:
        return people.checked_actor(settings.operator)
    try:
        account = getpass.getuser()
    except (OSError, KeyError, ImportError):
        account = ""
    return people.checked_actor(account)


def act(settings: Settings, command: str, command_id: str = "") -> Act:
    """One command by whoever is at work, and for whom."""
    said = chosen.on_behalf_of
    behalf = "" if said is None else people.checked_actor(said, "--on-behalf-of")
    who = actor(settings)
    return Act(
        actor=who, command=command, command_id=command_id, on_behalf_of=behalf,
        cohorts=people.cohorts_of(settings.kept, who),
    )  # fmt: skip


@contextmanager
def opened() -> Iterator[tuple[Path, Settings, Office]]:
    """The office of the folder that is meant, files a crash left behind brought home, closed at the end."""
    folder = find_folder()
    office = open_office(folder)
    try:
        recover(office)
        yield folder, load_settings(folder), office
    finally:
        office.database.close()
