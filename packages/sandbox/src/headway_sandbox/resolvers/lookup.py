"""Fields of Query, accounts, repositories, branches and the rules of the base branch."""

from collections.abc import Callable

from headway_sandbox import facts
from headway_sandbox.errors import Forbidden, Unprocessable
from headway_sandbox.nodes import App, BranchRef, Commit, Protection, Rule, app_number, find_node
from headway_sandbox.records import Permission, PullRequest, Repository
from headway_sandbox.resolvers.call import LIMIT, Call, Info, Resolver, branch, global_id, owner
from headway_sandbox.resolvers.checkruns import rollup_of_commit, suites_of_commit
from headway_sandbox.resolvers.discussion import total_comments
from headway_sandbox.store import stamp


def _repository(_: object, info: Info, owner: str, name: str) -> object:
    call: Call = info.context
    repository = facts.find_repository(call.tx, owner, name)
    facts.require_read(call.tx, repository, call.viewer)
    return repository


def _node(_: object, info: Info, id: str) -> object:
    return find_node(info.context.tx, info.context.viewer, id)


def _nodes(_: object, info: Info, ids: list[str]) -> object:
    if len(ids) > 100:  # noqa: PLR2004 (GitHub's limit)
        raise Unprocessable("You may not provide more than 100 node ids")

    def one(global_id: str) -> object:
        try:
            return find_node(info.context.tx, info.context.viewer, global_id)
        except Exception as error:  # noqa: BLE001 (graphql-core reports it at the element's path)
            return error

    refused = Forbidden("Resource not accessible by integration")
    half = info.context.half
    return [refused if half and n % 2 else one(global_id) for n, global_id in enumerate(ids)]


def _rate_limit(_: object, info: Info, **_dry_run: bool) -> object:
    call: Call = info.context
    return {
        "cost": call.cost.points,
        "nodeCount": call.cost.nodes,
        "limit": LIMIT,
        "used": call.used,
        "remaining": max(0, LIMIT - call.used),
        "resetAt": stamp(call.reset_at),
    }


def _pull_requests(
    repository: Repository,
    info: Info,
    *,
    states: list[str] | None = None,
    headRefName: str | None = None,
    baseRefName: str | None = None,
    orderBy: dict[str, str] | None = None,
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
        "COMMENTS": lambda pull: (total_comments(pull, info), pull.number),
    }
    found.sort(key=keys[order["field"]], reverse=order["direction"] == "DESC")  # type: ignore[arg-type] # comparable
    return call.connection(found, page)


def _ref(repository: Repository, info: Info, qualifiedName: str) -> object:
    return branch(info.context, repository, qualifiedName.removeprefix("refs/heads/"))


def _rules(ref: BranchRef, info: Info, **page: object) -> object:
    repository = ref.repository
    found = []
    if repository.ruleset and ref.name == repository.default_branch:
        if repository.required_checks:
            found.append(Rule(repository, "REQUIRED_STATUS_CHECKS"))
        if repository.required_approvals or repository.requires_resolution:
            found.append(Rule(repository, "PULL_REQUEST"))
    return info.context.connection(found, page)


def _parameters(rule: Rule, _: Info) -> object:
    repository = rule.repository
    if rule.type == "REQUIRED_STATUS_CHECKS":
        return {
            "__typename": "RequiredStatusChecksParameters",
            "strictRequiredStatusChecksPolicy": repository.requires_up_to_date,
            "requiredStatusChecks": [
                {"context": context, "integrationId": app and app_number(app)}
                for context, app in _pins(repository)
            ],
        }
    return {
        "__typename": "PullRequestParameters",
        "requiredApprovingReviewCount": repository.required_approvals,
        "requiredReviewThreadResolution": repository.requires_resolution,
    }


def _pins(repository: Repository) -> list[tuple[str, str | None]]:
    """The required checks, each with the slug of the app that it is pinned to."""
    return [(context, repository.required_apps.get(context)) for context in repository.required_checks]


def _object(
    repository: Repository, _: Info, *, oid: str | None = None, expression: str | None = None
) -> Commit | None:
    name = oid or expression or ""
    return Commit(repository, name) if facts.git_of(repository).commit_exists(name) else None


