"""What is uncommitted in a worktree, what was left there, and where it could not be brought forward to.

Revision: 0019
After: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("git_facts", schema=None) as batch_op:
        for name in ("changes", "left", "refused"):
            batch_op.add_column(sa.Column(name, TEXT, nullable=True))
