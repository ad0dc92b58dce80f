"""Triggers that refuse any change to the log, and any insert that is not its next line.

They stop an honest mistake and slow a dishonest hand; `verify` detects what gets past them.
"""

from __future__ import annotations

from typing import Final

SQLITE: Final = {
    "event_no_update": """CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event cannot be changed'); END""",
    "event_no_delete": """CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event cannot be deleted'); END""",
    "event_next_position": """CREATE TRIGGER event_next_position BEFORE INSERT ON event
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM event)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event takes the next position'); END""",
    "event_next_sequence": """CREATE TRIGGER event_next_sequence BEFORE INSERT ON event
WHEN NEW.case_id IS NOT NULL
 AND NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM event WHERE case_id = NEW.case_id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event takes the next place in its case'); END""",
}
"""Name -> statement; a position is compared as the first, so INSERT OR REPLACE never reaches an older row."""
