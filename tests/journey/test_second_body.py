"""A second awarding organisation by data alone: files in the centre's folder, and not a line of the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tests.fakes.bodies import FIRST, cells, csv_file, template, workbook
from tests.fakes.centre import Centre, row, uln

OTHER = "second-body"
COURSE = {"Qualification": "LM301"}


def bring(centre: Centre, *, for_all: bool = True, change: tuple[str, str] = ("", "")) -> None:
    """Put the second organisation's profile into the folder, and name it in the settings."""
    text = files("config").joinpath("profiles", "example-second-body.toml").read_text("utf-8")
    text = text.replace('"example-second-body"', f'"{OTHER}"').replace(*change)
    place = centre.folder / "config" / "profiles"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{OTHER}.toml").write_text(text, "utf-8")
    named = f'[awarding]\nprofile = "{OTHER}"\n' if for_all else f'[awarding.by_qualification]\nLM301 = "{OTHER}"\n'
    settings = centre.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + "\n" + named, "utf-8")


def told(centre: Centre, *references: str, **changes: str) -> None:
    """Learners who were told their ULN; the number in the reference decides it."""
    rows = [{**row(reference), **{k.replace("_", " "): v for k, v in changes.items()}} for reference in references]
    centre.do("cohort", "import", centre.sheet(rows), "--cohort", changes.get("Qualification", "NF"))
    centre.ask_lrs({reference: uln(int(reference[2:])) for reference in references})
    centre.do("uln", "pass", *references)
    centre.do("uln", "told", "--how", "email", "--all")


def orders(centre: Centre) -> list[Path]:
    return sorted((centre.folder / "outbox" / "ilm").glob("D*"))


def test_a_second_body_is_registered_with_and_confirms_by_its_profile_alone(centre):
    bring(centre)
    assert centre.json("profile", "check")[0]["faults"] == []
    told(centre, "L-1", "L-2", "L-3", **COURSE)
    made = centre.do("ilm", "register")
    assert "3 learners" in made.err
    (order,) = orders(centre)
    assert order.name.endswith(f"-{OTHER}-all.xlsx")
    sheet = cells(order)
    assert sheet[0][:5] == ["Centre number", "Your reference", "Unique Learner Number", "Surname", "Forename"]
    assert sheet[1] == [
        "000000", "L-1", uln(1), "Ofb", "Robin", "1990-01-31", "Female", "LM301", "2026-09-01", "2027-06-30",
    ]  # fmt: skip

    answer = workbook(
        centre.folder / "answer.xlsx",
        [
            ["Registrations of week 37"],
            [],
            ["Registration number", "Unique Learner Number", "Outcome", "Remarks", "Batch"],
            ["RN-1", uln(1), "Yes", "", "B-9"],
            ["", uln(2), "Not accepted", "surname not as on the certificate", "B-9"],
            ["", uln(3), "under review", "", ""],
        ],
    )
    result = centre.run("ilm", "confirm", "--file", answer)
    assert result.code == 1
    assert "ILM's file says refused" in result.said
    assert "certificate" not in result.said
    states = [centre.state(f"L-{number}") for number in (1, 2, 3)]
    assert states == ["registered_with_ilm", "uln_passed_to_learner", "uln_passed_to_learner"]
    assert (centre.facts("L-1")["candidate_number"], centre.facts("L-1")["order_number"]) == ("RN-1", "B-9")
    assert "refused the registration" in centre.do("audit", "history", "L-2").said
    assert "certificate" in centre.do("audit", "history", "L-2", "--reasons").said

    again = centre.json("ilm", "register")
    assert again["counts"]["already in a registration file"] == 1  # L-3 still waits
    assert [made["learners"] for made in again["files"]] == [1]
    before, places = centre.events(), centre.states()
    assert centre.run("ilm", "confirm", "--file", answer).code == 0  # what it refused before is not refused once more
    assert (centre.events(), centre.states()) == (before, places)
    centre.do("audit", "verify")


def test_two_bodies_at_once_each_get_their_own_qualifications(centre):
    bring(centre, for_all=False)
    told(centre, "L-1")
    told(centre, "L-2", **COURSE)
    centre.do("ilm", "register")
    assert {path.name.split("-", 1)[1] for path in orders(centre)} == {"ilm-generic-funded.csv", f"{OTHER}-all.xlsx"}
    theirs = csv_file(
        centre.folder / "theirs.csv",
        [{"Your reference": name, "Registration number": f"RN-{name}", "Outcome": "Yes"} for name in ("L-1", "L-2")],
    )
    assert (
        "no qualification goes by profile" in centre.refused("ilm", "confirm", "--file", theirs, "--profile", "x").said
    )
    result = centre.do("ilm", "confirm", "--file", theirs, "--profile", OTHER)
    assert "L-1: in the file, but no registration of ours waits" in result.said
    assert (centre.state("L-1"), centre.state("L-2")) == ("uln_passed_to_learner", "registered_with_ilm")
    assert {one["profile"]: one["in_use"] for one in centre.json("profile", "list")} == {
        "example-second-body": "",
        "ilm-generic": "registration",
        "lar-generic": "LAR",
        OTHER: "LM301",
    }


def test_a_route_of_its_own_words_is_data_too(centre):
    shipped = files("states").joinpath("routes", "ilm.toml").read_text("utf-8")
    (centre.folder / "config" / "routes").mkdir(parents=True)
    (centre.folder / "config" / "routes" / "ilm.toml").write_text(shipped.replace("ILM", "Other Body"), "utf-8")
    bring(centre)
    told(centre, "L-1", **COURSE)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "B-1", "--all")
    assert centre.json("learner", "why", "L-1")["title"] == "Registered with Other Body"


