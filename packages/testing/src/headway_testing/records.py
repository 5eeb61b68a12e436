"""The records that most tests begin with; each field can be given."""

from typing import Any

from headway_core.projects.model import Project
from headway_core.workspaces.model import ManualSource, SessionPolicy, Workspace, WorkspaceStatus
from headway_testing.clock import EPOCH


def a_project(**changes: object) -> Project:
    """The project octo/demo, `p1`."""
    fields: dict[str, Any] = {
        "id": "p1",
        "name": "demo",
        "slug": "demo",
        "repo_path": "/nowhere/demo",
        "worktree_base_path": "/nowhere/worktrees",
        "default_branch": "main",
        "github_host": "github.com",
        "github_owner": "octo",
        "github_repo": "demo",
        "created_at": EPOCH,
    }
    return Project(**fields | changes)


def a_workspace(workspace_id: str = "w1", **changes: object) -> Workspace:
    """A READY workspace of `a_project` on headway/fix-login, of no host and without a worktree."""
    fields: dict[str, Any] = {
        "id": workspace_id,
        "project_id": "p1",
        "name": "Fix login",
        "description": None,
        "source": ManualSource(initial_prompt=None),
        "session_policy": SessionPolicy.NONE,
        "branch": "headway/fix-login",
        "branch_is_generated": True,
        "base_branch": "main",
        "branch_claim": None,
        "issue_claim": None,
        "idempotency_key": None,
        "status": WorkspaceStatus.READY,
        "created_at": EPOCH,
        "status_changed_at": EPOCH,
    }
    return Workspace(**fields | changes)
