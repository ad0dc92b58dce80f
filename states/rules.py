"""What may hold a learner back: one pure function each, none of which reads a file, a clock or a database.

Each says what it objects to by field and fix, never by value. What it needs to know is declared beside it in
`LEARNER_RULES` and handed in as `Asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import Final

from states.asked import Asked
from states.learner import checks, uln
from states.learner.details import FIVE_DETAILS, LABELS
from states.learner.erasure import ERASED
from states.vocabulary import RULES
from workflow import Objection, Rule
from workflow.working_days import between, day_of

YOUNGEST: Final = 13
OLDEST: Final = 110
LATE_AFTER: Final = 2
"""Working days after which an entry needs a reason (rule T1)."""
NO_ADDRESS: Final = (
    "no e-mail address is on file, so no e-mail told this learner; say how they were told (--how letter, in_person, "
    "phone or portal), or add the address first: ulnflow learner edit REFERENCE email"
)

Objections = Iterator[Objection]


def happened_when_it_could(asked: Asked) -> Objections:
    """T1: not in the future, not before the step before it, and late only with a reason."""
    q = asked.question
    if not q.stated:
        if q.now < q.standing.occurred_at:
            yield Objection(
                "clock_set_back",
                "this machine's clock is behind the step before; check the clock",
                "occurred_at",
                "warn",
            )
        return
    if q.occurred_at > q.now:
        yield Objection(
            "in_the_future", "the time it happened lies in the future; give the day it happened", "occurred_at"
        )
    elif q.occurred_at < q.standing.occurred_at:
        yield Objection(
            "before_previous", "it cannot have happened before the step before it; check the day", "occurred_at"
        )
    elif not q.move.reason and between(day_of(q.occurred_at), day_of(q.now), asked.policy.closed) > LATE_AFTER:
        yield Objection(
            "late_without_reason",
            f"it happened more than {LATE_AFTER} working days ago; say with --reason why it is recorded late",
            "occurred_at",
        )


def seven_items_are_present(asked: Asked) -> Objections:
    """D1: ILM's recommended route names them; the description counts only for ID type 999."""
    for name in asked.details.missing():
        yield Objection(
            "missing", f"{LABELS[name]} is missing; add it with: ulnflow learner edit REFERENCE {name}", name
        )


def names_fit_the_lrs(asked: Asked) -> Objections:
    """D2: LRS batch schema: 1 to 35 characters; nothing a spreadsheet or a terminal would run."""
    for name in ("given_name", "family_name", "preferred_name", "previous_family_name"):
        value = getattr(asked.details, name)
        if value and (fault := checks.name_fault(value)):
            yield Objection(fault.code, f"{LABELS[name]}: {fault.message.rstrip('.')}. {fault.fix}", name)


def age_is_accepted(asked: Asked) -> Objections:
    """D3: the LRS refuses ages outside 13 to 110 with RC013."""
    birth = asked.details.date_of_birth
    if birth is None:
        return
    age = checks.age_on(birth, day_of(asked.question.occurred_at))
    if not YOUNGEST <= age <= OLDEST:
        yield Objection(
            "age",
            f"the age on the day of submission must be {YOUNGEST} to {OLDEST}; check the date of birth",
            "date_of_birth",
        )


def postcode_has_lrs_form(asked: Asked) -> Objections:
    """D4: the pattern of the LRS schema; ZZ99 9ZZ (unknown or overseas) passes with a warning."""
    postcode = asked.details.postcode
    if not postcode:
        return
    if fault := checks.postcode_fault(postcode):
        yield Objection(fault.code, f"Postcode: {fault.message.rstrip('.')}. {fault.fix}", "postcode")
    elif checks.normalise_postcode(postcode) == checks.UNKNOWN_POSTCODE:
        yield Objection(
            "unknown_postcode",
            "the postcode says unknown or overseas; the LRS may not find the learner",
            "postcode",
            "warn",
        )


def gender_is_known_code(asked: Asked) -> Objections:
    """D5: LRS codes 0 not known, 1 male, 2 female, 9 not specified."""
    if asked.details.gender and (fault := checks.gender_fault(asked.details.gender)):
        yield Objection(fault.code, f"Gender: {fault.message.rstrip('.')}. {fault.fix}", "gender")


