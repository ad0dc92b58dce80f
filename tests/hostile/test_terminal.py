"""What a terminal, a spreadsheet program or a reader of JSON gets to see of hostile text (A14, A15, A17)."""

from __future__ import annotations

import csv
import io
import json

import orjson
import pytest

from tests.unit.commands import Centre, run

HOSTILE = {
    "escape": "An\x1b[2J\x1b]8;;http://e\x07n",
    "markup": "[link=http://e]x[/link]",
    "closing": "[/oops]",
    "turned": "An\u202egnp.exe",
    "c1": "An\x9b31mn",
    "line": "An\u2028n\u2029",
    "emoji code": ":smile:",
}
OBEYED = ["\x1b[2J", "\x1b]8", "\x9b", "\x07", "\u202e", "\u2028", "\u2029"]


def spoil(centre: Centre, name: str) -> None:
    (payload,) = centre.rows("SELECT payload FROM personal WHERE learner=1 AND kind='details'")[0]
    changed = orjson.dumps({**orjson.loads(payload), "given_name": name, "family_name": "=1+1"}).decode()
    centre.write("UPDATE personal SET payload=? WHERE learner=1 AND kind='details'", changed)


@pytest.fixture(params=HOSTILE)
def hostile(request, at) -> tuple[Centre, str]:
    """A centre that holds a hostile given name, as if an older version or another program had let it in."""
    centre, name = at("received"), HOSTILE[request.param]
    spoil(centre, name)
    centre.write("UPDATE learner SET reference=? WHERE id=2", name)
    return centre, name


READS = [("learner", "show", "ILM-00001"), ("status", "--learners"), ("exception", "list"), ("today",), ("stuck",)]


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv"])
def test_nothing_a_terminal_obeys_is_ever_printed(hostile, form):
    centre, _ = hostile
    for command in READS:
        for terminal in (False, True):
            result = centre.run(*command, "--format", form, terminal=terminal, NO_COLOR="1")
            assert result.code in {0, 1}, result.said
            assert not [c for c in OBEYED if c in result.out + result.err]


def test_json_gives_the_very_text_back(hostile):
    centre, name = hostile
    shown = json.loads(centre.ok("learner", "show", "ILM-00001", "--format", "json").out)
    assert shown["details"]["Given name"] == name
    assert name in {row["reference"] for row in json.loads(centre.ok("status", "--learners", "--format", "json").out)}


def test_markup_is_printed_literally_and_makes_no_link(hostile):
    centre, name = hostile
    shown = centre.ok("learner", "show", "ILM-00001")
    if name.isprintable():
        assert name in shown.out
    else:
        assert "\\x" in shown.out or "\\u" in shown.out


def test_csv_for_people_runs_nothing(hostile):
    centre, _ = hostile
    text = centre.ok("learner", "show", "ILM-00001", "--format", "csv").out
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "\t"}]


@pytest.mark.parametrize("name", HOSTILE.values())
def test_a_machine_file_is_unaltered_or_the_learner_is_left_out(at, name):
    """The LRS file never holds a changed value."""
    centre = at("gathered")
    spoil(centre, name)
    result = centre.run("lrs", "submit", "--format", "json")
    refused = {r["reference"] for r in json.loads(result.out)["refusals"]}
    (batch,) = centre.outbox("LRB_*.CSV")
    text = batch.read_text("utf-8")
    assert (result.code, refused) == (1, {"ILM-00001"})
    assert not [c for c in OBEYED if c in result.out + result.err + text]
    assert "ILM-00001" not in text
    assert "ILM-00002" in text


def test_errors_about_hostile_words_are_plain(at):
    centre = at("gathered")
    for name in HOSTILE.values():
        for command in (
            ("learner", "show", name),
            (name,),
            ("lrs", name),
            ("status", "--format", name),
            ("status", "--cohort", name),
            ("advance", name, "ILM-00001"),
            ("advance", "withdraw", "--state", name),
            ("lrs", "sent", name),
            ("lrs", "receive", name),
            ("status", f"--{name}"),
            ("cohort", "waive", name, "--reason", "x"),
            ("learner", "edit", "ILM-00001", name),
            ("uln", "told", "--dispatch", name, "--how", "email"),
        ):
            result = centre.run(*command, terminal=True)
            assert result.code in {0, 1, 2, 4}
            assert "nobody foresaw" not in result.err, command
            assert not [c for c in OBEYED if c in result.out + result.err], command


def test_a_folder_with_a_hostile_name_is_shown_plainly(tmp_path):
    folder = tmp_path / "a\x1b[2Jb"
    result = run("init", folder, "--ukprn", "99990001", "--operator", "Ann Example")
    assert result.code == 0
    assert "\x1b" not in result.err
    for command in (("cohort", "list"), ("audit", "verify"), ("lrs", "submit")):
        assert "\x1b[2J" not in run("--folder", folder, *command, terminal=True).err


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\x00", b"\xed\xa0\x80"])
def test_standard_input_that_is_no_text_is_refused(at, value):
    centre = at("gathered")
    for command in (
        ("uln", "check", "-"), ("learner", "edit", "ILM-00001"), ("learner", "edit", "ILM-00001", "postcode"),
        ("learner", "find"), ("uln", "told", "--list", "-", "--how", "email"),
        ("lrs", "answer", "ILM-00001"),
    ):  # fmt: skip
        result = centre.run(*command, stdin=value)
        assert (result.code, result.out) == (4, "")
        assert "standard input" in result.err
