"""What GitHub derives: who may do what, mergeability, the rollup of checks, review decisions."""

import enum
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import attrs

from headway_sandbox.errors import Forbidden, NotFound
from headway_sandbox.git import Git
from headway_sandbox.records import (
    Association,
    Branch,
    CheckRun,
    CheckStatus,
    CheckSuite,
    CommitStatus,
    Conclusion,
    FormerName,
    Issue,
    Membership,
    MergeTrial,
    Permission,
    PullRequest,
    PullState,
    Repository,
    Review,
    ReviewState,
    StatusState,
    Thread,
    User,
)
from headway_sandbox.store import Transaction

PASSING = frozenset({Conclusion.SUCCESS, Conclusion.NEUTRAL, Conclusion.SKIPPED})


class Mergeable(enum.StrEnum):
    """GitHub's MergeableState."""

    MERGEABLE = "MERGEABLE"
    CONFLICTING = "CONFLICTING"
    UNKNOWN = "UNKNOWN"


@attrs.frozen(kw_only=True)
class Job:
    """A check run with the suite that it belongs to."""

    run: CheckRun
    suite: CheckSuite

    @property
    def key(self) -> tuple[str, ...]:
        """What a later run must share with this one to supersede it in the merge box."""
        suite = self.suite
        return ("run", suite.app, suite.workflow or "", suite.event or "", self.run.name)

    @property
    def verdict(self) -> StatusState:
        """Return the run as a StatusState."""
        if self.run.status is not CheckStatus.COMPLETED:
            return StatusState.PENDING
        return StatusState.SUCCESS if self.run.conclusion in PASSING else StatusState.FAILURE


Context: TypeAlias = Job | CommitStatus


def git_of(repository: Repository) -> Git:
    """Return the origin of a repository."""
    return Git(Path(repository.origin))


# Who


def membership(tx: Transaction, repository: Repository, user: User) -> Membership | None:
    """Return what was said about the user in this repository."""
    return tx.first(Membership, repository=repository.id, user=user.id)


def permission(tx: Transaction, repository: Repository, user: User) -> Permission:
    """Return what the user may do; without a membership: NONE."""
    found = membership(tx, repository, user)
    return found.permission if found else Permission.NONE


def association(tx: Transaction, repository: Repository, user: User) -> Association:
    """Return the author association of the user's texts."""
    found = membership(tx, repository, user)
    return found.association if found else Association.NONE


def require_read(tx: Transaction, repository: Repository, user: User) -> None:
    """Raise `NotFound`, as GitHub does, when the user may not know the repository."""
    if permission(tx, repository, user) is Permission.NONE:
        message = f"Could not resolve to a Repository with the name '{repository.owner}/{repository.name}'."
        raise NotFound(message)


def require_push(tx: Transaction, repository: Repository, user: User, action: str) -> None:
    """Raise `Forbidden` unless the user has push right."""
    require_read(tx, repository, user)
    if not permission(tx, repository, user).can_push:
        message = f"{user.login} does not have the correct permissions to execute `{action}`"
        raise Forbidden(message)


# Commits


def tip(tx: Transaction, repository: Repository, branch: str) -> str | None:
    """Return the commit that a branch was last seen at."""
    found = tx.first(Branch, repository=repository.id, name=branch)
    return found.oid if found else None


def base_oid(tx: Transaction, repository: Repository, pull: PullRequest) -> str:
    """Return the base's tip while the pull request is open, else what it was at the end."""
    if pull.state is not PullState.OPEN:
        return pull.base_oid
    return tip(tx, repository, pull.base) or pull.base_oid


def conflicts(tx: Transaction, repository: Repository, *, head: str, base: str) -> bool:
    """Say whether head and base conflict, by a real merge; remembered for each pair."""
    pair = f"{head} {base}"
    trial = tx.first(MergeTrial, repository=repository.id, pair=pair)
    if trial is None:
        clash = git_of(repository).merge_tree(base, head) is None
        trial = tx.add(MergeTrial(id=tx.next_id(), repository=repository.id, pair=pair, conflicts=clash))
    return trial.conflicts


def mergeable(
    tx: Transaction, repository: Repository, pull: PullRequest, *, by_rest: bool = False
) -> Mergeable:
    """Return the mergeability. The first read after a change starts the trial, as at GitHub."""
    pull = tx.get(PullRequest, pull.id)  # a read in the same request may have started the trial
    if pull.state is not PullState.OPEN:
        return Mergeable.UNKNOWN
    base = base_oid(tx, repository, pull)
    pair = f"{pull.head_oid} {base}"
    if pull.probe != pair:
        if repository.mergeable_by_rest and not by_rest:
            return Mergeable.UNKNOWN
        ready_at = tx.now + repository.mergeable_delay
        pull = tx.replace(pull, probe=pair, probe_ready_at=ready_at)
    if tx.now < pull.probe_ready_at:
        return Mergeable.UNKNOWN
    clash = conflicts(tx, repository, head=pull.head_oid, base=base)
    return Mergeable.CONFLICTING if clash else Mergeable.MERGEABLE


# Checks


def contexts(tx: Transaction, repository: Repository, oid: str) -> list[Context]:
    """Return every check run and the newest status of each context on a commit."""
    jobs = [
        Job(run=run, suite=suite)
        for suite in tx.find(CheckSuite, repository=repository.id, commit_oid=oid)
        for run in tx.find(CheckRun, suite=suite.id, replaced=False)
    ]
    jobs.sort(key=lambda job: job.run.id)  # a re-run may live in an older suite
    statuses = {
        status.context: status for status in tx.find(CommitStatus, repository=repository.id, commit_oid=oid)
    }
    return [*jobs, *statuses.values()]


