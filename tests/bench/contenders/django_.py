"""django-fsm-2 with django-fsm-log, on SQLite (WAL, synchronous FULL, BEGIN IMMEDIATE) or PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import django
from django.conf import settings

from tests.bench.steps import (
    ACTOR,
    STATES,
    TRIGGERS,
    Job,
    Phases,
    chunks,
    facts_of,
    fee_is_set,
    moved,
    new_id,
    nothing_holds,
    now,
)  # fmt: skip

PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON"


def address(job: Job) -> dict[str, Any]:
    """The database as Django's settings name it, tuned as its manual says."""
    if not job.url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(job.folder / "django.db"),
            "OPTIONS": {"init_command": PRAGMAS, "transaction_mode": "IMMEDIATE"},
        }
    from psycopg.conninfo import conninfo_to_dict

    known = conninfo_to_dict(job.url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known["dbname"],
        "HOST": known["host"],
        "PORT": known.get("port", ""),
        "USER": known["user"],
        "PASSWORD": known.get("password", ""),
        "OPTIONS": {"prepare_threshold": 5},
    }


def set_up(job: Job) -> Any:
    """The model with its six transitions, in migrated tables; returns its class."""
    settings.configure(
        DATABASES={"default": address(job)},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_fsm", "django_fsm_log"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import connection, models
    from django_fsm import FSMField, transition
    from django_fsm_log.decorators import fsm_log_by, fsm_log_description

    def first(order: Any) -> bool:
        return fee_is_set(order.facts)

    def second(order: Any) -> bool:
        return nothing_holds(order.facts)

    def step(number: int) -> Any:
        def take(self: Any, by: Any = None, description: str = "") -> None:
            """The state is set by the decorator."""

        take.__name__ = TRIGGERS[number]
        guarded = transition("state", source=STATES[number], target=STATES[number + 1], conditions=[first, second])
        return fsm_log_by(fsm_log_description(guarded(take)))

    order = type(
        "Order",
        (models.Model,),
        {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": "bench"}),
            "state": FSMField(default=STATES[0], db_index=True),
            "facts": models.JSONField(),
            **{trigger: step(number) for number, trigger in enumerate(TRIGGERS)},
        },
    )
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(order)
    return order


def opened(job: Job) -> tuple[Any, Any, list[int]]:
    """The model, the person and so many cases."""
    order = set_up(job)
    from django.contrib.auth.models import User

    by = User.objects.create(username=ACTOR)
    made = order.objects.bulk_create([order(facts=facts_of(number)) for number in range(1, job.cases + 1)])
    return order, by, [one.pk for one in made]


def payload(case: int, trigger: str, command_id: str) -> str:
    """What the log keeps beside state, time and person, as JSON."""
    number = TRIGGERS.index(trigger)
    event = moved(case, number + 2, trigger, STATES[number], STATES[number + 1], at=now(), command_id=command_id)
    return json.dumps(event)


def single(job: Job) -> Phases:
    """One case after the other, one transaction a step."""
    order, by, cases = opened(job)
    from django.db import transaction

    yield None
    for case in cases:
        for trigger in TRIGGERS:
            with transaction.atomic():
                one = order.objects.select_for_update().get(pk=case)
                getattr(one, trigger)(by=by, description=payload(case, trigger, new_id()))
                one.save(update_fields=["state"])
    yield None
    check(order, job)


def bulk(job: Job) -> Phases:
    """All cases, step by step: guards by can_proceed, bulk_create for the log, one UPDATE for the states."""
    order, by, cases = opened(job)
    from django.contrib.contenttypes.models import ContentType
    from django.db import transaction
    from django_fsm import can_proceed
    from django_fsm_log.models import StateLog

    kind = ContentType.objects.get_for_model(order)
    yield None
    for number, trigger in enumerate(TRIGGERS):
        command_id, source, target = new_id(), STATES[number], STATES[number + 1]
        for part in chunks(cases):
            with transaction.atomic():
                found = order.objects.select_for_update().filter(pk__in=part)
                going = [one for one in found if can_proceed(getattr(one, trigger))]
                logs = [
                    StateLog(
                        by=by, source_state=source, state=target, transition=trigger, content_type=kind,
                        object_id=one.pk, description=payload(one.pk, trigger, command_id),
                    )
                    for one in going
                ]  # fmt: skip
                StateLog.objects.bulk_create(logs)
                order.objects.filter(pk__in=[one.pk for one in going]).update(state=target)
    yield None
    check(order, job)


def check(order: Any, job: Job) -> None:
    """Every case reached the last state, every step is logged, and SQLite was as durable as ours."""
    from django.db import connection
    from django_fsm_log.models import StateLog

    assert order.objects.filter(state=STATES[-1]).count() == job.cases
    assert StateLog.objects.count() == 6 * job.cases
    if not job.url:
        with connection.cursor() as cursor:
            found = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
    connection.close()
