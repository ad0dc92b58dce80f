"""What a crash left between a commit and the names of its files, brought to its end."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

from states.errors import FileRefused
from states.unit_of_work import Office, token_of

STALE_DRAFT: Final = timedelta(hours=1)


def recover(office: Office) -> list[str]:
    """Give files their final name that a crash left between commit and rename; returns the names.

    A draft of a command that committed is published; one whose command the log does not know, and that is older than
    an hour, belongs to a command that never committed. One that cannot be published stays, and stops nobody.
    """
    pending = office.plugs.outbox.pending()
    if not pending:
        return []
    with office.look() as look:
        committed = {token_of(command) for command in look.log.commands_beside_cases()}
    finished = []
    now = time.time()  # the age of a file on disk, not the time of an event
    for token, draft in pending:
        if token in committed:
            with suppress(FileRefused):
                office.plugs.outbox.publish(draft)
                finished.append(draft.final.name)
        elif now - draft.draft.stat().st_mtime > STALE_DRAFT.total_seconds():
            office.plugs.outbox.discard(draft)
    return finished
