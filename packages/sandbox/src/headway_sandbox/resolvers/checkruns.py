"""Fields of rollups, check runs, check suites and commit statuses."""

from collections import Counter
from collections.abc import Sequence

import attrs
from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

from headway_sandbox import facts, nodes
from headway_sandbox.connections import Connection
from headway_sandbox.errors import Forbidden, Unprocessable
from headway_sandbox.nodes import App, Commit, Rollup, Workflow, WorkflowRun
from headway_sandbox.records import CheckRun, CheckStatus, CheckSuite, CommitStatus, PullRequest, Repository
from headway_sandbox.resolvers.call import Call, Info, Resolver, global_id, pull_node


def rollup_of_pull(pull: PullRequest, info: Info) -> object:
    return _rollup(info.context, info, info.context.repository(pull), info.context.head(pull))


def rollup_of_commit(commit: Commit, info: Info) -> object:
    return _rollup(info.context, info, commit.repository, commit.oid)


def _rollup(call: Call, info: Info, repository: Repository, oid: str) -> object:
    if call.partial or call.viewer.fine_grained:
        raise Forbidden("Resource not accessible by personal access token")
    if not facts.contexts(call.tx, repository, oid):
        return None
    # GitHub sums up superseded runs too when the state is asked for beside the contexts.
    return Rollup(repository, oid, pessimistic=_asks_for(info, "contexts"))


def _asks_for(info: Info, name: str) -> bool:
    def within(selections: SelectionSetNode | None) -> bool:
        return any(
            (isinstance(node, FieldNode) and node.name.value == name)
            or (
                isinstance(node, FragmentSpreadNode) and within(info.fragments[node.name.value].selection_set)
            )
            for node in (selections.selections if selections else ())
        )

    return any(within(node.selection_set) for node in info.field_nodes)


def _rollup_state(rollup: Rollup, info: Info) -> object:
    items = facts.contexts(info.context.tx, rollup.repository, rollup.oid)
    return facts.rollup_state(items if rollup.pessimistic else facts.latest(items))


def _contexts(rollup: Rollup, info: Info, **page: object) -> object:
    call: Call = info.context
    items = facts.contexts(call.tx, rollup.repository, rollup.oid)
    runs = [item for item in items if isinstance(item, facts.Job)]
    statuses = [item for item in items if isinstance(item, CommitStatus)]
    return _Contexts(
        connection=call.connection([*(job.run for job in runs), *statuses], page),
        runs=[job.run for job in runs],
        statuses=statuses,
    )


@attrs.frozen(kw_only=True)
class _Contexts:
    connection: Connection
    runs: list[CheckRun]
    statuses: list[CommitStatus]

    @property
    def total_count(self) -> int:
        return self.connection.total_count

    @property
    def nodes(self) -> object:
        return self.connection.nodes

    @property
    def page_info(self) -> object:
        return self.connection.page_info

    @property
    def check_run_count(self) -> int:
        return len(self.runs)

    @property
    def check_run_counts_by_state(self) -> list[dict[str, object]]:
        return _counts([run.conclusion or run.status for run in self.runs])

    @property
    def status_context_count(self) -> int:
        return len(self.statuses)

    @property
    def status_context_counts_by_state(self) -> list[dict[str, object]]:
        return _counts([status.state for status in self.statuses])


def _counts(states: Sequence[str]) -> list[dict[str, object]]:
    return [{"state": state, "count": count} for state, count in sorted(Counter(states).items())]


def _suite(run: CheckRun, info: Info) -> CheckSuite:
    suite: CheckSuite = info.context.tx.get(CheckSuite, run.suite)
    return suite


def _run_url(run: CheckRun, info: Info) -> str:
    call: Call = info.context
    suite = _suite(run, info)
    page = call.repository_url(call.repository(suite))
    return f"{page}/actions/runs/{nodes.WORKFLOW_RUN_OFFSET + suite.id}/job/{nodes.CHECK_RUN_OFFSET + run.id}"


def _is_required(
    item: CheckRun | CommitStatus,
    info: Info,
    *,
    pullRequestId: str | None = None,
    pullRequestNumber: int | None = None,
) -> bool:
    call: Call = info.context
    source = _suite(item, info) if isinstance(item, CheckRun) else item
    repository = call.repository(source)
    if pullRequestId is not None:
        pull = pull_node(call, pullRequestId)
    elif pullRequestNumber is not None:
        pull = facts.find_pull(call.tx, repository, pullRequestNumber)
    else:
        raise Unprocessable("A pull request ID or pull request number is required.")
    name = item.name if isinstance(item, CheckRun) else item.context
    pinned = repository.required_apps.get(name)
    if pinned is not None and not (isinstance(source, CheckSuite) and source.app == pinned):
        return False
    return pull.base == repository.default_branch and name in repository.required_checks


