"""Stored names in the field's own terms: rechecks, unconfirmed answers, agents' output.

Revision: 0009
After: 0008
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ratchets = sa.table("ratchets", sa.column("workspace_id"), sa.column("decision"))
positions = sa.table("consumer_positions", sa.column("name"))

_OLD_CONSUMER = "agent words of "


def upgrade() -> None:
    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.alter_column("doubted", new_column_name="unconfirmed")
        batch_op.alter_column("doubted_at", new_column_name="unconfirmed_since")
    connection = op.get_bind()
    for workspace_id, decision in connection.execute(sa.select(ratchets)).all():
        told = json.loads(decision) if isinstance(decision, str) else decision
        if isinstance(told, dict) and "look_again_at" in told:
            told["recheck_at"] = told.pop("look_again_at")
            connection.execute(
                ratchets.update()
                .where(ratchets.c.workspace_id == workspace_id)
                .values(decision=json.dumps(told))
            )
    for (name,) in connection.execute(sa.select(positions)).all():
        if name.startswith(_OLD_CONSUMER):
            connection.execute(
                positions.update()
                .where(positions.c.name == name)
                .values(name=f"agent output of {name.removeprefix(_OLD_CONSUMER)}")
            )
