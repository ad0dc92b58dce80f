"""Any sheet in: what a person must say of it, what is found out, what is remembered, what is previewed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import openpyxl
import pytest

from states.exchange import sheets
from states.steps import gather_details
from tests.fakes.centre import FRESH, Centre, family_name, row

OWN = {"Learner reference": "Kursnr", "Given name": "Fornamn", "Family name": "Efternamn", "Date of birth": "Birth dat"}
SAID = ("--map", "Kursnr=reference", "--map", "Fornamn=Given name", "--map", "Efternamn=surname", "--map")
COHORT = ("--cohort", "NF-1", "--qualification", "8605-31", "--funded")


def rows(*references: str, **changes: str) -> list[dict[str, str]]:
    return [{OWN.get(k, k): v for k, v in row(reference, **changes).items()} for reference in references]


def taken(centre: Centre, path, *more: str, code: int = 0):
    result = centre.run("cohort", "import", path, *COHORT, *more)
    assert result.code == code, result.said
    return result


def text_of(*lines: dict[str, str], between: str = ",") -> str:
    return "\r\n".join([between.join(lines[0]), *(between.join(line.values()) for line in lines), ""])


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
def test_a_separator_is_found(centre, between):
    path = centre.folder / "a.csv"
    path.write_text("Autumn, with a comma\n" + text_of(row("R1"), row("R2"), between=between), "utf-8")
    if between == ",":
        path.write_text(text_of(row("R1"), row("R2"), between=between), "utf-8")
    taken(centre, path)
    assert centre.states() == {"details_gathered": 2}


@pytest.mark.parametrize(
    ("named", "between"), [("semicolon", ";"), (";", ";"), ("tab", "\t"), ("\\t", "\t"), ("pipe", "|")]
)
def test_a_separator_is_told_where_finding_it_would_go_wrong(centre, named, between):
    path = centre.folder / "a.csv"
    head = "Notes, more notes, and still more, of, many, commas, indeed, and, so, on, for, long\n" * 18
    path.write_text(head + text_of(row("R1"), between=between), "utf-8")
    assert "no row of headings" in taken(centre, path, code=4).err
    taken(centre, path, "--delimiter", named)
    assert centre.states() == {"details_gathered": 1}


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-1", "utf-16", "utf-16-le", "mac-roman"])
def test_another_encoding_is_read_only_when_somebody_names_it(centre, encoding):
    """B2: strict UTF-8 by default; refused with the byte, the line and the way out."""
    path = centre.folder / "a.csv"
    path.write_bytes(text_of(row("R1", Given_name="Zoë"), row("R2")).encode(encoding))
    said = taken(centre, path, code=4).err
    assert "byte " in said or "UTF-16" in said
    assert "--encoding" in said
    assert "Zo" not in said
    assert centre.events() == FRESH
    taken(centre, path, "--encoding", encoding)
    assert centre.json("learner", "show", "R1")["details"]["Given name"] == "Zoë"


@pytest.mark.parametrize(
    ("data", "encoding", "says"),
    [
        (text_of(row("R1")).encode("utf-8-sig"), "cp1252", "marked as UTF-8"),
        (text_of(row("R1")).encode("utf-16"), "cp1252", "UTF-16"),
        (text_of(row("R1")).encode("utf-16")[:-1], "utf-16", "odd number of bytes"),
        (text_of(row("R1", Given_name="An\x81n")).encode("latin-1"), "cp1252", "is not cp1252"),
        (text_of(row("R1", Given_name="An\0n")).encode("utf-16"), "utf-16", "NUL"),
    ],
)
def test_a_wrong_encoding_is_found_out_where_it_can_be(centre, data, encoding, says):
    (centre.folder / "a.csv").write_bytes(data)
    assert says in taken(centre, centre.folder / "a.csv", "--encoding", encoding, code=4).err
    assert centre.events() == FRESH


def test_the_byte_that_is_no_text_is_named_however_far_it_stands(centre):
    good = text_of(row("R1"), *(row(f"R{n}") for n in range(2, 2_000))).encode()
    assert len(good) > 150_000
    (centre.folder / "a.csv").write_bytes(good + b"Zo\xeb")
    said = taken(centre, centre.folder / "a.csv", code=4).err
    assert f"byte {len(good) + 2} is not UTF-8" in said
    assert "line 2001" in said


def test_letters_that_were_decoded_wrongly_are_warned_of(centre):
    path = centre.folder / "a.csv"
    path.write_bytes(text_of(row("R1", Given_name="Zoë")).encode())
    result = taken(centre, path, "--encoding", "cp1252")
    assert "some letters look wrongly decoded" in result.out
    assert "Zo" not in result.out + result.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--encoding", "klingon"),
        ("--delimiter", "x"),
        ("--map", "Ref"),
        ("--header-row", "0"),
        ("--map", "Ref=shoe size"),
    ],
)
def test_what_no_option_takes_is_wrong_use(centre, option, value):
    assert taken(centre, centre.sheet([row("R1")]), option, value, code=2).err
    assert centre.events() == FRESH


def test_unknown_headings_are_explained_once_and_remembered(centre):
    path = centre.sheet(rows("R1"))
    said = taken(centre, path, code=4)
    assert "no row of headings" in said.err
    assert "--map" in said.err
    first = taken(centre, path, *SAID, "Birth dat=date_of_birth")
    assert "Fornamn is Given name" in first.err
    assert "remembered for the next sheet" in first.err
    kept = tomllib.loads((centre.folder / "config" / "mappings.toml").read_text("utf-8"))
    assert [*kept.values()] == [
        {"Kursnr": "reference", "Fornamn": "given_name", "Efternamn": "family_name", "Birth dat": "date_of_birth"}
    ]
    again = taken(centre, centre.sheet(rows("R1", "R2")))
    assert "As remembered of these columns" in again.err
    assert "--forget-mapping" in again.err
    assert centre.states() == {"details_gathered": 2}


def test_a_mapping_that_was_forgotten_is_gone(centre):
    path = centre.sheet(rows("R1"))
    taken(centre, path, *SAID, "Birth dat=date_of_birth")
    taken(centre, path, "--forget-mapping", "--dry-run", code=4)
    taken(centre, path)
    taken(centre, path, "--forget-mapping", code=4)
    assert tomllib.loads((centre.folder / "config" / "mappings.toml").read_text("utf-8")) == {}
    taken(centre, path, code=4)


def test_a_mapping_is_not_remembered_of_what_was_not_taken_in(centre):
    path = centre.sheet(rows("R1", ""))
    for more in (("--dry-run",), ("--preview",), ("--all-or-nothing",)):
        taken(centre, path, *SAID, "Birth dat=date_of_birth", *more, code=1)
        assert not (centre.folder / "config" / "mappings.toml").exists()


def test_the_sheet_that_came_back_has_the_same_remembered_headings(centre):
    taken(centre, centre.sheet(rows("R1")), *SAID, "Birth dat=date_of_birth")
    (back,) = (centre.folder / "outbox" / "results").glob("*.xlsx")
    assert "As remembered" in taken(centre, back).err


def test_a_memory_that_is_broken_or_cannot_be_written_loses_no_learner(centre):
    (centre.folder / "config").write_text("mine")
    path = centre.sheet(rows("R1"))
    result = taken(centre, path, *SAID, "Birth dat=date_of_birth")
    assert "taken in, but what --map said is not remembered" in result.err
    assert centre.states() == {"details_gathered": 1}
    (centre.folder / "config").unlink()
    (centre.folder / "config").mkdir()
    (centre.folder / "config" / "mappings.toml").write_text("not = [toml")
    assert "mappings.toml" in taken(centre, path, code=4).err


def test_a_heading_much_like_a_known_one_is_suggested_and_nobody_decides_but_a_person(centre):
    one = {("Postcodde" if k == "Postcode" else k): v for k, v in row("R1").items()}
    result = taken(centre, centre.sheet([one]))
    assert "Columns not used: Postcodde" in result.err
    assert '--map "Postcodde=postcode"' in result.err
    taken(centre, centre.sheet([one]), "--map", "Postcodde=postcode")
    assert centre.json("learner", "show", "R1")["details"]["Postcode"] == "CV4 9EE"


def test_of_two_columns_for_one_field_a_person_says_which(centre):
    path = centre.sheet([{**row("R1"), "Surname": "Wrong"}])
    assert '--map "Heading=-"' in taken(centre, path, code=4).err
    assert "Surname is left out" in taken(centre, path, "--map", "Surname=-").err
    assert centre.json("learner", "show", "R1")["details"]["Family name"] == family_name(1)


def test_a_heading_that_is_not_there_is_told_with_those_that_are(centre):
    result = taken(centre, centre.sheet([row("R1")]), "--map", "Namn=given_name", code=2)
    assert "no column is headed Namn" in result.err
    assert "Given name" in result.err


def test_the_row_of_headings_may_be_named(centre):
    """A second table's headings stand above the right ones."""
    path = centre.folder / "a.csv"
    other = ",".join(["Ref", "Given name", "Surname", "DOB", "Sex", "Postcode", "Email", *[""] * 8])
    wanted = text_of(row("R1"))
    path.write_text(f"{other}\r\n{wanted}", "utf-8")
    width = wanted.splitlines()[0].count(",")
    assert other.count(",") == width
    taken(centre, path, "--header-row", "2")
    assert centre.states() == {"details_gathered": 1}
    assert "no row 900" in taken(centre, path, "--header-row", "900", code=4).err


