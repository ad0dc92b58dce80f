"""Rows E1, E2 and E10: a learner with unusual values takes every road, and nothing of them is found where it must not be."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bodies import csv_file
from tests.fakes.centre import Result, row, uln
from tests.journey.canary import CANARY, NUMBER
from tests.journey.canary import OLD as OTHER
from tests.unit.commands import Centre, centre_at

TRACES = [
    "zebediah", "quuxbury", "quuxburough", "1987-11-23", "23/11/1987", "23.11.1987", "19871123", "gy9 3uf", "gy93uf",
    "gy9 3ug", "gy93ug", "zq.canary", NUMBER, OTHER,
]  # fmt: skip
SHOWING = {"learner show", "exception show", "uln check"}


def hits(text: str | bytes) -> list[str]:
    """Which traces of the canary a text holds, in any case and also as escapes or hexadecimal digits."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    folded = data.lower()
    return [t for t in TRACES if t.encode() in folded or t.encode().hex().encode() in folded]


@dataclass
class Watched:
    """A centre whose every command is listened to."""

    centre: Centre
    heard: list[tuple[str, Result]] = field(default_factory=list)

    def run(self, *args: Any, stdin: str = "", code: int | None = None) -> Result:
        result = self.centre.run(*args, stdin=stdin)
        words = " ".join(str(a) for a in args[:2])
        self.heard.append((words, result))
        if code is not None:
            assert result.code == code, (args, result.out + result.err)
        if words not in SHOWING:
            assert hits(result.out + result.err) == [], (args, result.out + result.err)
        return result


def everything_but_personal(centre: Centre) -> dict[str, list[str]]:
    """Traces by table and column, `personal` and `learner.key` left out."""
    connection = sqlite3.connect(centre.folder / "ulnflow.db")
    try:
        found = {}
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        assert {"event", "cases", "dispatch", "duty", "blocked", "run", "learner"} <= set(names)
        for table in set(names) - {"personal"}:
            cursor = connection.execute(f"SELECT * FROM {table}")
            columns = [d[0] for d in cursor.description]
            for values in cursor:
                for column, value in zip(columns, values, strict=True):
                    if (table, column) != ("learner", "key") and (
                        seen := hits(value if isinstance(value, bytes) else str(value))
                    ):
                        found.setdefault(f"{table}.{column}", []).extend(seen)
        return found
    finally:
        connection.close()


def nothing_is_found(watched: Watched) -> None:
    centre = watched.centre
    assert everything_but_personal(centre) == {}
    for path in (centre.folder / "logs").rglob("*"):
        assert hits(path.read_bytes()) == [], path.read_text()
    for path in (centre.folder / "outbox").rglob("*"):
        assert hits(path.name) == []
    assert hits((centre.folder / "ulnflow.toml").read_bytes()) == []


READS = [
    ("today",), ("status",), ("status", "--learners"), ("stuck",), ("duty", "list"), ("cohort", "list"), ("exception", "list"),
    ("learner", "why", "R1"), ("audit", "history", "R1", "--refusals"), ("audit", "events", "--refusals"), ("audit", "verify"),
    ("route", "show"), ("dispatch", "list"), ("dispatch", "reconcile"),
]  # fmt: skip


def look_around(watched: Watched) -> None:
    for words in READS:
        for form in ("table", "json", "csv"):
            result = watched.run(*words, "--format", form)
            assert result.code in {0, 1}, (words, result.err)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """The canary and two plain learners, gathered."""
    watched = Watched(centre_at("new", tmp_path))
    sheet = watched.centre.sheet([row("R1", **CANARY), row("R2"), row("R3")])
    watched.run("cohort", "import", sheet, "--cohort", "NF-1", code=0)
    return watched


def receive(watched: Watched, **answers: Any) -> Result:
    reply = watched.centre.reply(answers, name=f"reply-{len(watched.heard)}.csv")
    return watched.run("lrs", "receive", reply)