def _suite_runs(suite: CheckSuite, info: Info) -> list[CheckRun]:
    found: list[CheckRun] = info.context.tx.find(CheckRun, suite=suite.id, replaced=False)
    return found


def suites_of_commit(commit: Commit, info: Info, **page: object) -> object:
    call: Call = info.context
    if call.partial or call.viewer.fine_grained:
        raise Forbidden("Resource not accessible by personal access token")
    of = {"repository": commit.repository.id, "commit_oid": commit.oid}
    return call.connection(call.tx.find(CheckSuite, **of), page)


def _suite_status(suite: CheckSuite, info: Info) -> object:
    if suite.status is not None and not _suite_runs(suite, info):
        return suite.status
    unfinished = [run.status for run in _suite_runs(suite, info) if run.status is not CheckStatus.COMPLETED]
    return unfinished[0] if unfinished else CheckStatus.COMPLETED


def _suite_conclusion(suite: CheckSuite, info: Info) -> object:
    if suite.status is not None and not _suite_runs(suite, info):
        return suite.conclusion
    if _suite_status(suite, info) is not CheckStatus.COMPLETED:
        return None
    bad = [run.conclusion for run in _suite_runs(suite, info) if run.conclusion not in facts.PASSING]
    return bad[0] if bad else "SUCCESS"


def _suite_updated_at(suite: CheckSuite, info: Info) -> object:
    times = [run.completed_at or run.started_at or suite.created_at for run in _suite_runs(suite, info)]
    return max(times, default=suite.created_at)


_COMMIT_OF: Resolver = lambda obj, info: Commit(info.context.repository(obj), obj.commit_oid)  # noqa: E731  a resolver as the others, in one expression


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "StatusCheckRollup": {
        "id": global_id,
        "commit": lambda rollup, _: Commit(rollup.repository, rollup.oid),
        "contexts": _contexts,
        "state": _rollup_state,
    },
    "CheckRun": {
        "id": global_id,
        "checkSuite": _suite,
        "databaseId": lambda run, _: nodes.CHECK_RUN_OFFSET + run.id,
        "detailsUrl": lambda run, info: run.details_url or _run_url(run, info),
        "externalId": lambda run, _: str(run.id),
        "isRequired": _is_required,
        "repository": lambda run, info: info.context.repository(_suite(run, info)),
        "url": _run_url,
    },
    "CheckSuite": {
        "id": global_id,
        "app": lambda suite, _: App(suite.app),
        "commit": _COMMIT_OF,
        "conclusion": _suite_conclusion,
        "databaseId": lambda suite, _: nodes.CHECK_RUN_OFFSET + suite.id,
        "status": _suite_status,
        "updatedAt": _suite_updated_at,
        "url": lambda suite, info: (
            f"{info.context.repository_url(info.context.repository(suite))}"
            f"/commit/{suite.commit_oid}/checks?check_suite_id={nodes.CHECK_RUN_OFFSET + suite.id}"
        ),
        "workflowRun": lambda suite, _: WorkflowRun(suite) if suite.workflow else None,
    },
    "App": {
        "id": global_id,
        "databaseId": lambda app, _: nodes.app_number(app.slug),
        "name": lambda app, _: app.slug,
    },
    "WorkflowRun": {
        "id": global_id,
        "databaseId": lambda run, _: nodes.WORKFLOW_RUN_OFFSET + run.suite.id,
        "event": lambda run, _: run.suite.event,
        "runNumber": lambda run, _: run.suite.run_number,
        "url": lambda run, info: (
            f"{info.context.repository_url(info.context.repository(run.suite))}"
            f"/actions/runs/{nodes.WORKFLOW_RUN_OFFSET + run.suite.id}"
        ),
        "workflow": lambda run, info: Workflow(info.context.repository(run.suite), run.suite.workflow),
    },
    "Workflow": {
        "id": global_id,
        "databaseId": lambda workflow, _: nodes.workflow_number(workflow.repository, workflow.name),
        "resourcePath": lambda workflow, _: (
            f"/{workflow.repository.owner}/{workflow.repository.name}/actions/workflows/ci.yml"
        ),
    },
    "StatusContext": {
        "id": global_id,
        "commit": _COMMIT_OF,
        "creator": lambda status, info: info.context.user(status.creator),
        "isRequired": _is_required,
    },
}
