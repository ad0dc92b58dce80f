"""The one lock that every writer on PostgreSQL takes; kept apart because a function in the database takes it too."""

from typing import Final

WRITER: Final = 0x756C6E66
"""The letters ulnf; advisory locks are counted per database."""