def test_no_file_is_longer_than_the_profile_allows(centre):
    bring(centre, change=("max_rows = 200", "max_rows = 2"))
    told(centre, *(f"L-{number}" for number in range(1, 6)), **COURSE)
    made = centre.json("ilm", "register")
    assert [(one["name"].split("-", 1)[1], one["learners"]) for one in made["files"]] == [
        (f"{OTHER}-all-1.xlsx", 2), (f"{OTHER}-all-2.xlsx", 2), (f"{OTHER}-all-3.xlsx", 1),
    ]  # fmt: skip


def locked(centre: Centre) -> None:
    """A profile that fills a template with a reference, a surname and a date of birth."""
    bring(centre)
    path = centre.folder / "config" / "profiles" / f"{OTHER}.toml"
    text = path.read_text("utf-8")
    columns = "".join(
        f'[[column]]\nheading = "{heading}"\nsource = "{source}"\nat = "{at}"\n'
        for heading, source, at in (
            ("Ref", "reference", "B"),
            ("Surname", "family_name", "C"),
            ("DOB", "date_of_birth", "D"),
        )
    )
    filled = f'[template]\nfile = "their.xlsx"\nsheet = "Learners"\nfirst_row = {FIRST}\n'
    head, tail = text[: text.index("[window]")], text[text.index("[qualifications]") :]
    path.write_text(f"{head}{filled}{columns}{tail}", "utf-8")


def test_the_template_of_the_body_is_filled_and_stays_locked(centre):
    locked(centre)
    missing = centre.run("profile", "check", OTHER)
    assert (missing.code, "the template the profile names is not there" in missing.said) == (1, True)
    told(centre, "L-1", **COURSE)
    before = centre.events()
    refused = centre.run("ilm", "register")
    assert refused.code == 4
    assert "their.xlsx" in refused.err
    assert (centre.events(), orders(centre)) == (before, [])

    template(centre.folder / "config" / "profiles" / "their.xlsx")
    assert centre.run("profile", "check", OTHER).code == 0
    centre.do("ilm", "register")
    (order,) = orders(centre)
    page = cells(order, "Learners")
    assert page[FIRST - 1][1:4] == ["L-1", "Ofb", "1990-01-31"]
    assert page[1][1] == "Order form of a made-up body"


def test_what_the_profile_asks_for_holds_a_learner_back(centre):
    """C2, C3: no ID evidence, no registration; nothing is cut to fit, and nobody else waits for it."""
    extra = '[[column]]\nheading = "ID seen"\nsource = "id_type"\nrequired = true\n[qualifications]'
    bring(centre, change=("[qualifications]", extra))
    told(centre, "L-1", "L-2", **COURSE)
    centre.do("learner", "edit", "L-1", "id_type", stdin="-\n")
    centre.do("learner", "edit", "L-2", "family_name", stdin="A" * 31 + "\n")
    centre.do("lrs", "submit")
    centre.do("lrs", "receive", centre.reply({"L-2": uln(2)}, name="again.csv"))
    refused = centre.refused("ilm", "register").said
    assert "ID verification type is missing" in refused
    assert "longer than 30 characters" in refused
    assert orders(centre) == []


def test_the_window_gives_a_cohort_its_last_day_and_the_stuck_report_counts_down_to_it(centre):
    """84 days after the start; the cohort's own last day counts before it."""
    bring(centre)
    told(centre, "L-1", **COURSE)
    centre.enrol("L-2", cohort="OWN", register_by="2026-10-01", Qualification="LM301")
    days = {one["cohort"]: (one["register_by"], one["last_day"]) for one in centre.json("cohort", "list")}
    assert days["OWN"] == ("2026-10-01", "2026-10-01")
    assert [day for name, day in days.items() if name != "OWN"] == [(None, "2026-11-24")]
    assert centre.json("learner", "why", "L-1")["due"] == "2026-09-21"  # the clock: ten working days
    centre.set("closures = []")
    settings = centre.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[clocks]\nuln_passed_to_learner = 200\n", "utf-8")
    assert centre.json("learner", "why", "L-1")["due"] == "2026-11-10"  # ten working days before 24 November
    centre.to("2026-11-11")
    (late,) = [one for one in centre.json("stuck")["rows"] if one["reference"] == "L-1"]
    assert late["kind"] == "overdue"
    assert "before its deadline" in late["why"][0]
    assert centre.json("today")["states"][-1]["overdue"] == 1


def test_a_profile_that_is_not_there_or_not_right_is_told_by_file_and_place(centre):
    settings = centre.folder / "ulnflow.toml"
    plain = settings.read_text("utf-8")
    settings.write_text(plain + '\n[awarding]\nprofile = "../other"\n', "utf-8")
    assert "awarding.profile" in centre.refused("profile", "list").err
    settings.write_text(plain + '\n[awarding]\nprofile = "none"\n', "utf-8")
    assert "profiles/none.toml" in centre.do("stuck").err  # the last day to register is asked of the profile
    settings.write_text(plain, "utf-8")
    bring(centre, change=('source = "uln"', 'source = "uhn"'))
    assert "column 3 source: Unique Learner Number: source uhn is not known" in centre.do("stuck").err
    faults = centre.json("profile", "check")[0]["faults"]
    lines = (centre.folder / "config" / "profiles" / f"{OTHER}.toml").read_text("utf-8").splitlines()
    assert [lines[fault["line"] - 1] for fault in faults] == ['source = "uhn"']
