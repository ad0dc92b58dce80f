"""ulnflow audit prove: that events are in the log as it was sealed, and how somebody else checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import FINDINGS
from cli.options import Form, Format

if TYPE_CHECKING:
    from workflow.store.seals import Seal

COLUMNS = ["position", "size", "root", "body", "proof", "checkpoint"]
CHECK = (
    'python -c "import json; from workflow.seal import leaf_hash, verify_inclusion as check; '
    "[check(p['position'] - 1, p['size'], leaf_hash(p['body'].encode()), [bytes.fromhex(h) for h in p['proof']], "
    "bytes.fromhex(p['root'])) for p in json.load(open('proof.json', encoding='utf-8'))]; print('in the log')\""
)
"""What somebody with the file and with ulnflow, but no database, types."""


def prove(
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="Events by their position in the log.")],
    form: Format = Form.table,
) -> None:
    """Prove that events are in the log at its last checkpoint. The proof needs no ulnflow to be checked."""
    from cli.desk import desk
    from cli.render import complain, show
    from states.errors import NotFound, NotPossible
    from workflow.seal import ProofRefused, leaf_hash, verify_inclusion
    from workflow.sealing import prove_inclusion
    from workflow.store.seals import Seals

    positions = [_position(text) for text in events]
    with desk("audit prove") as at, at.office.database.reading() as connection:
        last, rows = Seals(connection).last(), []
        if last is None:
            raise NotPossible("the log was never sealed; run: ulnflow audit seal")
        for position in positions:
            if not 1 <= position <= last.size:
                raise NotFound(f"event {position} is not among the {last.size} of the last checkpoint")
        for position, proof in prove_inclusion(connection, positions, last.size):
            found = connection.execute("SELECT body FROM event WHERE position=?", (position,)).fetchone()
            body = bytes(found[0])
            try:
                verify_inclusion(position - 1, last.size, leaf_hash(body), proof, last.root)
            except ProofRefused as wrong:
                complain(f"Event {position} is not as it was sealed: {wrong}. See: ulnflow audit verify")
                raise typer.Exit(FINDINGS) from None
            rows.append(
                {"position": position, "size": last.size, "root": last.root.hex(), "body": body.decode(),
                 "proof": [one.hex() for one in proof], "checkpoint": last.note.decode()}
            )  # fmt: skip
        if form is Form.table:
            _in_words(rows, last, at.office.engine.origin)
        else:
            show(rows, form, columns=COLUMNS)


def _position(text: str) -> int:
    """An event by its number; a learner's reference names none."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - as large as a database counts
        raise typer.BadParameter(
            "events are named by their position in the log, such as 17; those of a learner: "
            "ulnflow audit history REFERENCE",
            param_hint="EVENT",
        )
    return int(text)


def _in_words(rows: list[dict[str, Any]], last: Seal, origin: str) -> None:
    """What was proved, by what, and how somebody else checks it."""
    from cli import checkpoints
    from cli.render import say, show_one
    from states.counting import counted
    from workflow.seal import leaf_hash
    from workflow.seal.checkpoint import in_base64

    for row in rows:
        hashes = counted(len(row["proof"]), "hash", "hashes")
        show_one(
            {
                "event": row["position"],
                "leaf": leaf_hash(row["body"].encode()).hex(),
                "log": origin,
                "checkpoint": f"{last.size:09}{checkpoints.SUFFIX}, over {counted(last.size, 'event')}",
                "root": last.root.hex(),
                "root in base64": in_base64(last.root),
                "proof": f"{hashes} that lead from the leaf to the root",
            },
            Form.table,
        )
    which = " ".join(str(row["position"]) for row in rows)
    say(f"In the log as it was sealed: {which}. Whoever has the checkpoint from before can check it for themselves:")
    say(f"ulnflow audit prove {which} --format json > proof.json")
    say(CHECK)
    say("The root must be that of the checkpoint they kept. Without ulnflow, check_inclusion in a pack's verify.py.")
