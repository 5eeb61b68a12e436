"""A workspace: one task on one branch in one worktree on one host, and the table of its life."""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import attrs

from headway_core.kernel.tables import Index, Lock, Parents, Query, TableSpec


class WorkspaceStatus(enum.StrEnum):
    """Where a workspace is in its life."""

    NEW = "NEW"
    """It was created, and no host has begun to set it up."""
    PROVISIONING = "PROVISIONING"
    """A host makes its worktree and runs the start-up script."""
    READY = "READY"
    """Its worktree is there, and sessions may start; a warning says what is not as it should be."""
    FAILED = "FAILED"
    """It could not be set up; its error says why, and `headway workspace retry` tries again."""
    ARCHIVING = "ARCHIVING"
    """Its sessions are being stopped, its work is saved, its worktree removed."""
    ARCHIVED = "ARCHIVED"
    """Its worktree is gone and its branch stays; nothing follows."""


_S = WorkspaceStatus

LIFECYCLE_TRANSITIONS: Mapping[WorkspaceStatus, frozenset[WorkspaceStatus]] = MappingProxyType(
    {
        _S.NEW: frozenset({_S.PROVISIONING}),
        _S.PROVISIONING: frozenset({_S.READY, _S.FAILED}),
        _S.READY: frozenset({_S.PROVISIONING, _S.ARCHIVING}),
        _S.FAILED: frozenset({_S.NEW, _S.PROVISIONING, _S.ARCHIVING}),
        _S.ARCHIVING: frozenset({_S.ARCHIVED, _S.READY, _S.FAILED}),
        _S.ARCHIVED: frozenset(),
    }
)
"""From a status to those that may follow it. Nothing else happens (I1), but for `MOVABLE`."""

MOVABLE = frozenset(status for status in _S if status is not _S.ARCHIVED)
"""From any of these a workspace of a retired host comes to PROVISIONING when it is moved to another."""

WORKTREE_MISSING = "the worktree is missing"
WORKTREE_BROKEN = (
    "the worktree's .git is gone or is another repository's; the files are there, and a retry puts them aside"
)
"""The warnings of a READY workspace without a worktree: a retry makes it anew."""

RETRY_LIMIT = 3
"""A retry past this many is refused."""


class SourceKind(enum.StrEnum):
    """Where the work of a workspace comes from."""

    MANUAL = "MANUAL"
    """A person described it."""
    RESUME_BRANCH = "RESUME_BRANCH"
    """A branch that exists is continued."""
    GITHUB_ISSUE = "GITHUB_ISSUE"
    """An issue of the project's repository asks for it."""


@attrs.frozen(kw_only=True)
class ManualSource:
    """A person described the work."""

    kind = SourceKind.MANUAL
    initial_prompt: str | None
    """The first prompt; None when there is none yet."""


@attrs.frozen(kw_only=True)
class ResumeBranchSource:
    """A branch that exists is continued."""

    kind = SourceKind.RESUME_BRANCH
    branch: str
    """The branch, as it was named at creation."""
    restores: str | None = None
    """The archived workspace of which everything that is preserved is brought back; None for no such."""


@attrs.frozen(kw_only=True)
class GitHubIssueSource:
    """An issue of the project's repository asks for the work."""

    kind = SourceKind.GITHUB_ISSUE
    number: int
    """The issue's number."""
    url: str
    """The issue's address."""
    title: str | None
    """Its title: outside text; None when GitHub could not be read at creation."""
    body_hash: str | None
    """SHA-256 of its body, hexadecimal; None when GitHub could not be read at creation."""


WorkspaceSource = ManualSource | ResumeBranchSource | GitHubIssueSource


class SessionPolicy(enum.StrEnum):
    """Which session a new workspace gets."""

    NONE = "none"
    """None."""
    IDLE = "idle"
    """One that waits for a first prompt."""
    START = "start"
    """One that starts with the prompt as soon as the workspace is READY."""


