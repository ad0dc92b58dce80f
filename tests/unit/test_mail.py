"""Messages to learners: the ULN or the name, never both; as mail, and as letters to print."""

import email
import email.policy
import io
import re
import sys
from datetime import UTC, date, datetime
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from cli.post import write_pdf
from states.errors import FileRefused
from states.exchange.post.mail import TemplatePostbox, paragraphs
from states.exchange.post.templates import Paragraph, check_layout, check_words
from workflow.errors import DefinitionError

ULN = "1000102504"
ULN_TEXT, NAME_TEXT, LAYOUT = (
    files("config").joinpath("letters", name).read_text(encoding="utf-8")
    for name in ("uln.txt", "name.txt", "letter.html")
)
DAY = date(2026, 11, 2)


def postbox(**changes):
    known = {"uln_template": ULN_TEXT, "name_template": NAME_TEXT, "layout": LAYOUT, "write_pdf": write_pdf}
    return TemplatePostbox(**{**known, **changes})


POSTBOX = postbox(centre="Centre & Sons")


def compose(by=POSTBOX, **changes):
    known = {
        "reference": "L-1",
        "address": "b.pearson@example.org",
        "uln": ULN,
        "carries": "uln",
        "given_name": "Brandon",
    }
    return by.compose(**{**known, **changes})


def mail_of(message, sender="ULN desk <uln@centre.example.org>", **more):
    target = io.BytesIO()
    POSTBOX.write_mail(message, sender=sender, target=target, **more)
    return target.getvalue()


def letters(*messages, form="html", by=POSTBOX):
    target = io.BytesIO()
    by.write_letters(messages, day=DAY, form=form, target=target)
    return target.getvalue()


def test_a_message_carries_the_uln_or_the_name():
    with_uln, with_name = compose(), compose(carries="name")
    assert ULN in with_uln.body
    assert "Brandon" not in with_uln.body + with_uln.subject
    assert "Hello Brandon," in with_name.body
    assert ULN not in with_name.body + with_name.subject
    assert "uln.txt" not in with_uln.body
    assert with_uln.subject == "Your Unique Learner Number"


@given(st.text(st.characters(categories=("L",)), min_size=2, max_size=35), st.sampled_from(["uln", "name"]))
def test_no_message_ever_holds_both(name, carries):
    """LRS: a ULN together with a name in an unencrypted e-mail is a breach."""
    try:
        message = compose(given_name=name, carries=carries)
    except FileRefused:
        return
    words = re.findall(r"[^\W_]+", message.body)
    assert not (ULN in message.body and name in words and name not in ULN_TEXT)


def test_both_are_refused_even_when_the_name_stands_in_the_template_itself():
    for text in ("Dear Brandon,\n{{ uln }}\n", "{{ uln[:5] }} {{ uln[5:] }} is for BRANDON.\n"):
        own = postbox(uln_template=f"Subject: Your number\n\n{text}")
        with pytest.raises(FileRefused, match="together") as refused:
            compose(own)
        assert "Brandon" not in str(refused.value)
        assert ULN in re.sub(r"\D", "", compose(own, given_name="Zoë").body)


