"""The single writer of projects."""

from collections.abc import Mapping

import attrs

from headway_core.kernel.errors import Conflict, NotFound
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.events import ProjectArchived, ProjectChanged, ProjectRegistered
from headway_core.projects.model import ALL_PROJECTS, BY_REPO, BY_SLUG, NewProject, Project
from headway_core.projects.remotes import Remote
from headway_core.projects.slugs import first_free, slug


class ProjectSteps:
    """Registers local repositories as projects, and archives them."""

    def __init__(self, projects: OwnedTable[Project]) -> None:
        self._projects = projects

    def all(self, tx: ReadTransaction) -> list[Project]:
        """All projects by name, the archived ones too."""
        return self._projects.query(tx, ALL_PROJECTS)

    def known(self, tx: ReadTransaction, id_or_slug: str) -> Project:
        """The project with this id, else with this slug. `NotFound` when there is none."""
        project = self._projects.get(tx, id_or_slug)
        if project is None:
            project = next(iter(self._projects.query(tx, BY_SLUG, slug=id_or_slug)), None)
        if project is None:
            raise NotFound("project", id_or_slug)
        return project

    def of_repository(self, tx: ReadTransaction, repo_path: str) -> Project | None:
        """The project of the repository with this real path."""
        return next(iter(self._projects.query(tx, BY_REPO, repo_path=repo_path)), None)

    def live(self, tx: Transaction, project_id: str) -> Project:
        """The project, which stays live until this transaction ends. `NotFound` when it is archived."""
        project = self._projects.lock_row(tx, project_id)  # so an archive waits, or this sees it
        if project is None or project.archived:
            raise NotFound("project", project_id)
        return project

    def register(self, tx: Transaction, new: NewProject, *, actor: str = "headway") -> Project:
        """The project of a repository: a new one, or the one that it has already, unchanged but that one
        that was archived is live again.

        `Conflict` for a slug that was asked for and is taken, and for a repository that is registered
        with another place on GitHub than was asked for.
        """
        known = self.of_repository(tx, new.repo_path)
        if known is not None:
            found = _as_asked(known, new.remote if new.remote_is_asked else None)
            return self.change(tx, found.id, {"archived": False}, actor=actor)
        project = Project(
            id=tx.new_id(),
            name=new.name,
            slug=self._free_slug(tx, new.slug, new.name),
            repo_path=new.repo_path,
            worktree_base_path=new.worktree_base_path,
            default_branch=new.default_branch,
            github_host=new.remote.host,
            github_owner=new.remote.owner,
            github_repo=new.remote.name,
            startup_script=new.startup_script,
            startup_timeout_s=new.startup_timeout_s,
            startup_required=new.startup_required,
            created_at=tx.now(),
        )
        stored = self._projects.add(tx, project)
        tx.emit(ProjectRegistered(project=stored), actor=actor)
        return stored

    def change(
        self, tx: Transaction, id_or_slug: str, fields: Mapping[str, object], *, actor: str = "headway"
    ) -> Project:
        """Change these fields, which were checked. What changes nothing writes nothing.

        `NotFound` when there is none; `Conflict` when another project is of the repository at the new path.
        """
        found = self.known(tx, id_or_slug)
        project = self._projects.lock_row(tx, found.id) or found
        changed = sorted(name for name, value in fields.items() if getattr(project, name) != value)
        if not changed:
            return project
        there = self.of_repository(tx, str(fields["repo_path"])) if "repo_path" in changed else None
        if there is not None:
            raise Conflict("project", there.slug, f"is the one of {there.repo_path}")
        stored = self._projects.replace(tx, attrs.evolve(project, **dict(fields)))  # type: ignore[arg-type]  # by name
        tx.emit(ProjectChanged(project=stored, changed=tuple(changed)), actor=actor)
        return stored

    def archive(self, tx: Transaction, id_or_slug: str, *, actor: str = "headway") -> Project:
        """Let no workspace be created in it any more. Safe to repeat. `NotFound` when there is none."""
        found = self.known(tx, id_or_slug)
        project = self._projects.lock_row(tx, found.id) or found
        if project.archived:
            return project
        stored = self._projects.replace(tx, attrs.evolve(project, archived=True))
        tx.emit(ProjectArchived(project_id=stored.id, archived=stored.archived), actor=actor)
        return stored

    def _free_slug(self, tx: ReadTransaction, asked: str | None, title: str) -> str:
        def taken(candidate: str) -> bool:
            return self._projects.count(tx, BY_SLUG, slug=candidate) > 0

        if asked is None:
            return first_free(slug(title, otherwise="project"), taken)
        if taken(asked):
            raise Conflict("project", asked, "another project has this slug")
        return asked


def _as_asked(known: Project, asked: Remote | None) -> Project:
    """The project, unless somebody asked for another repository on GitHub: nobody acts on the wrong one."""
    if asked is not None and asked != known.remote:
        raise Conflict("project", known.slug, f"is registered as {known.repository} on {known.github_host}")
    return known
