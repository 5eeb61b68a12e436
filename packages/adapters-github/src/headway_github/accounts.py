"""Accounts: which one the token acts as, and which names are nobody's."""

from urllib.parse import quote

import anyio

from headway_core.pull_requests.model import FailureKind
from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.reading import MalformedError, Node
from headway_github.rest import Rest

_BOT = "[bot]"
"""REST's name of an app ends so."""

KEPT_S = 300.0
"""How long an answer is believed, also that it is not told: a token may be replaced."""


class TokenAccount:
    """Asks GitHub who the token is. Not a stored fact: it only chooses what is kept of a conversation."""

    def __init__(self) -> None:
        self._known: tuple[str | None, float] | None = None

    async def login(self, graphql: GraphQL) -> str | None:
        """The login; None when GitHub does not tell it."""
        if self._known is None or anyio.current_time() >= self._known[1] + KEPT_S:
            self._known = (await _asked(graphql), anyio.current_time())
        return self._known[0]


async def _asked(graphql: GraphQL) -> str | None:
    answer = await graphql.send(document("viewer"), {})
    if isinstance(answer, SendFailed) or answer.errors:
        return None
    try:
        return Node(answer.data).node("viewer").text("login")
    except MalformedError:
        return None


async def is_nobody(name: str, graphql: GraphQL, rest: Rest) -> bool:
    """Whether GitHub says that no account has this login, and none this node id. An app is known by its login
    with and without `[bot]`. False also when GitHub tells neither.
    """
    logins = [name] if name.casefold().endswith(_BOT) else [name, name + _BOT]
    for login in logins:
        found = await rest.get(f"/users/{quote(login, safe='')}")
        if not isinstance(found, SendFailed) or found.kind is not FailureKind.NOT_FOUND:
            return False
    answer = await graphql.send(document("account"), {"id": name})
    if isinstance(answer, SendFailed):
        return answer.kind is FailureKind.NOT_FOUND
    return answer.data.get("node") is None and all(each.type == "NOT_FOUND" for each in answer.errors)