def privacy_notice_was_shown(asked: Asked) -> Objections:
    """D6: since 25 May 2018 the duty is to have shown the LRS privacy notice before submission."""
    details = asked.details
    if details.ability_to_share and (fault := checks.ability_fault(details.ability_to_share)):
        yield Objection(fault.code, f"Ability to share: {fault.message.rstrip('.')}. {fault.fix}", "ability_to_share")
    elif details.ability_to_share == "0":
        yield Objection(
            "notice_not_shown",
            "the privacy notice was not shown; show it, then set Ability to share to 1 with: "
            "ulnflow learner edit REFERENCE ability_to_share",
            "ability_to_share",
        )
    elif not details.notice_version or details.notice_date is None:
        yield Objection(
            "notice_undated",
            "the version and date of the privacy notice are not on file",
            "notice_version",
            "warn",
        )


def id_type_is_known(asked: Asked) -> Objections:
    """D7: the LRS verification types; 999 needs its description."""
    details = asked.details
    if details.id_type and (fault := checks.id_type_fault(details.id_type, asked.policy.id_types)):
        yield Objection(fault.code, f"ID verification type: {fault.message.rstrip('.')}. {fault.fix}", "id_type")
    if details.id_type == "999" and not details.id_description:
        yield Objection("missing", "ID verification description is needed for type 999; add it", "id_description")


def learner_is_asked_about_once(asked: Asked) -> Objections:
    """D8: no other learner has the same five details, and no open LRS file holds this one."""
    if asked.twins:
        others = ", ".join(asked.twins)
        yield Objection(
            "same_details",
            f"{others} has the same five details; correct one of them, or withdraw the double",
            "five_details",
        )
    if asked.open_lrs:
        yield Objection(
            "open_dispatch",
            f"file {', '.join(map(str, asked.open_lrs))} to the LRS holds this learner already; wait for its reply, "
            "or recall the learner",
            "dispatch",
        )


def existing_uln_can_be_real(asked: Asked) -> Objections:
    """D9: ten digits with the right check digit (LRS, mod 11); the placeholder counts as none."""
    value = asked.details.existing_uln
    if value and value != uln.PLACEHOLDER and (code := uln.fault(value)):
        yield Objection(code, "the existing ULN is not a valid number; check it or clear it", "existing_uln")


def sending_did_not_count(asked: Asked) -> Objections:
    """N1: a learner goes back only when the file was not sent, was rejected whole, or for a stated reason."""
    if asked.dispatch_state not in {"prepared", "rejected", "superseded"} and not asked.question.move.reason:
        yield Objection(
            "was_sent", "the file was sent; recall the learner with --reason, or reject the file", "dispatch"
        )


def uln_is_valid(asked: Asked) -> Objections:
    """U1: ten digits, first not 0, check digit by LRS mod 11, not the funding return's placeholder."""
    code = uln.fault(asked.uln)
    if code is not None:
        yield Objection(
            code,
            "the ULN is not a valid number; ask for the right one",
            "uln",
            hint=uln.explain(asked.uln, code),
        )


def uln_is_nobody_elses(asked: Asked) -> Objections:
    """U2: one learner a ULN, older ones merged into it included; numbers held in error do not count."""
    if asked.holders:
        yield Objection(
            "held_by_other",
            f"{', '.join(asked.holders)} holds this ULN; find out whose it is, then report the wrong one",
            "uln",
        )


def answer_is_to_our_question(asked: Asked) -> Objections:
    """U3: the answer names a dispatch of ours that holds this learner."""
    dispatch = asked.question.move.dispatch
    if dispatch is None or dispatch not in asked.member_of:
        yield Objection("not_asked", "no file of ours to the LRS holds this learner; submit first", "dispatch")


def answer_is_about_this_learner(asked: Asked) -> Objections:
    """U4: echoed details equal those sent; the ULN is the one held, or the master of it, and none reported wrong.

    What a person decided stands.
    """
    answer = asked.answer
    if answer is None or answer.decided:
        return
    if answer.echo is not None and asked.sent is not None:
        for name in FIVE_DETAILS:
            if name in answer.echoed and _folded(getattr(answer.echo, name)) != _folded(getattr(asked.sent, name)):
                yield Objection(
                    "echo_differs", f"the answer's {LABELS[name]} differs from the one sent; a person must decide", name
                )
    merged = asked.held_uln in answer.linked and uln.fault(answer.uln) is None
    if asked.held_uln and answer.uln and answer.uln != asked.held_uln and not merged:
        yield Objection(
            "other_uln", "the answer's ULN differs from the one held; a person must decide, the old one is kept", "uln"
        )
    if answer.uln and asked.reported_wrong:
        yield Objection("reported_wrong", "this ULN was reported as never this learner's; a person must decide", "uln")


