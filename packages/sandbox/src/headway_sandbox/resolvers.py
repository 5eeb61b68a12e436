"""How each field of the schema is answered from the records.

A field without an entry is read from the object by its name in snake case.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs
from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

from headway_sandbox import conversation, facts, nodes, pulls
from headway_sandbox.connections import Connection
from headway_sandbox.cost import Cost
from headway_sandbox.errors import Forbidden, Unprocessable
from headway_sandbox.nodes import (
    App,
    BranchRef,
    Commit,
    Node,
    Protection,
    Rollup,
    Rule,
    Workflow,
    WorkflowRun,
    find_node,
    node_id,
)
from headway_sandbox.records import (
    CheckRun,
    CheckStatus,
    CheckSuite,
    Comment,
    CommitStatus,
    Issue,
    PullRequest,
    Repository,
    Review,
    ReviewRequest,
    Thread,
    User,
)
from headway_sandbox.store import Transaction, stamp

GITHUB_ACTIONS_ID = 15368
LIMIT = 5000


@attrs.define(kw_only=True)
class Call:
    """One GraphQL request: who asks, in which transaction, and what goes wrong with the answer."""

    tx: Transaction
    viewer: User
    url: str  # of this server, without a slash at the end
    cost: Cost
    used: int  # points of the present hour, this call included
    reset_at: float
    partial: bool = False
    stale: bool = False
    torn: bool = False

    def connection(self, items: Sequence[object], arguments: Mapping[str, object]) -> Connection:
        """Return the asked page of `items`."""
        page = {name: arguments.get(name) for name in ("first", "last", "after", "before")}
        return Connection(items=items, torn=self.torn, **page)  # type: ignore[arg-type] # graphql-core checked them

    def user(self, user_id: int | None) -> User | None:
        """Return an account."""
        return None if user_id is None else self.tx.get(User, user_id)

    def repository(self, subject: PullRequest | Issue | CommitStatus | CheckSuite) -> Repository:
        """Return the repository that something lies in."""
        return self.tx.get(Repository, subject.repository)

    def repository_url(self, repository: Repository) -> str:
        """Return the page of a repository."""
        return f"{self.url}/{repository.owner}/{repository.name}"

    def pull_url(self, pull: PullRequest) -> str:
        """Return the page of a pull request."""
        return f"{self.repository_url(self.repository(pull))}/pull/{pull.number}"

    def head(self, pull: PullRequest) -> str:
        """Return the head as GitHub's record has it: a stale answer lags the branch."""
        return (pull.lagging_oid or pull.head_oid) if self.stale else pull.head_oid


Resolver: TypeAlias = Callable[..., object]
_CAMEL = re.compile(r"(?<!^)(?=[A-Z])")


def default(obj: object, info: GraphQLResolveInfo, **_: object) -> object:
    """Answer a field from the attribute of its name."""
    return getattr(obj, _CAMEL.sub("_", info.field_name).lower())


# Query


def _repository(_: object, info: GraphQLResolveInfo, owner: str, name: str) -> object:
    call: Call = info.context
    repository = facts.find_repository(call.tx, owner, name)
    facts.require_read(call.tx, repository, call.viewer)
    return repository


def _node(_: object, info: GraphQLResolveInfo, id: str) -> object:  # noqa: A002 (GitHub's name)
    return find_node(info.context.tx, info.context.viewer, id)


def _nodes(_: object, info: GraphQLResolveInfo, ids: list[str]) -> object:
    if len(ids) > 100:  # noqa: PLR2004 (GitHub's limit)
        raise Unprocessable("You may not provide more than 100 node ids")

    def one(global_id: str) -> object:
        try:
            return find_node(info.context.tx, info.context.viewer, global_id)
        except Exception as error:  # noqa: BLE001 (graphql-core reports it at the element's path)
            return error

    return [one(global_id) for global_id in ids]


def _rate_limit(_: object, info: GraphQLResolveInfo, dryRun: bool | None = None) -> object:  # noqa: FBT001, N803
    call: Call = info.context
    return {
        "cost": call.cost.points,
        "nodeCount": call.cost.nodes,
        "limit": LIMIT,
        "used": call.used,
        "remaining": max(0, LIMIT - call.used),
        "resetAt": stamp(call.reset_at),
    }


