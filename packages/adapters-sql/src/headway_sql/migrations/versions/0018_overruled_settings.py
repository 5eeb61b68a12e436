"""Which settings of a repository's own git configuration are not obeyed.

Revision: 0018
After: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("git_facts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overruled", sa.Text(), nullable=False, server_default="[]"))
    # The default was for the rows that are there; the tables of the product have none.
    with op.batch_alter_table("git_facts", schema=None) as batch_op:
        batch_op.alter_column("overruled", server_default=None)
