"""Reports of mail servers: whoever a message did not reach is to be told again, and nobody else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fakes.centre import Centre, row, uln

SENDER = "uln@centre.example.org"


@pytest.fixture
def told(centre: Centre) -> Centre:
    """Two learners who were told by e-mail, in the set of messages D4."""
    path = centre.folder / "ulnflow.toml"
    path.write_text(path.read_text("utf-8").replace('sender = ""', f'sender = "{SENDER}"'), "utf-8")
    rows = [row(reference, Email=f"{reference.lower()}@example.org") for reference in ("L-1", "L-2")]
    centre.do("cohort", "import", centre.sheet(rows), "--cohort", "NF-1")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    return centre


def number(centre: Centre, case: int, dispatch: int = 4) -> str:
    """The Message-ID of a message, as its file has it."""
    mail = (centre.folder / "outbox" / "messages" / f"D{dispatch}" / f"D{dispatch}-{case}.eml").read_text("ascii")
    return next(line for line in mail.splitlines() if line.startswith("Message-ID: ")).removeprefix("Message-ID: ")


def report(
    centre: Centre,
    name: str,
    about: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "message/rfc822",
    extra: str = "",
) -> Path:
    """Save a delivery status notification as a mail program does."""
    path = centre.folder / "reports" / name
    path.parent.mkdir(exist_ok=True)
    original = (
        f"From: {SENDER}\r\nTo: l-1@example.org\r\nMessage-ID: {about}\r\nSubject: Your ULN\r\n\r\n1000102504\r\n"
    )
    path.write_bytes(
        (
            f"From: MAILER-DAEMON@example.org\r\nTo: {SENDER}\r\nSubject: Undelivered\r\n{extra}MIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nYour message to Robin <l-1@example.org> could not be delivered.\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
            f"Final-Recipient: rfc822; l-1@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
            "Diagnostic-Code: smtp; 550 <l-1@example.org>\r\n"
            f"\r\n--b\r\nContent-Type: {returned}\r\n\r\n{original}\r\n--b--\r\n"
        ).encode()
    )
    return path


def test_a_message_that_never_arrived_takes_its_learner_back(told):
    said = told.do("uln", "bounced", report(told, "1.eml", number(told, 1))).said
    assert "to be told again 1" in said
    assert (told.state("L-1"), told.state("L-2")) == ("uln_received", "uln_passed_to_learner")
    assert "did not reach the learner (5.1.1)" in told.do("audit", "history", "L-1").said
    assert "l-1@example.org" not in said
    assert told.dispatches("mail_report") == [("D5-mail_report", "received", {})]
    told.do("audit", "verify")


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_the_number_is_found_where_servers_put_it(told, returned):
    told.do("uln", "bounced", report(told, "1.eml", number(told, 1), returned=returned))
    assert told.state("L-1") == "uln_received"


def test_a_report_without_the_message_names_it_by_its_envelope(told):
    path = report(told, "1.eml", "<other@example.org>")
    own = number(told, 1)[1:].split("@")[0]
    path.write_bytes(
        path.read_bytes().replace(b"Reporting-MTA", f"Original-Envelope-Id: {own}\r\nReporting-MTA".encode())
    )
    told.do("uln", "bounced", path)
    assert told.state("L-1") == "uln_received"


def test_the_same_report_twice_changes_nothing_under_any_name(told):
    path = report(told, "1.eml", number(told, 1))
    told.do("uln", "bounced", path)
    before = told.events()
    told.do("uln", "bounced", path)
    assert "taken in before" in told.do("uln", "bounced", path.rename(path.with_name("2.eml"))).said
    assert told.events() == before


def test_a_rehearsal_changes_nothing(told):
    path = report(told, "1.eml", number(told, 1))
    before = told.events()
    assert told.json("uln", "bounced", path, "--dry-run")["counts"] == {"to be told again": 1}
    assert (told.events(), told.state("L-1")) == (before, "uln_passed_to_learner")


@pytest.mark.parametrize(
    ("action", "status", "back"),
    [
        ("failed", "5.2.2", True), ("failed", "4.4.7", True), ("", "5.1.1", True), ("failed", "", True),
        ("delayed", "4.4.1", False), ("", "4.4.1", False), ("delivered", "2.0.0", False), ("relayed", "2.1.9", False),
        ("", "nonsense", False),
    ],
)  # fmt: skip
def test_only_what_will_never_arrive_counts(told, action, status, back):
    before = told.events()
    told.do("uln", "bounced", report(told, "1.eml", number(told, 1), action=action, status=status))
    assert told.state("L-1") == ("uln_received" if back else "uln_passed_to_learner")
    assert (told.events() > before) is back


def test_a_report_about_nobodys_message_is_listed(told):
    before = told.events()
    forged = number(told, 1)
    forged = forged.replace(forged[6:22], "0123456789abcdef")
    for name, about in (("1.eml", "<x@example.org>"), ("2.eml", forged), ("3.eml", "<D99.1.0123456789abcdef@x.org>")):
        said = told.do("uln", "bounced", report(told, name, about)).said
        assert f"{name}: about no message of ours" in said
    assert told.events() == before


def test_a_folder_is_taken_in_whole_and_what_cannot_be_read_holds_up_nobody(told):
    for case in (1, 2):
        report(told, f"{case}.eml", number(told, case))
    folder = told.folder / "reports"
    (folder / "3.eml").write_bytes(b"\x00\x01\x02")
    (folder / "4.eml").write_text("From: a@example.org\nSubject: out of office\n\nBack on Monday.\n", "utf-8")
    (folder / "5.msg").write_bytes(b"\xd0\xcf\x11\xe0")
    result = told.run("uln", "bounced", folder, "--format", "json")
    assert result.code == 1
    assert told.states() == {"uln_received": 2}
    assert "3.eml: it holds NUL bytes" in result.out
    assert "4.eml: no report of a failure" in result.out


def test_a_learner_registered_meanwhile_is_owed_the_telling(told):
    told.do("ilm", "register")
    told.do("ilm", "confirm", "--order", "WG-1", "--all")
    told.do("uln", "bounced", report(told, "1.eml", number(told, 1)))
    assert told.state("L-1") == "registered_with_ilm"
    assert told.duties("L-1") == {"tell_learner"}
    told.do("uln", "told", "L-1", "--how", "letter")
    assert told.duties("L-1") == set()
    told.do("audit", "verify")


def test_a_report_about_an_older_message_or_somebody_who_left_changes_nobody(told):
    told.do("uln", "bounced", report(told, "1.eml", number(told, 1)))
    told.do("uln", "pass", "L-1")
    told.do("uln", "told", "L-1", "--how", "email")
    late = report(told, "2.eml", number(told, 1), status="5.2.1")
    assert "nothing to do" in told.do("uln", "bounced", late).said
    assert told.state("L-1") == "uln_passed_to_learner"
    told.do("learner", "withdraw", "L-2", "--reason", "left_course")
    told.do("uln", "bounced", report(told, "3.eml", number(told, 2)))
    assert (told.state("L-2"), told.duties("L-2")) == ("withdrawn", set())


def test_a_learner_told_in_person_since_stays_told(told):
    told.do("uln", "not-told", "L-1", "--evidence", "returned letter 3")
    told.do("uln", "told", "L-1", "--how", "in_person")
    assert "nothing to do" in told.do("uln", "bounced", report(told, "1.eml", number(told, 1))).said
    assert told.state("L-1") == "uln_passed_to_learner"


# --- hostile e-mail ---------------------------------------------------------------------------------------------------


def deep(parts: int) -> bytes:
    """Parts within parts."""
    head = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\r\n\r\n--{n}\r\n' for n in range(parts))
    return f"From: a@example.org\r\n{head}\r\n".encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\x00" * 100, "NUL"),
        (b"\xff\xfeF\x00r\x00o\x00m\x00", "NUL"),
        (b"no header at all\n", "does not begin as an e-mail does"),
        (b"From: a@example.org\r\n\r\n" + b"x" * 5_000_000, "larger than 5,000,000 bytes"),
        (deep(41), "more than 40 parts"),
        (deep(30_000), "more than 40 parts"),
    ],
)
def test_what_is_no_e_mail_or_is_made_to_break_the_reader_is_refused(told, data, says):
    """In under a second, nothing half-taken."""
    path = told.folder / "1.eml"
    path.write_bytes(data)
    before, began = told.events(), time.process_time()
    result = told.run("uln", "bounced", path)
    assert time.process_time() - began < 3
    assert (result.code, says in result.said) == (4, True), result.said
    assert told.events() == before


@pytest.mark.parametrize(
    "extra",
    [
        "Subject: =?utf-8?b?!!!?=\r\n", "X: =?nonsense?q?=FF?=\r\n", "Message-ID: " + "<" * 10_000 + "\r\n",
        "References: " + "<a@b> " * 20_000 + "\r\n", "Content-Transfer-Encoding: nonsense\r\n",
        "From: \u202e <a@example.org>\r\n",
    ],
)  # fmt: skip
def test_odd_headers_do_not_hide_a_report(told, extra):
    path = report(told, "1.eml", number(told, 1), extra=extra)
    told.do("uln", "bounced", path)
    assert told.state("L-1") == "uln_received"


def test_a_report_that_names_two_messages_of_ours_is_about_none(told):
    path = report(told, "1.eml", number(told, 1), extra=f"References: {number(told, 2)}\r\n")
    assert "about no message of ours" in told.do("uln", "bounced", path).said
    assert told.states() == {"uln_passed_to_learner": 2}


@pytest.mark.parametrize("what", ["nowhere", "empty", "pipe"])
def test_a_path_that_holds_no_report_is_told(told, tmp_path, what):
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    assert told.run("uln", "bounced", path).code == 4


# --- templates of one's own, and the files that are made ------------------------------------------------------------


def test_a_template_with_the_uln_and_the_name_is_refused_by_the_check_and_by_the_command(told):
    """E8: "ULN passed on" template containing ULN and name."""
    told.do("uln", "not-told", "L-1", "--evidence", "letter came back")
    own = told.folder / "config" / "letters"
    own.mkdir(parents=True)
    (own / "uln.txt").write_text("Subject: Your number\n\nDear {{ given_name }},\n\n    {{ uln }}\n", "utf-8")
    before, files = told.events(), told.files()
    for words in ((), (own / "uln.txt",)):
        checked = told.run("uln", "check-template", *words, "--format", "json")
        assert (checked.code, '"line": 5' in checked.out) == (1, True)
        assert "the LRS counts that as a breach" in checked.out
    result = told.run("uln", "pass", "L-1")
    assert (result.code, "line 5: it carries the ULN together with given_name" in result.said) == (4, True)
    assert (told.events(), told.files()) == (before, files)


def test_templates_that_may_be_used_are_said_to_be(told):
    assert told.json("uln", "check-template") == []
    assert "3 templates may be used" in told.do("uln", "check-template").said


def test_letters_as_pdf_stand_in_the_outbox(told):
    told.do("uln", "not-told", "L-1", "--evidence", "letter came back")
    told.do("uln", "pass", "L-1", "--letters", "pdf")
    (made,) = (told.folder / "outbox" / "messages" / "D5").glob("*.pdf")
    assert made.read_bytes().startswith(b"%PDF-")
    assert made.stat().st_mode & 0o077 == 0


def test_writing_messages_waits_for_the_disk_no_more_often_for_many(centre, monkeypatch):
    calls: list[int] = []
    flush = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append(handle), flush(handle))[1])
    counts = []
    for cohort, numbers in (("A", range(2)), ("B", range(100, 140))):
        rows = [row(f"L-{n}", Email=f"l-{n}@example.org") for n in numbers]
        centre.do("cohort", "import", centre.sheet(rows), "--cohort", cohort)
        assert centre.ask_lrs({f"L-{n}": uln(n) for n in numbers}).code == 0
        calls.clear()
        centre.do("uln", "pass", "--cohort", cohort)
        counts.append(len(calls))
    assert counts[0] == counts[1] <= 10
