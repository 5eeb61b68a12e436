"""The few REST requests that serve better than GraphQL, in GitHub's shapes: lower case, pages by number."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote

import attrs

from headway_sandbox import conversation, facts
from headway_sandbox.errors import NotFound, Unprocessable
from headway_sandbox.facts import Job, Mergeable
from headway_sandbox.nodes import CHECK_RUN_OFFSET, WORKFLOW_RUN_OFFSET, app_number, node_id, workflow_number
from headway_sandbox.records import (
    CheckRun,
    CheckStatus,
    CheckSuite,
    Comment,
    CommitStatus,
    PullRequest,
    PullState,
    Repository,
    ReviewRequest,
    Thread,
    User,
)
from headway_sandbox.serialize import Json
from headway_sandbox.store import Transaction

_PAGE = 30
_PAGE_LIMIT = 100
_USER = re.compile(r"/users/([^/]+)")
_PATH = re.compile(r"/repos/([^/]+)/([^/]+)/(.+)|/repositories/(\d+)/(.+)")


@attrs.frozen(kw_only=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    if_none_match: str | None = None


@attrs.frozen(kw_only=True)
class Found:
    """What is answered."""

    data: Json
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class _Desk:
    tx: Transaction
    viewer: User
    url: str
    asked: Request
    repository: Repository
    stale: bool

    def page(self, rows: Sequence[Json]) -> list[Json]:
        size = max(1, min(int(self.asked.query.get("per_page", _PAGE)), _PAGE_LIMIT))
        start = (max(1, int(self.asked.query.get("page", 1))) - 1) * size
        return list(rows[start : start + size])

    def order(self) -> Mapping[str, object]:
        data = json.loads(self.asked.body)
        if not isinstance(data, dict):
            raise Unprocessable("Body should be a JSON object")
        return data


def answer(tx: Transaction, viewer: User, asked: Request, *, url: str, stale: bool) -> Found:
    """Answer a request. A former name of a repository redirects to its id, as at GitHub."""
    if named := _USER.fullmatch(asked.path):
        return Found(data=_account(_user_or_app(tx, unquote(named[1]))))
    match = _PATH.fullmatch(asked.path)
    if match is None:
        raise NotFound("Not Found")
    rest = match[3] or match[5]
    if match[4]:
        repository = tx.get(Repository, int(match[4]))
    else:
        repository = facts.find_repository(tx, match[1], match[2])
    facts.require_read(tx, repository, viewer)
    if not match[4] and (repository.owner, repository.name) != (match[1], match[2]):
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        where = f"{url}/repositories/{repository.id}/{rest}" + (f"?{query}" if query else "")
        moved: dict[str, Json] = {"message": "Moved Permanently", "url": where}
        status = 301 if asked.method == "GET" else 307
        return Found(status=status, data=moved, headers={"location": where})
    desk = _Desk(tx=tx, viewer=viewer, url=url, asked=asked, repository=repository, stale=stale)
    for method, pattern, do in _ROUTES:
        if method == asked.method and (named := re.fullmatch(pattern, rest)):
            return do(desk, *named.groups())
    raise NotFound("Not Found")


def _pull(desk: _Desk, number: str) -> Found:
    """A read of one pull request, which starts the trial merge when there is none yet."""
    pull = facts.find_pull(desk.tx, desk.repository, int(number))
    told = facts.mergeable(desk.tx, desk.repository, pull, by_rest=True)
    full_name = f"{desk.repository.owner}/{desk.repository.name}"
    head = (pull.lagging_oid or pull.head_oid) if desk.stale else pull.head_oid
    base = facts.base_oid(desk.tx, desk.repository, pull)
    return Found(
        data={
            "id": pull.id,
            "node_id": node_id(pull),
            "number": pull.number,
            "state": "open" if pull.state is PullState.OPEN else "closed",
            "merged": pull.state is PullState.MERGED,
            "draft": pull.draft,
            "title": pull.title,
            "mergeable": None if told is Mergeable.UNKNOWN else told is Mergeable.MERGEABLE,
            "head": {"ref": pull.head, "sha": head, "repo": {"full_name": full_name}},
            "base": {"ref": pull.base, "sha": base, "repo": {"full_name": full_name}},
            "updated_at": pull.updated_at,
        }
    )


def _runs(desk: _Desk, commit: str) -> Found:
    jobs = [item for item in facts.contexts(desk.tx, desk.repository, commit) if isinstance(item, Job)]
    rows: list[Json] = [_run(job) for job in jobs]
    return Found(data={"total_count": len(rows), "check_runs": desk.page(rows)})


def _run(job: Job) -> Json:
    run, suite = job.run, job.suite
    number = CHECK_RUN_OFFSET + run.id
    return {
        "id": number,
        "node_id": node_id(run),
        "head_sha": suite.commit_oid,
        "name": run.name,
        "status": run.status.lower(),
        "conclusion": run.conclusion and run.conclusion.lower(),
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "details_url": run.details_url,
        "output": {"title": run.title, "summary": run.summary},
        "check_suite": {"id": CHECK_RUN_OFFSET + suite.id},
        "app": {"id": app_number(suite.app), "slug": suite.app, "name": suite.app},
    }


def _statuses(desk: _Desk, commit: str) -> Found:
    found = [
        item for item in facts.contexts(desk.tx, desk.repository, commit) if isinstance(item, CommitStatus)
    ]
    rows: list[Json] = [
        {
            "id": status.id,
            "node_id": node_id(status),
            "context": status.context,
            "state": status.state.lower(),
            "description": status.description,
            "target_url": status.target_url,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "creator": _account(desk.tx.get(User, status.creator)),
        }
        for status in found
    ]
    # GitHub says `pending` when there are no statuses at all.
    state = facts.rollup_state(found).lower() if found else "pending"
    return Found(data={"state": state, "sha": commit, "total_count": len(rows), "statuses": desk.page(rows)})


def _workflow_runs(desk: _Desk) -> Found:
    sha = desk.asked.query.get("head_sha", "")
    suites = desk.tx.find(CheckSuite, repository=desk.repository.id, commit_oid=sha)
    rows = [_workflow_run(desk, suite) for suite in suites if suite.workflow]
    return Found(data={"total_count": len(rows), "workflow_runs": desk.page(rows)})


def _workflow_run(desk: _Desk, suite: CheckSuite) -> Json:
    jobs = desk.tx.find(CheckRun, suite=suite.id, replaced=False)
    done = all(run.status is CheckStatus.COMPLETED for run in jobs)
    return {
        "id": WORKFLOW_RUN_OFFSET + suite.id,
        "name": suite.workflow,
        "event": suite.event,
        "status": (suite.status or CheckStatus.COMPLETED).lower() if done else "in_progress",
        "conclusion": _concluded(suite, jobs) if done else None,
        "html_url": f"{desk.url}/actions/runs/{WORKFLOW_RUN_OFFSET + suite.id}",
        "head_sha": suite.commit_oid,
        "run_number": suite.run_number,
        "workflow_id": workflow_number(desk.repository, suite.workflow or ""),
        "check_suite_id": CHECK_RUN_OFFSET + suite.id,
        "created_at": suite.created_at,
    }


def _concluded(suite: CheckSuite, jobs: Sequence[CheckRun]) -> str | None:
    if not jobs:
        return suite.conclusion and suite.conclusion.lower()
    bad = [run.conclusion for run in jobs if run.conclusion and run.conclusion not in facts.PASSING]
    return bad[0].lower() if bad else "success"


def _issue(desk: _Desk, number: str) -> Found:
    issue = facts.find_issue(desk.tx, desk.repository, int(number))
    author = desk.tx.get(User, issue.author)
    return Found(
        data={
            "number": issue.number,
            "node_id": node_id(issue),
            "title": issue.title,
            "body": issue.body or None,
            "state": "closed" if issue.closed else "open",
            "html_url": f"{desk.url}/{desk.repository.owner}/{desk.repository.name}/issues/{issue.number}",
            "user": _account(author),
            "author_association": facts.association(desk.tx, desk.repository, author),
        }
    )


def _comments(desk: _Desk, number: str) -> Found:
    subject = _subject(desk, number)
    rows = [_comment(desk, one) for one in desk.tx.find(Comment, subject=subject, thread=None)]
    return Found(data=desk.page(rows))


def _subject(desk: _Desk, number: str) -> int:
    pull = desk.tx.first(PullRequest, repository=desk.repository.id, number=int(number))
    return pull.id if pull else facts.find_issue(desk.tx, desk.repository, int(number)).id


def _comment(desk: _Desk, comment: Comment) -> Json:
    author = desk.tx.get(User, comment.author)
    return {
        "id": comment.id,
        "node_id": node_id(comment),
        "body": comment.body,
        "user": _account(author),
        "author_association": facts.association(desk.tx, desk.repository, author),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
    }


def _user_or_app(tx: Transaction, login: str) -> User:
    """An app has `[bot]` behind its name, and a person has not."""
    name = login.removesuffix("[bot]")
    user = facts.find_user(tx, name)
    if user.bot is (name == login):
        raise NotFound("Not Found")
    return user


def _account(user: User) -> Json:
    return {"login": user.login, "node_id": node_id(user), "type": "Bot" if user.bot else "User"}


def _add_comment(desk: _Desk, number: str) -> Found:
    pull = desk.tx.first(PullRequest, repository=desk.repository.id, number=int(number))
    subject = pull or facts.find_issue(desk.tx, desk.repository, int(number))
    body = desk.order().get("body")
    if not isinstance(body, str):
        raise Unprocessable("Invalid request. body must be a string")
    added = conversation.comment(desk.tx, subject, author=desk.viewer, body=body)
    return Found(data=_comment(desk, added), status=201)


def _reply(desk: _Desk, number: str, comment: str) -> Found:
    """A reply to the first comment of a thread; to a reply there is none."""
    pull = facts.find_pull(desk.tx, desk.repository, int(number))
    first = desk.tx.first(Comment, id=int(comment), subject=pull.id)
    if first is None or first.thread is None:
        raise NotFound("Not Found")
    if first.id != desk.tx.find(Comment, thread=first.thread)[0].id:
        raise Unprocessable("Replies to replies are not supported")
    body = desk.order().get("body")
    if not isinstance(body, str):
        raise Unprocessable("Invalid request. body must be a string")
    thread = desk.tx.get(Thread, first.thread)
    added = conversation.reply(desk.tx, thread, author=desk.viewer, body=body)
    return Found(data=_comment(desk, added), status=201)


def _requested(desk: _Desk, number: str) -> Found:
    pull = facts.find_pull(desk.tx, desk.repository, int(number))
    asked = [desk.tx.get(User, one.user) for one in desk.tx.find(ReviewRequest, pull=pull.id)]
    return Found(data={"users": [_account(user) for user in asked], "teams": []})


def _request(desk: _Desk, number: str) -> Found:
    pull = facts.find_pull(desk.tx, desk.repository, int(number))
    facts.require_push(desk.tx, desk.repository, desk.viewer, "RequestReviews")
    logins = desk.order().get("reviewers")
    if not isinstance(logins, list) or not logins:
        raise Unprocessable("Could not resolve to a node: reviewers")
    users = []
    for login in logins:
        user = _collaborator(desk, str(login))
        if user.id == pull.author:
            raise Unprocessable("Review cannot be requested from pull request author.")
        users.append(user)
    conversation.request_reviews(desk.tx, pull, users, keep=True)
    return Found(data={"number": pull.number, "node_id": node_id(pull)}, status=201)


def _collaborator(desk: _Desk, login: str) -> User:
    refused = Unprocessable("Reviews may only be requested from collaborators.")
    try:
        user = facts.find_user(desk.tx, login)
        facts.require_read(desk.tx, desk.repository, user)
    except NotFound:
        raise refused from None
    return user


_Do: TypeAlias = Callable[..., Found]
_ROUTES: tuple[tuple[str, str, _Do], ...] = (
    ("GET", r"pulls/(\d+)", _pull),
    ("GET", r"pulls/(\d+)/requested_reviewers", _requested),
    ("POST", r"pulls/(\d+)/requested_reviewers", _request),
    ("POST", r"pulls/(\d+)/comments/(\d+)/replies", _reply),
    ("GET", r"commits/([0-9a-f]{40,64})/check-runs", _runs),
    ("GET", r"commits/([0-9a-f]{40,64})/status", _statuses),
    ("GET", r"actions/runs", _workflow_runs),
    ("GET", r"issues/(\d+)", _issue),
    ("GET", r"issues/(\d+)/comments", _comments),
    ("POST", r"issues/(\d+)/comments", _add_comment),
)
