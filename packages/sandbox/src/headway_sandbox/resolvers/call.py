"""One GraphQL request, and what the resolvers of every type share."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs
from graphql import GraphQLResolveInfo

from headway_sandbox import facts
from headway_sandbox.connections import Connection
from headway_sandbox.cost import Cost
from headway_sandbox.errors import Unprocessable
from headway_sandbox.nodes import BranchRef, Node, find_node, node_id
from headway_sandbox.records import CheckSuite, CommitStatus, Issue, PullRequest, Repository, User
from headway_sandbox.store import Transaction

LIMIT = 5000  # points an hour


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
    shifted: bool = False
    half: bool = False

    def connection(self, items: Sequence[object], arguments: Mapping[str, object]) -> Connection:
        """Return the asked page of `items`."""
        page = {name: arguments.get(name) for name in ("first", "last", "after", "before")}
        return Connection(items=items, torn=self.torn, shifted=self.shifted, **page)  # type: ignore[arg-type] # graphql-core checked them

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


Info: TypeAlias = GraphQLResolveInfo[Call]
Resolver: TypeAlias = Callable[..., object]


_CAMEL = re.compile(r"(?<!^)(?=[A-Z])")


def default(obj: object, info: Info, **_: object) -> object:
    """Answer a field from the attribute of its name."""
    return getattr(obj, _CAMEL.sub("_", info.field_name).lower())


def branch(call: Call, repository: Repository, name: str) -> BranchRef | None:
    oid = facts.tip(call.tx, repository, name)
    return None if oid is None else BranchRef(repository, name, oid)


def owner(repository: Repository, info: Info) -> User:
    call: Call = info.context
    known = [user for user in call.tx.find(User) if user.login.lower() == repository.owner.lower()]
    # An owner without an account here is served as a user of that name.
    return known[0] if known else User(id=repository.id, login=repository.owner, token="", bot=False)


def pull_node(call: Call, global_id: str) -> PullRequest:
    found = find_node(call.tx, call.viewer, global_id)
    if not isinstance(found, PullRequest):
        raise Unprocessable(f"'{global_id}' is no pull request")
    return found


def global_id(obj: Node, _: Info) -> str:
    return node_id(obj)


def nothing(_: object, __: Info, **___: object) -> None:
    return None


def no(_: object, __: Info) -> bool:
    return False