def test_a_learner_is_never_taken_for_headings(centre):
    """What is said of a sheet without headings names nobody."""
    path = centre.folder / "a.csv"
    path.write_text("\n".join(text_of(row("R1"), row("R2")).splitlines()[1:]), "utf-8")
    said = taken(
        centre, path, "--header-row", "1", "--map", "Robin=given_name", "--map", f"{family_name(1)}=family_name",
        "--map", "R1=reference", code=4,
    )  # fmt: skip
    assert "holds dates" in said.err
    assert "CV4" not in said.err
    assert not (centre.folder / "config" / "mappings.toml").exists()


def test_a_preview_shows_columns_and_counts_and_no_person_and_writes_nothing(centre):
    path = centre.sheet([row("R1"), row("R2", Postcode="75001"), row("R1"), {**row("R4"), "Ethnicity": "31"}])
    files = centre.files()
    result = taken(centre, path, "--preview", code=1)
    for words in (
        "What the columns were taken for",
        "Postcode",
        "not used",
        "not written as a postcode",
        "learners added 3",
    ):
        assert words in result.said
    assert (centre.events(), centre.files()) == (FRESH, files)
    shown = json.loads(taken(centre, path, "--preview", "--format", "json", code=1).out)
    assert {"heading": "Given name", "taken_for": "Given name", "by": "its heading"} in shown["columns"]
    assert {"field": "reference", "what": "reference_twice", "weight": "refused", "rows": 1} in shown["noticed"]
    assert shown["counts"]["learners added"] == 3
    assert (shown["learners"], shown["refused"]) == (4, 1)
    for value in ("Robin", "CV4", "1990", family_name(1)):
        assert value not in result.out + json.dumps(shown)
    real = taken(centre, path, "--format", "json", code=1)
    assert json.loads(real.out)["counts"] == shown["counts"]


