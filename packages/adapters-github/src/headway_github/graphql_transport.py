"""GraphQL by HTTP or by the `gh` program: a request at a time, judged in one place, its budget remembered."""

import json
import logging
from abc import abstractmethod
from collections.abc import Mapping

import anyio

from headway_github.active_limit import ActiveLimit
from headway_github.answers import GraphQL, GraphQLAnswer, RawAnswer, SendFailed, read_answer
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.documents import Document
from headway_github.lacking import Lacking

logger = logging.getLogger(__name__)


class GraphQLTransport(GraphQL):
    """What every transport shares. One call is in flight at a time, and no two are merged (S12)."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._turn = anyio.Lock()
        self._limit = ActiveLimit()  # of mutations: reading is paced by those who ask
        self._lacking = Lacking()

    @abstractmethod
    async def _post(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        """The whole response to a POST of this JSON; sent once when it changes something."""

    async def send(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        """Send it, and once more without what the server has just said that it lacks."""
        answer = await self._sent(document.without(self._lacking.now()), variables)
        while isinstance(answer, SendFailed) and self._lacking.learns(answer.lacks, document.optional):
            answer = await self._sent(document.without(self._lacking.now()), variables)
        return answer

    async def _sent(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        content = json.dumps({"query": document.text, "variables": variables}).encode()
        if document.writes and (limit := self._limit.left()) is not None:
            return limit
        async with self._turn:
            raw = await self._post(content, changes=document.writes)
        answer = raw if isinstance(raw, SendFailed) else self._judged(raw)
        if isinstance(answer, SendFailed):
            logger.info("%s: %s", document.name, answer.problem)
            if document.writes:
                self._limit.note(answer)
        return answer

    def _judged(self, raw: RawAnswer) -> GraphQLAnswer | SendFailed:
        answer = read_answer(raw.status, raw.headers, raw.body, raw.at)
        data = answer.data if isinstance(answer, GraphQLAnswer) else None
        self._budgets.note(raw.headers, data, raw.at, resource="graphql")
        return answer


class HttpGraphQL(GraphQLTransport):
    """Posts documents to `/graphql` of an HTTP connection."""

    def __init__(self, connection: HttpConnection, budgets: Budgets) -> None:
        super().__init__(budgets)
        self._connection = connection

    async def _post(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        return await self._connection.request("POST", "/graphql", content=content, changes=changes)
