"""How long nothing is tried again after a fixer died, what counts as a false start, and how long a turn may take.

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_DEFAULTS = {"turn_limit_s": "3600", "death_pause_s": "60", "false_start_s": "60"}


def upgrade() -> None:
    with op.batch_alter_table("settings", schema=None) as batch_op:
        for name, value in _DEFAULTS.items():
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=False, server_default=value))
    # The defaults were for the row that may be there; the tables of the product have none.
    with op.batch_alter_table("settings", schema=None) as batch_op:
        for name in _DEFAULTS:
            batch_op.alter_column(name, server_default=None)
