"""A person who only ever types the next command that `learner why` names gets every learner to the end.

Commands that are printed elsewhere, by steps and lists and by rules, are taken as they stand as well.

What stands in CAPITALS is what the person knows: an order number, the reply that came, what was decided.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

import pytest

from tests.fakes.centre import Centre, Result, row, uln

Answers = Callable[[], str]
LONGEST_WAY = 20


def follow(centre: Centre, reference: str, *, number: int, decision: str = "again") -> list[str]:
    """Type the next command until there is none; returns what was typed. Each must be accepted and change something."""
    typed: list[str] = []
    for step in range(LONGEST_WAY):
        command = centre.json("learner", "why", reference)["next_command"]
        if not command:
            return typed
        known = {
            "REPLY-FILE": "",
            "NUMBER": f"N-{step}",
            "REFERENCE": f"R-{step}",
            "WHY": "stated by a person",
            "DECISION": decision,
        }
        if "REPLY-FILE" in command:
            known["REPLY-FILE"] = str(centre.reply({reference: uln(number)}, name=f"reply-{step}.csv"))
        words = [known.get(word, word) for word in shlex.split(command)]
        assert words[0] == "ulnflow"
        before = centre.events()
        centre.do(*words[1:], stdin=uln(number))
        assert centre.events() > before, f"{command} changed nothing"
        typed.append(command)
        centre.days(1)
    raise AssertionError(typed)


def test_the_recommended_route(centre):
    centre.enrol("L-1")
    typed = follow(centre, "L-1", number=1)
    assert centre.state("L-1") == "lar_updated"
    assert [line.split()[1:3] for line in typed] == [
        ["lrs", "submit"],
        ["lrs", "sent"],
        ["lrs", "receive"],
        ["uln", "pass"],
        ["uln", "told"],
        ["ilm", "register"],
        ["ilm", "confirm"],
        ["lar", "confirm"],
    ]


def test_the_alternative_route(centre):
    centre.enrol("L-1")
    centre.do("route", "alternative", "L-1", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register", "L-1")
    centre.do("ilm", "confirm", "L-1", "--order", "WG-1", "--candidate", "ENB0001")
    typed = follow(centre, "L-1", number=1)
    assert centre.state("L-1") == "lar_updated"
    assert [line.split()[1:3] for line in typed][-4:] == [
        ["lar", "create"],
        ["lar", "cross-reference"],
        ["ilm", "results"],
        ["lar", "confirm"],
    ]
    assert "--by centre" in typed[-1]


def test_an_exception_to_be_asked_about_again(centre):
    centre.enrol("L-1")
    centre.ask_lrs({"L-1": ("", "RC008")})
    centre.days(1)
    typed = follow(centre, "L-1", number=1)
    assert typed[0].startswith("ulnflow exception resolve L-1")
    assert typed[1].startswith("ulnflow lrs submit")
    assert centre.state("L-1") == "lar_updated"


def test_an_exception_decided_on_the_spot(centre):
    centre.enrol("L-1")
    centre.ask_lrs({"L-1": ("", "RC008")})
    follow(centre, "L-1", number=1, decision="existing")
    assert centre.state("L-1") == "lar_updated"


def test_a_wrong_uln(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "wrong", "L-1", "--reason", "another person's", "--evidence", "LRS-CASE-1")
    centre.days(1)
    follow(centre, "L-1", number=2)
    assert (centre.state("L-1"), centre.held("L-1")) == ("lar_updated", uln(2))


def test_a_returning_learner(centre):
    centre.enrol("L-1")
    follow(centre, "L-1", number=1)
    centre.enrol("L-1", cohort="NF-2", Qualification="8607-31")
    typed = follow(centre, "L-1", number=1)
    assert typed[0] == "ulnflow advance reuse_uln L-1"
    assert centre.states() == {"lar_updated": 2}


def test_a_registered_learner_who_left_and_came_back(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "phone", "--all")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.do("learner", "withdraw", "L-1", "--reason", "left_course")
    centre.do("learner", "reinstate", "L-1", "--reason", "came back")
    follow(centre, "L-1", number=1)
    assert centre.state("L-1") == "lar_updated"
    assert centre.facts("L-1")["order_number"] == "WG-1"


def test_a_name_changed_while_the_learner_waits_for_registration(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "phone", "--all")
    centre.do("learner", "edit", "L-1", "family_name", stdin="Married\n")
    centre.days(1)
    typed = follow(centre, "L-1", number=1)
    assert typed[0].startswith("ulnflow lrs submit")
    assert centre.state("L-1") == "lar_updated"


def test_an_exception_at_ilm(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "phone", "--all")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.do("ilm", "exception", "L-1", "--evidence", "ILM-CASE-1")
    typed = follow(centre, "L-1", number=1)
    assert typed[0].startswith("ulnflow ilm resolve L-1")
    assert centre.state("L-1") == "lar_updated"


def test_a_sheet_with_a_gap_names_the_field_to_fill(centre):
    centre.do("cohort", "import", centre.sheet([row("L-1", Postcode="")]), "--cohort", "NF-1")
    rules = centre.json("learner", "why", "L-1")["rules"]
    said = {rule["rule"]: rule for rule in rules if rule["messages"]}
    assert "Postcode is missing" in said["D1"]["messages"][0]
    assert said["D1"]["next_command"] == "ulnflow learner edit L-1 postcode"
    centre.do(*shlex.split(said["D1"]["next_command"])[1:], stdin="CV4 9EE\n")
    follow(centre, "L-1", number=1)
    assert centre.state("L-1") == "lar_updated"


MAIL = '\n[mail]\nhost = "127.0.0.1"\nsecurity = "none"\n'


def test_messages_that_wait_are_sent_where_a_mail_server_is_set(centre):
    """Without one, somebody has to say that learners were told."""
    centre.enrol("L-1", "L-2", Email="robin@example.org")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.do("uln", "pass")
    path = centre.folder / "ulnflow.toml"
    path.write_text(path.read_text("utf-8").replace('sender = ""', 'sender = "office@example.org"'), "utf-8")
    assert centre.json("learner", "why", "L-1")["next_command"] == "ulnflow uln told L-1 --how email"
    number = next(one["number"] for one in centre.json("dispatch", "list", "--kind", "uln_message"))
    with centre.settings(MAIL):
        suggested = {one["command"] for one in centre.json("today")["next_commands"]}
        assert f"ulnflow uln send --dispatch {number}" in suggested
        assert centre.json("learner", "why", "L-1")["next_command"] == "ulnflow uln send L-1"
        centre.days(20)
        rows = [one for one in centre.json("stuck")["rows"] if one["kind"] == "unanswered"]
        assert [one["next_command"] for one in rows] == ["ulnflow uln send L-1", "ulnflow uln send L-2"]


# --- what is printed elsewhere is ready to be pasted too ------------------------------------------------------------

MARKED = re.compile(r"^(?:Next|Or|[^|]*?[a-z]): (?=ulnflow )", re.MULTILINE)


def printed(result: Result) -> list[str]:
    """The commands that stand at the end of the lines a person is shown; none goes on in words."""
    return [line[found.end() :] for line in result.err.splitlines() if (found := MARKED.search(line))]


def paste(centre: Centre, command: str, **known: str) -> Result:
    """Type a printed command, with what only the person knows in place of CAPITALS; it must be taken."""
    assert not set(command) & set("|()<>;&"), f"{command} is not one plain command"
    words = [known.get(word, word) for word in shlex.split(command)]
    assert words[0] == "ulnflow"
    assert not [word for word in words if word.isupper() and word.isalpha()], f"{command} asks for what is known"
    return centre.do(*words[1:])


def ready(centre: Centre, *references: str, cohort: str = "NF-1") -> None:
    """Learners who wait for registration."""
    centre.enrol(*references, cohort=cohort)
    assert centre.ask_lrs({one: uln(int(one[2:])) for one in references}).code == 0
    centre.do("uln", "pass", *references)
    centre.do("uln", "told", "--how", "phone", *references)


def test_with_two_registration_files_open_each_is_confirmed_by_its_own_command(centre):
    ready(centre, "L-1")
    centre.do("ilm", "register")
    ready(centre, "L-2", cohort="NF-2")
    second = printed(centre.do("ilm", "register"))
    assert [line.split()[1:4] for line in second] == [["ilm", "confirm", "--dispatch"]]
    duties = [one["next"] for one in centre.json("duty", "list") if one["next"].startswith("ulnflow ilm")]
    paste(centre, second[0], NUMBER="WG-2")
    assert centre.state("L-2") == "registered_with_ilm"
    others = [line for line in duties if line not in second]
    for line in others or printed(centre.do("ilm", "register", "L-1")):
        paste(centre, line, NUMBER="WG-1")


def test_a_refused_learner_stands_in_the_command_wherever_it_is_told(centre):
    """Rule D6, at the step, among the stuck, at the learner, in the log and in what an auditor asks."""
    centre.enrol("L 1", "L-2", **{"Privacy notice seen": "N"})
    right = "ulnflow learner edit 'L 1' ability_to_share"
    assert right in centre.refused("lrs", "submit", "L 1").said
    refusals = json.loads(centre.run("lrs", "submit", "--format", "json").out)["refusals"]
    assert {right, "ulnflow learner edit L-2 ability_to_share"} == {one["message"].split(": ")[-1] for one in refusals}
    rows = {one["reference"]: one for one in centre.json("stuck")["rows"]}
    assert right in rows["L 1"]["why"][0]
    assert rows["L 1"]["next_command"] == right
    said = next(one for one in centre.json("learner", "why", "L 1")["rules"] if one["rule"] == "D6")
    assert said["messages"][0].endswith(right)
    assert right in str(centre.json("audit", "ask", "refusals"))
    assert right in str(centre.json("audit", "history", "L 1", "--refusals"))
    assert right in str(centre.json("audit", "events", "--refusals", "--all"))
    words = shlex.split(right)
    centre.do(*words[1:], stdin="1\n")
    centre.do("lrs", "submit", "L 1")


def test_whoever_saw_no_privacy_notice_is_stuck_before_anybody_asks_the_lrs(centre):
    """As those who lack an item are; the rest is known once it is asked, and the list says so."""
    centre.enrol("L-1", "L-2")
    centre.enrol("L-3", **{"Privacy notice seen": "N"})
    centre.enrol("L-4", **{"Privacy notice seen": "N", "Postcode": ""})
    before = {one["reference"]: (one["codes"], one["next_command"]) for one in centre.json("stuck")["rows"]}
    assert before == {
        "L-3": (["D6"], "ulnflow learner edit L-3 ability_to_share"),
        "L-4": (["D1", "D6"], "ulnflow learner edit L-4 postcode"),
    }
    assert "known once the step is typed" in centre.run("stuck").err
    refused = json.loads(centre.run("lrs", "submit", "--format", "json").out)["refusals"]
    assert {one["reference"] for one in refused} == set(before)
    after = {one["reference"]: one["codes"] for one in centre.json("stuck")["rows"]}
    assert after == {"L-3": ["D6"], "L-4": ["D1", "D6"]}
    paste_edit = shlex.split(before["L-3"][1])[1:]
    centre.do(*paste_edit, stdin="1\n")
    centre.do("lrs", "submit", "L-3")


def test_a_cohort_that_waits_is_waived_by_the_command_of_the_rule(centre):
    centre.enrol("L-1", "L-2", cohort="NF 1")
    centre.run("lrs", "submit", "L-1")
    assert centre.run("lrs", "receive", centre.reply({"L-1": uln(1)})).code == 0
    centre.do("uln", "pass", "L-1")
    centre.do("uln", "told", "L-1", "--how", "phone")
    refused = centre.refused("ilm", "register", "L-1")
    command = "ulnflow cohort waive 'NF 1' --reason WHY"
    assert command in refused.said
    paste(centre, command, WHY="the window closes")
    with centre.typing("Bo Example"):
        asked = printed(centre.do("approve"))
    assert [line.split()[3:] for line in asked] == [[], ["--refuse", "--reason", "WHY"]]
    paste(centre, asked[1], WHY="we wait")


def test_a_late_uln_is_told_by_the_command_of_the_rule(centre):
    centre.enrol("L-1")
    centre.do("route", "alternative", "L-1", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register", "L-1")
    centre.do("ilm", "confirm", "L-1", "--order", "WG-1", "--candidate", "ENB0001")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "phone", "--all")
    refused = centre.refused("ilm", "confirm", "L-1", "--order", "WG-1")
    command = "ulnflow lar create L-1 --reference NUMBER"
    assert command in refused.said
    for _ in range(3):
        (command,) = printed(paste(centre, command, NUMBER="N-1"))
        assert "L-1" in command
    paste(centre, command, NUMBER="N-2")
    assert centre.state("L-1") == "lar_updated"


@pytest.mark.parametrize("decision", ["existing", "new", "again"])
def test_each_way_to_decide_an_exception_is_a_command_of_its_own(centre, decision):
    centre.enrol("L-1")
    centre.ask_lrs({"L-1": ("", "RC008")})
    lines = printed(centre.do("exception", "show", "L-1"))
    assert lines[0] == "ulnflow exception candidates L-1"
    (line,) = [one for one in lines if f"--decision {decision} " in one]
    words = ["stated" if word == "WHY" else word for word in shlex.split(line)]
    centre.do(*words[1:], stdin=f"{uln(1)}\n")
    assert centre.state("L-1") == ("lrs_exception" if decision == "again" else "uln_received")


def test_nothing_is_offered_to_decide_where_no_decision_waits(centre):
    centre.enrol("L-1")
    shown = centre.do("exception", "show", "L-1")
    assert printed(shown) == ["ulnflow exception list"]
    assert "L-1 is not an LRS exception" in shown.said


def test_an_entry_that_is_corrected_in_another_way_names_its_learner(centre):
    centre.enrol("L-1")
    centre.do("learner", "edit", "L-1", "given_name", stdin="Rob\n")
    refused = centre.refused("learner", "correct", str(centre.events()), "--reason", "wrong_learner")
    assert "ulnflow learner edit L-1" in refused.said


def test_a_file_that_is_not_there_points_to_the_list_of_files(centre):
    assert "ulnflow dispatch list" in centre.refused("dispatch", "reconcile", "99").said


def alternative(centre: Centre, *references: str, **changes: str) -> None:
    """Learners registered without a ULN."""
    centre.enrol(*references, **changes)
    centre.do("route", "alternative", *references, "--reason", "teaching has begun", "--yes")
    assert centre.json("learner", "why", references[0])["guidance"][0].startswith("The alternative route was chosen")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")


def test_what_to_do_follows_the_way_of_the_learner(centre):
    """Registered already, nobody is told to write a registration file and place an order."""
    alternative(centre, "L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "told", "L-1", "--how", "phone")
    centre.enrol("L-2")
    assert centre.ask_lrs({"L-2": uln(2)}).code == 0
    centre.do("uln", "told", "L-2", "--how", "phone")
    late, usual = (centre.json("learner", "why", reference) for reference in ("L-1", "L-2"))
    assert late["state"] == usual["state"] == "uln_passed_to_learner"
    assert late["next_command"].startswith("ulnflow lar create L-1")
    assert "create the LAR" in " ".join(late["guidance"])
    assert "place the order" not in " ".join([late["meaning"], *late["guidance"]])
    assert "Write the registration file and place the order with ILM." in usual["guidance"]
    assert late["contacts"] != usual["contacts"]


def test_a_detail_changed_at_the_end_advises_nothing_that_cannot_be_done(centre):
    centre.enrol("L-1")
    follow(centre, "L-1", number=1)
    edited = centre.json("learner", "edit", "L-1", "family_name", stdin="Married\n")
    assert "ulnflow lrs submit" not in edited["next"]
    found = centre.json("learner", "why", "L-1")
    assert found["match"] == (
        f"Family name changed on {centre.json('today')['day']}, after the LRS matched it; "
        "the LRS is not asked again from here"
    )
    assert found["next_command"].startswith("ulnflow duty close L-1 tell_ilm_of_change")


def test_which_of_two_is_the_double_is_for_a_person_to_say_and_asked_anew(centre):
    """Two learners with the same details name each other; once one left, the other is not to go too."""
    centre.enrol("L-1", "L-2", Family_name="Same")
    centre.refused("lrs", "submit")
    assert centre.json("learner", "why", "L-1")["next_command"] == "ulnflow learner withdraw DOUBLE --reason duplicate"
    centre.do("learner", "withdraw", "L-2", "--reason", "duplicate")
    stuck = centre.json("stuck")
    assert [one["next_command"] for one in stuck["rows"]] == ["ulnflow learner why L-1"]
    assert [one["next_command"] for one in stuck["causes"] if one["code"] == "D8"] == ["ulnflow learner why REFERENCE"]
    assert centre.json("learner", "why", "L-1")["next_command"] == "ulnflow lrs submit L-1"
    follow(centre, "L-1", number=1)


def test_the_list_of_the_owed_advises_what_why_does(centre):
    alternative(centre, "L-1", "L-2", Privacy_notice_seen="N")
    centre.do("learner", "edit", "L-2", "ability_to_share", stdin="1\n")
    listed = {one["reference"]: one["next_command"] for one in centre.json("lar", "owed")}
    assert listed == {"L-1": "ulnflow learner edit L-1 ability_to_share", "L-2": "ulnflow lrs submit L-2"}
    assert listed == {one: centre.json("learner", "why", one)["next_command"] for one in listed}