@attrs.frozen(kw_only=True)
class Workspace:
    """Identity and lifecycle. `WorkspaceSteps` is the only writer."""

    id: str
    """A random id."""
    version: int = 0
    """Counts the changes of the record."""
    project_id: str
    """Its project."""
    name: str
    """1 to 200 characters."""
    description: str | None
    """More about it, for people."""
    source: WorkspaceSource
    """Where the work comes from."""
    session_policy: SessionPolicy
    """Which session it got at creation."""

    branch: str
    """The branch of its worktree."""
    branch_is_generated: bool
    """Headway chose the name, and may choose another while no worktree has it."""
    base_branch: str
    """What a new branch starts from; the project's default branch unless the creator said."""
    branch_made: bool = False
    """A worktree has stood on the branch: it is the workspace's own, and another worktree takes it up."""
    host_id: str | None = None
    """The host to which it is pinned: the one that provisions it first, or to which a person moved it."""
    worktree_path: str | None = None
    """Absolute; None until the worktree exists, and after it was removed."""
    has_had_sessions: bool = False
    """Whether it ever had a session."""

    branch_claim: str | None
    """`<repository>:<branch>` while the workspace is live, whatever the clone and its project; unique. None
    also of one that shared its branch with an older one before claims were those of the repository.
    """
    issue_claim: str | None
    """`<repository>:<issue number>` while it is live; unique; None for a permitted duplicate."""
    idempotency_key: str | None
    """The creator's key; unique. A repeated create returns this workspace."""

    status: WorkspaceStatus = WorkspaceStatus.NEW
    """Where it is in its life."""
    archiving_from: WorkspaceStatus | None = None
    """Where a failed archive goes back to."""
    retries: int = 0
    """How often a person asked to retry."""
    warning: str | None = None
    """READY, but a script failed or the worktree is missing."""
    error: str | None = None
    """Why it is FAILED, or why the last archive failed."""
    stopped: str | None = None
    """Why nothing starts in it before a person has looked, in a sentence; None: nothing keeps it."""
    cancel_asked: bool = False
    """A person wants the provisioning to end; the provisioner looks at it."""
    init_started_at: datetime | None = None
    """When its last provisioning began."""
    init_completed_at: datetime | None = None
    """When its last provisioning ended."""
    preserved: str | None = None
    """Where everything is that was on no branch at the archive: a branch, refs, folders. None: nothing."""
    created_at: datetime
    """When it was created."""
    status_changed_at: datetime
    """When its status last changed."""

    @property
    def is_live(self) -> bool:
        return self.status is not WorkspaceStatus.ARCHIVED

    @property
    def accepts_sessions(self) -> bool:
        """Whether a session may start here."""
        ready = self.status is WorkspaceStatus.READY and self.worktree_path is not None
        return ready and not self.worktree_lost and self.stopped is None

    @property
    def worktree_lost(self) -> bool:
        """READY, and its worktree is not there as it should be."""
        return self.status is WorkspaceStatus.READY and self.warning in {WORKTREE_MISSING, WORKTREE_BROKEN}

    @property
    def is_retryable(self) -> bool:
        """Whether its state is one that a retry can better (its retries aside)."""
        return self.status is WorkspaceStatus.FAILED or (
            self.status is WorkspaceStatus.READY and self.warning is not None
        )

    @property
    def attempt(self) -> str:
        """The name of the present run of provisioning among the init output."""
        return f"{self.retries:02d}"


def branch_claim(repository: str, branch: str) -> str:
    """What a live workspace on this branch holds. `repository`: as in `Project.repository_key`."""
    return f"{repository}:{branch}"


def issue_claim(repository: str, number: int) -> str:
    """What the one live workspace of this issue holds. `repository`: as in `Project.repository_key`."""
    return f"{repository}:{number}"


@attrs.frozen(kw_only=True)
class InitOutputLine:
    """A chunk of what provisioning printed: append-only, one run of it an `attempt`."""

    workspace_id: str
    attempt: str
    """The retry count as two digits, so that text order is time order."""
    sequence: str
    """Zero-padded number of the chunk in its attempt; numbers missing at the front were cut away."""
    text: str
    at: datetime