def test_the_whole_recommended_route_leaves_no_trace_of_the_person(watched):
    """E1: with a wrong row, an exception, refusals, edits, a wrong ULN and a withdrawal on the way."""
    bad = row("R1", **CANARY) | {
        "Family name": "=Quuxbury",
        "Date of birth": "23/11/1987 12:00",
        "Postcode": "GY9 3UF X",
    }
    bad |= {"Email": "zq.canary@@example.org", "ULN": NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)}
    for changed in (bad, bad | {"Learner reference": ""}, row("R4", **CANARY)):
        watched.run("cohort", "import", watched.centre.sheet([changed]), "--cohort", "NF-1")
    watched.run("lrs", "submit")
    watched.run("learner", "withdraw", "R4", "--reason", "duplicate", code=0)
    watched.run("lrs", "submit")
    watched.run("lrs", "submit", "--via", "portal")
    look_around(watched)
    assert receive(watched, R1=("", "RC008"), R2=uln(1), R3=uln(2)).code == 0
    portal = f"ULN,Given name,Family name,Date of birth\n{OTHER},Zebediah,Quuxburough,1987-11-23\n"
    watched.run("exception", "candidates", "R1", stdin=portal.replace(OTHER, OTHER[:-1] + "x"), code=4)
    watched.run("exception", "candidates", "R1", stdin=portal, code=0)
    watched.run("exception", "assign", "R1", "--to", "Bo Example", code=0)
    watched.run("exception", "challenge", "R1", "--reference", "LRS-77", code=0)
    watched.run("exception", "show", "R1", code=0)
    watched.run("exception", "resolve", "R1", "--decision", "existing", "--candidate", "9", "--reason", "x")
    look_around(watched)
    watched.run("exception", "resolve", "R1", "--decision", "new", "--reason", "x", stdin=NUMBER[:-1] + "\n", code=1)
    watched.run("exception", "resolve", "R1", "--decision", "new", "--reason", "compared", stdin=NUMBER + "\n", code=0)
    watched.run("lrs", "answer", "R2", "--code", "RC001", stdin=NUMBER + "\n")
    watched.run("learner", "find", stdin="Zebediah\n", code=0)
    watched.run("learner", "find", stdin=NUMBER + "\n", code=0)
    watched.run("learner", "show", "R1", code=0)
    watched.run("uln", "pass", code=0)
    watched.run("uln", "told", "--how", "email", "--all", code=0)
    watched.run("uln", "not-told", "R1", "--evidence", "bounce", code=0)
    watched.run("uln", "pass", "--carries", "name", "--again")
    watched.run("uln", "told", "R1", "--how", "letter", code=0)
    watched.run("ilm", "register")
    watched.run("cohort", "waive", "NF-1", "--reason", "x")
    watched.centre.agree()
    watched.run("ilm", "register")
    watched.run("ilm", "confirm", "--order", "WG-1", "--all", code=0)
    watched.run("learner", "edit", "R1", "family_name", "postcode", stdin="Quuxburough\nGY9 3UG\n", code=0)
    watched.run("learner", "edit", "R1", "family_name", stdin="=Quuxbury\n", code=2)
    watched.run("learner", "edit", "R1", stdin="Quuxbury: Zebediah\n", code=2)
    watched.run("learner", "edit", "R1", "existing_uln", stdin=NUMBER[:-1] + "x\n", code=2)
    watched.run("ilm", "exception", "R1", "--evidence", "case 1", code=0)
    watched.run("ilm", "resolve", "R1", "--evidence", "case 1")
    look_around(watched)
    watched.run("lrs", "submit", "R1")
    receive(watched, R1=OTHER)
    look_around(watched)
    watched.run("uln", "wrong", "R1", "--reason", "x", "--evidence", "case 2", code=0)
    watched.run("learner", "withdraw", "R1", "--reason", "left_course", code=0)
    look_around(watched)
    nothing_is_found(watched)