def test_a_name_that_is_an_ordinary_word_of_the_template_is_no_reason_to_refuse():
    for word in sorted(set(re.findall(r"\b[a-z]{2,}\b", ULN_TEXT))):
        assert ULN in compose(given_name=word.capitalize()).body


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("Subject: x\n\nDear {{ given_name }},\n{{ uln }}", 4, "together with given_name"),
        ("Subject: x\n\n{{ uln }} {{ family_name }} {{ postcode }}", 3, "together with family_name, postcode"),
        ("Subject: x\n\n{% if gender == '1' %}{{ uln }}{% endif %}", 3, "together with gender"),
        ("Subject: x\n\n{% set n = date_of_birth %}{{ n }} {{ uln }}", 3, "together with date_of_birth"),
        ("Subject: x\n\n\n{{ uln }} {{ shoe_size }}", 4, "shoe_size"),
        ("Subject: x\n\n{% include 'other' %}", 3, "another template"),
        ("Subject: {{ uln }}\n\nx", 1, "subject line carries a variable"),
        ("Hello\n{{ uln }}", 1, "first line"),
        ("Subject: x\n", 0, "no text"),
        ("Subject: x\n\n{{ uln", 3, "not a valid template"),
        ("Subject: x\n\n{{ uln|nothing }}", 3, "not a valid template"),
        ("Subject: x\n\nx\n{{ uln.digits }}", 4, "cannot be filled"),
        ("Subject: x\n\n{{ uln + 1 }}", 3, "cannot be filled"),
    ],
)
def test_words_that_would_breach_or_cannot_work_are_refused_with_their_line(text, line, says):
    """E8: the ULN beside a name, or beside anything else that identifies."""
    assert (line, True) in [(fault.line, says in fault.message) for fault in check_words(text)]
    with pytest.raises(DefinitionError, match=r"letters/uln\.txt") as refused:
        postbox(uln_template=text)
    assert says in str(refused.value)


def test_every_fault_is_told_at_once():
    text = "Hello {{ uln }}\n\n{{ shoe_size }}\n{{ given_name }}\n{% include 'x' %}\n"
    assert [fault.line for fault in check_words(text)] == [1, 1, 3, 4, 5]


@pytest.mark.parametrize(
    ("changed", "line", "says"),
    [
        (LAYOUT.replace("{{ letter.subject }}", "{{ letter.given_name }}"), 24, "it uses given_name"),
        (LAYOUT.replace("{{ letter.subject }}", "{{ letter['family_name'] }}"), 24, "it uses family_name"),
        (LAYOUT.replace("{{ letter.subject }}", "{{ uln }}"), 24, "it uses uln"),
        (LAYOUT.replace("{{ centre }}", "{{ shoe_size }}"), 21, "it uses shoe_size"),
        (LAYOUT.replace("{{ letter.subject }}", "{{ letter.nothing }}"), 24, "cannot be filled"),
        (LAYOUT.replace("{{ centre }}", "{% include 'logo' %}"), 21, "another template"),
        (LAYOUT.replace("{% endfor %}", "{% endfo %}", 1), 27, "not a valid template"),
        ("<p>{{ day }}</p>", 0, "it never uses letters"),
    ],
)
def test_a_layout_is_given_finished_words_only(changed, line, says):
    """E8"""
    assert (line, True) in [(fault.line, says in fault.message) for fault in check_layout(changed)]
    with pytest.raises(DefinitionError, match=r"letters/letter\.html"):
        postbox(layout=changed)


def test_the_shipped_templates_are_fine_and_each_in_its_place():
    assert check_words(ULN_TEXT, "uln") == []
    assert check_words(NAME_TEXT, "given_name") == []
    assert check_layout(LAYOUT) == []
    with pytest.raises(DefinitionError, match="it must use uln"):
        postbox(uln_template=NAME_TEXT)


