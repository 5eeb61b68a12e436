"""How each field of the schema is answered from the records.

A field without an entry is read from the object by its name in snake case.
"""

from collections.abc import Mapping

from headway_sandbox.nodes import Commit, Rollup
from headway_sandbox.records import (
    CheckRun,
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
from headway_sandbox.resolvers import checkruns, discussion, lookup, mutations
from headway_sandbox.resolvers.call import LIMIT, Call, Resolver, default

__all__ = ["LIMIT", "RESOLVERS", "Call", "default", "type_name"]

RESOLVERS: Mapping[str, Mapping[str, Resolver]] = {
    **lookup.RESOLVERS,
    **discussion.RESOLVERS,
    **checkruns.RESOLVERS,
    **mutations.RESOLVERS,
}


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
