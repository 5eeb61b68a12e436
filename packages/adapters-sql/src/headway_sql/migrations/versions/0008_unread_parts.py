"""Why parts of a pull request could not be read.

Revision: 0008
After: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unread", sa.Text(), nullable=False, server_default="[]"))
    # The default was for the rows that are there; the tables of the product have none.
    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.alter_column("unread", server_default=None)
