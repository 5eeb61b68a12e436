"""What a fetch failed with, in a column of its own, and the plain name of the last fetch that is over.

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

_KINDS = ("not_found", "forbidden", "unavailable", "rate_limited", "nonsense")

watches = sa.table(
    "pull_request_watches", sa.column("workspace_id"), sa.column("failure"), sa.column("problem")
)


def upgrade() -> None:
    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.alter_column("landed", new_column_name="finished")
        batch_op.add_column(sa.Column("failure", TEXT, nullable=True))
    # `forbidden: no token`: the kind, and the sentence.
    connection = op.get_bind()
    told = sa.select(watches.c.workspace_id, watches.c.problem).where(watches.c.problem.is_not(None))
    for workspace_id, problem in connection.execute(told).all():
        kind, _, sentence = problem.partition(": ")
        if kind in _KINDS:
            connection.execute(
                watches.update()
                .where(watches.c.workspace_id == workspace_id)
                .values(failure=kind, problem=sentence)
            )
