"""LRS files as XML: exactly the schema's elements, in its order and namespaces; and the same learners as in CSV."""

import io
import tracemalloc
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from states.errors import FileRefused
from states.exchange.gate import Gate, held
from states.exchange.lrs.plug import LrsFiles
from states.exchange.lrs.practice import answer_batch
from states.exchange.lrs.reading import read_records
from states.exchange.lrs.record import Head, read_details, refusing
from states.ports import BATCH_FORMS, BatchLearner
from tests.unit.test_lrs_files import BATCH, CODES, LRS, PEOPLE, VERIFY, details, learner
from workflow.errors import DefinitionError

NAME = "LRB_10000001_010920261015"
FIELDS = (
    "ULN", "MISIdentifier", "Title", "GivenName", "PreferredGivenName", "MiddleOtherName", "FamilyName",
    "PreviousFamilyName", "FamilyNameAtAge16", "SchoolAtAge16", "LastKnownAddressLine1", "LastKnownAddressLine2",
    "LastKnownAddressTown", "LastKnownAddressCountyOrCity", "LastKnownPostCode", "DateOfAddressCapture", "DateOfBirth",
    "PlaceOfBirth", "EmailAddress", "Gender", "Nationality", "ScottishCandidateNumber", "AbilityToShare",
    "VerificationType", "OtherVerificationDescription", "Notes",
)  # fmt: skip
ONE = (
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    '<bat:SubmitBatch xmlns:bat="http://api.lrs.miap.gov.uk/batchmsg">\n'
    "<JobType>FUL</JobType>\n"
    "<LearnerRecordCount>1</LearnerRecordCount>\n"
    "<Learner><ULN>1000102504</ULN><MISIdentifier>L&amp;1</MISIdentifier><Title/><GivenName>Zoë</GivenName>"
    "<PreferredGivenName/><MiddleOtherName/><FamilyName>O'Brien</FamilyName><PreviousFamilyName/><FamilyNameAtAge16/>"
    "<SchoolAtAge16/><LastKnownAddressLine1/><LastKnownAddressLine2/><LastKnownAddressTown/>"
    "<LastKnownAddressCountyOrCity/><LastKnownPostCode>CV4 9EE</LastKnownPostCode><DateOfAddressCapture/>"
    "<DateOfBirth>2004-02-29</DateOfBirth><PlaceOfBirth/><EmailAddress/><Gender>2</Gender><Nationality/>"
    "<ScottishCandidateNumber/><AbilityToShare>1</AbilityToShare><VerificationType>2</VerificationType>"
    "<OtherVerificationDescription/><Notes/></Learner>\n"
    "</bat:SubmitBatch>"
).encode()


def written(learners, form="xml", lrs=LRS):
    target = io.BytesIO()
    lrs.write_batch(learners, ukprn="10000001", reference=NAME, target=target, form=form)
    return target.getvalue()


def read(data, name="batch.xml", lrs=LRS):
    """The learners of a batch, as they were sent, and what the file says of itself."""
    head, refuse = Head(), refusing(name)
    layout = lrs._layout
    with held(data, name) as gate:
        found = [
            BatchLearner(
                reference=record.texts["MISIdentifier"], uln=record.texts["ULN"],
                details=read_details(record, layout, refuse),
            )
            for record in read_records(gate, layout, lrs._verify, head, refuse)
        ]  # fmt: skip
    return found, head