def person_decided(asked: Asked) -> Objections:
    """X1: which candidate or new, which fields were compared, and why."""
    evidence = asked.question.move.evidence
    if evidence.get("decision") not in {"existing", "new"}:
        line = "ulnflow exception resolve REFERENCE --decision DECISION --reason WHY"
        yield Objection("not_decided", f"a person must decide: {line}", "decision")
    elif not asked.question.move.reason:
        yield Objection("no_reason", "say why, with --reason", "reason")


def learner_was_told(asked: Asked) -> Objections:
    """P1: how, when and by whom the learner was told this ULN; by e-mail only who has an address."""
    move, facts = asked.question.move, asked.question.standing.facts
    if not move.evidence.get("how"):
        yield Objection("no_evidence", "say how the learner was told, with --how", "how")
    if move.facts.get("told_uln") != facts.get("uln"):
        yield Objection("other_uln", "the learner must be told the ULN that is held now", "uln")
    if not asked.addressed:
        yield Objection("no_address", NO_ADDRESS, "email")


def not_registered_yet(asked: Asked) -> Objections:
    """R0: nobody is registered twice."""
    facts = asked.question.standing.facts
    if "registered_at" in facts:
        day, number = day_of(facts["registered_at"]), facts.get("order_number", "no order number")
        yield Objection("registered", f"registered with ILM on {day} already ({number})", "registration")
    others = [d for d in asked.open_registration if d != asked.question.move.dispatch]
    if others:
        yield Objection(
            "open_dispatch",
            f"registration file {', '.join(map(str, others))} holds this learner already; confirm or reject it",
            "dispatch",
        )


def registered_already(asked: Asked) -> Objections:
    """R1: there is a registration to build on."""
    if "registered_at" not in asked.question.standing.facts:
        yield Objection("not_registered", "not registered with ILM yet; register first", "registration")


def ilm_updates_this_lar(asked: Asked) -> Objections:
    """S1: the recommended route, or the centre's policy that ILM still updates the LAR of a late ULN."""
    if "alternative_since" in asked.question.standing.facts and asked.policy.late_uln != "ilm":
        line = "ulnflow lar create REFERENCE --reference NUMBER"
        yield Objection("centre_updates", f"on the alternative route the centre updates the LAR: {line}", "late_uln")


def match_is_fresh(asked: Asked) -> Objections:
    """I1: none of the five details changed since the LRS matched them."""
    facts = asked.question.standing.facts
    if not facts.get("uln"):
        yield Objection("no_uln", "no ULN is held; submit to the LRS", "uln")
        return
    for name, day in sorted(facts.get("stale", {}).items()):
        said = f"{LABELS[name]} changed on {day}, after the LRS matched it"
        yield Objection("stale", f"{said}; ask again: ulnflow lrs submit REFERENCE", name)


def cohort_is_ready(asked: Asked) -> Objections:
    """I2: ILM advises to register a cohort together; one person may waive it for a cohort."""
    waiting, cohort = asked.waiting, asked.question.standing.cohort
    if waiting.count and not asked.waived:
        shown = ", ".join(waiting.first) + (" and others" if waiting.count > len(waiting.first) else "")
        number = f"more than {waiting.count}" if waiting.more else waiting.count
        line = f"ulnflow cohort waive {quote(cohort)} --reason WHY"
        yield Objection("cohort_waits", f"the cohort waits for {number}: {shown}; or waive it: {line}", "cohort")


def awarding_file_can_hold_it(asked: Asked) -> Objections:
    """I3: the limits of the awarding organisation's profile; nothing is ever cut."""
    for finding in asked.limits:
        yield Objection(finding.code, f"{finding.message.rstrip('.')}. {finding.fix}", finding.field)


def recommended_route_taken(asked: Asked) -> Objections:
    """I4: the case did not take the alternative route."""
    if "alternative_since" in asked.question.standing.facts:
        yield Objection(
            "alternative", "this learner is on the alternative route; see: ulnflow learner why REFERENCE", "route"
        )