def test_lists_and_reports_that_name_the_person_leave_no_trace(watched):
    """E1, E2: values of theirs and ours, a reason that tells a name, files that are refused."""
    watched.run("lrs", "submit", code=0)
    assert receive(watched, R1=NUMBER, R2=uln(1), R3=uln(2)).code == 0
    watched.run("uln", "pass", code=0)
    watched.run("uln", "told", "--how", "email", "--all", code=0)
    watched.run("ilm", "register", code=0)
    theirs = {"ULN": NUMBER, "Candidate number": "C-1", "Last name": "Quuxburough", "Date of birth": "23/11/1987"}
    files = watched.centre.folder
    answer = csv_file(
        files / "a.csv", [{"ULN": NUMBER, "Candidate number": "C-1", "Status": "Rejected", "Reason": "Quuxbury"}]
    )
    watched.run("ilm", "confirm", "--file", answer, code=1)
    watched.run("ilm", "register", "R1", code=0)
    watched.run(
        "ilm", "confirm", "--file", csv_file(files / "b.csv", [{**theirs, "Candidate number": "Quuxbury Z"}]), code=4
    )
    watched.run("ilm", "confirm", "--file", csv_file(files / "c.csv", [theirs]), "--order", "WG-1", code=0)
    watched.run("ilm", "reconcile", csv_file(files / "d.csv", [theirs]), code=1)
    watched.run("ilm", "reconcile", csv_file(files / "e.csv", [{**theirs, "Date of birth": "23.11.1987"}]), code=4)
    watched.run(
        "enrolment", "reconcile", files / watched.centre.sheet([row("R1", **CANARY | {"Postcode": "GY9 3UG"})]), code=1
    )
    said = "Quuxbury, Zebediah is Quuxburough at the LRS"
    report = csv_file(files / "f.csv", [{"ULN": NUMBER, "Reason": f'"{said}"'}, {"ULN": OTHER, "Reason": "x"}])
    watched.run("ilm", "mismatches", report, code=0)
    watched.run("ilm", "mismatches", csv_file(files / "g.csv", [{"ULN": "", "Reason": "Zebediah"}]), code=4)
    watched.run("lar", "owed", code=0)
    assert watched.centre.places()["R1"] == "ilm_exception"
    look_around(watched)
    nothing_is_found(watched)


def test_the_alternative_route_leaves_no_trace_of_the_person(watched):
    """E1"""
    watched.run("route", "alternative", "R1", "--reason", "x", "--yes", code=0)
    watched.run("cohort", "waive", "NF-1", "--reason", "x", code=0)
    watched.centre.agree()
    watched.run("ilm", "register", code=0)
    watched.run("ilm", "confirm", "--order", "WG-1", "--candidate", "C-1", "--all", code=0)
    watched.run("lrs", "submit", "R1", code=0)
    assert receive(watched, R1=NUMBER).code == 0
    watched.run("uln", "pass", code=0)
    watched.run("uln", "told", "R1", "--how", "letter", code=0)
    watched.run("lar", "create", "--prepare", code=0)
    watched.run("lar", "create", "R1", "--reference", "L-1", code=0)
    watched.run("lar", "cross-reference", "--prepare", code=0)
    watched.run("lar", "cross-reference", "R1", "--reference", "L-2", code=0)
    watched.run("ilm", "results", "R1", "--reference", "X-1", code=0)
    watched.run("lar", "confirm", "R1", "--by", "centre", "--reference", "L-3", code=0)
    look_around(watched)
    nothing_is_found(watched)


def test_files_of_a_person_are_named_without_them_and_closed_to_others(watched):
    """E10: names from numbers; mode 0600; nothing is left pending."""
    watched.run("lrs", "submit", code=0)
    receive(watched, R1=NUMBER, R2=uln(1), R3=uln(2))
    watched.run("uln", "pass", code=0)
    made = [p for p in (watched.centre.folder / "outbox").rglob("*") if p.is_file()]
    assert len(made) == 7
    for path in made:
        assert hits(str(path)) == []
        assert path.stat().st_mode & 0o077 == 0, path
    assert not list((watched.centre.folder / "outbox" / ".pending").iterdir())


