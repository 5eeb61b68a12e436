"""Names of new branches: `<prefix>/<slug>`, with `-2`, `-3` where that is taken."""

import re
from collections.abc import Set as AbstractSet
from contextlib import suppress

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction
from headway_core.operations.validation import issue_words
from headway_core.projects.model import Project
from headway_core.projects.slugs import first_free, slug
from headway_core.projects.steps import ProjectSteps
from headway_core.workspaces.model import GitHubIssueSource, Workspace
from headway_core.workspaces.ports import Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


def free_branch(
    tx: ReadTransaction,
    workspaces: WorkspaceSteps,
    *,
    project_id: str,
    prefix: str,
    name: str,
    taken: AbstractSet[str] = frozenset(),
) -> str:
    """The first such branch that no live workspace holds and that is not in `taken`."""

    def is_taken(candidate: str) -> bool:
        branch = f"{prefix}/{candidate}"
        return branch in taken or workspaces.holder_of_branch(tx, project_id, branch) is not None

    return f"{prefix}/{first_free(slug(name, otherwise='workspace'), is_taken)}"


def branch_words(workspace: Workspace) -> str:
    """What a generated branch is called by, without the number that it got where that was taken."""
    if isinstance(workspace.source, GitHubIssueSource):
        words = issue_words(workspace.source.number)
        if re.fullmatch(rf"{words}(?:-[0-9]+)?", workspace.branch.rpartition("/")[2]):
            return words
    return workspace.name


class BranchPrefixes:
    """Whether new branches can be made below a prefix."""

    def __init__(self, ledger: Ledger, *, projects: ProjectSteps, worktrees: Worktrees) -> None:
        self._ledger = ledger
        self._projects = projects
        self._worktrees = worktrees

    async def expect(self, prefix: str, project: Project) -> None:
        """`InvalidInput("branch_prefix")` when git takes no branch below it in this project."""
        name = f"{prefix}/workspace"
        if not await self._worktrees.valid_branch_name(name):
            raise InvalidInput("branch_prefix", f"git takes no branch {name!r}: set another prefix")
        blocking = await self._worktrees.in_the_way(project.repo_path, name)
        if blocking is not None:
            problem = (
                f"in {project.slug} the branch {blocking!r} leaves no room for branches {prefix}/…: "
                "set another prefix, or rename that branch"
            )
            raise InvalidInput("branch_prefix", problem)

    async def expect_everywhere(self, prefix: str) -> None:
        """The same for all projects that take new work, as far as their repositories can be asked here."""
        for project in await self._ledger.read(self._projects.all):
            if not project.archived:
                with suppress(Unavailable):  # it may lie on another host; creation looks again
                    await self.expect(prefix, project)
