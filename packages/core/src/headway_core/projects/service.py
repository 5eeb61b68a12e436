"""What callers ask of projects: registration, reading, change, archive."""

import posixpath
from contextlib import suppress
from functools import partial

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
from headway_core.kernel.ledger import Ledger
from headway_core.projects.model import NewProject, Project
from headway_core.projects.ports import AnyHost, ForgeHosts, Repositories, Repository
from headway_core.projects.remotes import Remote, given_host, given_repository, remote_of
from headway_core.projects.slugs import is_slug
from headway_core.projects.steps import ProjectSteps

_NAME_LENGTH = 200
LONGEST_TIMEOUT_S = 86_400


class ProjectService:
    """Registers local repositories as projects."""

    def __init__(
        self,
        ledger: Ledger,
        steps: ProjectSteps,
        repositories: Repositories,
        forge_hosts: ForgeHosts | None = None,
    ) -> None:
        """`forge_hosts`: None for a forge that looks at hosts itself."""
        self._ledger = ledger
        self._steps = steps
        self._repositories = repositories
        self._forge_hosts = forge_hosts or AnyHost()

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
        startup_required: bool = False,
        adopt: bool = False,
        actor: str = "headway",
    ) -> Project:
        """Make a project of the repository that `path` lies in.

        `github` is `owner/name`; it and `host` are read from `origin` when not given. A repository that
        is registered already gives its project as it is; one that was moved is known again when `adopt`,
        which is for who knows that the old path is looked for on the machine that had it.
        `InvalidInput` names the field that does not fit (`path`, `github`, `host`, …; also a host that is not
        that of the forge which is configured); `Conflict` for a slug
        that was asked for and is taken, for a repository that is registered with another place on GitHub
        than was asked for, and for one of which more than one project lost its repository.
        """
        repository = await self._repositories.repository(path)
        if github is None and host is None:  # then origin need not tell it either
            known = await self._ledger.read(partial(self._steps.of_repository, repo_path=repository.path))
            if known is not None:
                self._expect_host(known.github_host)
            if known is not None and known.archived:
                back = partial(
                    self._steps.change, id_or_slug=known.id, fields={"archived": False}, actor=actor
                )
                return await self._ledger.transact(back)
            if known is not None:
                return known
        remote = _remote(repository, github, host)
        self._expect_host(remote.host)
        if adopt and (moved := await self._moved(repository.path, remote)) is not None:
            return await self._relocate(moved, {"repo_path": repository.path}, actor=actor)
        if default_branch is not None and not await self._repositories.valid_branch_name(default_branch):
            raise InvalidInput("default_branch", f"{default_branch!r} is no branch name")
        title = _title(name, remote)
        _check(slug, worktree_base_path, startup_script, startup_timeout_s)
        new = NewProject(
            name=title,
            slug=slug,
            repo_path=repository.path,
            worktree_base_path=worktree_base_path,
            default_branch=default_branch or repository.default_branch,
            remote=remote,
            remote_is_asked=bool(github or host),
            startup_script=startup_script,
            startup_timeout_s=startup_timeout_s,
            startup_required=startup_required,
        )
        return await self._ledger.transact(lambda tx: self._steps.register(tx, new, actor=actor))

    def _expect_host(self, host: str) -> None:
        """`InvalidInput("host")` for one on which another repository may have the same name."""
        if (problem := self._forge_hosts.refusal(host)) is not None:
            raise InvalidInput("host", problem)

    async def get(self, id_or_slug: str) -> Project:
        """The project with this id, else with this slug. `NotFound` when there is none."""
        return await self._ledger.read(lambda tx: self._steps.known(tx, id_or_slug))

    async def list(self) -> list[Project]:
        """All projects by name, the archived ones too."""
        return await self._ledger.read(self._steps.all)

    async def find(self, path: str) -> Project | None:
        """The project of the repository that `path` lies in, archived or not; None when that has none.

        `InvalidInput("path")` when it is in no repository.
        """
        main = await self._repositories.main_path(path)
        return await self._ledger.read(partial(self._steps.of_repository, repo_path=main))

    async def has_on_origin(self, id_or_slug: str, branch: str) -> bool | None:
        """Whether the repository's `origin` has the branch now; False when it had it once; None when that
        can't be told. `NotFound`.
        """
        return await self._repositories.on_origin((await self.get(id_or_slug)).repo_path, branch)

    async def change(
        self,
        id_or_slug: str,
        *,
        path: str | None = None,
        github: str | None = None,
        host: str | None = None,
        default_branch: str | None = None,
        startup_script: str | None = None,
        startup_timeout_s: int | None = None,
        startup_required: bool | None = None,
        actor: str = "headway",
    ) -> Project:
        """Change what is given; an empty `startup_script` takes it away.

        `path` is where its repository lies now, which must be the same one: `InvalidInput("path")` else.
        `github` and `host` say which it is when `origin` does not. `NotFound`; `InvalidInput` names the
        field; `Conflict` when another project has the repository at `path`.
        """
        project = await self.get(id_or_slug)
        script = startup_script or None
        timeout_s = project.startup_timeout_s if startup_timeout_s is None else startup_timeout_s
        _check(None, None, script, timeout_s)
        fields: dict[str, object] = {"startup_timeout_s": timeout_s}
        if startup_script is not None:
            fields["startup_script"] = script
        if startup_required is not None:
            fields["startup_required"] = startup_required
        if default_branch is not None:
            if not await self._repositories.valid_branch_name(default_branch):
                raise InvalidInput("default_branch", f"{default_branch!r} is no branch name")
            fields["default_branch"] = default_branch
            at = project.repo_path if path is None else (await self._repositories.repository(path)).path
            with suppress(Unavailable):  # it may lie on another host; creation looks again
                if not await self._repositories.has_commit(at, default_branch):
                    problem = f"{default_branch!r} has no commit, here or on origin"
                    raise InvalidInput("default_branch", problem)
        if path is None:
            return await self._ledger.transact(
                lambda tx: self._steps.change(tx, project.id, fields, actor=actor)
            )
        repository = await self._repositories.repository(path)
        there = _remote(repository, github, host)
        if there != project.remote:
            raise InvalidInput(
                "path",
                f"{repository.path} is {there.owner}/{there.name} on {there.host}, and no copy of "
                f"{project.repository} on {project.github_host}",
            )
        return await self._relocate(project, {**fields, "repo_path": repository.path}, actor=actor)

    async def _relocate(self, project: Project, fields: dict[str, object], *, actor: str) -> Project:
        """Store the new path, then have git repair the worktrees; what a crash leaves undone a runner that
        starts does.
        """
        moved = await self._ledger.transact(
            lambda tx: self._steps.change(tx, project.id, fields, actor=actor)
        )
        await self._repositories.repair(moved.repo_path)
        return moved

    async def _moved(self, path: str, remote: Remote) -> Project | None:
        """The live project of the same place on GitHub whose repository is gone from where it was."""
        known = await self.list()
        if any(each.repo_path == path for each in known):
            return None
        same = [each for each in known if not each.archived and each.remote == remote]
        lost = [each for each in same if not await self._is_there(each)]
        if len(lost) > 1:
            slugs = ", ".join(each.slug for each in lost)
            raise Conflict("project", lost[0].slug, f"{slugs} all lost their repository: say which has moved")
        return lost[0] if lost else None

    async def _is_there(self, project: Project) -> bool:
        try:
            return await self._repositories.main_path(project.repo_path) == project.repo_path
        except InvalidInput:
            return False

    async def archive(self, id_or_slug: str, *, actor: str = "headway") -> Project:
        """Let no workspace be created in it any more; those that live go on. Safe to repeat. `NotFound`."""
        return await self._ledger.transact(lambda tx: self._steps.archive(tx, id_or_slug, actor=actor))


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