def _protection(ref: BranchRef, info: Info) -> object:
    """The rule as admins see it; null to others."""
    call: Call = info.context
    admin = facts.permission(call.tx, ref.repository, call.viewer) is Permission.ADMIN
    return _rule(ref) if admin else None


def _rule(ref: BranchRef) -> Protection | None:
    repository = ref.repository
    ruled = (
        repository.required_checks
        or repository.required_approvals
        or repository.requires_resolution
        or repository.requires_up_to_date
    )
    protected = ruled and not repository.ruleset and ref.name == repository.default_branch
    return Protection(repository) if protected else None


_ACTOR: dict[str, Resolver] = {
    "id": global_id,
    "databaseId": lambda user, _: user.id,
    "name": lambda user, _: user.login,
    "url": lambda user, info: f"{info.context.url}/{user.login}",
}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Query": {
        "node": _node,
        "nodes": _nodes,
        "rateLimit": _rate_limit,
        "repository": _repository,
        "viewer": lambda _, info: info.context.viewer,
        "user": lambda _, info, login: facts.find_user(info.context.tx, login),
    },
    "User": _ACTOR,
    "Bot": _ACTOR,
    "Repository": {
        "id": global_id,
        "databaseId": lambda repository, _: repository.id,
        "defaultBranchRef": lambda repository, info: branch(
            info.context, repository, repository.default_branch
        ),
        "isPrivate": lambda _, __: True,
        "issue": lambda repository, info, number: facts.find_issue(info.context.tx, repository, number),
        "nameWithOwner": lambda repository, _: f"{repository.owner}/{repository.name}",
        "object": _object,
        "owner": owner,
        "pullRequest": lambda repository, info, number: facts.find_pull(info.context.tx, repository, number),
        "pullRequests": _pull_requests,
        "ref": _ref,
        "url": lambda repository, info: info.context.repository_url(repository),
        "viewerPermission": lambda repository, info: facts.permission(
            info.context.tx, repository, info.context.viewer
        ),
    },
    "Ref": {
        "id": global_id,
        "prefix": lambda _, __: "refs/heads/",
        "target": lambda ref, _: Commit(ref.repository, ref.oid),
        "branchProtectionRule": _protection,
        "refUpdateRule": lambda ref, _: _rule(ref),
        "rules": _rules,
        "associatedPullRequests": lambda ref, info, **page: _pull_requests(
            ref.repository, info, **{**page, "headRefName": ref.name}
        ),
    },
    "Commit": {
        "id": global_id,
        "abbreviatedOid": lambda commit, _: commit.oid[:7],
        "checkSuites": suites_of_commit,
        "statusCheckRollup": rollup_of_commit,
        "url": lambda commit, info: f"{info.context.repository_url(commit.repository)}/commit/{commit.oid}",
    },
    "BranchProtectionRule": {
        "id": global_id,
        "pattern": lambda rule, _: rule.repository.default_branch,
        "requiredApprovingReviewCount": lambda rule, _: rule.repository.required_approvals or None,
        "requiredStatusChecks": lambda rule, _: [
            {"context": context, "app": app and App(app)} for context, app in _pins(rule.repository)
        ],
        "requiredStatusCheckContexts": lambda rule, _: rule.repository.required_checks,
        "requiresApprovingReviews": lambda rule, _: rule.repository.required_approvals > 0,
        "requiresConversationResolution": lambda rule, _: rule.repository.requires_resolution,
        "requiresStatusChecks": lambda rule, _: bool(rule.repository.required_checks),
        "requiresStrictStatusChecks": lambda rule, _: rule.repository.requires_up_to_date,
    },
    "RefUpdateRule": {
        "pattern": lambda rule, _: rule.repository.default_branch,
        "requiredStatusCheckContexts": lambda rule, _: rule.repository.required_checks,
        "requiresConversationResolution": lambda rule, _: rule.repository.requires_resolution,
    },
    "RepositoryRule": {"id": global_id, "parameters": _parameters},
}
