"""The account that the token acts as: asked once in a while, when somebody may have addressed it."""

from collections.abc import Callable

import anyio

from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.reading import MalformedError, Node

KEPT_S = 300.0
"""How long an answer is believed, also that it is not told: a token may be replaced."""


class TokenAccount:
    """Asks GitHub who the token is. Not a stored fact: it only chooses what is kept of a conversation."""

    def __init__(self, *, now: Callable[[], float] = anyio.current_time) -> None:
        self._now = now
        self._known: tuple[str | None, float] | None = None

    async def login(self, graphql: GraphQL) -> str | None:
        """The login; None when GitHub does not tell it."""
        if self._known is None or self._now() >= self._known[1] + KEPT_S:
            self._known = (await _asked(graphql), self._now())
        return self._known[0]


async def _asked(graphql: GraphQL) -> str | None:
    answer = await graphql.send(document("viewer"), {})
    if isinstance(answer, SendFailed) or answer.errors:
        return None
    try:
        return Node(answer.data).node("viewer").text("login")
    except MalformedError:
        return None
