"""Groups of commands that build a command when it is asked for, and read a noun's module no earlier."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo


class Lazy(TyperGroup):
    """A group whose commands are the functions that `source` has registered, and the groups added to it."""

    source: Callable[[], typer.Typer]

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of its commands, in the order they were written."""
        return list(dict.fromkeys([*self._registered(), *super().list_commands(ctx)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name, or None."""
        if cmd_name not in self.commands and (info := self._registered().get(cmd_name)):
            self.commands[cmd_name] = typer.main.get_command_from_info(
                info, pretty_exceptions_short=True, rich_markup_mode=self.rich_markup_mode
            )
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does it; a word that is no command is compared with all of them."""
        if self.get_command(ctx, args[0]) is None:
            for name in self.list_commands(ctx):
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def _registered(self) -> dict[str, CommandInfo]:
        found = self.source().registered_commands
        return {one.name or typer.main.get_command_name(one.callback.__name__): one for one in found if one.callback}


def noun(name: str, words: str, panel: str) -> Lazy:
    """A group whose verbs stand in the module of its name under `cli.commands`."""
    group = Lazy(name=name, help=words, rich_help_panel=panel, no_args_is_help=True)
    group.source = lambda: import_module(f"cli.commands.{name}").app
    return group
