"""Pages that say what the code says: made from route, rules and commands; `python -m` this module writes them anew."""

from importlib.resources import files
from pathlib import Path

from cli.app import commands
from cli.nouns import Lazy
from states.rules import LEARNER_RULES
from states.vocabulary import RULES
from tests.house import lrs_reply
from tests.house.markdown import table
from tests.house.questions import page as questions_page
from workflow.diagram import mermaid
from workflow.route import SAME, Route, read_route

DOCS = Path(__file__).parents[2] / "docs"


def route() -> Route:
    """The route as shipped."""
    text = files("states").joinpath("routes", "ilm.toml").read_text("utf-8")
    return read_route(text, source="ilm.toml", rules=LEARNER_RULES)


def clock(state) -> str:
    """A state's clock in words."""
    if state.clock is None:
        return ""
    words = str(state.clock) + (f" from {state.clock_from.replace('_', ' ')}" if state.clock_from else "")
    if state.deadline:
        words += f", or {state.deadline.before} before {state.deadline.name}"
    return words


def arrows(ilm: Route) -> list[tuple[object, ...]]:
    """Transitions, those alike but for their source as one row."""
    rows: dict[tuple[object, ...], list[str]] = {}
    for (trigger, source), arrow in ilm.arrows.items():
        asks = ", ".join(code + (" (warns)" if code in arrow.warns else "") for code in arrow.rules if code != "T1")
        needs = ", ".join(sorted(arrow.requires))
        opens = ", ".join(o.duty + (f" (if {o.when.removesuffix('_at')})" if o.when else "") for o in arrow.opens)
        target = SAME if arrow.target == source else arrow.target
        rows.setdefault((trigger, target, asks, needs, opens), []).append(source)
    return [
        (f"`{trigger}`", ", ".join(sources), "the same" if target == SAME else target, asks, needs, opens)
        for (trigger, target, asks, needs, opens), sources in rows.items()
    ]


def route_page() -> str:
    """docs/route.md."""
    ilm = route()
    states = [
        (f"`{s.name}`", s.title, s.owner, clock(s), s.meaning + (" Final." if s.final else ""))
        for s in ilm.states.values()
    ]
    duties = [(f"`{d.name}`", d.title, d.owner, d.clock) for d in ilm.duties.values()]
    rules = [(code, RULES[code], rule.version) for code, rule in LEARNER_RULES.items()]
    return f"""# The route

A clean learner takes six steps. The alternative is for one who is registered before a ULN is held; it is a debt that is
counted until it is paid. Everything else is for what may happen on the way.

```mermaid
{mermaid(ilm).rstrip()}
```

## States

Clocks are working days, counted from entering the state unless another start is named; a centre sets its own in
`ulnflow.toml`. Where the start is not known, nobody is overdue.

{table(("state", "", "next move by", "working days", "meaning"), states)}

## Triggers

Every trigger asks T1 beside the rules named here; all of them are asked, never only the first. A trigger that does not
leave a state is refused as such, a rule that does not hold is another kind of no, and both are in the log.

{table(("trigger", "from", "to", "rules", "needs", "opens"), arrows(ilm))}

## Rules

{table(("code", "holds when", "version"), rules)}

## Duties

Side obligations that an event opens and a later one closes with evidence, in any state, final ones too.

{table(("duty", "", "owner", "working days"), duties)}
"""


def commands_page() -> str:
    """docs/commands.md."""
    rows = []
    for name in commands().list_commands(None):
        command = commands().get_command(None, name)
        if isinstance(command, Lazy):
            verbs = {verb: command.get_command(None, verb) for verb in command.list_commands(None)}
            rows += [(f"`{name} {verb}`", first_line(sub)) for verb, sub in verbs.items()]
        else:
            rows.append((f"`{name}`", first_line(command)))
    return f"""# Commands

`ulnflow NOUN VERB`. `ulnflow NOUN VERB --help` tells every option. Data goes to standard output, words about it to standard
error.

{table(("command", "does"), rows)}

Common options: `--format table|json|ndjson|csv`; `--dry-run` does everything and undoes it; `--cohort`, `--list FILE` (one
reference a line, `-` for standard input) and `--all` say who; `--at YYYY-MM-DD` says when it happened, if not now; an entry
more than two working days late needs `--reason`. Before the command: `--folder`, `--on-behalf-of`, `--quiet`.

A learner with two qualifications is meant by their latest case that is not final; `REFERENCE@QUALIFICATION` names one.
`audit history --reasons` shows the words in which reasons were given, and records the look.

`status --at YYYY-MM-DD` tells where everybody stood at the end of that day (UTC), by the cohort they are in now: by what
had happened by then as it is known today, corrections and late entries counted; with `--recorded` by what the log held
then. `--learners` gives a line a learner, now or at that day.

`audit events` shows the latest 100 in a table. As CSV, JSON or ndjson it gives every event that was asked for, however
many: they are written as they are read. Refused attempts and looks are left out unless `--refusals` asks for them, or
`--kind` names them. `--limit` keeps the latest so many, `--all` gives all of them in a table too.

`audit pack` is explained in [pack.md](pack.md). What a command needs of a person's role: [People and
roles](configuration.md#people-and-roles); there, too, what a person kept to cohorts is refused, and whom `--all` means then.


`audit ask QUESTION` takes a number (Q7) or a name (moved-without-notice); [questions.md](questions.md) has them all with
their answers. The whole log is verified first, and the answer says whether it held: in JSON as `{{"question", "log",
"rows"}}`, in ndjson as the first object, else on standard error. `--no-verify` leaves that out; the exit code is 3 then.
`--since` and `--until` are days of recording, `--at` is the last day it happened, `--known-at` the last it was recorded.

Personal values are asked for, or read from standard input; they are never arguments.

`exception resolve L-1 --decision existing --candidate 2` takes the ULN of a candidate that `exception show` numbered; numbers
are never given twice. `--decision again` may be said of many: named, `--list`, or `--all` with `--code RC006`; each is judged
on its own. `exception list` takes `--code`, `--to NAME` and `--mine`. How alike two records are is a hint; a person decides.

`dispatch list` takes `--kind`, `--state` and `--open`; sheets of cohorts are listed by their kind alone. `dispatch show` ends
with 1 when a file's bytes changed or its list is not the one in the log, `dispatch reconcile` when places do not add up: sent =
answered + released + open. As CSV or ndjson `reconcile` gives a line for each learner's place in each file. A file is named by
its number, its name or its path.

`doctor`, `db check` list what they looked at: `weight` is `ok`, `note` or `wrong`; anything wrong makes the exit code 1.
How to work on a server, and how to move there: [postgresql.md](postgresql.md).

| exit code | means |
|---|---|
| 0 | done, or nothing to do |
| 1 | findings, or refused as things stand: by a rule, a state, a hold, a second person (other learners were moved) |
| 2 | the command was not used rightly |
| 3 | the log cannot be verified, or the database not checked |
| 4 | what is named is not there, data or settings cannot be used, or your role forbids it; nothing was half done |
| 130 | interrupted; what was confirmed before is kept |

`NO_COLOR` turns colour off.
"""


def first_line(command) -> str:
    """What a command does, in its own words."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def files_page() -> str:
    """docs/files.md, of which only the part about replies is made."""
    before, _, rest = (DOCS / "files.md").read_text("utf-8").partition(lrs_reply.BEGIN)
    return before + lrs_reply.part() + rest.partition(lrs_reply.END)[2]


PAGES = {
    "route.md": route_page,
    "commands.md": commands_page,
    "questions.md": questions_page,
    "files.md": files_page,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), "utf-8")