def latest(items: Iterable[Context]) -> list[Context]:
    """Keep the newest of the runs that supersede each other, as GitHub's merge box does."""
    newest: dict[tuple[str, ...], Context] = {}
    for item in items:
        key = item.key if isinstance(item, Job) else ("status", item.context)
        newest[key] = item
    return list(newest.values())


def rollup_state(items: Sequence[Context]) -> StatusState:
    """Sum up contexts: any failure, else anything unfinished, else success."""
    states = {item.verdict if isinstance(item, Job) else item.state for item in items}
    if states & {StatusState.FAILURE, StatusState.ERROR}:
        return StatusState.FAILURE
    if states & {StatusState.PENDING, StatusState.EXPECTED}:
        return StatusState.PENDING
    return StatusState.SUCCESS


def context_name(item: Context) -> str:
    """Return the name that a rule requires."""
    return item.run.name if isinstance(item, Job) else item.context


def passed(item: Context) -> bool:
    """Say whether the check is green."""
    state = item.verdict if isinstance(item, Job) else item.state
    return state is StatusState.SUCCESS


# Reviews


def opinions(tx: Transaction, pull: PullRequest) -> list[Review]:
    """Return the last review of each author that approves, requests changes or was dismissed."""
    newest: dict[int, Review] = {}
    for review in tx.find(Review, pull=pull.id):
        if review.state is not ReviewState.COMMENTED:
            newest.pop(review.author, None)
            newest[review.author] = review
    return list(newest.values())


def approvals_required(repository: Repository, pull: PullRequest) -> int:
    """Return how many approvals the base branch asks for."""
    return repository.required_approvals if pull.base == repository.default_branch else 0


def review_decision(tx: Transaction, repository: Repository, pull: PullRequest) -> str | None:
    """Return the PullRequestReviewDecision; None where reviews are not required."""
    required = approvals_required(repository, pull)
    if not required:
        return None
    states = [
        review.state
        for review in opinions(tx, pull)
        if permission(tx, repository, tx.get(User, review.author)).can_push
    ]
    if ReviewState.CHANGES_REQUESTED in states:
        return "CHANGES_REQUESTED"
    return "APPROVED" if states.count(ReviewState.APPROVED) >= required else "REVIEW_REQUIRED"


# The merge box


def merge_state(tx: Transaction, repository: Repository, pull: PullRequest) -> str:
    """Return the MergeStateStatus: DIRTY, DRAFT, BLOCKED, BEHIND, UNSTABLE, CLEAN, UNKNOWN."""
    match mergeable(tx, repository, pull):
        case Mergeable.UNKNOWN:
            return "UNKNOWN"
        case Mergeable.CONFLICTING:
            return "DIRTY"
    if pull.draft:
        return "DRAFT"
    checks = latest(contexts(tx, repository, pull.head_oid))
    if pull.base == repository.default_branch:
        green = {context_name(item) for item in checks if passed(item)}
        if not set(repository.required_checks) <= green:
            return "BLOCKED"
        if review_decision(tx, repository, pull) not in {None, "APPROVED"}:
            return "BLOCKED"
        if repository.requires_resolution and tx.find(Thread, pull=pull.id, resolved_by=None):
            return "BLOCKED"
        base = base_oid(tx, repository, pull)
        if repository.requires_up_to_date and not git_of(repository).is_ancestor(base, pull.head_oid):
            return "BEHIND"
    return "CLEAN" if all(passed(item) for item in checks) else "UNSTABLE"


# Finding


def repository_of(tx: Transaction, subject: PullRequest | Issue) -> Repository:
    """Return the repository of a pull request or an issue."""
    return tx.get(Repository, subject.repository)


def find_repository(tx: Transaction, owner: str, name: str) -> Repository:
    """Return a repository by name or former name, case-insensitively; raises `NotFound`."""
    asked = (owner.lower(), name.lower())
    for repository in tx.find(Repository):
        if (repository.owner.lower(), repository.name.lower()) == asked:
            return repository
    for former in tx.find(FormerName):
        if (former.owner.lower(), former.name.lower()) == asked:
            return tx.get(Repository, former.repository)
    message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
    raise NotFound(message)


def find_pull(tx: Transaction, repository: Repository, number: int) -> PullRequest:
    """Return a pull request by number; raises `NotFound`."""
    pull = tx.first(PullRequest, repository=repository.id, number=number)
    if pull is None:
        message = f"Could not resolve to a PullRequest with the number of {number}."
        raise NotFound(message)
    return pull


def find_issue(tx: Transaction, repository: Repository, number: int) -> Issue:
    """Return an issue by number; raises `NotFound`."""
    issue = tx.first(Issue, repository=repository.id, number=number)
    if issue is None:
        message = f"Could not resolve to an Issue with the number of {number}."
        raise NotFound(message)
    return issue


def find_user(tx: Transaction, login: str) -> User:
    """Return a user by login, case-insensitively; raises `NotFound`."""
    for user in tx.find(User):
        if user.login.lower() == login.lower():
            return user
    message = f"Could not resolve to a User with the login of '{login}'."
    raise NotFound(message)
