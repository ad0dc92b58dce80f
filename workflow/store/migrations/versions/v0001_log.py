"""The log, the cases and the dispatches."""

import sqlalchemy as sa
from alembic import op

from workflow.store.guards import SQLITE, postgres

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "blocked",
        sa.Column("case_id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("trigger", WORDS, nullable=False),
        sa.Column("reasons", WORDS, nullable=False),
        sa.Column("said", WORDS, nullable=False),
        sa.Column("asked_at", WHOLE, nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "trigger"),
        sqlite_strict=True,
    )
    op.create_table(
        "cases",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("subject", WHOLE, nullable=False),
        sa.Column("cohort", WORDS, nullable=False),
        sa.Column("route", WORDS, nullable=False),
        sa.Column("route_version", WHOLE, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("sequence", WHOLE, nullable=False),
        sa.Column("entered_at", WHOLE, nullable=False),
        sa.Column("clock_from", WHOLE, nullable=True),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("facts", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("cases_by_cohort", "cases", ["cohort"], unique=False)
    op.create_index("cases_by_state", "cases", ["state", "clock_from", "cohort"], unique=False)
    op.create_index("cases_by_subject", "cases", ["subject"], unique=False)
    op.create_table(
        "definition",
        sa.Column("hash", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_strict=True,
    )
    op.create_table(
        "dispatch",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("direction", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("folder", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("prepared_at", WHOLE, nullable=False),
        sa.Column("sent_at", WHOLE, nullable=True),
        sa.Column("members", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("dispatch_by_digest", "dispatch", ["digest", "kind"], unique=False)
    op.create_index("dispatch_by_state", "dispatch", ["state"], unique=False)
    op.create_table(
        "dispatch_member",
        sa.Column("dispatch", WHOLE, autoincrement=False, nullable=False),
        sa.Column("case_id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("row", WHOLE, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("dispatch", "case_id"),
        sqlite_strict=True,
    )
    op.create_index("dispatch_member_by_case", "dispatch_member", ["case_id", "state"], unique=False)
    op.create_table(
        "duty",
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("duty", WORDS, nullable=False),
        sa.Column("case_id", WHOLE, nullable=True),
        sa.Column("dispatch", WHOLE, nullable=True),
        sa.Column("opened_at", WHOLE, nullable=False),
        sa.Column("closed", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("position", "duty"),
        sqlite_strict=True,
    )
    op.create_index("duty_by_case", "duty", ["case_id"], unique=False)
    op.create_index("duty_open", "duty", ["closed", "duty"], unique=False)
    op.create_table(
        "event",
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("case_id", WHOLE, nullable=True),
        sa.Column("sequence", WHOLE, nullable=True),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("trigger", WORDS, nullable=True),
        sa.Column("source", WORDS, nullable=True),
        sa.Column("target", WORDS, nullable=True),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("dispatch", WHOLE, nullable=True),
        sa.Column("command_id", WORDS, nullable=False),
        sa.Column("run", WHOLE, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("(case_id IS NULL) = (sequence IS NULL)", name="event_case_and_sequence"),
        sa.CheckConstraint("position > 0", name="event_position"),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("case_id", "sequence", name="event_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "meta",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("value", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_table(
        "run",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("command_id", WORDS, nullable=False),
        sa.Column("trigger", WORDS, nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("cursor", WHOLE, nullable=False),
        sa.Column("first_position", WHOLE, nullable=False),
        sa.Column("last_position", WHOLE, nullable=False),
        sa.Column("stopped", WORDS, nullable=False),
        sa.Column("counts", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("command_id", name="run_once"),
        sqlite_strict=True,
    )
    for statement in SQLITE.values() if op.get_bind().dialect.name == "sqlite" else postgres():
        op.execute(statement)
