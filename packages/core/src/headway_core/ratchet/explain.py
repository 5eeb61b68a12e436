"""The answer to "why does it not move?"."""

from datetime import datetime

import attrs

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability
from headway_core.ratchet.decision import Decision
from headway_core.ratchet.model import Cause, FixerDispatch, Handled, Ratchet
from headway_core.ratchet.sentences import sentence
from headway_core.ratchet.view import View


@attrs.frozen(kw_only=True)
class Explanation:
    """What was seen and how old it is, what was decided and why, and what will change it."""

    workspace_id: str
    decision: Decision | None
    decided_at: datetime | None
    why: str
    changes_when: str
    looks_again_at: datetime | None
    """When it is looked at again, whatever happens; None: when something happens."""
    url: str | None
    state: GitHubState | None
    head: str | None
    ci: CIStatus
    mergeability: Mergeability | None
    causes: tuple[Cause, ...]
    handled: tuple[Handled, ...]
    dispatches: tuple[FixerDispatch, ...]
    state_at: datetime | None
    checks_at: datetime | None
    conversation_at: datetime | None
    mergeability_at: datetime | None
    problem: str | None
    """Why the last fetch failed, None when it did not."""


def explanation(view: View, record: Ratchet, looks_again_at: datetime | None) -> Explanation:
    """What is known now, joined with what was decided last. Pure."""
    why, changes_when = sentence(record.decision)
    facts, watch = view.facts, view.watch
    return Explanation(
        workspace_id=record.workspace_id,
        decision=record.decision,
        decided_at=record.decided_at,
        why=why,
        changes_when=changes_when,
        looks_again_at=looks_again_at,
        url=facts.url if facts else None,
        state=facts.state if facts else None,
        head=facts.head.commit if facts else None,
        ci=view.ci,
        mergeability=facts.mergeability if facts else None,
        causes=view.causes(),
        handled=record.handled,
        dispatches=view.dispatches,
        state_at=watch.state_at,
        checks_at=watch.checks_at,
        conversation_at=watch.conversation_at,
        mergeability_at=watch.mergeability_at,
        problem=watch.problem,
    )
