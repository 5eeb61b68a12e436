"""Branches of a repository and the commits on them."""

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class PushView:
    """A push that was seen."""

    branch: str
    before: str | None
    after: str | None
    at: str


@attrs.frozen(kw_only=True)
class CommitView:
    """A commit that a command made or found."""

    oid: str


@attrs.frozen(kw_only=True)
class DeleteBranch:
    """Delete a branch in the origin; its open pull requests close. Absent already: fine."""

    branch: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class CommitFiles:
    """Commit files onto a branch in the origin (None removes one).

    A branch that has exactly these contents already stays: so a retry after a crash does nothing.
    A branch that does not exist starts at `start`, a branch or commit (empty: the default branch).
    """

    branch: str
    files: Mapping[str, str | None]
    message: str
    user: str
    start: str = ""
    repository: str = ""


@attrs.frozen(kw_only=True)
class ForcePush:
    """Move a branch of the origin to any commit (a branch or a full object name)."""

    user: str
    branch: str
    commit: str
    repository: str = ""
