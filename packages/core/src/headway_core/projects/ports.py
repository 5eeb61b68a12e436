"""What the room asks of the machine: what a local repository says of itself."""

from abc import ABC, abstractmethod

import attrs


@attrs.frozen(kw_only=True)
class Repository:
    """What a local git repository says of itself."""

    path: str
    """Real path of the main worktree, or of the bare repository."""
    default_branch: str
    """The branch of `origin/HEAD`, else the one that is checked out."""
    origin_url: str | None
    """The `origin` remote with credentials stripped; None without one."""


class ForgeHosts(ABC):
    """Which hosts the forge is that is configured. A repository of another one is not read there, though it
    may have one of the same name.
    """

    @abstractmethod
    def refusal(self, host: str) -> str | None:
        """Why a project of this host (`Project.github_host`) can't be worked on; None: it can."""


class AnyHost(ForgeHosts):
    """For a forge that looks at hosts itself."""

    def refusal(self, host: str) -> str | None:
        return None


class Repositories(ABC):
    """Git on this host, as far as a project needs it. Paths and names are hostile."""

    @abstractmethod
    async def repository(self, path: str) -> Repository:
        """The repository that `path` lies in. `InvalidInput("path")` when it is in none."""

    @abstractmethod
    async def main_path(self, path: str) -> str:
        """`Repository.path` of the repository that `path` lies in, also when it lies in a linked worktree.
        `InvalidInput("path")` when it is in none.
        """

    @abstractmethod
    async def repair(self, path: str) -> None:
        """Have the linked worktrees of a repository that was moved to `path` belong to it again, where they
        still exist. Safe to repeat.
        """

    @abstractmethod
    async def has_commit(self, repo_path: str, branch: str) -> bool:
        """Whether a new branch can start at this one: it has a commit here, else on `origin` (asked then)."""

    @abstractmethod
    async def on_origin(self, repo_path: str, branch: str) -> bool | None:
        """Whether `origin` has the branch now; False when it had it once, as a remote-tracking ref or the
        upstream of the local branch tells. None when nothing tells that it ever had it, or it can't be asked,
        or not within ten seconds.
        """

    @abstractmethod
    async def valid_branch_name(self, name: str) -> bool:
        """Whether git's own rules (`check-ref-format --branch`) and ours (no leading `-`) take it."""