# Repository


def _pull_requests(
    repository: Repository,
    info: GraphQLResolveInfo,
    *,
    states: list[str] | None = None,
    headRefName: str | None = None,  # noqa: N803
    baseRefName: str | None = None,  # noqa: N803
    orderBy: dict[str, str] | None = None,  # noqa: N803
    **page: object,
) -> object:
    call: Call = info.context
    found = [
        pull
        for pull in call.tx.find(PullRequest, repository=repository.id)
        if (states is None or pull.state in states)
        and headRefName in {None, pull.head}
        and baseRefName in {None, pull.base}
    ]
    order = orderBy or {"field": "CREATED_AT", "direction": "ASC"}
    keys: dict[str, Callable[[PullRequest], object]] = {
        "CREATED_AT": lambda pull: pull.number,
        "UPDATED_AT": lambda pull: (pull.updated_at, pull.number),
        "COMMENTS": lambda pull: (_total_comments(pull, info), pull.number),
    }
    found.sort(key=keys[order["field"]], reverse=order["direction"] == "DESC")  # type: ignore[arg-type] # comparable
    return call.connection(found, page)


def _ref(repository: Repository, info: GraphQLResolveInfo, qualifiedName: str) -> object:  # noqa: N803
    return _branch(info.context, repository, qualifiedName.removeprefix("refs/heads/"))


def _branch(call: Call, repository: Repository, name: str) -> BranchRef | None:
    oid = facts.tip(call.tx, repository, name)
    return None if oid is None else BranchRef(repository, name, oid)


def _rules(ref: BranchRef, info: GraphQLResolveInfo, **page: object) -> object:
    repository = ref.repository
    found = []
    if repository.ruleset and ref.name == repository.default_branch:
        if repository.required_checks:
            found.append(Rule(repository, "REQUIRED_STATUS_CHECKS"))
        if repository.required_approvals or repository.requires_resolution:
            found.append(Rule(repository, "PULL_REQUEST"))
    return info.context.connection(found, page)


def _parameters(rule: Rule, _: GraphQLResolveInfo) -> object:
    repository = rule.repository
    if rule.type == "REQUIRED_STATUS_CHECKS":
        return {
            "__typename": "RequiredStatusChecksParameters",
            "strictRequiredStatusChecksPolicy": repository.requires_up_to_date,
            "requiredStatusChecks": [
                {"context": context, "integrationId": None} for context in repository.required_checks
            ],
        }
    return {
        "__typename": "PullRequestParameters",
        "requiredApprovingReviewCount": repository.required_approvals,
        "requiredReviewThreadResolution": repository.requires_resolution,
    }


def _protection(ref: BranchRef, _: GraphQLResolveInfo) -> object:
    repository = ref.repository
    ruled = (
        repository.required_checks
        or repository.required_approvals
        or repository.requires_resolution
        or repository.requires_up_to_date
    )
    protected = ruled and not repository.ruleset and ref.name == repository.default_branch
    return Protection(repository) if protected else None


# Pull request


def _head_ref(pull: PullRequest, info: GraphQLResolveInfo) -> object:
    call: Call = info.context
    return _branch(call, call.repository(pull), pull.head)


def _mergeable(pull: PullRequest, info: GraphQLResolveInfo) -> object:
    return facts.mergeable(info.context.tx, info.context.repository(pull), pull)


def _merge_state(pull: PullRequest, info: GraphQLResolveInfo) -> object:
    return facts.merge_state(info.context.tx, info.context.repository(pull), pull)


def _rollup_of_pull(pull: PullRequest, info: GraphQLResolveInfo) -> object:
    return _rollup(info.context, info, info.context.repository(pull), info.context.head(pull))


def _rollup_of_commit(commit: Commit, info: GraphQLResolveInfo) -> object:
    return _rollup(info.context, info, commit.repository, commit.oid)


def _rollup(call: Call, info: GraphQLResolveInfo, repository: Repository, oid: str) -> object:
    if call.partial:
        raise Forbidden("Resource not accessible by personal access token")
    if not facts.contexts(call.tx, repository, oid):
        return None
    # GitHub sums up superseded runs too when the state is asked for beside the contexts.
    return Rollup(repository, oid, pessimistic=_asks_for(info, "contexts"))


