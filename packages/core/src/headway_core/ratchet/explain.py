"""The answer to "why does it not move?"."""

from datetime import datetime

import attrs

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability
from headway_core.ratchet.decision import Decision
from headway_core.ratchet.failures import AgentFailure, agent_failure
from headway_core.ratchet.model import Cause, FixerDispatch, Handled, RatchetRecord
from headway_core.ratchet.sentences import sentence
from headway_core.ratchet.view import View


@attrs.frozen(kw_only=True)
class Explanation:
    """What was seen and how old it is, what was decided and why, what will change it and what to do."""

    workspace_id: str
    """The workspace that is explained."""
    decision: Decision | None
    """What was decided last; None: nothing was yet."""
    decided_at: datetime | None
    """When that was decided first, and has been ever since; None: nothing was yet."""
    why: str
    """Why it was decided so, in a sentence."""
    changes_when: str
    """What will change it, in a sentence."""
    next_step: str
    """What a person can do, in a sentence, or that nothing has to be done."""
    failure: AgentFailure | None
    """How the newest session failed, and what follows; None: it did not, or there is none."""
    looks_again_at: datetime | None
    """When it is looked at again, whatever happens; None: when something happens."""
    url: str | None
    """The address of the pull request. It and what follows are None when none is attached or was read."""
    state: GitHubState | None
    """Whether it is open, closed or merged."""
    head: str | None
    """The commit of its head."""
    ci: CIStatus
    """What its counted checks say; UNKNOWN without a pull request."""
    mergeability: Mergeability | None
    """Whether it can be merged into its base."""
    causes: tuple[Cause, ...]
    """What there is to fix, as far as is known."""
    handled: tuple[Handled, ...]
    """What fixers have had already, since the ratchet was switched on."""
    dispatches: tuple[FixerDispatch, ...]
    """The fixers that were started, oldest first."""
    state_at: datetime | None
    """When the fetch began that read the state; None: it was never read. So are the three below."""
    checks_at: datetime | None
    """Likewise of the checks."""
    conversation_at: datetime | None
    """Likewise of reviews and threads."""
    mergeability_at: datetime | None
    """Likewise of the mergeability."""
    problem: str | None
    """Why the last fetch failed; None: it did not."""


def explanation(view: View, record: RatchetRecord, looks_again_at: datetime | None) -> Explanation:
    """What is known now, joined with what was decided last. Pure."""
    told = sentence(record.decision, view.now)
    facts, watch = view.facts, view.watch
    return Explanation(
        workspace_id=record.workspace_id,
        decision=record.decision,
        decided_at=record.decided_at,
        why=told.why,
        changes_when=told.changes_when,
        next_step=told.next_step,
        failure=agent_failure(view, record, looks_again_at),
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
        problem=watch.failure_summary,
    )
