"""Removal: a project in which nothing lives any more takes no new work."""

from headway_core.kernel.errors import Conflict
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import Project
from headway_core.projects.steps import ProjectSteps
from headway_core.workspaces.steps import WorkspaceSteps


class ProjectRemovalService:
    """Archives projects that have no live workspace."""

    def __init__(self, ledger: Ledger, *, projects: ProjectSteps, workspaces: WorkspaceSteps) -> None:
        self._ledger = ledger
        self._projects = projects
        self._workspaces = workspaces

    async def remove(self, id_or_slug: str, *, actor: str = "headway") -> Project:
        """Archive the project, safe to repeat. `NotFound`; `Conflict` names the workspaces in it."""

        def work(tx: Transaction) -> Project:
            project = self._projects.archive(
                tx, id_or_slug, actor=actor
            )  # first: creation waits for its lock
            live = [each for each in self._workspaces.live(tx) if each.project_id == project.id]
            if live:
                named = ", ".join(f"{each.branch} ({each.id})" for each in live)
                raise Conflict("project", project.slug, f"workspaces live in it, archive them first: {named}")
            return project

        return await self._ledger.transact(work)