def reply_of(text, tmp_path, name="reply.xml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return LRS.read_reply(path)


def reply(*learners, header="", root="GetSubmitBatchOutputResponse", tail="batchmsg"):
    inner = "".join(f"<Learner>{one}</Learner>" for one in learners)
    return f'<r:{root} xmlns:r="http://api.lrs.miap.gov.uk/{tail}">{header}{inner}</r:{root}>'


def row(reference="L-1", code="RC001", uln="1000102504", more=""):
    return (
        f"<ULN>{uln}</ULN><MISIdentifier>{reference}</MISIdentifier><GivenName>Zoë</GivenName>"
        f"<DateOfBirth>2004-02-29</DateOfBirth>{more}<ReturnCode>{code}</ReturnCode>"
    )


def test_a_batch_is_byte_for_byte_the_schema_s():
    assert written([learner("L&1", uln="1000102504")]) == ONE


def test_the_elements_are_the_twenty_six_of_the_schema_in_its_order_and_only_the_root_has_a_namespace():
    root = etree.fromstring(written([learner()]))
    assert root.tag == "{http://api.lrs.miap.gov.uk/batchmsg}SubmitBatch"
    assert [child.tag for child in root] == ["JobType", "LearnerRecordCount", "Learner"]
    assert tuple(child.tag for child in root[-1]) == FIELDS


def test_the_name_ends_in_capitals_in_either_format():
    at = datetime(2026, 9, 1, 10, 15)
    assert LRS.batch_name("10000001", at, "xml") == f"{NAME}.XML"
    assert LRS.batch_name("10000001", at) == f"{NAME}.CSV"
    chosen = LrsFiles(batch=BATCH, return_codes=CODES, verify=VERIFY, form="xml")
    assert chosen.batch_name("10000001", at) == f"{NAME}.XML"
    target = io.BytesIO()
    chosen.write_batch([learner()], ukprn="10000001", reference=NAME, target=target)
    assert target.getvalue().startswith(b"<?xml")


def test_the_wrapper_is_data():
    """The portal's own is not published: a centre that learns it writes it into batch.toml."""
    xml = {
        **BATCH["xml"],
        "namespace": "urn:portal",
        "batch": {"root": "Batch", "header": {"FileVersion": "{file_version}", "FileName": "{reference}",
                                              "UKPRN": "{ukprn}", "LearnerRecordCount": "{count}"}},
    }  # fmt: skip
    other = LrsFiles(batch={**BATCH, "xml": xml}, return_codes=CODES, verify=VERIFY)
    data = written([learner()], lrs=other)
    root = etree.fromstring(data)
    assert root.tag == "{urn:portal}Batch"
    assert [child.text for child in root[:4]] == ["2A", NAME, "10000001", "1"]
    found, head = read(data, lrs=other)
    assert found == [learner()]
    assert head.values == {"file_version": "2A", "reference": NAME, "ukprn": "10000001", "count": "1"}
    bad = {**xml, "batch": {"root": "Batch", "header": {"Who": "{password}"}}}
    with pytest.raises(DefinitionError, match="only count"):
        LrsFiles(batch={**BATCH, "xml": bad}, return_codes=CODES, verify=VERIFY)


@given(st.lists(PEOPLE, min_size=1, max_size=8), st.sampled_from(["", "1000102504"]))
def test_any_valid_learner_written_and_read_is_the_same_learner_in_both_formats(people, uln):
    sent = [BatchLearner(reference=f"L-{n}", details=one, uln=uln if n else "") for n, one in enumerate(people)]
    for form in BATCH_FORMS:
        found, head = read(written(sent, form), f"{NAME}.{form.upper()}")
        assert found == sent
        assert (head.kind, head.form, head.rows) == ("batch", form, len(sent))


BAD = st.sampled_from(["", " ", "x" * 300, "=1", "a\x00b", "a\nb", "\ud800", "\ufffe", "a\u202eb", "\uff0bx"])


@given(
    PEOPLE,
    st.sampled_from(["given_name", "family_name", "postcode", "gender", "ability_to_share", "id_type"]),
    BAD,
)
def test_any_invalid_learner_is_refused_before_writing_with_column_and_rule(person, field, value):
    bad = BatchLearner(reference="L-2", details=replace(person, **{field: value}))
    (finding,) = [one for one in LRS.refusals(bad) if one.field == field]
    assert finding.code
    for form in BATCH_FORMS:
        target = io.BytesIO()
        with pytest.raises(FileRefused) as refused:
            LRS.write_batch([learner(), bad], ukprn="10000001", reference=NAME, target=target, form=form)
        assert target.getvalue() == b""
        assert refused.value.line == 3
        assert refused.value.column
        assert finding.message in refused.value.rule


@pytest.mark.parametrize("value", ["\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_refused_wherever_it_stands(value):
    for bad in (learner(f"L{value}"), learner(id_type="999", id_description=f"card {value}")):
        assert [finding.code for finding in LRS.refusals(bad)] == ["not_text"]


def test_a_failing_disk_is_told_as_such():
    class Full(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        LRS.write_batch(
            [learner(f"L-{n}") for n in range(300)], ukprn="10000001", reference=NAME, target=Full(), form="xml"
        )


def test_a_practice_reply_to_xml_is_xml_and_counts_its_answers(tmp_path):
    people = [learner(f"L-{n}", given_name=f"Name{n}") for n in range(20)]
    answered = reply_of(answer_batch(written(people), seed=1, table=BATCH, name=f"{NAME}.XML"), tmp_path)
    assert (answered.ukprn, answered.batch_reference, answered.practice) == ("10000001", f"PRACTICE_{NAME}", True)
    assert [one.echo for one in answered.rows] == [one.details for one in people]
    assert answered.totals["possible"] >= 1
    counted = [f"{answered.totals[kind]} {kind}" for kind in ("success", "possible", "rejected")]
    assert answered.notes == (f"answers in the file: {', '.join(counted)}",)


def test_a_reply_without_a_provider_is_known_by_its_name(tmp_path):
    named = reply_of(reply(row()), tmp_path, f"{NAME} (1).XML")
    assert (named.ukprn, named.batch_reference) == ("10000001", NAME)
    unnamed = reply_of(reply(row()), tmp_path)
    assert (unnamed.ukprn, unnamed.batch_reference) == ("", "")
    assert "which provider" in unnamed.notes[-1]


@pytest.mark.parametrize(
    ("header", "codes", "says"),
    [
        ("<NewLearnersCount>2</NewLearnersCount>", ["RC001"], None),
        ("<NewLearnersCount>2</NewLearnersCount><ExistsUpdatedLearnersCount>0</ExistsUpdatedLearnersCount>",
         ["RC001", "RC002"], None),
        ("<NewLearnersCount>2</NewLearnersCount><ExistsUpdatedLearnersCount>0</ExistsUpdatedLearnersCount>",
         ["RC001"], "counts 2 learners as new or updated, but holds 1"),
        ("<NewLearnersCount>0</NewLearnersCount><ExistsUpdatedLearnersCount>0</ExistsUpdatedLearnersCount>",
         ["RC777"], None),
        ("<NewLearnersCount>1</NewLearnersCount><ExistsUpdatedLearnersCount>0</ExistsUpdatedLearnersCount>",
         ["RC777"], None),
        ("<PossibleMatchLearnersCount>0</PossibleMatchLearnersCount>", ["RC008"],
         "counts 0 learners as possible, but holds 1"),
        ("<RejectedLearnersCount>0</RejectedLearnersCount>", ["RC006"], "counts 0 learners as rejected, but holds 1"),
    ],
)  # fmt: skip
def test_totals_that_contradict_the_rows_are_told(tmp_path, header, codes, says):
    """What a code may mean is allowed for: an unknown one may count anywhere."""
    answered = reply_of(
        reply(*(row(f"L-{n}", code, uln="") for n, code in enumerate(codes)), header=header), tmp_path, f"{NAME}.XML"
    )
    if says is None:
        assert len(answered.notes) == 1
    else:
        assert says in answered.notes[1]


def test_an_unknown_code_is_kept_raw_and_never_success(tmp_path):
    (one,) = reply_of(reply(row(code="RC777")), tmp_path).rows
    assert (one.code, one.outcome, one.kind) == ("RC777", "unknown", "unknown")


def test_older_numbers_of_a_linked_learner_are_given(tmp_path):
    more = "<MasterSubstituted>Y</MasterSubstituted><LinkedULNs><ULN>1000000043</ULN><ULN>1000102504</ULN></LinkedULNs>"
    (one,) = reply_of(reply(row(more=more)), tmp_path).rows
    assert (one.uln, one.linked) == ("1000102504", ("1000000043",))


def test_older_numbers_in_csv_stand_in_a_column_before_the_return_code(tmp_path):
    lines = written([learner()], "csv").decode().splitlines()
    data = f'{lines[0]},"LinkedULNs","ReturnCode"\r\n{lines[1]},"1000000043;1000102504","RC005"\r\n'
    (one,) = reply_of(data, tmp_path, "reply.csv").rows
    assert (one.linked, one.outcome) == (("1000000043", "1000102504"), "success")


def verified(code, flags="", uln="<ULN>1000102504</ULN>"):
    return (
        '<v:VerifyLearnerResponse xmlns:v="http://api.lrs.miap.gov.uk/reportmsg"><VerifiedLearner>'
        "<SearchedULN>1000102504</SearchedULN><SearchedFamilyName>O'Brien</SearchedFamilyName>"
        "<SearchedGivenName>Zoë</SearchedGivenName><SearchedDateOfBirth>2004-02-29</SearchedDateOfBirth>"
        f"<SearchedGender>2</SearchedGender><ResponseCode>{code}</ResponseCode>{uln}"
        f"<FamilyName>Brien</FamilyName>{flags}</VerifiedLearner></v:VerifyLearnerResponse>"
    )


def test_a_verified_uln_says_in_words_what_differs(tmp_path):
    flags = "<FailureFlag>VRF5</FailureFlag><FailureFlag>VRF7</FailureFlag><FailureFlag>VRF99</FailureFlag>"
    answered = reply_of(verified("WSVRC003", flags), tmp_path)
    (one,) = answered.rows
    assert (one.code, one.outcome, one.searched, one.reference) == ("WSVRC003", "exception", "1000102504", "")
    assert one.differs == (
        "the family name differs from the LRS's family name",
        "the date of birth differs",
        "something differs that ulnflow's table does not name",
    )
    assert one.echo == replace(details(), postcode="", ability_to_share="", id_type="")
    assert answered.echoed == {"given_name", "family_name", "date_of_birth", "gender"}
    assert "only similar" in one.meaning


def test_the_output_of_a_verify_job_may_name_the_learner(tmp_path):
    text = verified("WSVRC001").replace("VerifyLearnerResponse", "GetVerifyBatchOutputResponse")
    text = text.replace("reportmsg", "vldmsg").replace(
        "<VerifiedLearner>", "<ResponseCode>WSRC0009</ResponseCode><VerifiedLearner><MISIdentifier>L-1</MISIdentifier>"
    )
    (one,) = reply_of(text, tmp_path).rows
    assert (one.reference, one.searched, one.outcome) == ("L-1", "1000102504", "success")


def test_a_reply_of_more_learners_than_any_batch_can_hold_is_refused(tmp_path):
    small = LrsFiles(batch={**BATCH, "limits": {**BATCH["limits"], "learners": 2}}, return_codes=CODES, verify=VERIFY)
    path = tmp_path / "reply.xml"
    path.write_text(reply(*(row(f"L-{n}") for n in range(3))), "utf-8")
    with pytest.raises(FileRefused, match="more than 2 learners"):
        small.read_reply(path)


@pytest.mark.parametrize(
    ("code", "given", "uln", "linked", "outcome"),
    [
        ("WSVRC001", "<ULN>1000102504</ULN>", "1000102504", (), "success"),
        ("WSVRC001", "", "1000102504", (), "success"),
        ("WSVRC002", "<ULN>1000000043</ULN>", "1000000043", ("1000102504",), "success"),
        ("WSVRC006", "", "", (), "exception"),
    ],
)
def test_the_master_number_of_a_verified_uln_is_the_learner_s(tmp_path, code, given, uln, linked, outcome):
    (one,) = reply_of(verified(code, uln=given), tmp_path).rows
    assert (one.uln, one.linked, one.outcome) == (uln, linked, outcome)


GOOD = reply(row(), header="<ResponseCode>WSRC0009</ResponseCode>")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("WSRC0009", "WSRC0008", "the job is not finished"),
        ("WSRC0009", "WSRC0010", "the job failed"),
        ("batchmsg", "learner", "a namespace"),
        ("batchmsg", "vldmsg", "namespace"),
        ("<Learner>", '<Learner xmlns="http://evil.example">', "namespace"),
        ("<Learner>", '<Learner xmlns:e="http://evil.example">', "namespace"),
        ("<ULN>", '<ULN id="1">', "attribute"),
        ("<ULN>", "<r:ULN/><ULN>", "not the LRS's"),
        ("<ULN>", "<Password/><ULN>", "not the LRS's"),
        ("<ULN>", "Zoë<ULN>", "text between"),
        ("</ULN>", "</ULN>Zoë", "text between"),
        ("<Learner>", "Zoë<Learner>", "text between"),
        ("</Learner>", "</Learner>Zoë", "text between"),
        ("</ULN>", "</ULN><ULN/>", "stands twice"),
        ("<ULN>", "<Notes/><ULN>", "not in its place"),
        ("Zoë", "<b>Zoë</b>", "holds elements"),
        ("<Learner>", "<JobStatus/><ResponseCode/><Learner>", "stands twice"),
        ("<ResponseCode>", "<JobStatus/><ResponseCode>", "not in its place"),
        ("</Learner>", "</Learner><JobStatus/>", "after a learner"),
        ("<Learner>", "<LearnerRecordCount>2</LearnerRecordCount><Learner>", "does not match the 1 learners"),
        ("<Learner>", "<UKPRN>1</UKPRN><Learner>", "UKPRN is not eight digits"),
        ("2004-02-29", "29/02/2004", "DateOfBirth"),
        ("GetSubmitBatchOutputResponse", "Envelope", "root is no LRS batch"),
        ("GetSubmitBatchOutputResponse", "SubmitBatch", "not the LRS's"),
        ("</Learner>", "", "not well-formed|too early"),
        ("Zoë", "&nbsp;", "not well-formed"),
        ("<Learner>", "<NewLearnersCount>many</NewLearnersCount><Learner>", "no number"),
    ],
)
def test_a_reply_that_is_not_the_lrs_s_is_refused_and_no_value_is_shown(tmp_path, old, new, says):
    assert len(reply_of(GOOD, tmp_path).rows) == 1
    with pytest.raises(FileRefused, match=says) as refused:
        reply_of(GOOD.replace(old, new), tmp_path)
    for value in ("Zoë", "2004", "1000102504", "evil", "Password"):
        assert value not in str(refused.value)


def test_what_programs_add_without_meaning_is_let_in(tmp_path):
    text = GOOD.replace("<Learner>", "<!-- one --><Learner><?x?>").replace(
        "xmlns:r", 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" xmlns:r'
    )
    for data in (text, "\ufeff" + text, "<?xml version='1.0' encoding='us-ascii'?>" + text.replace("Zoë", "Zo&#235;")):
        assert reply_of(data, tmp_path).rows[0].echo.given_name == "Zoë"


@pytest.mark.parametrize("form", BATCH_FORMS)
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path, form):
    def peak(count):
        path = tmp_path / f"{count}.{form}"
        path.write_bytes(written([learner(f"L-{n}") for n in range(count)], form))
        refuse, head = refusing(""), Head()
        tracemalloc.start()
        with path.open("rb") as source:
            for _ in read_records(Gate(source, path.name, limit=10**8), LRS._layout, LRS._verify, head, refuse):
                pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert head.rows == count
        return most

    peak(10)
    assert peak(3_000) < 1.5 * peak(800)
