"""Check suites, check runs and commit statuses."""

from headway_sandbox.errors import Unprocessable
from headway_sandbox.facts import conflicts, git_of, tip
from headway_sandbox.records import (
    CheckRun,
    CheckStatus,
    CheckSuite,
    CommitStatus,
    Conclusion,
    PullRequest,
    Repository,
    StatusState,
    User,
)
from headway_sandbox.store import Transaction

ACTIONS = "github-actions"
WORKFLOW = "CI"
JOB = "tests"


def start_for_pull(tx: Transaction, repository: Repository, pull: PullRequest) -> None:
    """Start CI for the head of a pull request; like GitHub not while it conflicts."""
    base = tip(tx, repository, pull.base)
    if base and not conflicts(tx, repository, head=pull.head_oid, base=base):
        start(tx, repository, branch=pull.head, oid=pull.head_oid, event="pull_request")


def start(tx: Transaction, repository: Repository, *, branch: str, oid: str, event: str) -> None:
    """Queue the workflow on a commit, once for each event."""
    if not repository.test_command:
        return
    same = {"repository": repository.id, "commit_oid": oid, "event": event, "app": ACTIONS}
    if tx.first(CheckSuite, **same) is None:
        suite = _suite(tx, repository, oid=oid, branch=branch, event=event)
        _queue(tx, suite)


def _suite(
    tx: Transaction,
    repository: Repository,
    *,
    oid: str,
    branch: str,
    event: str,
    workflow: str = WORKFLOW,
    status: CheckStatus | None = None,
    conclusion: Conclusion | None = None,
) -> CheckSuite:
    earlier = tx.find(CheckSuite, repository=repository.id, app=ACTIONS)
    return tx.add(
        CheckSuite(
            id=tx.next_id(),
            repository=repository.id,
            commit_oid=oid,
            branch=branch,
            app=ACTIONS,
            workflow=workflow,
            event=event,
            run_number=len(earlier) + 1,
            created_at=tx.stamp,
            status=status,
            conclusion=conclusion,
        )
    )


def _queue(tx: Transaction, suite: CheckSuite) -> CheckRun:
    return tx.add(
        CheckRun(
            id=tx.next_id(),
            suite=suite.id,
            name=JOB,
            status=CheckStatus.QUEUED,
            conclusion=None,
            started_at=tx.stamp,
            completed_at=None,
            title=None,
            summary=None,
            details_url=None,
            executed=True,
            replaced=False,
            attempts=0,
        )
    )


def rerun(tx: Transaction, run: CheckRun, *, fresh: bool) -> CheckRun:
    """Run a finished job again under a new id.

    In place it takes the old one's place in the rollup (`gh run rerun`); `fresh` starts a new run
    of the workflow, and the old one stays beside it.
    """
    if not run.executed or run.status is not CheckStatus.COMPLETED:
        message = f"check run {run.id} is not a finished job of this CI"
        raise Unprocessable(message)
    suite = tx.get(CheckSuite, run.suite)
    if fresh:
        repository = tx.get(Repository, suite.repository)
        suite = _suite(
            tx,
            repository,
            oid=suite.commit_oid,
            branch=suite.branch,
            event=suite.event or "workflow_dispatch",
        )
    else:
        tx.replace(run, replaced=True)
    return _queue(tx, suite)


