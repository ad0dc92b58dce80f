"""Files to the LRS and back in the format a centre chose; large cohorts; answers to verified ULNs."""

from __future__ import annotations

import csv

import pytest
import time_machine
from lxml import etree

from tests.fakes.centre import MONDAY, Centre, family_name, uln

BATCH = "{http://api.lrs.miap.gov.uk/batchmsg}"


def sent_files(centre: Centre, pattern: str) -> list:
    return sorted((centre.folder / "outbox" / "lrs").glob(pattern))


def answer_xml(centre, answers, *, header="", name="reply.xml", to=None):
    """Answer an XML batch of ours by reference: a ULN, or (ULN, code, more elements)."""
    batch = etree.parse(to or sent_files(centre, "*.XML")[-1]).getroot()
    assert batch.tag == f"{BATCH}SubmitBatch"
    rows = ""
    for one in batch.iter("Learner"):
        answer = answers.get(one.findtext("MISIdentifier"))
        if answer is not None:
            number, code, more = (*answer, "", "")[:3] if isinstance(answer, tuple) else (answer, "RC001", "")
            one.find("ULN").text = number
            inner = "".join(etree.tostring(child, encoding="unicode", with_tail=False) for child in one)
            rows += f"<Learner>{inner}{more}<ReturnCode>{code}</ReturnCode></Learner>"
    path = centre.folder / name
    root = "GetSubmitBatchOutputResponse"
    path.write_text(f'<a:{root} xmlns:a="{BATCH[1:-1]}">{header}{rows}</a:{root}>', "utf-8")
    return path


def verified(centre, rows, name="verified.xml"):
    """An answer to verified ULNs: (number of the learner, ULN asked about, code, ULN given, flags) each."""
    text = ""
    for number, asked, code, given, *flags in rows:
        known = "".join(f"<FailureFlag>{flag}</FailureFlag>" for flag in flags)
        text += (
            f"<VerifiedLearner><SearchedULN>{asked}</SearchedULN>"
            f"<SearchedFamilyName>{family_name(number)}</SearchedFamilyName><SearchedGivenName>Robin</SearchedGivenName>"
            "<SearchedDateOfBirth>1990-01-31</SearchedDateOfBirth><SearchedGender>2</SearchedGender>"
            f"<ResponseCode>{code}</ResponseCode>"
            f"<ULN>{given}</ULN>{known}</VerifiedLearner>"
        )
    path = centre.folder / name
    root = "VerifyLearnerResponse"
    path.write_text(f'<v:{root} xmlns:v="http://api.lrs.miap.gov.uk/reportmsg">{text}</v:{root}>', "utf-8")
    return path


def test_a_centre_that_chose_xml_writes_and_reads_xml(centre):
    centre.set('lrs = { format = "xml" }')
    centre.enrol("L-1", "L-2")
    made = centre.json("lrs", "submit")["files"][0]["name"]
    assert made == "LRB_99990001_070920260900.XML"
    assert centre.run("lrs", "check", centre.folder / "outbox" / "lrs" / made).code == 0
    header = "<ResponseCode>WSRC0009</ResponseCode><NewLearnersCount>2</NewLearnersCount>"
    reply = answer_xml(centre, {"L-1": uln(1), "L-2": ("", "RC008")}, header=header)
    received = centre.run("lrs", "receive", reply)
    assert "answers in the file: 1 success, 1 possible" in received.err
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert centre.state("L-2") == "lrs_exception"
    before = centre.events()
    centre.run("lrs", "receive", reply)
    assert centre.events() == before


def test_the_format_of_one_file_may_be_asked_for_and_no_name_is_taken_twice(centre):
    """A reply names the file without its extension, so two formats may not share a minute."""
    centre.enrol("L-1", "L-2")
    centre.do("lrs", "submit", "L-1", "--as", "xml")
    centre.do("lrs", "submit", "L-2")
    assert [path.name for path in sent_files(centre, "LRB*")] == [
        "LRB_99990001_070920260900.XML", "LRB_99990001_070920260901.CSV",
    ]  # fmt: skip
    assert centre.run("lrs", "submit", "--as", "pdf").code == 2
    assert centre.run("lrs", "submit", "--as", "csv", "--via", "portal").code == 2
    centre.set('lrs = { format = "pdf" }')
    refused = centre.refused("lrs", "submit")
    assert "lrs.format" in refused.err


