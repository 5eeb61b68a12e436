"""What GitHub's refusals mean to who asked for a pull request."""

import logging
from collections.abc import Mapping, Sequence

import attrs

from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_github.answers import AnswerError, GraphQLAnswer, SendFailed
from headway_github.reading import MalformedError

logger = logging.getLogger(__name__)

_KINDS: Mapping[str, FailureKind] = {
    "NOT_FOUND": FailureKind.NOT_FOUND,
    "FORBIDDEN": FailureKind.FORBIDDEN,
    "INSUFFICIENT_SCOPES": FailureKind.FORBIDDEN,
    "RATE_LIMITED": FailureKind.RATE_LIMITED,
    "RATE_LIMIT": FailureKind.RATE_LIMITED,
}


def refused(errors: Sequence[AnswerError]) -> FetchFailed | None:
    """The failure that these errors mean for a pull request; None when there are none."""
    if not errors:
        return None
    kind = _KINDS.get(errors[0].type, FailureKind.UNAVAILABLE)
    return FetchFailed(kind=kind, problem=f"GitHub refused it: {kind.value}")


def failed(failure: SendFailed) -> FetchFailed:
    return FetchFailed(
        kind=failure.kind,
        problem=failure.problem,
        retry_after_s=failure.retry_after_s,
        secondary=failure.secondary,
    )


def nonsense(error: MalformedError) -> FetchFailed:
    logger.warning("an answer of GitHub is malformed at %s", error)
    return FetchFailed(kind=FailureKind.NONSENSE, problem=f"the answer is malformed at {error}")


def below(answer: GraphQLAnswer, prefix: tuple[str | int, ...]) -> list[AnswerError]:
    """The errors at or below a path, with the rest of theirs."""
    size = len(prefix)
    return [attrs.evolve(e, path=e.path[size:]) for e in answer.errors if e.path[:size] == prefix]