def not_waiting_is_justified(asked: Asked) -> Objections:
    """A1: ILM warns that the alternative route means extra work for the centre."""
    facts, move = asked.question.standing.facts, asked.question.move
    line = "ulnflow route alternative REFERENCE --reason WHY --yes"
    if not (move.reason or facts.get("alternative_reason")):
        yield Objection("no_reason", f"say why not to wait for the ULN: {line}", "reason")
    if not (move.evidence.get("acknowledged") or facts.get("alternative_reason")):
        yield Objection("not_acknowledged", f"acknowledge the extra work: {line}", "acknowledged")


def alternative_route_taken(asked: Asked) -> Objections:
    """A2: the case took the alternative route."""
    if "alternative_since" not in asked.question.standing.facts:
        yield Objection("recommended", "this learner is on the recommended route", "route")


def candidate_number_is_known(asked: Asked) -> Objections:
    """C1: the cross-reference ties the ULN to ILM's candidate number."""
    facts, move = asked.question.standing.facts, asked.question.move
    if not (facts.get("candidate_number") or move.facts.get("candidate_number")):
        yield Objection("missing", "the candidate number is not known; give it with --candidate", "candidate_number")


def still_held(asked: Asked) -> Objections:
    """E1: who was erased does not come back; there is nobody to ask about (UK GDPR, Article 17)."""
    if ERASED in asked.question.standing.facts:
        yield Objection(
            "erased", "this learner was erased: import whoever comes back under a new learner reference", "reference"
        )


def lar_update_is_evidenced(asked: Asked) -> Objections:
    """L1: who updated the LAR, and a reference or a date."""
    evidence = asked.question.move.evidence
    if evidence.get("by") not in {"ilm", "centre"}:
        yield Objection("by_whom", "say who updated the LAR, with --by ilm or --by centre", "by")
    if not (evidence.get("reference") or evidence.get("date")):
        yield Objection("no_evidence", "give a reference or the date it was seen, with --reference or --at", "evidence")


def _folded(value: object) -> object:
    return " ".join(value.replace(" ", "").casefold().split()) if isinstance(value, str) else value


def _rule(code: str, check: Callable[[Asked], Objections], *needs: str, version: int = 1) -> Rule[Asked]:
    return Rule(code, version, RULES[code], check, frozenset(needs))


LEARNER_RULES: Final[Mapping[str, Rule[Asked]]] = {
    rule.code: rule
    for rule in (
        _rule("T1", happened_when_it_could),
        _rule("D1", seven_items_are_present, "details", version=2),
        _rule("D2", names_fit_the_lrs, "details"),
        _rule("D3", age_is_accepted, "details"),
        _rule("D4", postcode_has_lrs_form, "details"),
        _rule("D5", gender_is_known_code, "details"),
        _rule("D6", privacy_notice_was_shown, "details", version=2),
        _rule("D7", id_type_is_known, "details"),
        _rule("D8", learner_is_asked_about_once, "details", "twins", "lrs_dispatches"),
        _rule("D9", existing_uln_can_be_real, "details"),
        _rule("N1", sending_did_not_count, "dispatch_state"),
        _rule("U1", uln_is_valid, "uln"),
        _rule("U2", uln_is_nobody_elses, "uln", "holders", version=2),
        _rule("U3", answer_is_to_our_question, "lrs_dispatches"),
        _rule("U4", answer_is_about_this_learner, "uln", "lrs_dispatches", "sent", version=3),
        _rule("X1", person_decided, version=2),
        _rule("P1", learner_was_told, "address", version=2),
        _rule("R0", not_registered_yet, "registration_dispatches"),
        _rule("R1", registered_already),
        _rule("S1", ilm_updates_this_lar, version=2),
        _rule("I1", match_is_fresh, version=2),
        _rule("I2", cohort_is_ready, "cohort", version=3),
        _rule("I3", awarding_file_can_hold_it, "details", "uln", "limits"),
        _rule("I4", recommended_route_taken, version=2),
        _rule("A1", not_waiting_is_justified, version=2),
        _rule("A2", alternative_route_taken),
        _rule("C1", candidate_number_is_known),
        _rule("L1", lar_update_is_evidenced),
        _rule("E1", still_held),
    )
}
"""Every rule of every learner route, by code."""
