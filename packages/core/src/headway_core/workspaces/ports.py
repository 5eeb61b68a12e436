"""What the room asks of the machine: git worktrees and start-up scripts."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime

import attrs

from headway_core.projects.ports import Repositories, Repository

__all__ = [
    "BranchCheckout",
    "BroughtBack",
    "Preserved",
    "PutAway",
    "PutAwayOrder",
    "Repository",
    "ScriptOrder",
    "ScriptResult",
    "Scripts",
    "Standing",
    "StrayWorktree",
    "WorktreeOrder",
    "WorktreeOutcome",
    "WorktreeState",
    "Worktrees",
]


@attrs.frozen(kw_only=True)
class BranchCheckout:
    """A branch that exists."""

    checked_out_at: str | None
    """Real path of the worktree (the main one included) that has it; None when none has."""


@attrs.frozen(kw_only=True)
class WorktreeOrder:
    """A worktree to be made."""

    workspace_id: str
    """The workspace that it is for."""
    repo_path: str
    """The repository."""
    base_path: str
    """The folder that must strictly contain `path`, by real path."""
    path: str
    """Where the worktree is to be."""
    branch: str
    """The branch to check out."""
    new_branch: bool
    """True: the branch is to be created from `base_branch`; False: it exists (locally or on origin)."""
    base_branch: str
    """What a new branch starts from."""


class WorktreeOutcome(enum.StrEnum):
    """How `Worktrees.create` ended, when nothing went wrong."""

    CREATED = "created"
    """The worktree was made."""
    REUSED = "reused"
    """The workspace's worktree was there already, on its branch: an earlier attempt made it."""
    BRANCH_TAKEN = "branch_taken"
    """The name of the new branch exists with somebody's work on it: choose another."""


@attrs.frozen(kw_only=True)
class WorktreeState:
    """What git says of a worktree now."""

    branch: str | None
    """The branch that is checked out; None when HEAD is detached. Text: bytes that are none are escaped."""
    head: str | None
    """The commit of HEAD; None on a branch without one."""
    dirty: bool
    """Whether there are uncommitted or untracked changes."""
    unpushed: int
    """Commits of HEAD that the remote branch (or, without one, the base) does not have."""
    ignored: tuple[str, ...]
    """Ignored files and folders that exist (`.env`), which no commit would keep; at most 100."""
    made: tuple[str, ...] | None = None
    """The newest commits that were made in this worktree (and not fetched into it), as its reflog tells; at
    most 50. None when nothing tells.
    """
    overruled: tuple[str, ...] = ()
    """Keys of the repository's own git configuration that name programs or other places, and that Headway's
    git does not obey: git does for whoever works there. Sorted.
    """
    changes: str | None = None
    """A digest of the uncommitted and untracked changes, by which they are known again; None: there are none,
    or nobody can tell.
    """


class Standing(enum.StrEnum):
    """What is where a worktree is to be."""

    STANDS = "stands"
    """The worktree."""
    MISSING = "missing"
    """Nothing, or an empty folder."""
    BROKEN = "broken"
    """Files, but no worktree of the repository: its `.git` is gone, or is another repository's."""


@attrs.frozen(kw_only=True)
class PutAwayOrder:
    """A worktree that is to go, with nothing lost."""

    workspace_id: str
    """The workspace that it is of: what is kept is called by it."""
    repo_path: str
    """The repository."""
    base_path: str
    """The folder that must strictly contain `path`, by real path."""
    path: str
    """The worktree."""
    lose_ignored: bool
    """Whether files that git ignores may be lost."""


@attrs.frozen(kw_only=True)
class PutAway:
    """A worktree went away."""

    kept: tuple[str, ...]
    """Where everything is that was on no branch: the branch that has it now, refs, folders."""


@attrs.frozen(kw_only=True)
class Preserved:
    """What is kept of one workspace."""

    workspace_id: str
    """The workspace."""
    places: tuple[str, ...]
    """Refs in the repository, and folders."""
    size: int
    """Bytes on the disk that would be free without it."""
    since: datetime
    """When the oldest of it was kept."""


@attrs.frozen(kw_only=True)
class BroughtBack:
    """What was preserved is in a worktree again; it stays preserved too."""

    told: tuple[str, ...]
    """What was done and what is left, in sentences for people. Empty: nothing was preserved."""


@attrs.frozen(kw_only=True)
class StrayWorktree:
    """A worktree folder that no workspace knows."""

    path: str
    """The folder."""
    owner: str | None = None
    """The workspace that it was made for, as its git folder says; None when it says nothing."""
    holds_work: bool
    """Uncommitted or unpushed work, or git can't tell: never removed by Headway."""