def test_a_mail_is_plain_bare_and_the_same_every_time():
    data = mail_of(compose())
    assert data == mail_of(compose())
    mail = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert mail["To"] == "b.pearson@example.org"
    assert mail["Date"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Your Unique Learner Number"
    assert ULN.encode() in data
    assert b"Brandon" not in data
    assert data.replace(b"\r\n", b"").count(b"\n") == 0
    name = mail_of(compose(carries="name", given_name="Zoë"))
    assert "Hello Zoë," in email.message_from_bytes(name, policy=email.policy.SMTP).get_content()


def test_a_mail_that_is_sent_has_a_day_and_a_number_and_nothing_else_of_its_own():
    message = compose(number="D12.7.0123456789abcdef")
    mail = email.message_from_bytes(mail_of(message, at=datetime(2026, 9, 7, 9, tzinfo=UTC)), policy=email.policy.SMTP)
    assert mail["Message-ID"] == "<D12.7.0123456789abcdef@centre.example.org>"
    assert mail["Date"] == "Mon, 07 Sep 2026 09:00:00 +0000"
    assert "<D12.7.0123456789abcdef@ulnflow.invalid>" in mail_of(message, sender="").decode()
    assert [address.display_name for address in mail["To"].addresses] == [""]


@pytest.mark.parametrize(
    ("changes", "sender"),
    [
        ({"address": ""}, "uln@example.org"),
        ({"address": "Brandon Pearson <b@example.org>"}, "uln@example.org"),
        ({"address": "b@example.org\r\nBcc: x@example.org"}, "uln@example.org"),
        ({}, "x@example.org\r\nBcc: y@example.org"),
        ({}, "nobody"),
        ({}, "a@"),
        ({}, "\ud800 <a@example.org>"),
        ({}, "a@example.org, b@example.org"),
        ({}, "Desk <\xe9@example.org>"),
    ],
)
def test_an_address_that_mail_cannot_carry_is_refused(changes, sender):
    with pytest.raises(FileRefused):
        mail_of(compose(**changes), sender=sender)


def test_without_a_sender_a_message_opens_as_a_draft_of_whoever_opens_it():
    data = mail_of(compose(), sender="")
    assert b"X-Unsent: 1\r\n" in data
    assert b"From:" not in data


@pytest.mark.parametrize("changes", [{"uln": ""}, {"uln": "9999999999"}, {"carries": "name", "given_name": " "}])
def test_nothing_to_tell_is_refused(changes):
    with pytest.raises(FileRefused):
        compose(**changes)


def test_letters_are_one_file_to_print_a_page_each():
    page = letters(compose(address="", reference="L-1"), compose(reference="<L&2>", uln="1000000043")).decode("utf-8")
    assert page.count("<section>") == 2
    assert "break-after: page" in page
    assert page.index("Our reference: L-1") < page.index(ULN) < page.index("Our reference: &lt;L&amp;2&gt;")
    assert "Centre &amp; Sons" in page
    assert "2 November 2026" in page
    assert f'<p class="apart">{ULN}</p>' in page
    assert "Brandon" not in page


def test_what_is_markup_in_a_name_is_shown_as_it_is_written():
    page = letters(compose(carries="name", given_name="<script>alert(1)</script>")).decode("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_paragraphs_are_joined_and_what_is_indented_stands_apart():
    assert paragraphs("One\ntwo.\n\n    1000102504\n    x\n\n\n  \nThree.\n") == [
        Paragraph("One two."), Paragraph("1000102504\nx", apart=True), Paragraph("Three."),
    ]  # fmt: skip


def test_letters_are_a_pdf_as_well_the_same_every_time():
    data = letters(compose(), compose(carries="name", given_name="Zoë <b>"), form="pdf")
    assert data == letters(compose(), compose(carries="name", given_name="Zoë <b>"), form="pdf")
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    assert len(pages) == 2
    assert ULN in pages[0]
    assert "Our reference: L-1" in pages[0]
    assert "Centre & Sons" in pages[0]
    assert "Hello Zoë <b>," in pages[1]
    assert ULN not in pages[1]


def test_a_name_the_pdf_cannot_show_is_refused_and_not_printed_as_boxes():
    with pytest.raises(FileRefused, match="--letters html") as refused:
        letters(compose(carries="name", given_name="Зоя"), form="pdf")
    assert "L-1" in str(refused.value)
    assert "Зоя" not in str(refused.value)
    assert "Зоя" in letters(compose(carries="name", given_name="Зоя")).decode("utf-8")


def test_without_the_library_for_pdf_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    monkeypatch.delitem(sys.modules, "states.exchange.post.pdf", raising=False)
    with pytest.raises(DefinitionError, match=r"pip install \"ulnflow\[letters\]\""):
        letters(compose(), form="pdf")
