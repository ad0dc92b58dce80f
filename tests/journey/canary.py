"""A learner whose values are unlike anybody's, and where they are looked for after an erasure."""

from __future__ import annotations

from cli import wiring
from tests.fakes.centre import row, uln
from tests.journey.databases import at

NUMBER, OLD = uln(777), uln(778)
CANARY = {
    "Given name": "Zebediah",
    "Family name": "Quuxbury",
    "Date of birth": "1987-11-23",
    "Postcode": "GY9 3UF",
    "Email": "zq.canary@example.org",
}
TRACES = [t.encode() for t in ("zebediah", "quuxb", "1987-11-23", "gy9 3uf", "gy93uf", "zq.canary", NUMBER, OLD)]
YES = ("--basis", "request", "--yes")
LATER = "2033-06-01"
"""More than six years after everybody left."""


def left(tmp_path, clock, database):
    """The canary and two others; all have left, the canary after an exception, a correction and two ULNs."""
    centre = at(tmp_path, clock, database)
    sheet = centre.sheet([row("R1", **CANARY), row("R2"), row("R3")])
    centre.do("cohort", "import", sheet, "--cohort", "NF-1")
    centre.do("lrs", "submit")
    centre.run("lrs", "receive", centre.reply({"R1": ("", "RC008"), "R2": uln(1), "R3": uln(2)}))
    portal = f"ULN,Given name,Family name,Date of birth\n{OLD},Zebediah,Quuxburough,1987-11-23\n"
    centre.do("exception", "candidates", "R1", stdin=portal)
    decided = ("--decision", "new", "--reason", "Quuxbury was compared by hand")
    centre.do("exception", "resolve", "R1", *decided, stdin=NUMBER + "\n")
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("learner", "edit", "R1", "family_name", stdin="Quuxburough\n")
    for name in ("R1", "R2", "R3"):
        centre.do("learner", "withdraw", name, "--reason", "left_course")
    return centre


def found(data):
    """Which traces of the canary stand in some bytes."""
    folded = data.lower()
    return [trace for trace in TRACES if trace in folded]


def in_tables(centre):
    """Traces in every row of every table, as anybody with the database could read them."""
    office = wiring.open_office(centre.folder)
    try:
        with office.look() as look:
            names = sorted(look.connection.tables())
            return [
                (name, trace)
                for name in names
                for values in look.connection.execute(f"SELECT * FROM {name}")
                for value in values
                for trace in found(value if isinstance(value, bytes) else str(value).encode())
            ]
    finally:
        office.database.close()


def in_files(centre):
    """Traces in every file of the folder but those that came from outside, the database among them."""
    ours = [path for path in centre.folder.rglob("*") if path.is_file() and path.parent != centre.folder]
    ours += sorted(centre.folder.glob("ulnflow.db*"))
    ours += [path for path in (centre.folder / "erased.register",) if path.exists()]
    return [(path.name, trace) for path in ours for trace in found(path.read_bytes())]
