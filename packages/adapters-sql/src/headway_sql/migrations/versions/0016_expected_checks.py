"""The checks that the former head of a pull request had.

Revision: 0016
After: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pull_requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expected", sa.Text(), nullable=False, server_default="[]"))
    # The default was for the rows that are there; the tables of the product have none.
    with op.batch_alter_table("pull_requests", schema=None) as batch_op:
        batch_op.alter_column("expected", server_default=None)
