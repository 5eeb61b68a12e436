"""Whether the runner of a host said that it stops.

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("hosts_seen", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()))
    # The default was for the rows that are there; the tables of the product have none.
    with op.batch_alter_table("hosts_seen", schema=None) as batch_op:
        batch_op.alter_column("stopped", server_default=None)
