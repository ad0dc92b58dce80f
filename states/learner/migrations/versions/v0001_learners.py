"""The learners, their personal values and the cohorts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
HELD_ULN = sa.text("kind = 'uln' AND status = 'held'")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "cohort",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("register_by", WORDS, nullable=False),
        sa.Column("waived", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_table(
        "learner",
        sa.Column("id", WHOLE, autoincrement=False, nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("learner_by_reference", "learner", ["reference"], unique=True)
    op.create_table(
        "personal",
        sa.Column("learner", WHOLE, autoincrement=False, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("number", WHOLE, autoincrement=False, nullable=False),
        sa.Column("status", WORDS, nullable=False),
        sa.Column("lookup", WORDS, nullable=False),
        sa.Column("payload", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("learner", "kind", "number"),
        sqlite_strict=True,
    )
    op.create_index("personal_by_lookup", "personal", ["lookup", "kind"], unique=False)
    op.create_index(
        "uln_held_once", "personal", ["lookup"], unique=True, sqlite_where=HELD_ULN, postgresql_where=HELD_ULN
    )
