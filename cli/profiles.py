"""Profiles of awarding organisations and LAR systems: found, read, and told by name when they cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from cli.tables import laid_out
from states.errors import FileRefused
from states.exchange.awarding.bodies import AwardingBodies
from states.exchange.awarding.profile import ProfiledAwardingBody
from states.exchange.lar.profile import ProfiledLar
from workflow.errors import DefinitionError

Value = TypeVar("Value")


class Profiles:
    """The profiles there are; `names` are true for the centre's own.

    The readers give a table, a text, or the bytes of a file by a name such as profiles/ilm-generic.toml.
    """

    def __init__(
        self,
        read_table: Callable[[str], Mapping[str, Any]],
        read_text: Callable[[str], str],
        read_beside: Callable[[str], bytes | None],
        names: Mapping[str, bool],
    ) -> None:
        self._read_table, self._read_text, self._read_beside = read_table, read_text, read_beside
        self.names = names

    def text(self, name: str) -> str:
        """The text of a profile; raises DefinitionError when it is not there."""
        with self._named(name) as file:
            return self._read_text(file)

    def template(self, name: str) -> bytes:
        """The bytes of a template beside the profiles; raises FileRefused when it is not there."""
        data = self._read_beside(f"profiles/{name}")
        if not data:
            rule = "the template the profile names is not there, or is empty"
            raise FileRefused(name, rule, "Put it beside the profile, into config/profiles.")
        return data

    def bodies(self, usual: str, by_qualification: Mapping[str, str]) -> AwardingBodies:
        """The awarding organisations by profile; raises DefinitionError naming the file and every fault of it."""
        known = {name: self._body(name) for name in sorted({usual, *by_qualification.values()})}
        return AwardingBodies(known[usual], {code: known[name] for code, name in by_qualification.items()})

    def lar(self, name: str) -> ProfiledLar:
        """The LAR system by its profile; raises DefinitionError, as `bodies` does."""
        with self._named(name) as file:
            return ProfiledLar(self._read_table(file), self.template)

    def _body(self, name: str) -> ProfiledAwardingBody:
        with self._named(name) as file:
            body = ProfiledAwardingBody(self._read_table(file), self.template)
            if body.profile != name:
                raise DefinitionError(file, [f"profile: must be {name}, as its file is called"])
            return body

    @contextmanager
    def _named(self, name: str) -> Iterator[str]:
        file = f"profiles/{name}.toml"
        with laid_out(file):
            if name not in self.names:
                raise DefinitionError(file, ["is not there; put it into config/profiles. See: ulnflow profile list"])
            yield file


def in_use(usual: str, by_qualification: Mapping[str, str], lar: str) -> dict[str, str]:
    """What each profile in use is for, by name."""
    found = {usual: "registration"}
    for code, name in by_qualification.items():
        found[name] = f"{found[name]}, {code}" if name in found else code
    return {**found, lar: "LAR"}


class WhenAsked(Mapping[str, Value]):
    """A table that is read when it is first asked, so that what is wrong with it stops nobody who needs it not."""

    def __init__(self, read: Callable[[], Mapping[str, Value]]) -> None:
        self._read = read

    @cached_property
    def _known(self) -> Mapping[str, Value]:
        return self._read()

    def __getitem__(self, name: str) -> Value:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
