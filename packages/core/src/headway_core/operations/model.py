"""The commands that create workspaces, and how provisioning, archive and recovery end."""

import attrs

from headway_core.workspaces.model import SessionPolicy, Workspace
from headway_core.workspaces.ports import Preserved, StrayWorktree


@attrs.frozen(kw_only=True)
class Manual:
    """Work that a person describes, on a new branch."""

    project_id: str
    """Id or slug of the project."""
    name: str
    """1 to 200 printable characters, after trimming."""
    description: str | None = None
    """More about it, for people."""
    branch: str | None = None
    """The new branch's name; None: Headway makes one of the name."""
    base_branch: str | None = None
    """None: the project's default branch."""
    ratchet: bool | None = None
    """Whether its pull request is moved forward; None: as the settings say."""
    initial_prompt: str | None = None
    """The first prompt to the agent; None: there is none yet."""
    session_policy: SessionPolicy | None = None
    """None: `start` when there is a prompt, else `none`."""


@attrs.frozen(kw_only=True)
class ResumeBranch:
    """Work on a branch that exists, here or on origin."""

    project_id: str
    """Id or slug of the project."""
    branch: str
    """The branch, here or on origin."""
    restores: str | None = None
    """An archived workspace: what is preserved of it comes into the worktree. None: nothing does."""
    name: str | None = None
    """None: the branch."""
    description: str | None = None
    """More about it, for people."""
    ratchet: bool | None = None
    """Whether its pull request is moved forward; None: as the settings say."""
    initial_prompt: str | None = None
    """The first prompt to the agent; None: there is none yet."""
    session_policy: SessionPolicy | None = None
    """None: `start` when there is a prompt, else `none`."""


@attrs.frozen(kw_only=True)
class GitHubIssue:
    """Work on an issue of the project, named by its number or its address; the prompt is made of it."""

    project_id: str
    """Id or slug of the project."""
    number: int | None = None
    """The issue's number; None: as the address says."""
    url: str | None = None
    """Its address at the source of issues; None: made of the number."""
    name: str | None = None
    """None: the issue's title, else `Issue #n`."""
    description: str | None = None
    """More about it, for people."""
    ratchet: bool | None = None
    """Whether its pull request is moved forward; None: as the settings say."""
    session_policy: SessionPolicy | None = None
    """None: `start`."""
    allow_duplicate: bool = False
    """Another live workspace may work on the issue."""
    confirmed_body_hash: str | None = None
    """SHA-256 (hexadecimal) of the body that a person has read and lets an agent read."""


CreateWorkspace = Manual | ResumeBranch | GitHubIssue


@attrs.frozen(kw_only=True)
class Settled:
    """It was done to its end: the workspace's status, error and warning say which."""

    workspace: Workspace
    """The workspace as it is stored now."""


@attrs.frozen(kw_only=True)
class Busy:
    """Somebody else acts on the workspace on this host; nothing was done."""

    workspace_id: str
    """The workspace that somebody acts on."""


@attrs.frozen(kw_only=True)
class NotDue:
    """There is nothing to do here: the workspace is in another status, or another host's."""

    workspace: Workspace
    """The workspace, unchanged."""
    reason: str
    """Why nothing was done, as a sentence for people."""


@attrs.frozen(kw_only=True)
class HoldsIgnored:
    """Its worktree has ignored files that no commit keeps; nothing was done. Archive with `lose_ignored`."""

    workspace: Workspace
    """The workspace, as it was before."""
    files: tuple[str, ...]
    """The ignored files and folders, at most 100."""


@attrs.frozen(kw_only=True)
class PreservedOf:
    """What is kept of a workspace on this host."""

    workspace: Workspace
    """The workspace, archived or not."""
    preserved: Preserved
    """Where it is, how large, and since when."""


ProvisionResult = Settled | Busy | NotDue
ArchiveResult = Settled | Busy | NotDue | HoldsIgnored


@attrs.frozen(kw_only=True)
class Recovered:
    """What a recovery of this host found and did."""

    settled: tuple[Workspace, ...]
    """Brought to an end: provisioned, archived, failed or gone back."""
    missing: tuple[Workspace, ...]
    """READY, but their worktree is gone: they carry a warning now."""
    removed: tuple[str, ...]
    """Worktree folders that archived workspaces had left here and that held no work: they are gone."""
    strays: tuple[StrayWorktree, ...]
    """Worktree folders that no workspace knows and that may hold work: never removed here."""
    problems: tuple[str, ...]
    """What could not be looked at or brought to an end, in words; it is tried again next time."""
