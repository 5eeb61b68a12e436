"""Relay pages over lists, with GitHub's cursors (base64 of the position) and its complaints."""

import base64
import binascii
from collections.abc import Sequence

import attrs

from headway_sandbox.errors import SandboxError

_MOST = 100


class PaginationError(SandboxError):
    """The page arguments are missing, too large or no cursors."""

    graphql_type = "MISSING_PAGINATION_BOUNDARIES"


@attrs.frozen
class PageInfo:
    """Relay's PageInfo."""

    start_cursor: str | None
    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool


@attrs.frozen(kw_only=True)
class Connection:
    """A list of which a page is asked.

    `torn` hides a row that the total still counts. `shifted`: on a further page, a row came to the
    front since the first one, so that the last row of the page before comes again.
    """

    items: Sequence[object]
    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None
    torn: bool = False
    shifted: bool = False

    @property
    def _moved(self) -> bool:
        return self.shifted and self.after is not None

    @property
    def total_count(self) -> int:
        """How many rows there are over all pages."""
        return len(self.items) + self._moved

    @property
    def nodes(self) -> list[object]:
        """Return the rows of the page."""
        start, stop = self._bounds()
        return list(self.items[start + 1 if self.torn else start : stop])

    @property
    def page_info(self) -> PageInfo:
        """Return where the page lies in the list."""
        start, stop = self._bounds()
        return PageInfo(
            start_cursor=_cursor(start + 1) if start < stop else None,
            end_cursor=_cursor(stop) if start < stop else None,
            has_next_page=stop < len(self.items),
            has_previous_page=start > 0,
        )

    def _bounds(self) -> tuple[int, int]:
        size = self.first if self.first is not None else self.last
        if size is None:
            raise PaginationError("You must provide a `first` or `last` value to properly paginate.")
        if not 0 <= size <= _MOST:
            raise PaginationError(f"Requesting {size} records exceeds the limit of {_MOST} records.")
        start = _position(self.after) - self._moved if self.after is not None else 0
        stop = _position(self.before) - 1 if self.before is not None else len(self.items)
        start, stop = min(start, len(self.items)), min(stop, len(self.items))
        if self.first is not None:
            return start, max(start, min(stop, start + size))
        return max(start, stop - size), max(start, stop)


def _cursor(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def _position(cursor: str) -> int:
    try:
        return max(0, int(base64.b64decode(cursor, validate=True)))
    except (ValueError, binascii.Error):
        raise PaginationError(f"`{cursor}` does not appear to be a valid cursor.") from None
