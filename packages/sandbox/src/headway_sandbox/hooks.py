"""Webhook deliveries: what changed in a transaction, told as GitHub would tell it.

Payloads hold what a receiver needs to know where to look; they are a part of GitHub's.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

from headway_sandbox.nodes import node_id
from headway_sandbox.records import (
    Branch,
    CheckRun,
    CheckStatus,
    CheckSuite,
    Comment,
    CommitStatus,
    Delivery,
    FormerName,
    Hook,
    Issue,
    PullRequest,
    PullState,
    Push,
    Repository,
    Review,
    ReviewState,
    Thread,
)
from headway_sandbox.serialize import Json
from headway_sandbox.store import Transaction

_NOWHERE = "0" * 40
Told: TypeAlias = tuple[int, str, str | None, dict[str, Json]]
"""The repository, the event, its action and the rest of the payload."""


def record(tx: Transaction) -> None:
    """Leave a delivery for every change of the transaction at every hook of its repository."""
    hooks = tx.find(Hook) if tx.changes else []
    if not hooks:
        return
    for before, after in tuple(tx.changes):
        tell = _TOLD.get(type(after))
        for repository_id, event, action, rest in tell(tx, before, after) if tell else ():
            repository = tx.get(Repository, repository_id)
            payload: dict[str, Json] = {} if action is None else {"action": action}
            payload |= {**rest, "repository": _repository(repository), "sender": {"login": "someone"}}
            for hook in hooks:
                if hook.repository == repository_id:
                    _deliver(tx, hook, event, json.dumps(payload))


def _deliver(tx: Transaction, hook: Hook, event: str, body: str) -> None:
    guid = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-11ef-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
    tx.add(Delivery(id=tx.next_id(), hook=hook.id, guid=guid, event=event, body=body, at=tx.stamp))


def _repository(repository: Repository) -> Json:
    return {
        "id": repository.id,
        "node_id": node_id(repository),
        "name": repository.name,
        "full_name": f"{repository.owner}/{repository.name}",
        "owner": {"login": repository.owner},
        "default_branch": repository.default_branch,
    }


def _pull(pull: PullRequest) -> Json:
    return {
        "number": pull.number,
        "node_id": node_id(pull),
        "state": "open" if pull.state is PullState.OPEN else "closed",
        "head": {"ref": pull.head, "sha": pull.head_oid},
        "base": {"ref": pull.base, "sha": pull.base_oid},
        "updated_at": pull.updated_at,
    }


def _of_pull(_: Transaction, before: PullRequest | None, after: PullRequest) -> Iterator[Told]:
    for action in _pull_actions(before, after):
        yield after.repository, "pull_request", action, {"number": after.number, "pull_request": _pull(after)}


def _pull_actions(before: PullRequest | None, after: PullRequest) -> Iterator[str]:
    if before is None:
        yield "opened"
        return
    if before.head_oid != after.head_oid:
        yield "synchronize"
    if before.state is not after.state:
        yield "reopened" if after.state is PullState.OPEN else "closed"
    if before.draft is not after.draft:
        yield "converted_to_draft" if after.draft else "ready_for_review"
    if (before.title, before.body) != (after.title, after.body):
        yield "edited"
    if (before.queue is None) is not (after.queue is None):
        yield "dequeued" if after.queue is None else "enqueued"


def _of_review(tx: Transaction, before: Review | None, after: Review) -> Iterator[Told]:
    pull = tx.get(PullRequest, after.pull)
    review: Json = {"id": after.id, "node_id": node_id(after), "state": after.state.lower()}
    dismissed = before is not None and after.state is ReviewState.DISMISSED
    if before is None or dismissed:
        action = "dismissed" if dismissed else "submitted"
        rest: dict[str, Json] = {"review": review, "pull_request": _pull(pull)}
        yield pull.repository, "pull_request_review", action, rest


def _of_comment(tx: Transaction, before: Comment | None, after: Comment) -> Iterator[Told]:
    if before is not None and before.body == after.body:
        return
    action = "created" if before is None else "edited"
    comment: Json = {"id": after.id, "node_id": node_id(after)}
    pull = tx.first(PullRequest, id=after.subject)
    if pull is None:
        issue = tx.get(Issue, after.subject)
        yield (
            issue.repository,
            "issue_comment",
            action,
            {"issue": {"number": issue.number}, "comment": comment},
        )
    elif after.thread is None:
        whole: Json = {"number": pull.number, "pull_request": {}}
        yield pull.repository, "issue_comment", action, {"issue": whole, "comment": comment}
    else:
        rest = {"comment": comment, "pull_request": _pull(pull)}
        yield pull.repository, "pull_request_review_comment", action, rest


def _of_thread(tx: Transaction, before: Thread | None, after: Thread) -> Iterator[Told]:
    if before is None or (before.resolved_by is None) is (after.resolved_by is None):
        return
    pull = tx.get(PullRequest, after.pull)
    action = "unresolved" if after.resolved_by is None else "resolved"
    rest: dict[str, Json] = {"thread": {"node_id": node_id(after)}, "pull_request": _pull(pull)}
    yield pull.repository, "pull_request_review_thread", action, rest


def _of_run(tx: Transaction, before: CheckRun | None, after: CheckRun) -> Iterator[Told]:
    done = after.status is CheckStatus.COMPLETED
    if before is not None and (not done or before == after):
        return
    suite = tx.get(CheckSuite, after.suite)
    run: Json = {
        "id": after.id,
        "name": after.name,
        "head_sha": suite.commit_oid,
        "status": after.status.lower(),
        "conclusion": after.conclusion and after.conclusion.lower(),
        "check_suite": {"head_branch": suite.branch or None, "head_sha": suite.commit_oid},
        "pull_requests": [],  # as for forks: receivers look for the head commit themselves
    }
    yield suite.repository, "check_run", "completed" if done else "created", {"check_run": run}


def _of_status(tx: Transaction, _: CommitStatus | None, after: CommitStatus) -> Iterator[Told]:
    branches = tx.find(Branch, repository=after.repository, oid=after.commit_oid)
    rest: dict[str, Json] = {
        "sha": after.commit_oid,
        "context": after.context,
        "state": after.state.lower(),
        "branches": [{"name": branch.name, "commit": {"sha": branch.oid}} for branch in branches],
    }
    yield after.repository, "status", None, rest


def _of_push(_: Transaction, __: Push | None, after: Push) -> Iterator[Told]:
    rest: dict[str, Json] = {
        "ref": f"refs/heads/{after.branch}",
        "before": after.before or _NOWHERE,
        "after": after.after or _NOWHERE,
        "created": after.before is None,
        "deleted": after.after is None,
    }
    yield after.repository, "push", None, rest


def _of_name(tx: Transaction, _: FormerName | None, after: FormerName) -> Iterator[Told]:
    repository = tx.get(Repository, after.repository)
    if repository.owner != after.owner:
        moved: Json = {"owner": {"from": {"user": {"login": after.owner}}}}
        yield after.repository, "repository", "transferred", {"changes": moved}
    if repository.name != after.name:
        renamed: Json = {"repository": {"name": {"from": after.name}}}
        yield after.repository, "repository", "renamed", {"changes": renamed}


_Tell: TypeAlias = Callable[[Transaction, object, object], Iterator[Told]]
_TOLD: dict[type, _Tell] = {
    PullRequest: cast("_Tell", _of_pull),
    Review: cast("_Tell", _of_review),
    Comment: cast("_Tell", _of_comment),
    Thread: cast("_Tell", _of_thread),
    CheckRun: cast("_Tell", _of_run),
    CommitStatus: cast("_Tell", _of_status),
    Push: cast("_Tell", _of_push),
    FormerName: cast("_Tell", _of_name),
}
