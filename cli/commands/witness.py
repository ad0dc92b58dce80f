"""ulnflow audit witness: somebody outside the centre, who needs no database, vouches for its log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.exits import FINDINGS
from cli.options import Form, Format


def witness(
    file: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint of the log.")],
    state: Annotated[
        Path, typer.Option("--state", metavar="FOLDER", help="The witness's own folder; its key is made there.")
    ],
    proof: Annotated[
        Path | None,
        typer.Option("--proof", metavar="FILE", help="What audit consistency wrote.", show_default=False),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--key", help="A key of the log, from keys show; kept for the next time.", show_default=False),
    ] = None,
    called: Annotated[str, typer.Option("--called", help="What the key of the witness is called, when made.")] = "",
    form: Format = Form.table,
) -> None:
    """Cosign a checkpoint that is shown to go on from the last one; needs no database. Exit code 1 when it is not."""
    import time

    from cli import checkpoints, sealing
    from cli.render import complain, say, show_one
    from states.errors import FileRefused, NotPossible
    from workflow.seal import checkpoint
    from workflow.seal.checkpoint import in_base64
    from workflow.seal.note import NoteRefused
    from workflow.seal.proof import ProofRefused
    from workflow.seal.witness import LAST, SplitView, proof_of, settle

    more = sealing.parsed(by or ())
    try:
        new = checkpoint.parse(checkpoints.content(file))
    except NoteRefused as wrong:
        raise FileRefused(file.name, str(wrong), "Take the file as ulnflow wrote it.") from None
    try:
        own = settle(state, called, more)
    except (NoteRefused, UnicodeDecodeError) as wrong:
        raise FileRefused(
            state.name, f"this is no folder of a witness as it was left: {wrong}", "Restore it."
        ) from None
    if not own.trusted:
        raise NotPossible("say by which key the log is signed, with --key; its centre shows it: ulnflow keys show")
    last = own.last
    if last is not None and last.checkpoint.size < new.checkpoint.size and proof is None:
        raise NotPossible(
            f"give the proof that it goes on from the {last.checkpoint.size} events cosigned last, with --proof; "
            f"its centre makes it: ulnflow audit consistency {LAST} {file.name} > proof.json"
        )
    try:
        path, signed = own.cosign(new, proof_of(checkpoints.content(proof)) if proof else [], int(time.time()))
    except NoteRefused as wrong:
        raise FileRefused(file.name, str(wrong), "Ask the centre for the file, and for its key: --key.") from None
    except SplitView as wrong:
        complain(
            f"NOT COSIGNED, this may be a split view: {wrong}. Keep {file.name} and {LAST}: unless the centre can "
            "explain it and prove what it says, its log was changed."
        )
        raise typer.Exit(FINDINGS) from None
    except ProofRefused as wrong:
        raise FileRefused(proof.name if proof else "", str(wrong), "Ask the centre for it again.") from None
    show_one(
        {"events": signed.checkpoint.size, "root": signed.checkpoint.root.hex(),
         "root_base64": in_base64(signed.checkpoint.root), "witness": str(own.key),
         "file": str(path)}, form,
    )  # fmt: skip
    if last is None:
        say("Taken on trust: this folder has seen nothing of the log before. Each later one must go on from it.")
    say("Give the file back to the centre, and the line of the witness to whoever checks:")
    say(f"ulnflow audit verify --against {path.name} --key '{own.key}'")
