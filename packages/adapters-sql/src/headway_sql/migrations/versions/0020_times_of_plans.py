"""When the next look was planned and a block was noted, so that what a clock that was ahead said is known.

Revision: 0020
After: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("forge_budgets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("blocked_at", TEXT, nullable=True))
    for table, index in (
        ("pull_request_watches", "pull_request_watches_planned"),
        ("ratchet_wakes", "ratchet_wakes_planned"),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("planned_at", TEXT, nullable=True))
            batch_op.create_index(index, ["planned_at"], unique=False)
