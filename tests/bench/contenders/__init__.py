"""Those who do the work, by name; a contender is imported only by the process that runs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from tests.bench.steps import Job, Phases

OURS: Final = "tests.bench.contenders"
CONTENDERS: Final = {
    "ours-single": "ours:single",
    "ours-bulk": "ours:bulk",
    "ours-ilm-single": "ours_ilm:single",
    "ours-ilm-bulk": "ours_ilm:bulk",
    "raw-single": "raw_sqlite:single",
    "raw-bulk": "raw_sqlite:bulk",
    "raw-load": "raw_load:load",
    "eventsourcing-single": "eventsourcing_:single",
    "eventsourcing-cached": "eventsourcing_:cached",
    "eventsourcing-bulk": "eventsourcing_:bulk",
    "django-single": "django_:single",
    "django-bulk": "django_:bulk",
    "dbos-single": "dbos_:single",
    "naive-single": "naive:single",
    "naive-bulk": "naive:bulk",
    "psycopg-single": "raw_postgres:single",
    "psycopg-bulk": "raw_postgres:bulk",
    "ours-queries": "questions:ours",
    "raw-queries": "questions:plain",
    "ours-verify": "reading:ours",
    "raw-verify": "reading:plain",
    "build-log": "reading:build",
    "build-year": "questions:build",
    "ours-machine": "machine:ours",
    "ours-machine-guards": "machine:ours_guards",
    "raw-machine": "machine:plain",
    "ours-erase": "erasing:ours",
    "ours-import": "sheets:ours",
    "raw-import": "sheets:plain",
}
"""Name -> module of this folder and its function."""


def contender(name: str) -> Callable[[Job], Phases]:
    """The function behind a name."""
    module, function = CONTENDERS[name].split(":")
    return getattr(import_module(f"{OURS}.{module}"), function)
