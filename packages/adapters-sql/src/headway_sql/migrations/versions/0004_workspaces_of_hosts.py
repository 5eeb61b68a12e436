"""workspaces of hosts.

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("consumer_positions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.BigInteger(), nullable=True))
    op.execute(sa.text("UPDATE consumer_positions SET version = 0"))
    with op.batch_alter_table("consumer_positions", schema=None) as batch_op:
        batch_op.alter_column("version", existing_type=sa.BigInteger(), nullable=False)

    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.alter_column("worktree_base_path", existing_type=TEXT, nullable=True)

    with op.batch_alter_table("workspaces", schema=None) as batch_op:
        batch_op.add_column(sa.Column("branch_made", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE workspaces SET branch_made = (worktree_path IS NOT NULL)"))
    with op.batch_alter_table("workspaces", schema=None) as batch_op:
        batch_op.alter_column("branch_made", existing_type=sa.Boolean(), nullable=False)
