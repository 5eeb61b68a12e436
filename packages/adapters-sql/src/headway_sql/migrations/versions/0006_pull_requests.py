"""Pull requests by claims, webhooks and budgets.

Revision: 0006
After: 0005
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_DEFAULTED = {
    "pull_request_watches": ("unknown_reads", "landed", "hinted"),
    "pull_requests": ("former_bases", "declined"),
}


def upgrade() -> None:
    op.create_table(
        "forge_budgets",
        sa.Column("host", TEXT, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=True),
        sa.Column("remaining", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("resets_at", TEXT, nullable=True),
        sa.Column("told_at", TEXT, nullable=True),
        sa.Column("blocked_until", TEXT, nullable=True),
        sa.Column("strikes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", "resource"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("hook", TEXT, nullable=False),
        sa.Column("guid", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("concerned", sa.BigInteger(), nullable=False),
        sa.Column("done_at", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("hook", "guid"),
    )
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index("webhook_deliveries_done", ["done_at"], unique=False)

    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("doubted", TEXT, nullable=True))
        batch_op.add_column(sa.Column("doubted_at", TEXT, nullable=True))
        batch_op.add_column(sa.Column("unknown_reads", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("landed", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("hinted", sa.Text(), nullable=False, server_default="[]"))
        batch_op.drop_column("in_flight")
        batch_op.drop_column("returning_head")

    with op.batch_alter_table("pull_requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("number", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("head_commit", TEXT, nullable=True))
        batch_op.add_column(sa.Column("former_bases", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("declined", sa.Text(), nullable=False, server_default="[]"))
        batch_op.create_index("pull_requests_head", ["head_commit"], unique=False)
        batch_op.create_index("pull_requests_number", ["number"], unique=False)

    # The defaults were for the rows that are there; the tables of the product have none.
    for table, columns in _DEFAULTED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.alter_column(column, server_default=None)

    rows = sa.table(
        "pull_requests",
        sa.column("workspace_id"),
        sa.column("facts"),
        sa.column("number"),
        sa.column("head_commit"),
    )
    connection = op.get_bind()
    for workspace_id, text in connection.execute(sa.select(rows.c.workspace_id, rows.c.facts)).all():
        facts = json.loads(text) if text else None
        if facts is not None:
            copied = {"number": facts["number"], "head_commit": facts["head"]["commit"]}
            connection.execute(rows.update().where(rows.c.workspace_id == workspace_id).values(**copied))
