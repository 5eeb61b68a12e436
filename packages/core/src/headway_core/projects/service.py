"""The single writer of projects."""

import posixpath
from functools import partial

import attrs

from headway_core.kernel.errors import Conflict, InvalidInput, NotFound
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.events import ProjectArchived, ProjectRegistered
from headway_core.projects.model import ALL_PROJECTS, BY_REPO, BY_SLUG, Project
from headway_core.projects.ports import Repositories, Repository
from headway_core.projects.remotes import Remote, given_host, given_repository, remote_of
from headway_core.projects.slugs import first_free, is_slug, slug

_NAME_LENGTH = 200
LONGEST_TIMEOUT_S = 86_400


class ProjectService:
    """Registers local repositories as projects."""

    def __init__(
        self,
        ledger: Ledger,
        projects: OwnedTable[Project],
        repositories: Repositories,
    ) -> None:
        self._ledger = ledger
        self._projects = projects
        self._repositories = repositories

    async def register(
        self,
        path: str,
        *,
        name: str | None = None,
        slug: str | None = None,
        github: str | None = None,
        host: str | None = None,
        default_branch: str | None = None,
        worktree_base_path: str | None = None,
        startup_script: str | None = None,
        startup_timeout_s: int = 300,
        actor: str = "headway",
    ) -> Project:
        """Make a project of the repository that `path` lies in.

        `github` is `owner/name`; it and `host` are read from `origin` when not given. A repository that
        is registered already gives its project as it is. `InvalidInput` names the field that does not
        fit (`path`, `github`, `host`, …); `Conflict` for a slug that was asked for and is taken, and for a
        repository that is registered with another place on GitHub than was asked for.
        """
        repository = await self._repositories.repository(path)
        if github is None and host is None:  # then origin need not tell it either
            known = await self._ledger.read(partial(self._of, repo_path=repository.path))
            if known is not None:
                return known
        remote = _remote(repository, github, host)
        if default_branch is not None and not await self._repositories.valid_branch_name(default_branch):
            raise InvalidInput("default_branch", f"{default_branch!r} is no branch name")
        title = _title(name, remote)
        _check(slug, worktree_base_path, startup_script, startup_timeout_s)

        def work(tx: Transaction) -> Project:
            known = self._of(tx, repository.path)
            if known is not None:
                return _as_asked(known, remote if github or host else None)
            free = self._free_slug(tx, slug, title)
            project = Project(
                id=tx.new_id(),
                name=title,
                slug=free,
                repo_path=repository.path,
                worktree_base_path=worktree_base_path,
                default_branch=default_branch or repository.default_branch,
                github_host=remote.host,
                github_owner=remote.owner,
                github_repo=remote.name,
                startup_script=startup_script,
                startup_timeout_s=startup_timeout_s,
                created_at=tx.now(),
            )
            stored = self._projects.add(tx, project)
            tx.emit(ProjectRegistered(project=stored), actor=actor)
            return stored

        return await self._ledger.transact(work)

    async def get(self, id_or_slug: str) -> Project:
        """The project with this id, else with this slug. `NotFound` when there is none."""
        return await self._ledger.read(lambda tx: self._known(tx, id_or_slug))

    async def list(self) -> list[Project]:
        """All projects by name, the archived ones too."""
        return await self._ledger.read(lambda tx: self._projects.query(tx, ALL_PROJECTS))

    async def archive(self, id_or_slug: str, *, actor: str = "headway") -> Project:
        """No workspace is created in it any more; what lives in it goes on. Safe to repeat."""

        def work(tx: Transaction) -> Project:
            found = self._known(tx, id_or_slug)
            project = self._projects.lock_row(tx, found.id) or found
            if project.archived:
                return project
            stored = self._projects.replace(tx, attrs.evolve(project, archived=True))
            tx.emit(ProjectArchived(project_id=stored.id, archived=stored.archived), actor=actor)
            return stored

        return await self._ledger.transact(work)

    def live(self, tx: Transaction, project_id: str) -> Project:
        """The project, which stays live until this transaction ends. `NotFound` when it is archived."""
        project = self._projects.lock_row(tx, project_id)  # so an archive waits, or this sees it
        if project is None or project.archived:
            raise NotFound("project", project_id)
        return project

    def _of(self, tx: ReadTransaction, repo_path: str) -> Project | None:
        return next(iter(self._projects.query(tx, BY_REPO, repo_path=repo_path)), None)

    def _known(self, tx: ReadTransaction, id_or_slug: str) -> Project:
        project = self._projects.get(tx, id_or_slug)
        if project is None:
            project = next(iter(self._projects.query(tx, BY_SLUG, slug=id_or_slug)), None)
        if project is None:
            raise NotFound("project", id_or_slug)
        return project

    def _free_slug(self, tx: ReadTransaction, asked: str | None, title: str) -> str:
        def taken(candidate: str) -> bool:
            return self._projects.count(tx, BY_SLUG, slug=candidate) > 0

        if asked is None:
            return first_free(slug(title, otherwise="project"), taken)
        if taken(asked):
            raise Conflict("project", asked, "another project has this slug")
        return asked


def _remote(repository: Repository, github: str | None, host: str | None) -> Remote:
    origin = remote_of(repository.origin_url)
    if github is not None:
        owner, name = given_repository(github)
    elif origin is not None:
        owner, name = origin.owner, origin.name
    else:
        raise InvalidInput("github", "origin does not name a repository on GitHub; give it as owner/name")
    if host is not None:
        return Remote(host=given_host(host), owner=owner, name=name)
    return Remote(host=origin.host if origin else "github.com", owner=owner, name=name)


def _as_asked(known: Project, asked: Remote | None) -> Project:
    """The project, unless somebody asked for another repository on GitHub: nobody acts on the wrong one."""
    if asked is not None:
        there = Remote(host=known.github_host, owner=known.github_owner, name=known.github_repo)
        if asked != there:
            raise Conflict(
                "project", known.slug, f"is registered as {known.repository} on {known.github_host}"
            )
    return known


def _title(name: str | None, remote: Remote) -> str:
    title = remote.name if name is None else name.strip()
    if not 1 <= len(title) <= _NAME_LENGTH or not title.isprintable():
        raise InvalidInput("name", f"must be 1 to {_NAME_LENGTH} printable characters")
    return title


def _check(asked: str | None, base: str | None, script: str | None, timeout_s: int) -> None:
    if asked is not None and not is_slug(asked):
        raise InvalidInput("slug", "must be at most 50 of a-z 0-9, in parts joined by -")
    if base is not None and (not posixpath.isabs(base) or "\0" in base):
        raise InvalidInput("worktree_base_path", "must be an absolute path")
    if script is not None and (not script.strip() or "\0" in script):
        raise InvalidInput("startup_script", "must be a command")
    if not 1 <= timeout_s <= LONGEST_TIMEOUT_S:
        raise InvalidInput("startup_timeout_s", f"must be 1 to {LONGEST_TIMEOUT_S} seconds")
