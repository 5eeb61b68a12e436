"""The workspace's branch follows its pull request, where that is safe; else a person adopts it (S16)."""

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.ledger import Ledger
from headway_core.operations.branch_steps import BranchSteps
from headway_core.workspaces.model import Workspace
from headway_core.workspaces.ports import Worktrees


class BranchService:
    """Lets a workspace be on the branch of its pull request's head."""

    def __init__(self, ledger: Ledger, *, steps: BranchSteps, worktrees: Worktrees) -> None:
        self._ledger = ledger
        self._steps = steps
        self._worktrees = worktrees

    async def adopt(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Take the branch of the attached pull request's head as the workspace's, as a person asks.

        The worktree is left as it is: until somebody switches it, the ratchet says branch mismatch.
        `NotFound` for the workspace, `InvalidInput("branch")` without a pull request that was read, for
        a head in a fork and a name that git does not take, `Conflict` when another workspace has it.
        """
        head = await self._ledger.read(lambda tx: self._steps.head(tx, workspace_id))
        if head is None:
            raise InvalidInput("branch", "the workspace has no pull request with a head in its repository")
        if not await self._worktrees.valid_branch_name(head.ref):
            raise InvalidInput("branch", f"{head.ref!r} is no branch name that git takes")
        return await self._ledger.transact(lambda tx: self._steps.adopt(tx, workspace_id, head, actor=actor))

    async def branch_to_follow(self, workspace_id: str) -> str | None:
        """The head's branch, when the workspace is not on it and git takes its name. `NotFound`."""
        branch = await self._ledger.read(lambda tx: self._steps.to_follow(tx, workspace_id))
        return branch if branch and await self._worktrees.valid_branch_name(branch) else None
