"""Actions that people ask for, without a session.

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("forge_actions", schema=None) as batch_op:
        batch_op.alter_column("session_id", existing_type=sa.String(), nullable=True)