def report(
    tx: Transaction,
    repository: Repository,
    *,
    commit: str,
    name: str,
    status: CheckStatus,
    conclusion: Conclusion | None,
    app: str,
    title: str | None,
    summary: str | None,
    details_url: str | None,
    workflow: str | None = None,
    event: str | None = None,
    fresh: bool = False,
) -> CheckRun:
    """Report a check run of another app; a second report of the same name updates it.

    With a `workflow` it is a job's own report, which Actions files under the first run of the commit;
    `fresh` begins a new run for it.
    """
    _require_end(status, conclusion)
    oid = commit_named(tx, repository, commit)
    if workflow is not None:
        of = {"app": ACTIONS, "workflow": workflow, "event": event or "pull_request"}
        suite = None if fresh else tx.first(CheckSuite, repository=repository.id, commit_oid=oid, **of)
        suite = suite or _suite(
            tx, repository, oid=oid, branch="", event=event or "pull_request", workflow=workflow
        )
    else:
        suite = tx.first(CheckSuite, repository=repository.id, commit_oid=oid, app=app, workflow=None)
    suite = suite or tx.add(
        CheckSuite(
            id=tx.next_id(),
            repository=repository.id,
            commit_oid=oid,
            branch="",
            app=app,
            workflow=None,
            event=None,
            run_number=0,
            created_at=tx.stamp,
        )
    )
    known = tx.first(CheckRun, suite=suite.id, name=name)
    run = CheckRun(
        id=known.id if known else tx.next_id(),
        suite=suite.id,
        name=name,
        status=status,
        conclusion=conclusion,
        started_at=known.started_at if known else tx.stamp,
        completed_at=tx.stamp if status is CheckStatus.COMPLETED else None,
        title=title,
        summary=summary,
        details_url=details_url,
        executed=False,
        replaced=False,
        attempts=0,
    )
    return tx.replace(run) if known else tx.add(run)


def _require_end(status: CheckStatus, conclusion: Conclusion | None) -> None:
    if (conclusion is not None) != (status is CheckStatus.COMPLETED):
        message = "conclusion: goes with status COMPLETED and only with it"
        raise Unprocessable(message)


def report_suite(
    tx: Transaction,
    repository: Repository,
    *,
    commit: str,
    workflow: str,
    event: str,
    status: CheckStatus,
    conclusion: Conclusion | None,
) -> CheckSuite:
    """Report a run of a workflow that has no check runs."""
    _require_end(status, conclusion)
    oid = commit_named(tx, repository, commit)
    return _suite(
        tx,
        repository,
        oid=oid,
        branch="",
        event=event,
        workflow=workflow,
        status=status,
        conclusion=conclusion,
    )


def set_status(
    tx: Transaction,
    repository: Repository,
    *,
    commit: str,
    context: str,
    state: StatusState,
    description: str | None,
    target_url: str | None,
    creator: User,
) -> CommitStatus:
    """Add a commit status."""
    return tx.add(
        CommitStatus(
            id=tx.next_id(),
            repository=repository.id,
            commit_oid=commit_named(tx, repository, commit),
            context=context,
            state=state,
            description=description,
            target_url=target_url,
            creator=creator.id,
            created_at=tx.stamp,
        )
    )


def commit_named(tx: Transaction, repository: Repository, name: str) -> str:
    """Return the commit that a branch name or a full object name means."""
    oid = tip(tx, repository, name) or name
    if not git_of(repository).commit_exists(oid):
        message = f"No commit found for SHA: {name}"
        raise Unprocessable(message)
    return oid


# What the CI runner reports


def next_queued(tx: Transaction) -> CheckRun | None:
    """Return the oldest job that waits to be executed."""
    return tx.first(CheckRun, executed=True, status=CheckStatus.QUEUED)


def requeue_interrupted(tx: Transaction) -> None:
    """After a restart: jobs that were running run again, under the same id."""
    for run in tx.find(CheckRun, executed=True, status=CheckStatus.IN_PROGRESS):
        tx.replace(run, status=CheckStatus.QUEUED)


def begin(tx: Transaction, run: CheckRun) -> CheckRun:
    """Record that the job's command is about to start."""
    return tx.replace(
        run,
        status=CheckStatus.IN_PROGRESS,
        started_at=tx.stamp,
        attempts=run.attempts + 1,
    )


def finish(tx: Transaction, run_id: int, *, conclusion: Conclusion, title: str, summary: str) -> CheckRun:
    """Record the outcome of a job."""
    return tx.replace(
        tx.get(CheckRun, run_id),
        status=CheckStatus.COMPLETED,
        conclusion=conclusion,
        completed_at=tx.stamp,
        title=title,
        summary=summary,
    )
