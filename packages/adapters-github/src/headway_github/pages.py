"""Lists that GitHub gives in pages, read whole or not at all."""

from collections.abc import Callable

from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.reading import Node

PAGES_AT_MOST = 60
_READINGS = 3
"""How often a list is read that changes while it is read."""


class IncompleteError(Exception):
    """A list could not be read whole; the message is ours."""


class _MovedError(Exception):
    """Entries came or went between two pages: a cursor is an offset, so rows may be missing.

    What is not noticed: one row goes and another comes while later pages are read. The next look is right.
    """


class Pages:
    """Follows connections to their end."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    async def whole(
        self, name: str, owner: str, first: Node, field: str, guard: Callable[[Node], None]
    ) -> list[Node]:
        """All entries of a connection, of which `first` is the first page.

        `name` is the document of further pages of the node `owner`, `field` the connection in it;
        `guard` raises `IncompleteError` when the node is not what the first page was read of. What
        changes meanwhile is read again from the start.
        """
        page: Node | None = first
        for _ in range(_READINGS):
            try:
                return await self._once(name, owner, page, field, guard)
            except _MovedError:
                page = None
        raise IncompleteError("the list changed while it was read")

    async def _once(
        self, name: str, owner: str, page: Node | None, field: str, guard: Callable[[Node], None]
    ) -> list[Node]:
        entries: dict[str, Node] = {}
        total: int | None = None
        cursor: str | None = None
        for _ in range(PAGES_AT_MOST):
            if page is None:
                page = await self._page(name, owner, cursor, field, guard)
            if total is not None and page.integer("totalCount") != total:
                raise _MovedError
            total = page.integer("totalCount")
            for entry in page.nodes("nodes"):
                entries[entry.text("id")] = entry
            info = page.node("pageInfo")
            if not info.flag("hasNextPage"):
                if len(entries) != total:
                    raise _MovedError
                return list(entries.values())
            following = info.text("endCursor")
            if following == cursor:
                raise IncompleteError("the list has no end")
            cursor, page = following, None
        raise IncompleteError("the list is too long")

    async def _page(
        self, name: str, owner: str, cursor: str | None, field: str, guard: Callable[[Node], None]
    ) -> Node:
        answer = await self._graphql.send(document(name), {"id": owner, "after": cursor})
        if isinstance(answer, SendFailed):
            raise IncompleteError(f"{answer.kind}: {answer.problem}")
        if answer.errors:
            raise IncompleteError("GitHub refused a page of the list")
        node = Node(answer.data).node("node")
        guard(node)
        return node.node(field)
