"""GitHub's webhooks as hints: a delivery is checked, and says where to look again, never what is there.

So order, loss and repetition of deliveries play no part: what is true is read by the one path. Sources:
GitHub's documentation of validating deliveries.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import attrs

from headway_core.kernel.errors import InvalidInput
from headway_core.pull_requests.ports import (
    Delivery,
    DeliveryProblem,
    DeliveryRefused,
    LookAgain,
    WebhookDecoder,
)
from headway_github.reading import MalformedError, Node, cut

BODY_BYTES = 25 * 1024 * 1024
"""GitHub never sends a larger one."""
_SIGNATURE = re.compile(rb"sha256=([0-9a-f]{64})")
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_HOOK = re.compile(r"[0-9]{0,20}")
_EVENT = re.compile(r"[a-z0-9_]{1,64}")
_NAME = re.compile(r"(?!\.\.?(?:/|\Z))[A-Za-z0-9_.-]{1,100}")
_FULL_NAME = re.compile(rf"{_NAME.pattern}/{_NAME.pattern}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_QUEUE_BRANCH = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,9})-[0-9a-f]{40,64}")
_BRANCH = "refs/heads/"
_BRANCH_BYTES = 1024


class GitHubWebhooks(WebhookDecoder):
    """Decodes the deliveries of one host's hooks.

    `secrets`: two while one is replaced by the other. Without any, every delivery is refused.
    """

    def __init__(self, host: str, secrets: Sequence[str]) -> None:
        if not all(secrets):
            raise InvalidInput("webhook_secrets", "holds an empty one, with which everybody can sign")
        self._host = host
        self._secrets = tuple(secret.encode("utf-8", "surrogateescape") for secret in secrets)

    def decode(self, headers: Mapping[str, str], body: bytes) -> Delivery | DeliveryRefused:
        told = {name.lower(): value for name, value in headers.items()}
        if len(body) > BODY_BYTES:
            return DeliveryRefused(reason=DeliveryProblem.TOO_BIG, problem="the body is larger than 25 MB")
        if not self._secrets:
            return DeliveryRefused(
                reason=DeliveryProblem.UNCONFIGURED, problem="no webhook secret is configured"
            )
        wrong = self._unsigned(told.get("x-hub-signature-256"), body)
        if wrong is not None:
            return DeliveryRefused(reason=DeliveryProblem.SIGNATURE, problem=wrong)
        try:
            return self._decoded(told, body)
        except MalformedError as error:
            return DeliveryRefused(
                reason=DeliveryProblem.MALFORMED, problem=f"the delivery is malformed at {error}"
            )

    def _unsigned(self, signature: str | None, body: bytes) -> str | None:
        """What is wrong with the signature over the raw bytes; None: it is one of ours."""
        if not signature:
            return "there is no X-Hub-Signature-256"
        given = _SIGNATURE.fullmatch(signature.encode("utf-8", "surrogateescape"))
        if given is None:
            return "the signature is no SHA-256"
        # Every secret is tried, and bytes are compared: how long it takes tells nothing.
        right = [
            hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).hexdigest().encode(), given[1])
            for secret in self._secrets
        ]
        return None if any(right) else "the signature is wrong"

    def _decoded(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        guid = _header(headers, "x-github-delivery", _GUID)
        event = _header(headers, "x-github-event", _EVENT)
        hook = _header({"x-github-hook-id": "", **headers}, "x-github-hook-id", _HOOK)
        try:
            payload = Node(json.loads(body))
        except (ValueError, RecursionError):
            raise MalformedError("body", "is no JSON: set the hook's content type to it") from None
        action = payload.maybe_text("action")
        hints = HINTS.get(event, _nothing)(payload, self._host)
        return Delivery(
            hook=hook,
            guid=guid,
            event=event if action is None else f"{event}.{cut(action, 64)}",
            hints=tuple(hints),
        )


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name)
    if value is None or not pattern.fullmatch(value):
        raise MalformedError(name, "is missing, or not what GitHub sends")
    return value


def _nothing(_: Node, __: str) -> Iterator[LookAgain]:
    """An event that changes nothing that is kept."""
    return iter(())


def _at(payload: Node, host: str) -> LookAgain:
    """The delivery's repository, with nothing of it named yet."""
    return LookAgain(host=host, repository=_full_name(payload.node("repository")))


def _full_name(repository: Node) -> str:
    name = repository.text("full_name")
    if not _FULL_NAME.fullmatch(name):
        raise MalformedError("repository.full_name", "is no name of a repository")
    return name


def _commit(node: Node, key: str) -> str:
    commit = node.text(key)
    if not _COMMIT.fullmatch(commit):
        raise MalformedError(key, "is no commit id")
    return commit


