"""The answer to "why does it not move?"."""

from collections.abc import Iterable
from datetime import datetime

import attrs

from headway_core.kernel.outside_text import plain
from headway_core.pull_requests import thrown_out
from headway_core.pull_requests.model import (
    CheckOutcome,
    CIStatus,
    GitHubState,
    Mergeability,
    PullRequestWatch,
)
from headway_core.ratchet.decision import (
    AwaitingPerson,
    Decision,
    Disabled,
    PersonReason,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.failures import AgentFailure, agent_failure
from headway_core.ratchet.model import Cause, FixerDispatch, Handled, RatchetRecord
from headway_core.ratchet.sentences import Reasoning, ended, moment, sentence
from headway_core.ratchet.view import View
from headway_core.workspaces.model import RETRY_LIMIT, Workspace, WorkspaceStatus

_NAME_CHARACTERS = 200


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
    overruled: tuple[str, ...]
    """Keys of the repository's own git configuration that name programs or other places. Headway's git does
    not obey them; git does for whoever works there.
    """


def explanation(view: View, record: RatchetRecord, looks_again_at: datetime | None) -> Explanation:
    """What is known now, joined with what was decided last. Pure."""
    told = _reasoning(view, record)
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
        causes=view.causes,
        handled=record.handled,
        dispatches=view.dispatches,
        state_at=watch.state_at,
        checks_at=watch.checks_at,
        conversation_at=watch.conversation_at,
        mergeability_at=watch.mergeability_at,
        problem=watch.failure_summary,
        overruled=view.git.overruled if view.git else (),
    )


def _reasoning(view: View, record: RatchetRecord) -> Reasoning:
    """The decision in words; where none was reached, or it waits for the workspace, what keeps it so."""
    match record.decision:
        case None | Wait(reason=WaitReason.WORKSPACE) if view.workspace.status is WorkspaceStatus.FAILED:
            return _failed(view.workspace)
        case None | Disabled() if not record.enabled:
            switch_on = f"Switch the ratchet on: headway ratchet on {record.workspace_id}."
            return attrs.evolve(sentence(Disabled()), next_step=switch_on)
        case None if view.watch.failure is not None:
            return _unread(view.watch)
        case Wait(reason=WaitReason.NO_PR):
            return _without_pull_request(view)
        case Stalled(reason=StallReason.BRANCH_MISMATCH):
            return _on_another_branch(view)
        case decision:
            return _with_checks(sentence(decision, view.now), decision, view)


def _with_checks(told: Reasoning, decision: Decision | None, view: View) -> Reasoning:
    """The sentences with the names of the checks that the decision is about."""
    checks = view.counted
    named: Iterable[str] = ()
    match decision:
        case Stalled(reason=StallReason.CHECKS_MISSING) | Wait(reason=WaitReason.CI | WaitReason.UNKNOWN):
            label, named = "Missing", checks.missing
        case Stalled(reason=StallReason.CI_CANCELLED):
            label, named = "Cancelled", (check.name for check in checks.failed)
        case Stalled(reason=StallReason.CI_STUCK):
            label, named = "Pending", checks.named(CheckOutcome.PENDING)
        case AwaitingPerson(reason=PersonReason.CHECKS):
            label, named = "Waiting for a person", checks.named(CheckOutcome.WAITS_FOR_PERSON)
        case AwaitingPerson(reason=PersonReason.MERGE_QUEUE):
            left = thrown_out(view.facts) if view.facts else None
            label, named = "GitHub's reason", (left.reason.lower().replace("_", " "),) if left else ()
        case _:
            return told
    names = sorted({plain(name, _NAME_CAP) for name in named})
    if not names:
        return told
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return attrs.evolve(told, why=f"{told.why} {label}: {ended(', '.join(names[:_NAMED_AT_MOST]) + more)}")


_NAME_CAP = 100
_NAMED_AT_MOST = 10


def _without_pull_request(view: View) -> Reasoning:
    """Why none is attached: another workspace has it, or the agent may have opened it from elsewhere."""
    workspace, snapshot = view.workspace, view.snapshot
    if snapshot.taken is not None:
        return Reasoning(
            f"Pull request #{snapshot.taken} of its branch is attached to workspace {snapshot.taken_by}.",
            "It goes on when that workspace is archived, or lets the pull request go.",
            f"Work in that workspace, or detach it there: headway pr detach {snapshot.taken_by}.",
        )
    if view.git is None or view.git.branch in {None, workspace.branch}:
        return sentence(Wait(reason=WaitReason.NO_PR, recheck_at=None))
    there, own = _name(view.git.branch or ""), _name(workspace.branch)
    return Reasoning(
        f"No pull request is attached; the worktree is on {there}, and the workspace's own branch is {own}.",
        f"It goes on when one is opened from {own}, or when an agent names the one that it opened from"
        f" {there}.",
        f"Attach the one of {there} by its number (headway pr attach {workspace.id} NUMBER), or check out"
        f" {own}.",
    )


def _on_another_branch(view: View) -> Reasoning:
    said = sentence(Stalled(reason=StallReason.BRANCH_MISMATCH, recheck_at=None))
    if view.git is None or view.facts is None:
        return said
    head = _name(view.facts.head.ref)
    there = "on no branch" if view.git.branch is None else f"on {_name(view.git.branch)}"
    return Reasoning(
        f"The worktree is {there}, and the pull request's head is {head}.",
        f"It goes on when {head} is checked out in the worktree.",
        f"Check out {head} in the worktree, or attach the pull request of the branch that it is on.",
    )


def _name(branch: str) -> str:
    """A branch's name, which is outside text, in a sentence."""
    return f"'{plain(branch, _NAME_CHARACTERS)}'"


def _failed(workspace: Workspace) -> Reasoning:
    why = "The workspace could not be set up"
    succeeds = "It goes on when a retry of the set-up succeeds."
    again = f"Mend what the error says, and try again: headway workspace retry {workspace.id}."
    used = f"It was retried {RETRY_LIMIT} times, which is all: archive it, and create another workspace."
    return Reasoning(
        ended(f"{why}: {workspace.error}" if workspace.error else why),
        *(("Nothing changes it.", used) if workspace.retries >= RETRY_LIMIT else (succeeds, again)),
    )


def _unread(watch: PullRequestWatch) -> Reasoning:
    at = "when a runner runs" if watch.due_at is None else f"at {moment(watch.due_at)}"
    return Reasoning(
        ended(f"GitHub could not be read: {watch.problem}"),
        f"It goes on when GitHub was read, which is tried again {at}.",
        "Look at what the fetch said: the network, the token or the repository's address.",
    )
