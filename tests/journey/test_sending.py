"""Messages sent by a real mail server on this computer: who counts as told, who does not, and none goes out twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
import stamina

from tests.fakes.centre import Centre, row, uln
from tests.fakes.mail_server import DROP, PASSWORD, USER, running
from workflow.errors import StoreError

ROOT = Path(__file__).parents[2]
SENDER = "ULN desk <uln@centre.example.org>"


@pytest.fixture(autouse=True)
def _without_waiting():
    with stamina.set_testing(testing=True, attempts=3):
        yield


@pytest.fixture
def server():
    with running() as (server, _):
        yield server


def mail_settings(centre: Centre, port: int, **changes: str) -> None:
    """Name the mail server in the settings."""
    path = centre.folder / "ulnflow.toml"
    text = path.read_text("utf-8").split("\n[mail]")[0].replace('sender = ""', f'sender = "{SENDER}"')
    known = {"host": "127.0.0.1", "security": "none", **changes}
    lines = [f'{name} = "{value}"' for name, value in known.items()]
    path.write_text("\n".join([text.rstrip(), "", "[mail]", f"port = {port}", *lines, ""]), "utf-8")


def ready(centre: Centre, port: int, *references: str, **emails: str) -> None:
    """Learners who hold a ULN and whose messages are written."""
    mail_settings(centre, port)
    rows = [
        row(reference, Email=emails.get(reference.replace("-", "_"), address(reference))) for reference in references
    ]
    centre.do("cohort", "import", centre.sheet(rows), "--cohort", "NF-1")
    assert centre.ask_lrs({reference: uln(place) for place, reference in enumerate(references)}).code == 0
    centre.do("uln", "pass")


def address(reference: str) -> str:
    return f"{reference.lower()}@example.org"


def test_who_the_server_accepts_a_message_for_counts_as_told(centre, server):
    ready(centre, server.port, "L-1", "L-2", "L-3", L_3="")
    said = centre.do("uln", "send", "--all")
    assert "without an e-mail address: L-3" in said.said
    assert [to for to, _ in server.accepted] == [address("L-1"), address("L-2")]
    assert [centre.state(r) for r in ("L-1", "L-2", "L-3")] == ["uln_passed_to_learner"] * 2 + ["uln_received"]
    assert centre.facts("L-1")["told_how"] == "email"
    told = centre.json("audit", "history", "L-1")["lines"][-1]
    assert "accepted by the mail server (250)" in centre.do("audit", "history", "L-1").said
    assert told["who"] == "Ann Example"
    centre.do("uln", "told", "L-3", "--how", "letter")
    assert centre.dispatches("uln_message")[0][1] == "answered"
    centre.do("audit", "verify")


def test_a_message_says_who_it_is_by_numbers_and_the_uln_without_the_name(centre, server):
    ready(centre, server.port, "L-1")
    centre.do("uln", "send", "L-1")
    ((_, data),) = server.came_in
    mail = BytesParser(policy=policy.SMTP).parsebytes(data)
    assert mail["Message-ID"].startswith("<D4.1.")
    assert mail["Message-ID"].endswith("@centre.example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.isoformat().startswith("2026-09-07T08:0")
    assert [a.display_name for a in mail["To"].addresses] == [""]
    assert uln(0) in mail.get_content()
    assert "Robin" not in data.decode()
    assert server.options[0] == [f"ENVID={mail['Message-ID'][1:].split('@')[0]}", "RET=HDRS"]


def test_sending_again_sends_nothing(centre, server):
    ready(centre, server.port, "L-1")
    centre.do("uln", "send", "--all")
    before = centre.events()
    centre.do("uln", "send", "--all")
    centre.do("uln", "send", "L-1")
    assert (len(server.came_in), centre.events()) == (1, before)


def test_a_rehearsal_says_who_and_speaks_to_no_server(centre, server):
    ready(centre, server.port, "L-1", "L-2", L_2="")
    before = centre.events()
    found = centre.json("uln", "send", "--all", "--dry-run")
    assert found["counts"] == {"have no e-mail address: hand over the letter": 1, "would be sent": 1}
    assert (server.connections, centre.events()) == (0, before)


@pytest.mark.parametrize("where", ["recipients", "texts"])
def test_what_is_put_off_is_tried_again(centre, server, where):
    ready(centre, server.port, "L-1")
    getattr(server, where)[address("L-1")] = ["451 4.7.1 later", "421 4.3.2 closing"]
    centre.do("uln", "send", "--all")
    assert len(server.accepted) == 1
    assert centre.state("L-1") == "uln_passed_to_learner"
    centre.do("audit", "verify")


@pytest.mark.parametrize("where", ["recipients", "texts"])
def test_what_stays_put_off_is_told_and_can_be_sent_later(centre, server, where):
    ready(centre, server.port, "L-1")
    getattr(server, where)[address("L-1")] = ["451 4.7.1 later"] * 3
    result = centre.run("uln", "send", "--all")
    assert (result.code, "put it off" in result.said, "451" in result.said) == (1, True, True)
    assert centre.state("L-1") == "uln_received"
    centre.do("uln", "send", "--all")
    assert len(server.accepted) == 1


def test_a_connection_lost_before_the_text_is_made_again(centre, server):
    ready(centre, server.port, "L-1")
    server.recipients[address("L-1")] = [DROP]
    centre.do("uln", "send", "--all")
    assert (len(server.came_in), len(server.accepted)) == (1, 1)


@pytest.mark.parametrize(
    ("where", "says"),
    [("recipients", "550 5.1.1 no such user"), ("recipients", "550 no such user"), ("texts", "550 5.2.1 disabled")],
)
def test_a_refused_address_is_told_and_left_to_a_person(centre, server, where, says):
    ready(centre, server.port, "L-1", "L-2")
    getattr(server, where)[address("L-1")] = [says]
    found = centre.json("uln", "send", "--all")
    assert [(r["reference"], r["rule"], r["code"]) for r in found["refusals"]] == [("L-1", "mail", "address")]
    assert "550" in found["refusals"][0]["message"]
    assert "no such user" not in json.dumps(found)
    assert [centre.state(r) for r in ("L-1", "L-2")] == ["uln_received", "uln_passed_to_learner"]
    before = len(server.came_in)
    again = centre.run("uln", "send", "--all")
    assert (again.code, len(server.came_in)) == (1, before)
    centre.do("uln", "send", "L-1")  # named on purpose
    assert centre.state("L-1") == "uln_passed_to_learner"
    centre.do("audit", "verify")


def test_a_corrected_address_is_written_to_anew(centre, server):
    ready(centre, server.port, "L-1")
    server.recipients[address("L-1")] = ["550 5.1.1 no"]
    centre.run("uln", "send", "--all")
    centre.do("learner", "edit", "L-1", "email", stdin="new@example.org\n")
    assert "not what would be written now" in centre.run("uln", "send", "--all").said
    centre.do("uln", "pass", "L-1", "--again")
    centre.do("uln", "send", "--all")
    assert [to for to, _ in server.accepted] == ["new@example.org"]


def test_a_refusal_that_is_not_about_the_address_blames_no_address(centre, server):
    ready(centre, server.port, "L-1")
    server.recipients[address("L-1")] = ["550 5.7.1 relaying denied"]
    assert centre.json("uln", "send", "--all")["refusals"][0]["code"] == "refused"
    centre.do("uln", "send", "--all")
    assert centre.state("L-1") == "uln_passed_to_learner"


def test_a_server_that_takes_nothing_is_left_alone_after_three(centre, server):
    ready(centre, server.port, "L-1", "L-2", "L-3", "L-4", "L-5")
    server.recipients["*"] = ["550 relaying denied"] * 3
    found = centre.json("uln", "send", "--all")
    assert (found["counts"]["not sent"], found["counts"]["not tried"]) == (3, 2)
    assert any("3 messages in a row" in note for note in found["notes"])
    assert centre.run("uln", "send", "--all").code == 1  # the three are left to a person, the two go out
    assert len(server.accepted) == 2


def test_an_answer_lost_after_the_text_is_unknown_and_never_sent_again(centre, server):
    ready(centre, server.port, "L-1", "L-2")
    server.texts[address("L-1")] = [DROP]
    found = centre.json("uln", "send", "--all")
    assert [(r["reference"], r["code"]) for r in found["refusals"]] == [("L-1", "unknown")]
    assert [centre.state(r) for r in ("L-1", "L-2")] == ["uln_received", "uln_passed_to_learner"]
    for words in (["--all"], ["L-1"]):
        assert "it is not sent again" in centre.run("uln", "send", *words).said
    assert server.texts_to(address("L-1")) == 1
    assert "may have arrived" in centre.do("audit", "history", "L-1").said
    centre.do("uln", "told", "L-1", "--how", "email")
    assert centre.state("L-1") == "uln_passed_to_learner"
    assert "mail_sending" not in centre.facts("L-1")
    centre.do("audit", "verify")


def test_after_an_unknown_answer_a_person_may_have_it_written_and_sent_anew(centre, server):
    ready(centre, server.port, "L-1")
    server.texts[address("L-1")] = [DROP]
    centre.run("uln", "send", "--all")
    centre.do("uln", "pass", "L-1", "--again")
    centre.do("uln", "send", "--all")
    assert server.texts_to(address("L-1")) == 2
    assert centre.state("L-1") == "uln_passed_to_learner"


def test_a_program_killed_while_the_server_answers_leaves_one_message_unknown_and_sends_none_twice(centre, server):
    """The worst moment: the server has the text, the log has no answer."""
    ready(centre, server.port, "L-1", "L-2", "L-3")
    call = [sys.executable, "-c", "from cli.app import main; main()", "--folder", centre.folder, "uln", "send", "--all"]
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(to: str) -> None:
        if to == address("L-2"):
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)

    server.on_text = kill
    process.wait(60)
    assert [centre.state(r) for r in ("L-1", "L-2", "L-3")] == ["uln_passed_to_learner", "uln_received", "uln_received"]
    server.on_text = lambda _to: None
    found = centre.json("uln", "send", "--all")
    assert [(r["reference"], r["code"]) for r in found["refusals"]] == [("L-2", "begun")]
    assert [server.texts_to(address(r)) for r in ("L-1", "L-2", "L-3")] == [1, 1, 1]
    centre.do("audit", "verify")


def test_an_answer_that_cannot_be_written_down_leaves_the_message_unknown(centre, server, monkeypatch):
    """As when the disk is full at that moment: the server has it, so it is not sent again."""
    ready(centre, server.port, "L-1", "L-2")

    def fail(*_args: object, **_more: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("states.telling.record", fail)
        assert centre.run("uln", "send", "--all").code == 4
    assert centre.states() == {"uln_received": 2}
    assert [r["code"] for r in centre.json("uln", "send", "--all")["refusals"]] == ["begun"]
    assert [server.texts_to(address(r)) for r in ("L-1", "L-2")] == [1, 1]


def test_two_who_send_at_once_send_each_message_once(centre, server):
    ready(centre, server.port, "L-1", "L-2", "L-3")
    call = [sys.executable, "-c", "from cli.app import main; main()", "--folder", centre.folder, "uln", "send", "--all"]
    processes = [subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert {process.returncode for process in processes} <= {0, 1}, said
    assert sorted(to for to, _ in server.came_in) == [address(r) for r in ("L-1", "L-2", "L-3")]
    assert centre.states() == {"uln_passed_to_learner": 3}


def test_word_that_the_uln_is_ready_does_not_tell_it(centre, server):
    """P1: a message without the ULN tells nobody the ULN."""
    ready(centre, server.port, "L-1")
    centre.do("uln", "pass", "--carries", "name", "--again")
    centre.do("uln", "send", "--all")
    assert centre.state("L-1") == "uln_received"
    assert "were sent word before" in centre.do("uln", "send", "--all").said
    assert len(server.came_in) == 1
    centre.do("uln", "told", "L-1", "--how", "in_person")
    assert centre.state("L-1") == "uln_passed_to_learner"


def test_a_file_that_is_gone_or_changed_is_not_sent(centre, server):
    ready(centre, server.port, "L-1", "L-2")
    first, second = sorted((centre.folder / "outbox" / "messages" / "D4").glob("*.eml"))
    first.unlink()
    second.write_bytes(second.read_bytes() + b"P.S. Robin\r\n")
    found = centre.json("uln", "send", "--all")
    assert {r["code"] for r in found["refusals"]} == {"stale"}
    assert server.came_in == []


def test_a_uln_found_wrong_meanwhile_is_not_sent(centre, server):
    ready(centre, server.port, "L-1")
    centre.do("uln", "wrong", "L-1", "--reason", "another person's", "--evidence", "LRS-CASE-1")
    centre.run("uln", "send", "--all")
    assert server.came_in == []


# --- the server itself ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the server knows STARTTLS as TLS alone
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_logged_in(centre, monkeypatch, tmp_path, security):
    with running(security=security, log_in=True) as (server, ca):
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        ready(centre, server.port, "L-1")
        mail_settings(centre, server.port, security=security, user=USER)
        assert "set it as ULNFLOW_MAIL__PASSWORD" in centre.refused("uln", "send", "--all").said
        wrong = send_with(centre, ULNFLOW_MAIL__PASSWORD=USER)
        assert (wrong.returncode, "refused user or password (535)" in wrong.stderr) == (4, True), wrong.stderr
        sent = send_with(centre, ULNFLOW_MAIL__PASSWORD=PASSWORD)
        assert sent.returncode == 0, sent.stderr
        assert PASSWORD not in sent.stdout + sent.stderr
        assert server.encrypted == [True]
    assert centre.state("L-1") == "uln_passed_to_learner"
    assert PASSWORD not in "".join(p.read_text("utf-8") for p in (centre.folder / "logs").iterdir())


def send_with(centre: Centre, **env: str) -> subprocess.CompletedProcess[str]:
    """Send in a program of its own, with an environment of its own."""
    call = [sys.executable, "-c", "from cli.app import main; main()", "--folder", centre.folder, "uln", "send", "--all"]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **env})


def test_a_certificate_nobody_here_trusts_is_refused(centre):
    with running(security="starttls") as (server, _):
        ready(centre, server.port, "L-1")
        mail_settings(centre, server.port, security="starttls")
        said = centre.refused("uln", "send", "--all").said
        assert "certificate not trusted here" in said
        assert server.came_in == []


def test_a_server_that_offers_no_encryption_is_refused(centre, server):
    ready(centre, server.port, "L-1")
    mail_settings(centre, server.port, security="starttls")
    assert "does not offer STARTTLS" in centre.refused("uln", "send", "--all").said
    assert server.came_in == []


def test_a_server_that_is_not_there_is_told(centre, server):
    ready(centre, server.port, "L-1")
    mail_settings(centre, 9)
    result = centre.run("uln", "send", "--all")
    assert (result.code, "does not answer on port 9" in result.said) == (4, True)


def test_a_server_that_wants_a_log_in_is_told(centre, server):
    ready(centre, server.port, "L-1")
    server.senders = ["530 5.7.0 authentication required"]
    assert "asks us to log in first" in centre.refused("uln", "send", "--all").said


def test_a_server_that_will_have_no_more_of_us_midway_leaves_what_was_sent(centre, server):
    ready(centre, server.port, "L-1", "L-2", "L-3")
    server.on_text = lambda _to: server.senders.append("530 5.7.0 authentication required")
    found = centre.json("uln", "send", "--all")
    assert (found["counts"]["told their ULN"], found["counts"]["not tried"]) == (1, 1)
    assert any("log in first" in note for note in found["notes"])
    assert centre.states() == {"uln_passed_to_learner": 1, "uln_received": 2}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['host = "mail.example.org"', 'security = "none"'], "only for a mail server on this computer"),
        (['host = "mail.example.org"', 'password = "secret1"'], "ULNFLOW_MAIL__PASSWORD"),
        (['host = "mail.example.org"', "port = 70000"], "mail.port"),
        (['hots = "mail.example.org"'], "mail.hots"),
        ([], "names no mail server"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_their_values(centre, server, lines, says):
    ready(centre, server.port, "L-1")
    path = centre.folder / "ulnflow.toml"
    path.write_text("\n".join([path.read_text("utf-8").split("\n[mail]")[0], "[mail]", *lines, ""]), "utf-8")
    result = centre.run("uln", "send", "--all")
    assert (result.code, says in result.said) == (4, True), result.said
    assert "secret1" not in result.said


def test_without_a_sender_nothing_is_sent(centre, server):
    ready(centre, server.port, "L-1")
    path = centre.folder / "ulnflow.toml"
    path.write_text(path.read_text("utf-8").replace(SENDER, ""), "utf-8")
    assert "set sender" in centre.refused("uln", "send", "--all").said


def test_nothing_personal_is_in_logs_events_or_words(centre, server):
    """E1: the server answers with the address in its words, as servers do."""
    ready(centre, server.port, "L-1", "L-2", "L-3", "L-4")
    server.recipients[address("L-1")] = [f"550 5.1.1 <{address('L-1')}> unknown"]
    server.texts[address("L-2")] = [f"451 4.2.0 <{address('L-2')}> greylisted"] * 3
    server.texts[address("L-3")] = [DROP]
    said = centre.run("uln", "send", "--all").said
    logs = "".join(path.read_text("utf-8") for path in (centre.folder / "logs").iterdir())
    events = json.dumps(centre.json("audit", "events", "--all"))
    for trace in ("example.org", "Robin", *(uln(n) for n in range(4)), "unknown>", "greylisted"):
        for where in (said, logs, events):
            assert trace not in where, trace
