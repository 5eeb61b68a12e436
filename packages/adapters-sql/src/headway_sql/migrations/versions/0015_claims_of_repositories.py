"""A branch, an issue and a pull request of a repository are one live workspace's, whatever the clone.

What two workspaces share by now stays the older one's: the younger one has no claim, and its pull request
is detached, with the word whose it is.

Revision: 0015
After: 0014
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

projects = sa.table(
    "projects", *(sa.column(name) for name in ("id", "github_host", "github_owner", "github_repo"))
)
workspaces = sa.table(
    "workspaces",
    *(
        sa.column(name)
        for name in ("id", "project_id", "status", "created_at", "branch", "branch_claim", "issue_claim")
    ),
)
pull_requests = sa.table(
    "pull_requests",
    *(sa.column(name) for name in ("workspace_id", "node_id", "number", "head_commit", "facts", "claim")),
    *(sa.column(name) for name in ("attached_at", "head_seen_at", "quiet_passed", "ci_overdue")),
    *(sa.column(name) for name in ("former_heads", "former_bases", "taken", "taken_by")),
)
watches = sa.table("pull_request_watches", sa.column("workspace_id"), sa.column("fetch_began_at"))


def upgrade() -> None:
    with op.batch_alter_table("git_facts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made", sa.Text(), nullable=True))
    with op.batch_alter_table("pull_request_watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hinted_at", TEXT, nullable=True))
    with op.batch_alter_table("pull_requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("claim", TEXT, nullable=True))
        batch_op.add_column(sa.Column("taken", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("taken_by", TEXT, nullable=True))
    _claim(op.get_bind())
    with op.batch_alter_table("pull_requests", schema=None) as batch_op:
        batch_op.create_index("pull_requests_claim", ["claim"], unique=True)


def _claim(connection: sa.Connection) -> None:
    """Claim for each live workspace what no older one has."""
    of_projects = {row.id: row for row in connection.execute(sa.select(projects))}
    attached = {
        row.workspace_id: row
        for row in connection.execute(
            sa.select(pull_requests.c.workspace_id, pull_requests.c.node_id, pull_requests.c.number).where(
                pull_requests.c.node_id.is_not(None)
            )
        )
    }
    holders: dict[str, str] = {}
    live = sa.select(workspaces).where(workspaces.c.status != "ARCHIVED")
    for row in connection.execute(live.order_by(workspaces.c.created_at, workspaces.c.id)).all():
        project = of_projects.get(row.project_id)
        if project is None:
            continue
        repository = f"{project.github_host}/{project.github_owner}/{project.github_repo}".casefold()
        claims: dict[str, str | None] = {"branch_claim": _free(holders, f"{repository}:{row.branch}", row.id)}
        if row.issue_claim is not None:
            number = row.issue_claim.rpartition(":")[2]
            claims["issue_claim"] = _free(holders, f"issue {repository}:{number}", row.id)
        _change(connection, workspaces, workspaces.c.id == row.id, claims)
        pull = attached.get(row.id)
        if pull is None:
            continue
        claim = f"{project.github_host}:{pull.node_id}"
        mine = pull_requests.c.workspace_id == row.id
        if _free(holders, f"pull request {claim}", row.id) is not None:
            _change(connection, pull_requests, mine, {"claim": claim})
            continue
        _change(connection, pull_requests, mine, _DETACHED)
        holder = holders[f"pull request {claim}"]
        _change(connection, pull_requests, mine, {"taken": pull.number, "taken_by": holder})
        _change(connection, watches, watches.c.workspace_id == row.id, {"fetch_began_at": None})


_DETACHED: Mapping[str, object] = {
    **dict.fromkeys(("node_id", "number", "head_commit", "facts", "attached_at", "head_seen_at")),
    **dict.fromkeys(("quiet_passed", "ci_overdue"), False),
    **dict.fromkeys(("former_heads", "former_bases"), "[]"),
}
"""Nothing of a pull request that a workspace had."""


def _free(holders: dict[str, str], claim: str, workspace_id: str) -> str | None:
    """The claim, if nobody has it yet; it is this workspace's from now on."""
    mine = holders.setdefault(claim, workspace_id) == workspace_id
    return claim.removeprefix("issue ") if mine else None


def _change(
    connection: sa.Connection,
    table: sa.TableClause,
    which: sa.ColumnElement[bool],
    values: Mapping[str, object],
) -> None:
    connection.execute(table.update().where(which).values(dict(values)))
