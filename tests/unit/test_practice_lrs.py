"""The practice LRS: made-up answers that anyone can repeat, and that say what they are."""

import io
import tomllib
from collections import Counter
from datetime import date
from importlib.resources import files

import pytest
import time_machine

from states.errors import FileRefused
from states.exchange.lrs.plug import LrsFiles
from states.exchange.lrs.practice import answer_batch
from states.exchange.practice_cohort import write_cohort
from states.learner import uln
from states.learner.details import Details
from states.ports import BatchLearner
from workflow.errors import DefinitionError


def table(name):
    return tomllib.loads(files("config").joinpath("lrs", name).read_text(encoding="utf-8"))


BATCH = table("batch.toml")
LRS = LrsFiles(batch=BATCH, return_codes=table("return_codes.toml"), verify=table("verify.toml"))


def learners(count, first=0, **known):
    return [
        BatchLearner(
            reference=f"L-{n}",
            details=Details(
                given_name=f"Name{n}",
                family_name="Practice",
                date_of_birth=date(2000, 1, 1),
                gender="1",
                postcode="ZZ99 9ZZ",
                ability_to_share="1",
                id_type="2",
            ),
            **known,
        )
        for n in range(first, first + count)
    ]


def batch(people, reference="LRB_X"):
    target = io.BytesIO()
    LRS.write_batch(people, ukprn="10000001", reference=reference, target=target)
    return target.getvalue()


@pytest.fixture
def answered(tmp_path):
    def answer(people, seed=1, **how):
        path = tmp_path / "reply.csv"
        path.write_bytes(answer_batch(batch(people), seed=seed, table=BATCH, **how))
        return LRS.read_reply(path)

    return answer


def test_the_same_batch_and_seed_give_the_same_bytes():
    data = batch(learners(30))
    assert answer_batch(data, seed=7, table=BATCH) == answer_batch(data, seed=7, table=BATCH)
    assert answer_batch(data, seed=7, table=BATCH) != answer_batch(data, seed=8, table=BATCH)


def test_a_reply_says_that_it_is_practice(answered):
    reply = answered(learners(3))
    assert reply.practice
    assert reply.batch_reference == "PRACTICE_LRB_X"
    assert (reply.ukprn, len(reply.rows)) == ("10000001", 3)


@pytest.mark.parametrize("count", [10, 24, 200])
def test_every_kind_of_answer_comes_and_only_success_has_a_right_number(answered, count):
    rows = answered(learners(count)).rows
    kinds = Counter(row.code for row in rows)
    assert kinds["RC008"] >= 1
    assert kinds["RC006"] >= 1
    assert kinds["RC001"] >= count * 0.6
    for row in rows:
        assert (uln.fault(row.uln) is None) == (row.outcome == "success")
    numbers = [row.uln for row in rows if row.uln]
    assert len(set(numbers)) == len(numbers)


def test_the_shares_are_as_asked(answered):
    rows = answered(learners(100), shares={"matched": 0.5, "possible": 0.3, "rejected": 0.2}).rows
    assert Counter(row.code for row in rows) == {"RC003": 50, "RC008": 30, "RC006": 20}
    with pytest.raises(FileRefused, match="share"):
        answered(learners(2), shares={"matched": 2})


def test_one_person_gets_one_number_whatever_the_file(answered):
    alone = {row.reference: row.uln for row in answered(learners(5, first=3)).rows}
    among = {row.reference: row.uln for row in answered(learners(40)[::-1]).rows}
    both = [name for name in alone if alone[name] and among[name]]
    assert both
    assert all(alone[name] == among[name] for name in both)


def test_a_settled_learner_and_a_submitted_number_succeed(answered):
    people = learners(20)
    again = answered(people, settled=frozenset(one.reference for one in people))
    assert {row.outcome for row in again.rows} == {"success"}
    held = answered(learners(1, uln="1000102504")).rows[0]
    assert (held.outcome, held.uln) == ("success", "1000102504")


def test_what_is_no_batch_file_is_refused():
    reply = answer_batch(batch(learners(1)), seed=1, table=BATCH)
    with pytest.raises(FileRefused, match="a reply, not a batch"):
        answer_batch(reply, seed=1, table=BATCH)
    with pytest.raises(DefinitionError, match="practice"):
        answer_batch(batch(learners(1)), seed=1, table={**BATCH, "practice": {}})


def test_the_practice_cohort_is_the_same_on_every_day():
    """The page with an auditor's questions shows its learners by reference."""
    sheets = []
    for day in ("2026-09-07", "2027-03-31"):
        with time_machine.travel(day):
            target = io.BytesIO()
            write_cohort(target)
            sheets.append(target.getvalue())
    assert sheets[0] == sheets[1] != b""
