"""Who may do what: the rights each command needs, and the rights each role has.

The people of a centre stand under `[people]` in ulnflow.toml, each with roles. Where nobody stands there, everybody is
operator and approver. Rights are those of the person at the keyboard, never of whom they act for. A person may be kept
to cohorts: then their rights to see and to change hold for the learners of those alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Literal

from states.learner import personal
from states.persons import fits, told_apart
from workflow.errors import DefinitionError

NOBODY: Final = frozenset({"root", "admin", "administrator", "system", "user", "test"})
LONGEST_NAME: Final = 80

Right = Literal["nothing", "read", "see", "work", "approve"]
"""What a command needs: nothing of the centre; the log and where learners stand; personal values; to change something;
to approve what another asked for."""

People = Mapping[str, Sequence[str]]

Kept = Mapping[str, Sequence[str]]
"""The cohorts of each person who is kept to some; who does not stand there has every one."""

ROLES: Final[Mapping[str, frozenset[Right]]] = {
    "operator": frozenset({"nothing", "read", "see", "work"}),
    "approver": frozenset({"nothing", "read", "see", "approve"}),
    "auditor": frozenset({"nothing", "read"}),
}
"""Role -> what it may. Who has several may what any of them may."""

_NEEDS: Final[Mapping[Right, str]] = {
    "nothing": "help, init, demo, doctor, uln check, uln check-template, lrs check, profile list, profile check, "
    "audit check-pack, audit witness",
    "read": "today, status, stuck, cohort list, lar owed, route show, exception list, dispatch list, dispatch show, "
    "dispatch reconcile, duty list, audit history, audit events, audit verify, audit seal, audit prove, "
    "audit consistency, audit pack, audit ask, retention due, keys show, db check",
    "see": "learner show, learner find, learner why, exception show, approve",
    "work": "advance, cohort import, cohort waive, lrs submit, lrs sent, lrs receive, lrs answer, lrs reject, "
    "lrs recall, uln pass, uln send, uln bounced, uln told, uln not-told, uln wrong, ilm register, ilm confirm, "
    "ilm reject, ilm exception, ilm mismatches, ilm reconcile, ilm resolve, ilm results, lar create, "
    "lar cross-reference, lar confirm, lar reject, enrolment reconcile, route alternative, exception candidates, "
    "exception assign, exception challenge, exception resolve, dispatch mark-sent, dispatch reject, duty close, "
    "learner edit, learner withdraw, learner reinstate, learner close, learner reopen, keys new, keys rotate, "
    "learner correct, learner erase, learner disclose, retention hold, retention lift, retention apply, "
    "db upgrade, db roles, db move, db encrypt, db decrypt",
    "approve": "approve EVENT",
}
NEEDS: Final[Mapping[str, Right]] = {name: right for right, names in _NEEDS.items() for name in names.split(", ")}
"""Command -> the right it needs. One that does not stand here needs the right to change something."""


def roles_of(people: People, name: str) -> list[str]:
    """The roles of a person, by a name that need only be told apart; those of everybody without people."""
    if not people:
        return ["operator", "approver"]
    wanted = told_apart(name)
    return sorted({role for known, roles in people.items() if told_apart(known) == wanted for role in roles})


def may(people: People, name: str, right: Right) -> bool:
    """Whether a person has a right."""
    return right == "nothing" or any(right in ROLES[role] for role in roles_of(people, name))


def refusal(people: People, name: str, right: Right, asked: str) -> str:
    """Why a person may not do what they asked for, and who may."""
    own = roles_of(people, name)
    able = " or ".join(role for role, rights in ROLES.items() if right in rights)
    if not own:
        return f"{name} is not among the people of this centre: {asked} is for {able}. See [people] in ulnflow.toml"
    theirs = ", ".join(own)
    return f"{name} may not do that: {asked} is for {able}, their role is {theirs}. See [people] in ulnflow.toml"


def cohorts_of(kept: Kept, name: str) -> frozenset[str] | None:
    """The cohorts a person is kept to; None for who has every one."""
    wanted = told_apart(name)
    return next((frozenset(cohorts) for known, cohorts in kept.items() if told_apart(known) == wanted), None)


def able_to(people: People, kept: Kept, right: Right, theirs: Callable[[frozenset[str] | None], bool]) -> list[str]:
    """The people who have a right, and whose cohorts are such that it holds for what is asked."""
    return [known for known in people if may(people, known, right) and theirs(cohorts_of(kept, known))]


def other_cohort(people: People, kept: Kept, name: str, cohort: str, right: Right, asked: str) -> str:
    """Why a person may not do that about a learner of another cohort, and who may."""
    able = able_to(people, kept, right, lambda own: own is None or cohort in own)
    whose = f"of cohort {cohort}" if cohort else "without a cohort"
    theirs = ", ".join(sorted(cohorts_of(kept, name) or ()))
    who = " or ".join(able) or "nobody named there"
    return (
        f"{name} may not do that: {asked} is about what is {whose}, and they are kept to {theirs}. That is for {who}. "
        "See [people] in ulnflow.toml"
    )


def names_nobody(name: str) -> bool:
    """Whether a name means nobody in particular."""
    return told_apart(name) in NOBODY or not any(map(str.isalpha, name))


def checked_actor(name: str, where: str = "operator") -> str:
    """A person's name fit for the log; raises DefinitionError, naming `where` it stands, for what names nobody."""
    clean = " ".join(name.split())
    if len(clean) > LONGEST_NAME or not fits(name.strip()):
        fault = f"must be a person's name of 1 to {LONGEST_NAME} letters, blanks, apostrophes, hyphens and dots"
        raise DefinitionError(where, [fault])
    if kind := personal.found(clean):
        raise DefinitionError(where, [f"goes into the log, and holds what looks like {kind}: give the name alone"])
    if names_nobody(clean):
        own = "set operator in ulnflow.toml to your own name" if where == "operator" else "give a person's name"
        raise DefinitionError(where, [f"names nobody in particular: {own}"])
    return clean


def refuse_twice(named: Collection[str], kept: Kept, where: str) -> None:
    """Raise DefinitionError for a person kept to cohorts whom the table names twice: it could be read two ways."""
    names = Counter(map(told_apart, named))
    if any(names[told_apart(name)] > 1 for name in kept):
        raise DefinitionError(where, ["people: who is kept to cohorts may stand here once only, however it is written"])
