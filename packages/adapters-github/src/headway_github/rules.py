"""The checks that a base branch requires, and of which apps: asked once in a while for each branch."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio
import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.check_records import PinnedCheck
from headway_core.pull_requests.check_rows import CheckRow, CheckRunRow, StatusRow
from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.reading import MalformedError, Node

KEPT_S = 300.0
"""How long an answer is believed; rules change seldom, and whoever may not read them asks no more often."""
STALE_S = 3600.0
"""How long the last answer stands in while GitHub gives no other; then the rules are unread."""


@attrs.frozen(order=True)
class RequiredCheck:
    """A context that must report."""

    context: str
    app: str = ""
    """The slug of the app that alone may report it; empty: any may, or its slug is not told."""
    app_id: int = 0
    """The same by its database id, as rulesets name it; 0: any may, or its id is not told."""

    @property
    def is_pinned(self) -> bool:
        return bool(self.app or self.app_id)


Required = tuple[RequiredCheck, ...] | None
"""The checks that must report, sorted; None when the rules can't be read, which is not the same as none."""


@attrs.frozen
class _Known:
    checks: Required
    read_at: float


def pins(required: Iterable[RequiredCheck], rows: Sequence[CheckRow]) -> tuple[PinnedCheck, ...]:
    """The checks that one app alone may report, with the names that the apps have in these rows."""
    return tuple(
        PinnedCheck(context=check.context, app=(check.app or _named(check, rows)).casefold())
        for check in required
        if check.is_pinned
    )


def _named(check: RequiredCheck, rows: Sequence[CheckRow]) -> str:
    """The app of an id. One that has no check run here may post statuses, whose bots tell no such id."""
    for row in rows:
        if isinstance(row, CheckRunRow) and row.app_id == check.app_id and row.app:
            return row.app
    for row in rows:
        same = isinstance(row, StatusRow) and row.context.casefold() == check.context.casefold()
        if same and row.app:
            return row.app
    return f"app {check.app_id}"


class RequiredContexts:
    """Reads branch protection and the active rulesets. Not a stored fact: it is part of every checks part."""

    def __init__(self, *, now: Callable[[], float] = anyio.current_time) -> None:
        self._now = now
        self._known: dict[tuple[str, str], _Known] = {}

    async def of_base(self, graphql: GraphQL, project: Project, ref: str) -> Required:
        """What the base branch requires, asked again when the answer is older than `KEPT_S`."""
        key = (project.repository, ref)
        known = self._known.get(key)
        if known is not None and self._now() < known.read_at + KEPT_S:
            return known.checks
        variables: Mapping[str, object] = {
            "owner": project.github_owner,
            "name": project.github_repo,
            "ref": f"refs/heads/{ref}",
        }
        answer = await graphql.send(document("required"), variables)
        if isinstance(answer, SendFailed):
            if known is not None and self._now() < known.read_at + STALE_S:
                return known.checks
            return None
        try:
            checks = None if answer.errors else _required(Node(answer.data))
        except MalformedError:
            checks = None
        self._known[key] = _Known(checks, self._now())
        return checks


def _required(data: Node) -> tuple[RequiredCheck, ...]:
    ref = data.node("repository").node("ref")
    found: set[RequiredCheck] = set()
    protection = ref.maybe_node("branchProtectionRule")
    if protection is not None and protection.flag("requiresStatusChecks"):
        found |= {_protected(check) for check in protection.nodes("requiredStatusChecks")}
    # To who is no admin the protection is null, which is not none: this is what it sees instead.
    update = ref.maybe_node("refUpdateRule")
    if update is not None:
        found |= {RequiredCheck(context) for context in update.texts("requiredStatusCheckContexts")}
    rules = ref.maybe_node("rules")
    if rules is not None:
        if rules.node("pageInfo").flag("hasNextPage"):
            raise MalformedError("rules", "has more than one page")
        for rule in rules.nodes("nodes"):
            parameters = rule.maybe_node("parameters")
            if parameters is not None and parameters.has("requiredStatusChecks"):
                found |= {_ruled(check) for check in parameters.nodes("requiredStatusChecks")}
    return tuple(sorted(found))


def _protected(check: Node) -> RequiredCheck:
    app = check.maybe_node("app")
    if app is None:
        return RequiredCheck(check.text("context"))
    return RequiredCheck(
        check.text("context"), app.maybe_text("slug") or "", app.maybe_integer("databaseId") or 0
    )


def _ruled(check: Node) -> RequiredCheck:
    return RequiredCheck(check.text("context"), "", check.maybe_integer("integrationId") or 0)
