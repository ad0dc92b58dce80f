"""One plain English sentence for each event, for readers who know neither the code nor its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from states import approval
from states.addressed import addressed
from states.counting import counted
from states.reports.beside import BESIDE
from states.reports.keeping import KEEPING
from states.reports.words import BY, CAUSES, FILES, TOLD, fields, plain, reason
from states.vocabulary import COHORT_WAIVED
from workflow import Event, Route
from workflow.store.dispatch_log import Dispatch, DispatchLog


class Register:
    """The files and words that sentences speak of."""

    def __init__(self, route: Route, dispatches: DispatchLog) -> None:
        self.route, self._dispatches = route, dispatches
        self._known: dict[int, Dispatch | None] = {}

    def get(self, number: int) -> Dispatch | None:
        """A file by its number."""
        if number not in self._known:
            self._known[number] = self._dispatches.get(number)
        return self._known[number]

    def file(self, number: int | None, row: int | None = None) -> str:
        """A file as a sentence names it: ours by name, one that came in by its number in the register."""
        if number is None:
            return ""
        found = self.get(number)
        if found is None:
            name = f"file number {number}"
        elif found.direction == "in":
            name = f"{FILES.get(found.kind, plain(found.kind))} (number {number})"
        else:
            name = f"file {found.name}"
        return name if row is None else f"{name}, row {row}"

    def kind(self, number: int | None) -> str:
        """What kind of file it is."""
        found = self.get(number) if number is not None else None
        return FILES.get(found.kind, plain(found.kind)) if found else "file"

    def trigger(self, name: str | None) -> str:
        """The words for a trigger."""
        return self.route.triggers.get(name or "", plain(name or ""))

    def state(self, name: str | None) -> str:
        """The title of a state."""
        known = self.route.states.get(name or "")
        return known.title if known else plain(name or "")

    def duty(self, name: str) -> str:
        """The title of a duty."""
        return self.route.duties[name].title if name in self.route.duties else plain(name)


def sentence(event: Event, register: Register) -> str:
    """What happened, as one sentence, and the reason beside it where one was given."""
    words = KINDS.get(event.kind, _unknown)(event, register)
    return " ".join(part for part in (f"{words.rstrip('. ')}.", reason(event.reason)) if part)


def objections(event: Event, register: Register, reference: str) -> tuple[int, int, tuple[str, ...]]:
    """How many rules held, how many did not, and what was said of a learner: warnings and refusals in words."""
    refused = {item["rule"] for item in event.said if not item.get("held")}
    warned = {item["rule"] for item in event.said if item.get("held")} - refused
    messages = []
    for item in event.said:
        if item.get("code") == "no_such_transition":
            text = f"{register.trigger(event.trigger)} is not possible from {register.state(event.source)}"
            messages.append(_capital(text))
        else:
            said = addressed(item.get("message", ""), reference)
            messages.append(f"{'Warning' if item.get('held') else 'Refused'}: {said}")
    return len(event.held) + len(warned), len(refused), tuple(messages)


def _opened(event: Event, register: Register) -> str:
    facts, parts = event.facts, ["Details gathered"]
    if event.dispatch is not None:
        parts.append(f"from {register.file(event.dispatch, event.row)}")
    if cohort := facts.get("cohort"):
        parts.append(f"for the cohort {cohort}")
    if qualification := facts.get("qualification"):
        parts.append(f"for qualification {qualification}")
    return ", ".join(parts) + ("; the learner brings a ULN already held" if facts.get("uln") else "")


def _moved(event: Event, register: Register) -> str:
    special = MOVES.get(event.trigger or "")
    if special is not None:
        return special(event, register)
    words = SIMPLE.get(event.trigger or "", _capital(register.trigger(event.trigger)))
    return words + _given(event.evidence)


def _sent(event: Event, register: Register) -> str:
    again = event.trigger == "verify_again"
    words = "Sent to the LRS again" if again else "Sent to the LRS"
    if event.dispatch is not None:
        words += f" in {register.file(event.dispatch, event.row)}"
    if again:
        words += ", to have the ULN confirmed"
    proof = event.evidence.get("proved_by")
    if isinstance(proof, int):
        words += f"; proved by the {register.file(proof)}"
    elif event.evidence.get("proved_by_answer"):
        words += "; proved by its answer"
    return words


def _answered(event: Event, register: Register) -> str:
    evidence = event.evidence
    came = {
        "receive_uln": "ULN received",
        "confirm_match": "the match is confirmed",
        "report_lrs_exception": "a person must decide",
        "answer_kept": "the learner had moved on, so the answer is kept"
        if not evidence.get("refused_for")
        else "it is kept for a person to decide",
    }.get(event.trigger or "", register.trigger(event.trigger))
    if decision := evidence.get("decision"):
        chosen = "declared a new learner" if decision == "new" else "chose a learner the LRS holds already"
        if evidence.get("candidate"):
            chosen += f" (candidate {evidence['candidate']} of {evidence.get('candidates')})"
        compared = f", after comparing {fields(evidence['compared'])}" if evidence.get("compared") else ""
        return f"A person {chosen}{compared}: {came}"
    words = f"The LRS answered {evidence['code']}" if evidence.get("code") else "The LRS answered"
    if causes := evidence.get("refused_for"):
        came += " because " + " and ".join(CAUSES.get(str(c), plain(str(c))) for c in causes)
    if evidence.get("merged"):
        came = "the ULN held was merged into another, which is held now"
    answer = event.facts.get("exception") or event.facts.get("kept_answer") or {}
    if differs := answer.get("differs"):
        came += f" (different: {', '.join(differs)})"
    reply = evidence.get("reply")
    where = f" ({register.file(reply, evidence.get('reply_row'))})" if isinstance(reply, int) else ""
    return f"{words}: {came}{where}"


def _taken_back(event: Event, register: Register) -> str:
    to = f", to {register.state(event.target)}" if event.target else ""
    return f"Taken back from {register.file(event.dispatch) or 'the file'}{to}"


def _told(event: Event, _register: Register) -> str:
    how = str(event.evidence.get("how", ""))
    by = f", by {event.evidence['by']}" if event.evidence.get("by") else ""
    code = f", accepted by the mail server ({event.evidence['code']})" if event.evidence.get("code") else ""
    return " ".join(part for part in ("Told the ULN", TOLD.get(how, plain(how))) if part) + by + code


def _mail(event: Event, _register: Register) -> str:
    """What became of a message, with what the mail server said in figures."""
    words = MAIL[event.trigger or ""]
    said = " ".join(str(event.evidence[name]) for name in ("code", "status") if event.evidence.get(name))
    return words + (f" ({said})" if said else "") + _given(event.evidence)


def _registered(event: Event, register: Register) -> str:
    words = {
        "register_with_ilm": "Registered with ILM",
        "register_without_uln": "Registered with ILM without a ULN: the alternative route begins",
        "supply_uln_to_ilm": "The ULN was supplied to ILM",
    }[event.trigger or ""]
    where = f", {register.file(event.dispatch, event.row)}" if event.dispatch is not None else ""
    return words + _given(event.evidence) + where


def _lar_updated(event: Event, _register: Register) -> str:
    by = BY.get(str(event.evidence.get("by", "")), "")
    rest = {name: value for name, value in event.evidence.items() if name != "by"}
    return "The LAR was updated" + (f" by {by}" if by else "") + _given(rest)


def _noted(event: Event, register: Register) -> str:
    return NOTES.get(event.trigger or "", _other_note)(event, register)


def _changed(event: Event, _register: Register) -> str:
    version = f"; this is version {event.evidence['version']}" if event.evidence.get("version") else ""
    return f"Details changed: {fields(event.evidence.get('fields', ()))}{version}"


def _duty_closed(event: Event, register: Register) -> str:
    done = register.duty(str(event.evidence.get("duty", "")))
    return f"Done: {done}" + _given({"reference": event.evidence.get("reference", "")})


def _other_note(event: Event, register: Register) -> str:
    return _capital(register.trigger(event.trigger)) + _given(event.evidence)


def _refused(event: Event, register: Register) -> str:
    return f"Not done: {register.trigger(event.trigger) or event.command}"


def _dispatch(event: Event, register: Register) -> str:
    done = {
        "dispatch_prepared": "prepared",
        "dispatch_sent": "sent",
        "dispatch_answered": "answered in full",
        "dispatch_partly_answered": "answered in part",
        "dispatch_rejected": "rejected as a whole",
        "dispatch_superseded": "replaced by another",
        "dispatch_received": "received",
    }.get(event.kind, plain(event.kind.removeprefix("dispatch_")))
    name = register.file(event.dispatch)
    members = event.evidence.get("members")
    many = f", with {counted(members, 'learner')}" if isinstance(members, int) else ""
    what = "" if event.kind == "dispatch_received" else f" ({register.kind(event.dispatch)})"
    on = f" on {event.evidence['on']}" if event.evidence.get("on") else ""
    return f"{_capital(name)}{what} was {done}{on}{many}"


def _run(event: Event, register: Register) -> str:
    size = event.evidence.get("size")
    many = f" for {counted(size, 'learner')}" if isinstance(size, int) else ""
    if event.kind == "run_began":
        return f"A run began{many}: {register.trigger(event.trigger)}"
    return f"A run{many} ended"


def _waived(event: Event, _register: Register) -> str:
    return f"The cohort {event.evidence.get('cohort', '')} need not wait for its last learner"


def _corrected(event: Event, _register: Register) -> str:
    return f"Corrected: entry {event.voids} was untrue when it was recorded, and counts no more"


def _asked(event: Event, _register: Register) -> str:
    said = event.evidence
    return f"Asked of a second person: {approval.deed_in_words(str(said.get('deed')), said.get('arguments', {}))}"


def _answered_request(event: Event, _register: Register) -> str:
    word = "agreed to" if event.kind == approval.APPROVED else "refused"
    return f"Request {event.evidence.get('request', '')} was {word}"


def _settings(event: Event, _register: Register) -> str:
    new = event.evidence.get("new", {})
    return "Settings changed: " + ", ".join(f"{name} is {str(value).lower()} now" for name, value in new.items())


LOOKS = {
    "search": "Personal details were searched",
    "reasons": "The words of reasons were looked at",
    "requests": "What waits for a second person was looked at, with the words of its reasons",
    "history": "An auditor read the learner's history",
    "events": "An auditor read events",
    "body_list": "The awarding organisation's list was compared with our learners",
    "enrolments": "The enrolments were compared with our learners",
    "refused": "An auditor asked for what auditors may not see, and was refused",
}


def _looked_up(event: Event, _register: Register) -> str:
    scope = str(event.evidence.get("scope", ""))
    if event.command == "audit ask" and scope not in LOOKS:
        return f"The log was asked: {plain(scope)}"
    return LOOKS.get(scope, "Personal details were looked at")


def _unknown(event: Event, register: Register) -> str:
    return _capital(register.trigger(event.trigger) if event.trigger else plain(event.kind))


def _given(evidence: Mapping[str, Any]) -> str:
    labels = (
        ("order", "order"),
        ("candidate", "candidate number"),
        ("reference", "reference"),
        ("date", "seen on"),
        ("by", "by"),
    )
    parts = [f"{label} {evidence[name]}" for name, label in labels if evidence.get(name)]
    return f" ({', '.join(parts)})" if parts else ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


Sentence = Callable[[Event, Register], str]

KINDS: Final[Mapping[str, Sentence]] = {
    "opened": _opened,
    "moved": _moved,
    "noted": _noted,
    "refused": _refused,
    "corrected": _corrected,
    "looked_up": _looked_up,
    COHORT_WAIVED: _waived,
    **KEEPING,
    **BESIDE,
    approval.ASKED: _asked,
    approval.APPROVED: _answered_request,
    approval.REFUSED: _answered_request,
    approval.CHANGED: _settings,
    "run_began": _run,
    "run_ended": _run,
    **dict.fromkeys(
        (
            "dispatch_prepared",
            "dispatch_sent",
            "dispatch_answered",
            "dispatch_partly_answered",
            "dispatch_rejected",
            "dispatch_superseded",
            "dispatch_received",
        ),
        _dispatch,
    ),
}

MOVES: Final[Mapping[str, Sentence]] = {
    "submit_to_lrs": _sent,
    "verify_again": _sent,
    "receive_uln": _answered,
    "confirm_match": _answered,
    "report_lrs_exception": _answered,
    "return_to_details": _taken_back,
    "return_to_debt": _taken_back,
    "pass_uln_to_learner": _told,
    "report_not_told": _mail,
    "register_with_ilm": _registered,
    "register_without_uln": _registered,
    "supply_uln_to_ilm": _registered,
    "confirm_lar_update": _lar_updated,
}

MAIL: Final = {
    "report_not_told": "The message did not reach the learner",
    "mail_begun": "The message goes to the mail server",
    "mail_accepted": "The mail server accepted the word that the ULN is ready",
    "mail_refused": "The mail server refused the message",
    "mail_put_off": "The mail server put the message off",
    "mail_unknown": "The mail server's answer was lost; the message may have arrived",
    "mail_bounced": "A mail server reported that the message did not arrive",
}

SIMPLE: Final = {
    "reuse_uln": "The ULN the learner holds already is used again",
    "report_wrong_uln": "The ULN was reported to be wrong",
    "drop_registration": "ILM cancelled the registration",
    "report_ilm_exception": "ILM reported that the ULN does not match",
    "resolve_ilm_exception": "ILM matched the learner after all",
    "create_lar": "The LAR was created on the LAR system",
    "supply_cross_reference": "ULN and candidate number were tied together on the LAR system",
    "submit_results": "The results were submitted to ILM",
    "withdraw": "Withdrawn",
    "reinstate": "Reinstated",
    "close_without_lar": "Closed without a LAR",
    "reopen": "Opened again",
}

NOTES: Final[Mapping[str, Sentence]] = {
    "details_changed": _changed,
    "case_changed": _changed,
    "answer_kept": _answered,
    "learner_told": _told,
    **KEEPING,
    **dict.fromkeys(MAIL, _mail),
    "duty_closed": _duty_closed,
    "alternative_chosen": lambda _e, _r: (
        "Chosen: to be registered before a ULN is held; the extra work was acknowledged"
    ),
    "exception_decided": lambda _e, _r: "A person decided to ask the LRS again",
    "exception_assigned": lambda e, _r: f"The decision was given to {e.evidence.get('to', '')}",
    "challenge_raised": lambda e, _r: "A data challenge was raised with the LRS" + _given(e.evidence),
    "candidates_kept": lambda e, _r: (
        f"{counted(e.evidence.get('candidates', 0), 'candidate')} of the LRS kept to compare"
    ),
    "doubt_settled": lambda _e, _r: "A person decided that the ULN held is right",
    "recalled": _taken_back,
    "registered_without_uln_held_since": lambda e, _r: (
        "ILM confirmed a registration that went to it without a ULN: the alternative route begins" + _given(e.evidence)
    ),
    "registration_refused": lambda e, r: f"ILM refused the registration, {r.file(e.dispatch, e.row)}",
    "match_known": lambda _e, _r: "The match of the learner's other qualification holds here too",
    "registration_confirmed": lambda e, _r: (
        "ILM confirmed a registration after the learner had left" + _given(e.evidence)
    ),
    "wrong_uln": lambda e, _r: "The ULN was reported to be wrong" + _given(e.evidence),
}
