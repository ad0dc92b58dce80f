"""Indexes for reading: a cohort's learners by state, events by actor and time, and the rare events by kind.

Nothing else is touched: tables stay as they are, and so do the triggers that protect the log.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RARE = sa.text("case_id IS NULL OR kind = 'corrected'")


def upgrade() -> None:
    """Make the indexes."""
    op.drop_index("cases_by_cohort", "cases")
    op.create_index("cases_by_cohort", "cases", ["cohort", "state", "id"], unique=False)
    op.create_index("event_by_actor", "event", ["actor", "recorded_at"], unique=False)
    op.create_index("event_rare", "event", ["kind", "position"], sqlite_where=RARE, postgresql_where=RARE)