def _asks_for(info: GraphQLResolveInfo, name: str) -> bool:
    def within(selections: SelectionSetNode | None) -> bool:
        return any(
            (isinstance(node, FieldNode) and node.name.value == name)
            or (
                isinstance(node, FragmentSpreadNode) and within(info.fragments[node.name.value].selection_set)
            )
            for node in (selections.selections if selections else ())
        )

    return any(within(node.selection_set) for node in info.field_nodes)


def _rollup_state(rollup: Rollup, info: GraphQLResolveInfo) -> object:
    items = facts.contexts(info.context.tx, rollup.repository, rollup.oid)
    return facts.rollup_state(items if rollup.pessimistic else facts.latest(items))


def _contexts(rollup: Rollup, info: GraphQLResolveInfo, **page: object) -> object:
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


def _opinions(
    pull: PullRequest, info: GraphQLResolveInfo, *, writersOnly: bool = False, **page: object
) -> object:  # noqa: N803
    call: Call = info.context
    found = [
        review
        for review in facts.opinions(call.tx, pull)
        if not writersOnly or _review_author_can_push(review, info)
    ]
    return call.connection(found, page)


def _reviews(
    pull: PullRequest, info: GraphQLResolveInfo, *, states: list[str] | None = None, **page: object
) -> object:
    found = info.context.tx.find(Review, pull=pull.id)
    return info.context.connection([r for r in found if states is None or r.state in states], page)


def _threads(pull: PullRequest, info: GraphQLResolveInfo, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Thread, pull=pull.id), page)


def _review_requests(pull: PullRequest, info: GraphQLResolveInfo, **page: object) -> object:
    return info.context.connection(info.context.tx.find(ReviewRequest, pull=pull.id), page)


def _comments(subject: PullRequest | Issue, info: GraphQLResolveInfo, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Comment, subject=subject.id, thread=None), page)


def _thread_comments(thread: Thread, info: GraphQLResolveInfo, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Comment, thread=thread.id), page)


def _total_comments(pull: PullRequest, info: GraphQLResolveInfo) -> int:
    # GitHub counts conversation, review comments and review bodies.
    tx: Transaction = info.context.tx
    bodies = [review for review in tx.find(Review, pull=pull.id) if review.body]
    return len(tx.find(Comment, subject=pull.id)) + len(bodies)


def _updated_at(pull: PullRequest, info: GraphQLResolveInfo) -> object:
    return (pull.lagging_at or pull.updated_at) if info.context.stale else pull.updated_at


# Authors


def _author(obj: PullRequest | Issue | Review | Comment, info: GraphQLResolveInfo) -> object:
    return info.context.user(obj.author)


def _subject_repository(call: Call, obj: PullRequest | Issue | Review | Comment) -> Repository:
    match obj:
        case PullRequest() | Issue():
            return call.repository(obj)
        case Review():
            return call.repository(call.tx.get(PullRequest, obj.pull))
        case Comment():
            subject = call.tx.first(PullRequest, id=obj.subject) or call.tx.get(Issue, obj.subject)
            return call.repository(subject)


def _association(obj: PullRequest | Issue | Review | Comment, info: GraphQLResolveInfo) -> object:
    call: Call = info.context
    return facts.association(call.tx, _subject_repository(call, obj), call.tx.get(User, obj.author))


def _review_author_can_push(review: Review, info: GraphQLResolveInfo) -> bool:
    call: Call = info.context
    author = call.tx.get(User, review.author)
    return facts.permission(call.tx, _subject_repository(call, review), author).can_push


def _commit_of_review(review: Review, info: GraphQLResolveInfo) -> object:
    return Commit(_subject_repository(info.context, review), review.commit_oid)


def _original_commit(comment: Comment, info: GraphQLResolveInfo) -> object:
    if comment.commit_oid is None:
        return None
    return Commit(_subject_repository(info.context, comment), comment.commit_oid)


