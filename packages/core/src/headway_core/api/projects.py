"""Projects: local repositories, and where their pull requests live."""

from typing import TYPE_CHECKING

from headway_core.projects.model import Project

if TYPE_CHECKING:
    from headway_core.hosts.service import HostService
    from headway_core.operations.removal import ProjectRemovalService
    from headway_core.projects.service import ProjectService


class Projects:
    """Everything that is asked of projects: `hw.projects`."""

    def __init__(
        self,
        *,
        projects: "ProjectService",
        removal: "ProjectRemovalService",
        hosts: "HostService",
    ) -> None:
        self._projects = projects
        self._removal = removal
        self._hosts = hosts

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
        actor: str = "headway",
    ) -> Project:
        """Make a project of the repository that a folder lies in.

        A repository that is registered already gives its project as it is, live again if it was archived. One
        that was moved is known again, when the registered path is gone or holds no repository and this host
        is the only one: its project gets the new path.

        Args:
            path: A folder of the repository, on this host.
            name: What people call it, 1 to 200 printable characters; None: the repository's name.
            slug: How commands name it, `[a-z0-9-]`, unique; None: made of the name.
            github: `owner/name` of the repository at the forge; None: as the remote `origin` tells.
            host: The forge's host, such as `github.com`; None: as the remote `origin` tells.
            default_branch: What new branches start from; None: as the repository tells.
            worktree_base_path: An absolute folder in which all its worktrees lie, on every host; None: each
                host has a folder of its own.
            startup_script: A shell command that is run in every new worktree; None: none is.
            startup_timeout_s: Seconds after which that command is given up, 1 to 86,400.
            startup_required: Whether a workspace in which that command fails is FAILED; else it is READY,
                with a warning, and its ratchet starts no fixer.
            actor: Who asks, as the events tell it.

        Returns:
            The project as it is stored.

        Raises:
            InvalidInput: One of these can't be; the error names it. `path` is in no repository, or
                `github` was not given and `origin` does not tell it.
            Conflict: Another project has the slug that was asked for, the repository is registered with
                another place at the forge, or several projects of it lost theirs.
            Unavailable: Git can't be asked.
        """
        return await self._projects.register(
            path,
            name=name,
            slug=slug,
            github=github,
            host=host,
            default_branch=default_branch,
            worktree_base_path=worktree_base_path,
            startup_script=startup_script,
            startup_timeout_s=startup_timeout_s,
            startup_required=startup_required,
            adopt=await self._hosts.is_alone(),
            actor=actor,
        )

    async def find(self, path: str) -> Project | None:
        """Find the project of the repository that a folder of this host lies in, by asking git.

        A linked worktree is of its repository; a submodule is a repository of its own.

        Args:
            path: A folder of a repository, of one of its worktrees, or of a bare one.

        Returns:
            The project, archived or not; None when the repository is not registered.

        Raises:
            InvalidInput: `path` is in no repository.
            Unavailable: Git can't be asked.
        """
        return await self._projects.find(path)

    async def has_on_origin(self, id_or_slug: str, branch: str) -> bool | None:
        """Ask whether a branch is at a project's `origin`, or is gone there.

        Args:
            id_or_slug: The project's id, else its slug.
            branch: The branch.

        Returns:
            Whether it is there; False when it was once, as a remote-tracking ref or the upstream of the local
            branch tells. None when nothing tells that it ever was, or `origin` can't be asked within ten
            seconds.

        Raises:
            NotFound: There is no such project.
        """
        return await self._projects.has_on_origin(id_or_slug, branch)

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
        """Change what is given of a project; workspaces that live in it go on.

        Args:
            id_or_slug: Its id, else its slug.
            path: A folder of its repository, which was moved. Its worktrees belong to it again then.
            github: `owner/name` of the repository at `path`; None: as its remote `origin` tells.
            host: The forge's host of the repository at `path`; None: as its remote `origin` tells.
            default_branch: What new branches start from; it must have a commit here or on `origin`.
            startup_script: A shell command that is run in every new worktree; empty: none is.
            startup_timeout_s: Seconds after which that command is given up, 1 to 86,400.
            startup_required: Whether a workspace in which that command fails is FAILED.
            actor: Who asks, as the events tell it.

        Returns:
            The project as it is now stored.

        Raises:
            NotFound: There is no such project.
            InvalidInput: One of these can't be; the error names it. `path` is in no repository or in
                another one than the project's.
            Conflict: Another project has the repository at `path`.
            Unavailable: Git can't be asked.
        """
        return await self._projects.change(
            id_or_slug,
            path=path,
            github=github,
            host=host,
            default_branch=default_branch,
            startup_script=startup_script,
            startup_timeout_s=startup_timeout_s,
            startup_required=startup_required,
            actor=actor,
        )

    async def remove(self, id_or_slug: str, *, actor: str = "headway") -> Project:
        """Archive a project in which no workspace lives. Safe to repeat; registering it again brings it back.

        Args:
            id_or_slug: Its id, else its slug.
            actor: Who asks, as the events tell it.

        Returns:
            The project as it is now stored.

        Raises:
            NotFound: There is none.
            Conflict: Workspaces live in it; the error names them.
        """
        return await self._removal.remove(id_or_slug, actor=actor)

    async def get(self, id_or_slug: str) -> Project:
        """Look at one project, archived or not.

        Args:
            id_or_slug: Its id, else its slug.

        Returns:
            The project as it is stored.

        Raises:
            NotFound: There is none.
        """
        return await self._projects.get(id_or_slug)

    async def list(self) -> list[Project]:
        """List the projects.

        Returns:
            All of them by name, the archived ones too.
        """
        return await self._projects.list()

    async def archive(self, id_or_slug: str, *, actor: str = "headway") -> Project:
        """Let no workspace be created in it any more; what lives in it goes on. Safe to repeat.

        Args:
            id_or_slug: Its id, else its slug.
            actor: Who asks, as the events tell it.

        Returns:
            The project as it is now stored.

        Raises:
            NotFound: There is none.
        """
        return await self._projects.archive(id_or_slug, actor=actor)
