"""Messages to learners: the ULN or the name, never both."""

import email
import email.policy
import io
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.errors import FileRefused
from states.exchange.post.mail import TemplatePostbox, check_template
from workflow.errors import DefinitionError

ULN = "1000102504"
ULN_TEXT, NAME_TEXT = (
    files("config").joinpath("letters", name).read_text(encoding="utf-8") for name in ("uln.txt", "name.txt")
)
POSTBOX = TemplatePostbox(uln_template=ULN_TEXT, name_template=NAME_TEXT)


def compose(postbox=POSTBOX, **changes):
    known = {
        "reference": "L-1",
        "address": "b.pearson@example.org",
        "uln": ULN,
        "carries": "uln",
        "given_name": "Brandon",
    }
    return postbox.compose(**{**known, **changes})


def mail_of(message, sender="ULN desk <uln@centre.example.org>"):
    target = io.BytesIO()
    POSTBOX.write_mail(message, sender=sender, target=target)
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
        postbox = TemplatePostbox(uln_template=f"Subject: Your number\n\n{text}", name_template=NAME_TEXT)
        with pytest.raises(FileRefused, match="together") as refused:
            compose(postbox)
        assert "Brandon" not in str(refused.value)
        assert ULN in re.sub(r"\D", "", compose(postbox, given_name="Zoë").body)


def test_a_name_that_is_an_ordinary_word_of_the_template_is_no_reason_to_refuse():
    for word in sorted(set(re.findall(r"\b[a-z]{2,}\b", ULN_TEXT))):
        assert ULN in compose(given_name=word.capitalize()).body


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Subject: x\n\nDear {{ given_name }}, {{ uln }}", "together with given_name"),
        ("Subject: x\n\n{{ uln }} {{ family_name }} {{ postcode }}", "together with family_name, postcode"),
        ("Subject: x\n\n{% if gender == '1' %}{{ uln }}{% endif %}", "together with gender"),
        ("Subject: x\n\n{% set n = date_of_birth %}{{ n }} {{ uln }}", "together with date_of_birth"),
        ("Subject: x\n\n{{ uln }} {{ shoe_size }}", "shoe_size"),
        ("Subject: x\n\n{% include 'other' %}", "another template"),
        ("Subject: {{ uln }}\n\nx", "subject line carries a variable"),
        ("Hello\n{{ uln }}", "first line"),
        ("Subject: x\n", "no text"),
        ("Subject: x\n\n{{ uln", "not a valid template"),
    ],
)
def test_a_template_that_would_breach_or_cannot_work_is_refused(text, says):
    faults = check_template(text)
    assert says in " / ".join(faults)
    with pytest.raises(DefinitionError, match=r"letters/uln\.txt"):
        TemplatePostbox(uln_template=text, name_template=NAME_TEXT)


def test_the_shipped_templates_are_fine_and_each_in_its_place():
    assert check_template(ULN_TEXT) == []
    assert check_template(NAME_TEXT) == []
    with pytest.raises(DefinitionError, match="it must use uln"):
        TemplatePostbox(uln_template=NAME_TEXT, name_template=NAME_TEXT)


def test_a_mail_is_plain_bare_and_the_same_every_time():
    data = mail_of(compose())
    assert data == mail_of(compose())
    mail = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert mail["To"] == "b.pearson@example.org"
    assert mail["Date"] is None
    assert mail["Subject"] == "Your Unique Learner Number"
    assert ULN.encode() in data
    assert b"Brandon" not in data
    assert data.replace(b"\r\n", b"").count(b"\n") == 0
    name = mail_of(compose(carries="name", given_name="Zoë"))
    assert "Hello Zoë," in email.message_from_bytes(name, policy=email.policy.SMTP).get_content()


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


def test_a_letter_is_text_to_print_and_hand_over():
    target = io.BytesIO()
    POSTBOX.write_letter(compose(address=""), target)
    text = target.getvalue().decode("utf-8")
    assert text.startswith("Your Unique Learner Number\nOur reference: L-1\n\n")
    assert ULN in text
    assert "Brandon" not in text