def _comment_url(comment: Comment, info: GraphQLResolveInfo) -> object:
    call: Call = info.context
    if comment.thread is not None:
        pull = call.tx.get(PullRequest, comment.subject)
        return f"{call.pull_url(pull)}#discussion_r{comment.id}"
    if pull_or_none := call.tx.first(PullRequest, id=comment.subject):
        return f"{call.pull_url(pull_or_none)}#issuecomment-{comment.id}"
    issue = call.tx.get(Issue, comment.subject)
    return f"{_issue_url(issue, info)}#issuecomment-{comment.id}"


def _issue_url(issue: Issue, info: GraphQLResolveInfo) -> str:
    call: Call = info.context
    return f"{call.repository_url(call.repository(issue))}/issues/{issue.number}"


def _review_url(review: Review, info: GraphQLResolveInfo) -> object:
    call: Call = info.context
    return f"{call.pull_url(call.tx.get(PullRequest, review.pull))}#pullrequestreview-{review.id}"


# Checks


def _suite(run: CheckRun, info: GraphQLResolveInfo) -> CheckSuite:
    suite: CheckSuite = info.context.tx.get(CheckSuite, run.suite)
    return suite


def _run_url(run: CheckRun, info: GraphQLResolveInfo) -> str:
    call: Call = info.context
    suite = _suite(run, info)
    page = call.repository_url(call.repository(suite))
    return f"{page}/actions/runs/{nodes.WORKFLOW_RUN_OFFSET + suite.id}/job/{nodes.CHECK_RUN_OFFSET + run.id}"


def _is_required(
    item: CheckRun | CommitStatus,
    info: GraphQLResolveInfo,
    *,
    pullRequestId: str | None = None,  # noqa: N803
    pullRequestNumber: int | None = None,  # noqa: N803
) -> bool:
    call: Call = info.context
    source = _suite(item, info) if isinstance(item, CheckRun) else item
    repository = call.repository(source)
    if pullRequestId is not None:
        pull = _pull_node(call, pullRequestId)
    elif pullRequestNumber is not None:
        pull = facts.find_pull(call.tx, repository, pullRequestNumber)
    else:
        raise Unprocessable("A pull request ID or pull request number is required.")
    name = item.name if isinstance(item, CheckRun) else item.context
    return pull.base == repository.default_branch and name in repository.required_checks


def _suite_runs(suite: CheckSuite, info: GraphQLResolveInfo) -> list[CheckRun]:
    found: list[CheckRun] = info.context.tx.find(CheckRun, suite=suite.id, replaced=False)
    return found


def _suite_status(suite: CheckSuite, info: GraphQLResolveInfo) -> object:
    unfinished = [run.status for run in _suite_runs(suite, info) if run.status is not CheckStatus.COMPLETED]
    return unfinished[0] if unfinished else CheckStatus.COMPLETED


def _suite_conclusion(suite: CheckSuite, info: GraphQLResolveInfo) -> object:
    if _suite_status(suite, info) is not CheckStatus.COMPLETED:
        return None
    bad = [run.conclusion for run in _suite_runs(suite, info) if run.conclusion not in facts.PASSING]
    return bad[0] if bad else "SUCCESS"


def _suite_updated_at(suite: CheckSuite, info: GraphQLResolveInfo) -> object:
    times = [run.completed_at or run.started_at or suite.created_at for run in _suite_runs(suite, info)]
    return max(times, default=suite.created_at)


# Mutations


def _pull_node(call: Call, global_id: str) -> PullRequest:
    found = find_node(call.tx, call.viewer, global_id)
    if not isinstance(found, PullRequest):
        raise Unprocessable(f"'{global_id}' is no pull request")
    return found


def _thread_node(call: Call, global_id: str) -> Thread:
    found = find_node(call.tx, call.viewer, global_id)
    if not isinstance(found, Thread):
        raise Unprocessable(f"'{global_id}' is no review thread")
    return found


Input: TypeAlias = dict[str, object]


def _payload(input_: Input, **values: object) -> dict[str, object]:
    return {"clientMutationId": input_.get("clientMutationId"), **values}


