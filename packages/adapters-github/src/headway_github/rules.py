"""The contexts that a base branch requires: asked once in a while for each branch."""

from collections.abc import Callable, Mapping

import anyio
import attrs

from headway_core.projects.model import Project
from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.reading import MalformedError, Node

KEPT_S = 300.0
"""How long an answer is believed; rules change seldom, and whoever may not read them asks no more often."""
STALE_S = 3600.0
"""How long the last answer stands in while GitHub gives no other; then the rules are unread."""


Required = tuple[str, ...] | None
"""The contexts that must report, sorted; None when the rules can't be read, which is not the same as none."""


@attrs.frozen
class _Known:
    contexts: Required
    read_at: float


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
            return known.contexts
        variables: Mapping[str, object] = {
            "owner": project.github_owner,
            "name": project.github_repo,
            "ref": f"refs/heads/{ref}",
        }
        answer = await graphql.send(document("required"), variables)
        if isinstance(answer, SendFailed):
            if known is not None and self._now() < known.read_at + STALE_S:
                return known.contexts
            return None
        try:
            contexts = None if answer.errors else _contexts(Node(answer.data))
        except MalformedError:
            contexts = None
        self._known[key] = _Known(contexts, self._now())
        return contexts


def _contexts(data: Node) -> tuple[str, ...]:
    ref = data.node("repository").node("ref")
    found: set[str] = set()
    protection = ref.maybe_node("branchProtectionRule")
    if protection is not None and protection.flag("requiresStatusChecks"):
        found |= {check.text("context") for check in protection.nodes("requiredStatusChecks")}
    # To who is no admin the protection is null, which is not none: this is what it sees instead.
    update = ref.maybe_node("refUpdateRule")
    if update is not None:
        found |= set(update.texts("requiredStatusCheckContexts"))
    rules = ref.maybe_node("rules")
    if rules is not None:
        if rules.node("pageInfo").flag("hasNextPage"):
            raise MalformedError("rules", "has more than one page")
        for rule in rules.nodes("nodes"):
            parameters = rule.maybe_node("parameters")
            if parameters is not None and parameters.has("requiredStatusChecks"):
                found |= {check.text("context") for check in parameters.nodes("requiredStatusChecks")}
    return tuple(sorted(found))