def test_totals_that_contradict_the_answers_are_told(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit", "--as", "xml")
    header = (
        "<PossibleMatchLearnersCount>4</PossibleMatchLearnersCount><LearnersNotFoundCount>0</LearnersNotFoundCount>"
    )
    received = centre.do("lrs", "receive", answer_xml(centre, {"L-1": uln(1)}, header=header))
    assert "the reply counts 4 learners as possible or not found, but holds 0 such answers" in received.err


def test_a_reply_named_as_ours_for_another_provider_is_refused(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit", "--as", "xml")
    reply = answer_xml(centre, {"L-1": uln(1)}, name="LRB_10009999_070920260900.XML")
    assert "another provider" in centre.refused("lrs", "receive", reply).said
    assert centre.state("L-1") == "details_gathered"


def test_an_unfinished_job_and_a_practice_reply_change_nothing(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit", "--as", "xml")
    before = centre.events()
    for header in ("<ResponseCode>WSRC0008</ResponseCode>", "<FileName>PRACTICE_LRB_1</FileName>"):
        centre.refused("lrs", "receive", answer_xml(centre, {"L-1": uln(1)}, header=header))
    assert centre.events() == before


def test_answers_to_verified_ulns_find_their_learners_by_the_number_asked_about(centre):
    """The answer to a verified ULN names no reference."""
    centre.enrol("L-1", ULN=uln(1))
    centre.enrol("L-2", ULN=uln(2))
    centre.enrol("L-3", ULN=uln(3))
    centre.do("lrs", "submit")
    reply = verified(
        centre,
        [
            (1, uln(1), "WSVRC001", uln(1)),
            (2, uln(2), "WSVRC003", uln(2), "VRF4", "VRF7"),
            (9, uln(9), "WSVRC006", ""),
        ],
    )
    received = centre.run("lrs", "receive", reply)
    assert "quarantine 1" in received.said
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert (centre.state("L-2"), centre.state("L-3")) == ("lrs_exception", "submitted_to_lrs")


def test_a_held_number_is_verified_again_and_a_master_number_takes_its_place(centre):
    centre.enrol("L-1", "L-2")
    centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)})
    centre.do("lrs", "submit", "L-1", "L-2")
    centre.do("lrs", "receive", verified(centre, [(1, uln(1), "WSVRC001", uln(1))]))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    centre.do("lrs", "receive", verified(centre, [(2, uln(2), "WSVRC002", uln(7))], name="second.xml"))
    assert centre.ulns("L-2") == [(uln(2), "merged"), (uln(7), "held")]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A centre with a cohort of 12,000."""
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = Centre(tmp_path_factory.mktemp("crowd") / "centre", clock).init()
        centre.enrol(*(f"L-{n}" for n in range(12_000)))
        yield centre


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_a_cohort_of_twelve_thousand_goes_out_in_three_files(crowd, form):
    """At most 5,000 learners a file; the names advance by a minute; nobody is left out or sent twice."""
    made = crowd.json("lrs", "submit", "--as", form)["files"]
    assert [one["learners"] for one in made] == [5_000, 5_000, 2_000]
    minutes = [int(one["name"][-6:-4]) for one in made]
    assert minutes == [minutes[0], minutes[0] + 1, minutes[0] + 2]
    seen = []
    for one in made:
        path = crowd.folder / "outbox" / "lrs" / one["name"]
        if form == "csv":
            with path.open(encoding="utf-8", newline="") as source:
                seen += [row["MISIdentifier"] for row in csv.DictReader(source)]
        else:
            seen += [item.text for item in etree.parse(path).iter("MISIdentifier")]
        crowd.do("lrs", "reject", one["name"], "--reason", "the next test sends them again")
    assert len(seen) == len(set(seen)) == 12_000