def _create_pull_request(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    repository = find_node(call.tx, call.viewer, str(input["repositoryId"]))
    if not isinstance(repository, Repository):
        raise Unprocessable("repositoryId is no repository")
    facts.require_push(call.tx, repository, call.viewer, "CreatePullRequest")
    pull = pulls.open_pull(
        call.tx,
        repository,
        author=call.viewer,
        head=str(input["headRefName"]),
        base=str(input["baseRefName"]),
        title=str(input["title"]),
        body=str(input.get("body") or ""),
        draft=bool(input.get("draft")),
    )
    return _payload(input, pullRequest=pull)


def _add_comment(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    subject = find_node(call.tx, call.viewer, str(input["subjectId"]))
    if not isinstance(subject, PullRequest | Issue):
        raise Unprocessable("subjectId is neither an issue nor a pull request")
    comment = conversation.comment(call.tx, subject, author=call.viewer, body=str(input["body"]))
    return _payload(input, commentEdge={"node": comment}, subject=call.tx.get(type(subject), subject.id))


def _reply(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    thread = _thread_node(call, str(input["pullRequestReviewThreadId"]))
    return _payload(
        input, comment=conversation.reply(call.tx, thread, author=call.viewer, body=str(input["body"]))
    )


def _resolve(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    thread = _thread_node(call, str(input["threadId"]))
    return _payload(input, thread=conversation.resolve(call.tx, thread, by=call.viewer, resolved=True))


def _unresolve(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    thread = _thread_node(call, str(input["threadId"]))
    return _payload(input, thread=conversation.resolve(call.tx, thread, by=call.viewer, resolved=False))


def _request_reviews(_: object, info: GraphQLResolveInfo, input: Input) -> object:  # noqa: A002
    call: Call = info.context
    pull = _pull_node(call, str(input["pullRequestId"]))
    facts.require_push(call.tx, call.repository(pull), call.viewer, "RequestReviews")
    ids = input.get("userIds") or []
    found = [find_node(call.tx, call.viewer, str(item)) for item in ids] if isinstance(ids, list) else []
    users = [user for user in found if isinstance(user, User)]
    changed = conversation.request_reviews(call.tx, pull, users, keep=bool(input.get("union")))
    return _payload(input, pullRequest=changed)


# The table


def _id(obj: Node, _: GraphQLResolveInfo) -> str:
    return node_id(obj)


def _full_database_id(obj: PullRequest | Issue | Review | Comment, _: GraphQLResolveInfo) -> str:
    return str(obj.id)  # BigInt travels as a string


def _nothing(_: object, __: GraphQLResolveInfo, **___: object) -> None:
    return None


def _no(_: object, __: GraphQLResolveInfo) -> bool:
    return False


_TEXT: dict[str, Resolver] = {
    "id": _id,
    "author": _author,
    "authorAssociation": _association,
    "fullDatabaseId": _full_database_id,
}
_COMMENT: dict[str, Resolver] = {
    **_TEXT,
    "isMinimized": lambda comment, _: comment.minimized,
    "url": _comment_url,
}
_ACTOR: dict[str, Resolver] = {
    "id": _id,
    "databaseId": lambda user, _: user.id,
    "name": lambda user, _: user.login,
    "url": lambda user, info: f"{info.context.url}/{user.login}",
}
_COMMIT_OF: Resolver = lambda obj, info: Commit(info.context.repository(obj), obj.commit_oid)  # noqa: E731

RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "node": _node,
        "nodes": _nodes,
        "rateLimit": _rate_limit,
        "repository": _repository,
        "viewer": lambda _, info: info.context.viewer,
        "user": lambda _, info, login: facts.find_user(info.context.tx, login),
    },
    "Mutation": {
        "createPullRequest": _create_pull_request,
        "addComment": _add_comment,
        "addPullRequestReviewThreadReply": _reply,
        "resolveReviewThread": _resolve,
        "unresolveReviewThread": _unresolve,
        "requestReviews": _request_reviews,
    },
    "User": _ACTOR,
    "Bot": _ACTOR,
    "Repository": {
        "id": _id,
        "databaseId": lambda repository, _: repository.id,
        "defaultBranchRef": lambda repository, info: _branch(
            info.context, repository, repository.default_branch
        ),
        "isPrivate": lambda _, __: True,
        "issue": lambda repository, info, number: facts.find_issue(info.context.tx, repository, number),
        "nameWithOwner": lambda repository, _: f"{repository.owner}/{repository.name}",
        "owner": lambda repository, info: _owner(repository, info),
        "pullRequest": lambda repository, info, number: facts.find_pull(info.context.tx, repository, number),
        "pullRequests": _pull_requests,
        "ref": _ref,
        "url": lambda repository, info: info.context.repository_url(repository),
        "viewerPermission": lambda repository, info: facts.permission(
            info.context.tx, repository, info.context.viewer
        ),
    },
    "Ref": {
        "id": _id,
        "prefix": lambda _, __: "refs/heads/",
        "target": lambda ref, _: Commit(ref.repository, ref.oid),
        "branchProtectionRule": _protection,
        "rules": _rules,
        "associatedPullRequests": lambda ref, info, **page: _pull_requests(
            ref.repository, info, **{**page, "headRefName": ref.name}
        ),
    },
    "Commit": {
        "id": _id,
        "abbreviatedOid": lambda commit, _: commit.oid[:7],
        "statusCheckRollup": _rollup_of_commit,
        "url": lambda commit, info: f"{info.context.repository_url(commit.repository)}/commit/{commit.oid}",
    },
    "BranchProtectionRule": {
        "id": _id,
        "pattern": lambda rule, _: rule.repository.default_branch,
        "requiredApprovingReviewCount": lambda rule, _: rule.repository.required_approvals or None,
        "requiredStatusChecks": lambda rule, _: [
            {"context": context, "app": None} for context in rule.repository.required_checks
        ],
        "requiredStatusCheckContexts": lambda rule, _: rule.repository.required_checks,
        "requiresApprovingReviews": lambda rule, _: rule.repository.required_approvals > 0,
        "requiresConversationResolution": lambda rule, _: rule.repository.requires_resolution,
        "requiresStatusChecks": lambda rule, _: bool(rule.repository.required_checks),
        "requiresStrictStatusChecks": lambda rule, _: rule.repository.requires_up_to_date,
    },
    "RepositoryRule": {"id": _id, "parameters": _parameters},
    "Issue": {
        **_TEXT,
        "comments": _comments,
        "repository": lambda issue, info: info.context.repository(issue),
        "state": lambda issue, _: "CLOSED" if issue.closed else "OPEN",
        "url": _issue_url,
    },
    "PullRequest": {
        **_TEXT,
        "autoMergeRequest": _nothing,
        "baseRef": lambda pull, info: _branch(info.context, info.context.repository(pull), pull.base),
        "baseRefName": lambda pull, _: pull.base,
        "baseRefOid": lambda pull, info: facts.base_oid(info.context.tx, info.context.repository(pull), pull),
        "closed": lambda pull, _: pull.state != "OPEN",
        "comments": _comments,
        "headRef": _head_ref,
        "headRefName": lambda pull, _: pull.head,
        "headRefOid": lambda pull, info: info.context.head(pull),
        "headRepository": lambda pull, info: info.context.repository(pull),
        "headRepositoryOwner": lambda pull, info: _owner(info.context.repository(pull), info),
        "isCrossRepository": _no,
        "isDraft": lambda pull, _: pull.draft,
        "isInMergeQueue": _no,
        "latestOpinionatedReviews": _opinions,
        "mergeCommit": lambda pull, info: (
            pull.merge_commit and Commit(info.context.repository(pull), pull.merge_commit)
        ),
        "mergeQueueEntry": _nothing,
        "mergeStateStatus": _merge_state,
        "mergeable": _mergeable,
        "merged": lambda pull, _: pull.state == "MERGED",
        "mergedBy": lambda pull, info: info.context.user(pull.merged_by),
        "repository": lambda pull, info: info.context.repository(pull),
        "reviewDecision": lambda pull, info: facts.review_decision(
            info.context.tx, info.context.repository(pull), pull
        ),
        "reviewRequests": _review_requests,
        "reviewThreads": _threads,
        "reviews": _reviews,
        "statusCheckRollup": _rollup_of_pull,
        "totalCommentsCount": _total_comments,
        "updatedAt": _updated_at,
        "url": lambda pull, info: info.context.pull_url(pull),
    },
    "StatusCheckRollup": {
        "id": _id,
        "commit": lambda rollup, _: Commit(rollup.repository, rollup.oid),
        "contexts": _contexts,
        "state": _rollup_state,
    },
    "CheckRun": {
        "id": _id,
        "checkSuite": _suite,
        "databaseId": lambda run, _: nodes.CHECK_RUN_OFFSET + run.id,
        "detailsUrl": lambda run, info: run.details_url or _run_url(run, info),
        "externalId": lambda run, _: str(run.id),
        "isRequired": _is_required,
        "repository": lambda run, info: info.context.repository(_suite(run, info)),
        "url": _run_url,
    },
    "CheckSuite": {
        "id": _id,
        "app": lambda suite, _: App(suite.app),
        "commit": _COMMIT_OF,
        "conclusion": _suite_conclusion,
        "databaseId": lambda suite, _: nodes.CHECK_RUN_OFFSET + suite.id,
        "status": _suite_status,
        "updatedAt": _suite_updated_at,
        "workflowRun": lambda suite, _: WorkflowRun(suite) if suite.workflow else None,
    },
    "App": {
        "id": _id,
        "databaseId": lambda app, _: GITHUB_ACTIONS_ID if app.slug == "github-actions" else None,
        "name": lambda app, _: app.slug,
    },
    "WorkflowRun": {
        "id": _id,
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
        "id": _id,
        "databaseId": lambda workflow, _: workflow.repository.id,
        "resourcePath": lambda workflow, _: (
            f"/{workflow.repository.owner}/{workflow.repository.name}/actions/workflows/ci.yml"
        ),
    },
    "StatusContext": {
        "id": _id,
        "commit": _COMMIT_OF,
        "creator": lambda status, info: info.context.user(status.creator),
        "isRequired": _is_required,
    },
    "PullRequestReview": {
        **_TEXT,
        "authorCanPushToRepository": _review_author_can_push,
        "commit": _commit_of_review,
        "lastEditedAt": _nothing,
        "url": _review_url,
    },
    "ReviewRequest": {
        "id": _id,
        "asCodeOwner": _no,
        "requestedReviewer": lambda asked, info: info.context.user(asked.user),
    },
    "PullRequestReviewThread": {
        "id": _id,
        "comments": _thread_comments,
        "isCollapsed": lambda thread, _: thread.resolved_by is not None or thread.outdated,
        "isOutdated": lambda thread, _: thread.outdated,
        "isResolved": lambda thread, _: thread.resolved_by is not None,
        "pullRequest": lambda thread, info: info.context.tx.get(PullRequest, thread.pull),
        "resolvedBy": lambda thread, info: info.context.user(thread.resolved_by),
        "subjectType": lambda thread, _: "FILE" if thread.original_line is None else "LINE",
    },
    "PullRequestReviewComment": {
        **_COMMENT,
        "originalCommit": _original_commit,
        "path": lambda comment, info: info.context.tx.get(Thread, comment.thread).path,
        "pullRequestReview": lambda comment, info: info.context.tx.get(Review, comment.review),
        "replyTo": lambda comment, info: comment.reply_to and info.context.tx.get(Comment, comment.reply_to),
    },
    "IssueComment": _COMMENT,
}


def _owner(repository: Repository, info: GraphQLResolveInfo) -> User:
    call: Call = info.context
    known = [user for user in call.tx.find(User) if user.login.lower() == repository.owner.lower()]
    # An owner without an account here is served as a user of that name.
    return known[0] if known else User(id=repository.id, login=repository.owner, token="", bot=False)


def type_name(obj: object) -> str | None:
    """Return the GraphQL type of an object that stands for an interface or a union."""
    if isinstance(obj, dict):
        return str(obj["__typename"])
    match obj:
        case User():
            return "Bot" if obj.bot else "User"
        case Comment():
            return "IssueComment" if obj.thread is None else "PullRequestReviewComment"
        case _:
            return _TYPE_NAMES.get(type(obj))


_TYPE_NAMES: dict[type, str] = {
    Repository: "Repository",
    Issue: "Issue",
    PullRequest: "PullRequest",
    Review: "PullRequestReview",
    ReviewRequest: "ReviewRequest",
    Thread: "PullRequestReviewThread",
    CheckSuite: "CheckSuite",
    CheckRun: "CheckRun",
    CommitStatus: "StatusContext",
    Commit: "Commit",
    Rollup: "StatusCheckRollup",
}