ACTS: list[tuple[tuple[Any, ...], str]] = [
    (("learner", "show", "R1"), ""),
    (("learner", "find"), "Zebediah\n"),
    (("learner", "edit", "R1", "family_name"), "Quuxburough\n"),
    (("learner", "why", "R1"), ""),
    (("lrs", "submit"), ""),
    (("lrs", "answer", "R1"), NUMBER + "\n"),
    (("cohort", "import", "sheet-1.csv", "--cohort", "NF-1"), ""),
    (("uln", "pass"), ""),
    (("exception", "show", "R1"), ""),
    (("status", "--learners"), ""),
    (("audit", "history", "R1"), ""),
]


@pytest.mark.parametrize("table", ["personal", "dispatch_member", "duty", "cases"])
def test_a_broken_database_is_told_without_values(watched, table):
    """E2: SQL parameters and rows stay out of the message and the log."""
    centre = watched.centre
    centre.write(f"ALTER TABLE {table} RENAME TO gone_{table}")
    for words, typed in ACTS:
        args = [centre.folder / "sheet-1.csv" if w == "sheet-1.csv" else w for w in words]
        result = centre.run(*args, stdin=typed)
        shows = result.code == 0 and " ".join(words[:2]) in SHOWING
        assert shows or hits(result.out + result.err) == [], words
        assert "Traceback" not in result.err
    for path in (centre.folder / "logs").rglob("*"):
        assert hits(path.read_bytes()) == []


@pytest.mark.parametrize(
    "payload", ['{"given_name": "Zebediah", "date_of_birth": "Quuxbury"}', '"Zebediah', '{"Quuxbury": 1}', "[]"]
)
def test_a_broken_row_is_told_without_values(watched, payload):
    """E2: what a parser says of its input stays inside."""
    centre = watched.centre
    centre.write("UPDATE personal SET payload=? WHERE learner=1", payload)
    for words, typed in ACTS:
        if words[0] == "cohort":
            continue
        result = centre.run(*words, stdin=typed)
        assert hits(result.out + result.err) == [], words
        assert "Traceback" not in result.err
    for path in (centre.folder / "logs").rglob("*"):
        assert hits(path.read_bytes()) == []


@pytest.mark.parametrize("error", [KeyError, MemoryError])
@pytest.mark.parametrize(("words", "typed"), ACTS)
def test_an_error_nobody_foresaw_shows_its_place_and_nothing_of_the_person(watched, monkeypatch, words, typed, error):
    """E2: the canary in the exception's text and in the locals of every frame."""
    centre = watched.centre

    def break_down(*_args: Any, **_more: Any) -> None:
        given_name, secret = "Zebediah", {"uln": NUMBER}
        raise error(f"{given_name} Quuxbury {secret}")

    for target in (
        "states.learner.repository.Learners.current",
        "states.learner.repository.Learners.by_reference",
        "states.learner.repository.Learners.search",
    ):
        monkeypatch.setattr(target, break_down)
    monkeypatch.setattr("workflow.store.event_log.EventLog.find", break_down)
    monkeypatch.setattr("workflow.store.queries.Queries.each", break_down)
    args = [centre.folder / "sheet-1.csv" if w == "sheet-1.csv" else w for w in words]
    result = centre.run(*args, stdin=typed)
    assert result.code == 4
    assert error.__name__ in result.err
    assert "line" in result.err
    assert len(result.err.splitlines()) <= 2
    assert hits(result.out + result.err) == []
    for path in (centre.folder / "logs").rglob("*"):
        assert hits(path.read_bytes()) == []


def test_what_a_look_shows_is_recorded_and_the_record_holds_none_of_it(watched):
    before = watched.centre.events()
    shown = watched.run("learner", "show", "R1", "--format", "json", code=0)
    assert json.loads(shown.out)["details"]["Given name"] == "Zebediah"
    assert watched.centre.kinds(before) == ["looked_up"]
    nothing_is_found(watched)
