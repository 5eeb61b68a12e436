"""The mutations."""

from typing import TypeAlias

from headway_sandbox import conversation, facts, pulls
from headway_sandbox.errors import Unprocessable
from headway_sandbox.nodes import find_node
from headway_sandbox.records import Issue, PullRequest, Repository, Thread, User
from headway_sandbox.resolvers.call import Call, Info, Resolver, pull_node

Input: TypeAlias = dict[str, object]


def _thread_node(call: Call, global_id: str) -> Thread:
    found = find_node(call.tx, call.viewer, global_id)
    if not isinstance(found, Thread):
        raise Unprocessable(f"'{global_id}' is no review thread")
    return found


def _payload(input_: Input, **values: object) -> dict[str, object]:
    return {"clientMutationId": input_.get("clientMutationId"), **values}


def _create_pull_request(_: object, info: Info, input: Input) -> object:
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


def _add_comment(_: object, info: Info, input: Input) -> object:
    call: Call = info.context
    subject = find_node(call.tx, call.viewer, str(input["subjectId"]))
    if not isinstance(subject, PullRequest | Issue):
        raise Unprocessable("subjectId is neither an issue nor a pull request")
    comment = conversation.comment(call.tx, subject, author=call.viewer, body=str(input["body"]))
    return _payload(input, commentEdge={"node": comment}, subject=call.tx.get(type(subject), subject.id))


def _reply(_: object, info: Info, input: Input) -> object:
    call: Call = info.context
    thread = _thread_node(call, str(input["pullRequestReviewThreadId"]))
    return _payload(
        input, comment=conversation.reply(call.tx, thread, author=call.viewer, body=str(input["body"]))
    )


def _resolve(_: object, info: Info, input: Input) -> object:
    call: Call = info.context
    thread = _thread_node(call, str(input["threadId"]))
    return _payload(input, thread=conversation.resolve(call.tx, thread, by=call.viewer, resolved=True))


def _unresolve(_: object, info: Info, input: Input) -> object:
    call: Call = info.context
    thread = _thread_node(call, str(input["threadId"]))
    return _payload(input, thread=conversation.resolve(call.tx, thread, by=call.viewer, resolved=False))


def _request_reviews(_: object, info: Info, input: Input) -> object:
    call: Call = info.context
    pull = pull_node(call, str(input["pullRequestId"]))
    facts.require_push(call.tx, call.repository(pull), call.viewer, "RequestReviews")
    ids = input.get("userIds") or []
    found = [find_node(call.tx, call.viewer, str(item)) for item in ids] if isinstance(ids, list) else []
    users = [user for user in found if isinstance(user, User)]
    changed = conversation.request_reviews(call.tx, pull, users, keep=bool(input.get("union")))
    return _payload(input, pullRequest=changed)


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Mutation": {
        "createPullRequest": _create_pull_request,
        "addComment": _add_comment,
        "addPullRequestReviewThreadReply": _reply,
        "resolveReviewThread": _resolve,
        "unresolveReviewThread": _unresolve,
        "requestReviews": _request_reviews,
    },
}
