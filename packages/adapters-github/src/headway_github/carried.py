"""GraphQL by whatever carries requests: one at a time, judged in one place, its budget remembered."""

import json
import logging
from abc import abstractmethod
from collections.abc import Mapping

import anyio

from headway_github.answers import Answer, GraphQL, RawAnswer, SendFailed, read_answer
from headway_github.budgets import Budgets
from headway_github.documents import Document
from headway_github.limited import Limited
from headway_github.transport import HttpConnection

logger = logging.getLogger(__name__)


class CarriedGraphQL(GraphQL):
    """What every carrier shares. One call is in flight at a time, and no two are merged (S12)."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._turn = anyio.Lock()
        self._limited = Limited()  # of mutations: reading is paced by those who ask

    @abstractmethod
    async def _carry(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        """The whole response to a POST of this JSON; sent once when it changes something."""

    async def send(self, document: Document, variables: Mapping[str, object]) -> Answer | SendFailed:
        content = json.dumps({"query": document.text, "variables": variables}).encode()
        if document.writes and (limit := self._limited.left()) is not None:
            return limit
        async with self._turn:
            raw = await self._carry(content, changes=document.writes)
        answer = raw if isinstance(raw, SendFailed) else self._judged(raw)
        if isinstance(answer, SendFailed):
            logger.info("%s: %s", document.name, answer.problem)
            if document.writes:
                self._limited.note(answer)
        return answer

    def _judged(self, raw: RawAnswer) -> Answer | SendFailed:
        answer = read_answer(raw.status, raw.headers, raw.body, raw.at)
        data = answer.data if isinstance(answer, Answer) else None
        self._budgets.note(raw.headers, data, raw.at, resource="graphql")
        return answer


class HttpGraphQL(CarriedGraphQL):
    """Posts documents to `/graphql` of an HTTP connection."""

    def __init__(self, connection: HttpConnection, budgets: Budgets) -> None:
        super().__init__(budgets)
        self._connection = connection

    async def _carry(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        return await self._connection.request("POST", "/graphql", content=content, changes=changes)