def test_all_or_nothing_leaves_nothing_for_one_bad_row_and_says_why_in_the_sheet(centre):
    """B6: however far down the row stands."""
    path = centre.sheet([*(row(f"R{n}") for n in range(1, 1_200)), row("", Given_name="Bad"), row("R1300")])
    result = taken(centre, path, "--all-or-nothing", code=1)
    assert "nothing of this sheet was taken in" in result.err
    assert "rows refused 1" in result.said
    assert "good rows not taken, because others were refused 1200" in result.said
    assert centre.events() == FRESH
    assert centre.states() == {}
    (back,) = (centre.folder / "outbox" / "results").glob("*.xlsx")
    answers = [cells[-2:] for cells in openpyxl.load_workbook(back).active.iter_rows(min_row=2, values_only=True)]
    assert {answer for answer, _ in answers} == {"Refused", "Not taken, because other rows were refused"}
    assert [number for number, (answer, _) in enumerate(answers, 1) if answer == "Refused"] == [1_200]
    assert "Fill in the centre's own key" in answers[1_199][1]
    assert not list((centre.folder / "outbox" / ".pending").rglob("*.xlsx"))
    taken(centre, path, "--keep-good", code=1)
    assert centre.states() == {"details_gathered": 1_200}


def test_all_or_nothing_takes_a_good_sheet_whole(centre):
    taken(centre, centre.sheet([row("R1"), row("R2", Postcode="")]), "--all-or-nothing")
    assert centre.states() == {"details_gathered": 2}


