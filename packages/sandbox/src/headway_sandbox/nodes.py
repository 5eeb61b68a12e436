"""Things with a GraphQL identity, and the opaque ids that clients get for them.

Most are records. Some exist only as views of others: commits, rollups, branches, workflow runs.
"""

import re
import zlib
from typing import TypeAlias

import attrs

from headway_sandbox.errors import NotFound
from headway_sandbox.facts import git_of, permission
from headway_sandbox.records import (
    CheckRun,
    CheckSuite,
    Comment,
    CommitStatus,
    Issue,
    Permission,
    PullRequest,
    Repository,
    Review,
    ReviewRequest,
    Thread,
    User,
)
from headway_sandbox.store import Transaction

# GitHub's check run ids left 32 bits behind; so do ours, or clients would never notice.
CHECK_RUN_OFFSET = 44_000_000_000
WORKFLOW_RUN_OFFSET = 12_000_000_000
GITHUB_ACTIONS_ID = 15368


@attrs.frozen
class Commit:
    """A commit of a repository."""

    repository: Repository
    oid: str


@attrs.frozen
class Rollup:
    """The checks of a commit. `pessimistic`: asked for with its contexts, see `resolvers`."""

    repository: Repository
    oid: str
    pessimistic: bool = False


@attrs.frozen
class BranchRef:
    """A branch at its tip."""

    repository: Repository
    name: str
    oid: str


def workflow_number(repository: Repository, name: str) -> int:
    """The database id of a workflow."""
    return repository.id * 100_000 + zlib.crc32(name.encode()) % 100_000


def app_number(slug: str) -> int:
    """The database id of an app."""
    return (
        GITHUB_ACTIONS_ID if slug == "github-actions" else 1_000_000 + zlib.crc32(slug.encode()) % 1_000_000
    )


@attrs.frozen
class WorkflowRun:
    """The Actions side of a check suite."""

    suite: CheckSuite


@attrs.frozen
class Workflow:
    """A workflow of a repository."""

    repository: Repository
    name: str


@attrs.frozen
class App:
    """The app that reports checks."""

    slug: str


@attrs.frozen
class Protection:
    """The branch protection rule of the default branch."""

    repository: Repository


@attrs.frozen
class Rule:
    """A rule of the ruleset of the default branch; `type` is a RepositoryRuleType."""

    repository: Repository
    type: str


Node: TypeAlias = (
    User
    | Repository
    | Issue
    | PullRequest
    | Review
    | ReviewRequest
    | Thread
    | Comment
    | CheckSuite
    | CheckRun
    | CommitStatus
    | Commit
    | Rollup
    | BranchRef
    | WorkflowRun
    | Workflow
    | App
    | Protection
    | Rule
)

_BY_PREFIX: dict[str, type] = {
    "U": User,
    "R": Repository,
    "I": Issue,
    "PR": PullRequest,
    "PRR": Review,
    "RR": ReviewRequest,
    "PRRT": Thread,
    "PRRC": Comment,
    "IC": Comment,
    "CS": CheckSuite,
    "CR": CheckRun,
    "SC": CommitStatus,
}
_PREFIX = {kind: prefix for prefix, kind in _BY_PREFIX.items()}
_RECORD_ID = re.compile(r"([A-Z]+)_kwDO([0-9a-f]{8})")
_COMMIT_ID = re.compile(r"(C|SCR)_kwDO([0-9a-f]{8})_([0-9a-f]{40,64})")


def node_id(node: Node) -> str:
    """Return the global id."""
    match node:
        case Commit():
            return f"C_kwDO{node.repository.id:08x}_{node.oid}"
        case Rollup():
            return f"SCR_kwDO{node.repository.id:08x}_{node.oid}"
        case BranchRef():
            return f"REF_kwDO{node.repository.id:08x}_{node.name}"
        case WorkflowRun():
            return f"WFR_kwDO{node.suite.id:08x}"
        case Workflow():
            return f"W_kwDO{node.repository.id:08x}_{node.name}"
        case App():
            return f"A_kwDO_{node.slug}"
        case Protection():
            return f"BPR_kwDO{node.repository.id:08x}"
        case Rule():
            return f"RRU_kwDO{node.repository.id:08x}_{node.type}"
        case Comment():
            return f"{'IC' if node.thread is None else 'PRRC'}_kwDO{node.id:08x}"
        case _:
            return f"{_PREFIX[type(node)]}_kwDO{node.id:08x}"


def find_node(tx: Transaction, viewer: User, global_id: str) -> Node:
    """Return the node; raises `NotFound` for unknown ids and for what the viewer may not see."""
    node = _lookup(tx, global_id)
    if node is not None and not isinstance(node, User):
        repository = _repository_of(tx, node)
        if repository is None or permission(tx, repository, viewer) is Permission.NONE:
            node = None
    if node is None:
        raise NotFound(f"Could not resolve to a node with the global id of '{global_id}'")
    return node


def _lookup(tx: Transaction, global_id: str) -> Node | None:
    if match := _RECORD_ID.fullmatch(global_id):
        kind = _BY_PREFIX.get(match[1])
        found: Node | None = tx.first(kind, id=int(match[2], 16)) if kind else None
        return found if found is not None and node_id(found) == global_id else None
    if match := _COMMIT_ID.fullmatch(global_id):
        repository = tx.first(Repository, id=int(match[2], 16))
        if repository is None or not git_of(repository).commit_exists(match[3]):
            return None
        return Rollup(repository, match[3]) if match[1] == "SCR" else Commit(repository, match[3])
    return None


def _repository_of(tx: Transaction, node: Node) -> Repository | None:
    match node:
        case Repository():
            return node
        case Commit() | Rollup():
            return node.repository
        case PullRequest() | Issue() | CheckSuite() | CommitStatus():
            return tx.get(Repository, node.repository)
        case Review() | Thread() | ReviewRequest():
            return tx.get(Repository, tx.get(PullRequest, node.pull).repository)
        case Comment():
            subject = tx.first(PullRequest, id=node.subject) or tx.get(Issue, node.subject)
            return tx.get(Repository, subject.repository)
        case CheckRun():
            return tx.get(Repository, tx.get(CheckSuite, node.suite).repository)
        case _:
            return None