@attrs.frozen(kw_only=True)
class GitFacts:
    """What git said of a worktree, and when. Replaced whole; emits nothing."""

    workspace_id: str
    branch: str | None
    """None when HEAD is detached."""
    head: str | None
    """Commit id; None on an unborn branch."""
    dirty: bool
    """Uncommitted or untracked changes."""
    unpushed: int
    """Commits of HEAD that the remote branch (or, without one, the base) does not have."""
    overruled: tuple[str, ...] = ()
    """Keys of the repository's own git configuration that Headway's git does not obey."""
    changes: str | None = None
    """A digest of the uncommitted changes; None: there are none, or nobody could tell."""
    left: str | None = None
    """The digest of those that the set-up or the last fixer left there; None: they left none."""
    refused: str | None = None
    """The head that the worktree could not be brought forward to; None: it was not tried, or could."""
    at: datetime
    made: tuple[str, ...] | None = None
    """The newest commits that were made in this worktree, as its reflog tells; None when nothing told."""

    def after(self, before: "GitFacts | None") -> "GitFacts":
        """These facts, with what they do not say: what was left there, and a head out of reach from here."""
        if before is None:
            return self
        refused = before.refused if before.head == self.head else None
        return attrs.evolve(self, left=self.left or before.left, refused=self.refused or refused)

    def has_made(self, commit: str) -> bool:
        """Whether this commit was made in the worktree; where nothing tells that, whether HEAD is at it."""
        return commit == self.head if self.made is None else commit in self.made


_LIVE = tuple(status.value for status in WorkspaceStatus if status is not WorkspaceStatus.ARCHIVED)

_IN_MOTION = ("NEW", "PROVISIONING", "ARCHIVING")

ALL_WORKSPACES = Query(name="all", order=("created_at",))
LIVE_WORKSPACES = Query(name="live", among={"status": _LIVE}, order=("created_at",))
OF_PROJECT = Query(name="of_project", equal=("project_id",), order=("created_at",))
IN_STATUS = Query(name="in_status", equal=("status",), order=("created_at",))
IN_MOTION = Query(name="in_motion", among={"status": _IN_MOTION}, order=("created_at",))
"""The host has something to do for them."""
BY_BRANCH_CLAIM = Query(name="by_branch_claim", equal=("branch_claim",))
BY_ISSUE_CLAIM = Query(name="by_issue_claim", equal=("issue_claim",))
BY_IDEMPOTENCY_KEY = Query(name="by_idempotency_key", equal=("idempotency_key",))

WORKSPACES = TableSpec(
    name="workspaces",
    record=Workspace,
    workspace="id",
    indexes=(
        Index(name="workspaces_project", columns=("project_id",)),
        Index(name="workspaces_status", columns=("status",)),
        Index(name="workspaces_branch_claim", columns=("branch_claim",), unique=True),
        Index(name="workspaces_issue_claim", columns=("issue_claim",), unique=True),
        Index(name="workspaces_idempotency_key", columns=("idempotency_key",), unique=True),
    ),
    queries=(
        ALL_WORKSPACES,
        LIVE_WORKSPACES,
        OF_PROJECT,
        IN_STATUS,
        IN_MOTION,
        BY_BRANCH_CLAIM,
        BY_ISSUE_CLAIM,
        BY_IDEMPOTENCY_KEY,
    ),
)

OF_LIVE_WORKSPACES = Query(
    name="of_live_workspaces", of=Parents(column="workspace_id", table=WORKSPACES, query=LIVE_WORKSPACES)
)
"""For tables of other rooms: what the board reads of them, however many workspaces are archived."""

OUTPUT_OF = Query(name="of_attempt", equal=("workspace_id", "attempt"))
INIT_OUTPUT = TableSpec(
    name="init_output",
    record=InitOutputLine,
    key=("workspace_id", "attempt", "sequence"),
    lock=Lock.APPEND,
    queries=(OUTPUT_OF,),
)
GIT_FACTS = TableSpec(name="git_facts", record=GitFacts, key=("workspace_id",), lock=Lock.APPEND)