def test_chunks_do_not_show(centre, monkeypatch):
    """Twins and doubles are found across them, and every row has its answer."""
    monkeypatch.setattr(gather_details, "CHUNK", 3)
    people = [row(f"R{n}") for n in range(1, 9)]
    twin = {**people[0], "Learner reference": "R9"}
    result = taken(centre, centre.sheet([*people, twin, people[1]]), code=1)
    (back,) = (centre.folder / "outbox" / "results").glob("*.xlsx")
    told = [cells[-2:] for cells in openpyxl.load_workbook(back).active.iter_rows(min_row=2, values_only=True)]
    assert "those of R9 too" in told[0][1]
    assert "those of R1 too" in told[8][1]
    assert told[9] == ("Refused", told[9][1])
    assert "row 3 has the same one" in told[9][1]
    assert [answer for answer, _ in told[1:8]] == ["Added"] * 7
    assert "learners added 9" in result.said
    centre.do("audit", "verify")


def test_a_long_sheet_comes_back_by_way_of_the_centres_own_folder_and_leaves_nothing_there(centre, monkeypatch):
    """Personal data never lie in the system's temporary folder."""
    monkeypatch.setattr("states.exchange.cohort_sheet.HELD_ROWS", 1)
    used = []
    whole = sheets.tempfile.TemporaryDirectory

    def seen(**named):
        made = whole(**named)
        used.append((made.name, Path(made.name).stat().st_mode & 0o777))
        return made

    monkeypatch.setattr(sheets.tempfile, "TemporaryDirectory", seen)
    monkeypatch.setattr(sheets.tempfile, "tempdir", "/nowhere")
    taken(centre, centre.sheet([row("R1"), row("R2")]))
    ((folder, mode),) = used
    assert folder.startswith(str(centre.folder))
    assert mode == 0o700
    assert not Path(folder).exists()
    (back,) = (centre.folder / "outbox" / "results").glob("*.xlsx")
    assert openpyxl.load_workbook(back).active["A3"].value == "R2"


def test_a_very_long_csv_comes_back_as_csv(centre, monkeypatch):
    monkeypatch.setattr("states.exchange.cohort_sheet.XLSX_ROWS", 1)
    taken(centre, centre.sheet([row("R1"), row("R2", Family_name="-Lee")]))
    (back,) = (centre.folder / "outbox" / "results").glob("*.csv")
    lines = back.read_text("utf-8-sig").splitlines()
    assert lines[0].endswith("Result,How to fix")
    assert ",'-Lee," in lines[2]
    assert "learners unchanged 2" in taken(centre, back).said
