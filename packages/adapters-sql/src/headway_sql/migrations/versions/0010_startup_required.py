"""Whether a workspace of a project needs its start-up script to succeed.

Revision: 0010
After: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("startup_required", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    # The default was for the rows that are there; the tables of the product have none.
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.alter_column("startup_required", server_default=None)
