"""How large a prompt may be.

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("settings", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("prompt_limit_bytes", sa.BigInteger(), nullable=False, server_default="65536")
        )
    # The default was for the row that is there; the tables of the product have none.
    with op.batch_alter_table("settings", schema=None) as batch_op:
        batch_op.alter_column("prompt_limit_bytes", server_default=None)
