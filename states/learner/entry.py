"""A field as a person types it: cleaned and judged by the same checks as a sheet's cell."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

from states.learner import checks, personal, uln
from states.learner.details import DATE_FIELDS, LABELS

NAMES: Final = frozenset({"given_name", "family_name", "preferred_name", "previous_family_name"})
CASE_LABELS: Final = {
    "cohort": "Cohort",
    "qualification": "Qualification",
    "funded": "Funded",
    "start": "Start",
    "planned_end": "Planned end",
}
FIELDS: Final = {**LABELS, **CASE_LABELS}
YES_NO: Final = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
GENDER_WORDS: Final = {"m": "1", "male": "1", "f": "2", "female": "2"}
LONGEST: Final = 255


class EntryRefused(ValueError):
    """What was typed cannot be right; names the field and the fix, never the value."""


def field_named(text: str) -> str:
    """The field that a name or a label means; raises EntryRefused."""
    wanted = text.strip().casefold().replace("-", "_").replace(" ", "_")
    for name, label in FIELDS.items():
        if wanted in {name, label.casefold().replace("-", "_").replace(" ", "_")}:
            return name
    raise EntryRefused(f"there is no field of that name; fields are: {', '.join(FIELDS)}")


def read_entry(name: str, text: str, *, day_first: bool, id_types: Collection[str]) -> str | date | bool | None:
    """The value a field gets; an empty text clears it, `id_types` are the codes there are. Raises EntryRefused."""
    value = checks.clean_name(text)
    if not value:
        return None if name in DATE_FIELDS or name in CASE_LABELS else ""
    if name in DATE_FIELDS or name in {"start", "planned_end"}:
        found, _, fault = checks.read_date(value, day_first)
        _refuse(name, fault)
        return found
    if name == "funded":
        if value.casefold() not in YES_NO:
            raise EntryRefused("Funded: say yes or no")
        return YES_NO[value.casefold()]
    if name in NAMES:
        _refuse(name, checks.name_fault(value))
        return value
    if name == "id_type":
        _refuse(name, checks.id_type_fault(value, id_types))
    return _code_or_text(name, value)


def _code_or_text(name: str, value: str) -> str:
    if name == "postcode":
        value = checks.normalise_postcode(value)
        _refuse(name, checks.postcode_fault(value))
    elif name == "gender":
        value = GENDER_WORDS.get(value.casefold(), value)
        _refuse(name, checks.gender_fault(value))
    elif name == "ability_to_share":
        if value.casefold() in {"yes", "y", "no", "n"}:
            value = "1" if YES_NO[value.casefold()] else "0"
        _refuse(name, checks.ability_fault(value))
    elif name == "email":
        _refuse(name, checks.email_fault(value))
    elif name == "existing_uln":
        if value == uln.PLACEHOLDER:
            return ""
        if (code := uln.fault(value)) is not None:
            raise EntryRefused(f"Existing ULN: {uln.explain(value, code)}")
    elif name in CASE_LABELS and (kind := personal.found(value)):
        raise EntryRefused(f"{FIELDS[name]}: it goes into the log, and looks like {kind}; {personal.HOW_TO_WRITE}")
    if len(value) > LONGEST or not value.isprintable():
        raise EntryRefused(f"{FIELDS[name]}: at most {LONGEST} plain characters")
    return value


def _refuse(name: str, fault: checks.Fault | None) -> None:
    if fault is not None:
        raise EntryRefused(f"{FIELDS[name]}: {fault.message.rstrip('.')}. {fault.fix}")