def _pull_request(payload: Node, host: str) -> Iterator[LookAgain]:
    """By number; one that appears also by its branch, where it is this repository's: someone waits for it."""
    pull, at = payload.node("pull_request"), _at(payload, host)
    hint = attrs.evolve(at, numbers=(pull.integer("number"),))
    if payload.maybe_text("action") in ("opened", "reopened"):
        head = pull.node("head")
        repository = head.maybe_node("repo")
        if repository is None or _full_name(repository).casefold() == at.repository.casefold():
            hint = attrs.evolve(hint, branches=(cut(head.text("ref"), _BRANCH_BYTES),))
    yield hint


def _of_pull_request(payload: Node, host: str) -> Iterator[LookAgain]:
    number = payload.node("pull_request").integer("number")
    yield attrs.evolve(_at(payload, host), numbers=(number,))


def _issue_comment(payload: Node, host: str) -> Iterator[LookAgain]:
    issue = payload.node("issue")
    if issue.has("pull_request"):
        yield attrs.evolve(_at(payload, host), numbers=(issue.integer("number"),))


def _with_head(key: str) -> Callable[[Node, str], Iterator[LookAgain]]:
    """What runs on a head: by the commit, and by the numbers where they are told. Those of forks are not."""

    def hints(payload: Node, host: str) -> Iterator[LookAgain]:
        thing, at = payload.node(key), _at(payload, host)
        yield attrs.evolve(at, commits=(_commit(thing, "head_sha"),), numbers=_numbers(thing, payload))

    return hints


def _numbers(thing: Node, payload: Node) -> tuple[int, ...]:
    """Of the pull requests that are named, those into this very repository."""
    if not thing.has("pull_requests"):
        return ()
    here = payload.node("repository").maybe_integer("id")
    found = []
    for pull in thing.nodes("pull_requests"):
        base = pull.maybe_node("base")
        repository = base and base.maybe_node("repo")
        if repository is None or repository.maybe_integer("id") == here:
            found.append(pull.integer("number"))
    return tuple(sorted(set(found)))


def _status(payload: Node, host: str) -> Iterator[LookAgain]:
    yield attrs.evolve(_at(payload, host), commits=(_commit(payload, "sha"),))


def _merge_group(payload: Node, host: str) -> Iterator[LookAgain]:
    """By the group's commit, and by the number that the queue's branch has in its name."""
    group = payload.node("merge_group")
    number = _QUEUE_BRANCH.fullmatch(group.text("head_ref"))
    numbers = (int(number[1]),) if number else ()
    yield attrs.evolve(_at(payload, host), commits=(_commit(group, "head_sha"),), numbers=numbers)


def _push(payload: Node, host: str) -> Iterator[LookAgain]:
    """A head or a base moved; a tag is neither."""
    ref = payload.text("ref")
    if ref.startswith(_BRANCH):
        branch = cut(ref.removeprefix(_BRANCH), _BRANCH_BYTES)
        yield attrs.evolve(_at(payload, host), branches=(branch,))


_SEEN_OTHERWISE = frozenset(
    {"renamed", "transferred", "archived", "unarchived", "deleted", "privatized", "publicized"}
)
"""What happens to a repository that changes its name, or what the token may see of it."""


def _repository(payload: Node, host: str) -> Iterator[LookAgain]:
    if payload.maybe_text("action") in _SEEN_OTHERWISE:
        at = _at(payload, host)
        yield attrs.evolve(at, all=True, former_repository=_former(payload, at.repository))


def _former(payload: Node, now: str) -> str | None:
    """The full name before a rename or a transfer."""
    changes = payload.maybe_node("changes")
    if changes is None:
        return None
    owner, _, name = now.partition("/")
    renamed = changes.maybe_node("repository")
    if renamed is not None:
        name = renamed.node("name").text("from")
    moved = changes.maybe_node("owner")
    if moved is not None:
        before = moved.node("from")
        account = before.maybe_node("user") or before.node("organization")
        owner = account.text("login")
    former = f"{owner}/{name}"
    if not _FULL_NAME.fullmatch(former):
        raise MalformedError("changes", "names no repository")
    return None if former == now else former


def _installation(payload: Node, host: str) -> Iterator[LookAgain]:
    """What the app may see has changed; a suspension names no repository."""
    for key in ("repositories", "repositories_added", "repositories_removed"):
        for repository in payload.nodes(key) if payload.has(key) else ():
            yield LookAgain(host=host, repository=_full_name(repository), all=True)


HINTS: Mapping[str, Callable[[Node, str], Iterator[LookAgain]]] = MappingProxyType(
    {
        "pull_request": _pull_request,
        "pull_request_review": _of_pull_request,
        "pull_request_review_comment": _of_pull_request,
        "pull_request_review_thread": _of_pull_request,
        "issue_comment": _issue_comment,
        "check_run": _with_head("check_run"),
        "check_suite": _with_head("check_suite"),
        "workflow_run": _with_head("workflow_run"),
        "workflow_job": _with_head("workflow_job"),
        "status": _status,
        "merge_group": _merge_group,
        "push": _push,
        "repository": _repository,
        "installation": _installation,
        "installation_repositories": _installation,
    }
)
"""Where each event says to look; of any other nothing is of interest."""