class Worktrees(Repositories):
    """Git on this host, its repositories included. Every path and name is hostile until it was checked.

    Raises `InvalidInput` (fields `path`, `branch`, `base_branch`) for what can't be used and
    `Unavailable("git", …)` when git fails. Nothing half-made is left behind: what `create` made and
    could not finish is removed, unless git has registered it. Each method is safe to repeat.
    """

    @abstractmethod
    async def find_branch(self, repo_path: str, branch: str) -> BranchCheckout | None:
        """Where an existing branch is: local, else on `origin` (asked when no local ref knows it).

        None when it is in neither, or `origin` can't be asked.
        """

    @abstractmethod
    async def branches_below(self, repo_path: str, prefix: str) -> frozenset[str]:
        """The local branches `<prefix>/…`, by their whole names. Nobody else is asked."""

    @abstractmethod
    async def in_the_way(self, repo_path: str, branch: str) -> str | None:
        """The branch, here or on `origin`, that leaves no room for one of this name: `a` for `a/b`, as git
        keeps them in folders. None when there is none.
        """

    @abstractmethod
    async def create(self, order: WorktreeOrder) -> WorktreeOutcome:
        """Make the worktree. A new branch starts at `origin/<base>`, fetched now; else at the local branch of
        this name, else at what was last fetched of it.

        A branch that is checked out in another worktree is `Conflict`.
        """

    @abstractmethod
    async def state(self, repo_path: str, path: str, base_branch: str) -> WorktreeState | None:
        """What git says of the worktree; None when it does not exist, is not registered, or can't be read."""

    @abstractmethod
    async def fast_forward(self, path: str, branch: str, commit: str) -> bool:
        """Bring a worktree forward to a commit that its branch has on origin; whether it stands there then.

        False, and nothing is changed: it holds changes, is on another branch, has commits that `commit` does
        not contain, or origin does not have `commit`. Nothing in it is overwritten, ignored files included.
        `Unavailable` when origin can't be asked.
        """

    @abstractmethod
    async def standing(self, repo_path: str, path: str) -> Standing:
        """What is where the worktree is to be: a look at the disk, without git."""

    @abstractmethod
    async def put_away(self, order: PutAwayOrder) -> PutAway:
        """Let the worktree go, with everything in it kept; the branch stays. Safe to repeat: after a crash it
        goes on, and tells the same.

        Uncommitted and untracked work becomes a commit on the branch, if the branch is where HEAD was and
        nothing is under way; else it is kept by a ref under `refs/headway/preserved/<workspace id>/`, as are
        commits that only the worktree's own logs and refs hold, and what was staged. What git can't hold (a
        worktree whose `.git` is gone or another repository's, repositories inside of it) is kept as a folder,
        whole.

        `Conflict` when ignored files would be lost and not `lose_ignored`, when it is locked, and when it
        can't be moved; the worktree, its index and its branch are as they were then.
        """

    @abstractmethod
    async def preserved(self, repo_path: str, base_path: str) -> tuple[Preserved, ...]:
        """Everything that is kept in a repository and beside its worktrees, whichever database knows it."""

    @abstractmethod
    async def bring_back(self, repo_path: str, base_path: str, path: str, workspace_id: str) -> BroughtBack:
        """Let a fresh worktree, which nobody has worked in, have what is preserved of another workspace.

        Uncommitted files are uncommitted again, and what was staged is staged. Safe to repeat.
        """

    @abstractmethod
    async def make_preserved_branch(
        self, repo_path: str, base_path: str, branch: str, workspace_id: str
    ) -> bool:
        """Make a branch that is gone again, where what is preserved of the workspace was made on it.

        False when nothing tells where that was.
        """

    @abstractmethod
    async def drop_preserved(self, repo_path: str, base_path: str, workspace_id: str) -> None:
        """Lose what is preserved of a workspace, for good. No error when there is nothing."""

    @abstractmethod
    async def remove(self, repo_path: str, base_path: str, path: str, *, lose_ignored: bool) -> None:
        """Remove a worktree without work; the branch stays. No error when it is gone already.

        `Conflict` when it holds anything that is on no branch, or ignored files and not `lose_ignored`; the
        real path must lie strictly inside `base_path` and be a registered worktree (L8).
        """

    @abstractmethod
    async def strays(
        self, repo_path: str, base_path: str, known: frozenset[str]
    ) -> tuple[StrayWorktree, ...]:
        """Worktree folders in `base_path` whose real path is not `known`."""


@attrs.frozen(kw_only=True)
class ScriptOrder:
    """A start-up script that a person configured."""

    workspace_id: str
    """The workspace."""
    command: str
    """Run by `sh -c` in `cwd`: it is the person's own text, never built from data."""
    cwd: str
    """The worktree, as an absolute path."""
    timeout_s: float
    """Seconds after which it is ended."""


@attrs.frozen(kw_only=True)
class ScriptResult:
    """How a script ended: exactly one of the three."""

    exit_code: int | None = None
    """Its exit code."""
    signal: int | None = None
    """The signal that ended it."""
    timed_out: bool = False
    """Whether it was ended because it took too long."""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0


class Scripts(ABC):
    """Runs start-up scripts on this host."""

    @abstractmethod
    async def run(self, order: ScriptOrder, output: Callable[[str], Awaitable[None]]) -> ScriptResult:
        """Run to its end; `output` gets decoded chunks, at most one every 500 ms.

        The whole process group ends with the call: at the time-out, when cancelled, and with this process.
        """
