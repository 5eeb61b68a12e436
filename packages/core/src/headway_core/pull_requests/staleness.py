"""What can't go back at GitHub and does: an answer from a replica that lags, until a later read says so too.

`updatedAt` does not move with checks, resolved threads, the base or mergeability, so
it orders none of them. Other things do: a head or base that was replaced, a run that was over, an id
that was higher, a thread that was resolved. An answer that takes one of them back is not believed yet. It is
believed when a fetch that began `READ_LAG` later says the same: people do push back, reopen and re-run.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    GitHubState,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
)
from headway_core.pull_requests.ports import Observation, StatePart

READ_LAG = timedelta(seconds=5)
"""For how long GitHub may not show yet what it has stored."""


def staleness(
    snapshot: PullRequestSnapshot,
    observation: Observation,
    *,
    began_at: datetime,
    last_read_at: datetime | None,
) -> str | None:
    """What an answer takes back, in a text that is the same at the next read; None: nothing.

    Pushes to a base move no `updatedAt`, so that one never seen may be older than the one known: of two
    that are told within the lag neither is known to be newer.
    """
    known, state = snapshot.facts, observation.state
    if known is None:
        return None
    if state.head.commit != known.head.commit:
        returns = state.head.commit in snapshot.former_heads
        return f"head {state.head.commit}" if returns or lags_its_branch(state) else None
    newer = state.updated_at > known.updated_at
    if state.base != known.base:
        unordered = not newer and last_read_at is not None and began_at < last_read_at + READ_LAG
        if unordered or state.base.commit in snapshot.former_bases:
            return f"base {state.base.commit}"
    if newer:
        return None
    checks, talk = observation.checks, observation.conversation
    if checks is not None and known.checks_complete and checks.commit == known.head.commit:
        older = _older_check(known.checks, checks.checks)
        if older is not None:
            return f"check {older}"
    if talk is not None and known.conversation_complete:
        unresolved = {thread.id for thread in known.threads}
        back = sorted(thread.id for thread in talk.threads if thread.id not in unresolved)
        if back:
            return f"thread {back[0]}"
    return None


def lags_its_branch(state: StatePart) -> bool:
    """Whether the record of an open pull request has another head than its branch; one that is over may."""
    return state.state is GitHubState.OPEN and state.head.tip not in (None, state.head.commit)


def _older_check(known: Iterable[Check], seen: Iterable[Check]) -> str | None:
    """A check of which something older is seen than is known: an earlier run, or an earlier stage of it.

    One that is gone was superseded when there is a newer run than its own; a status never goes.
    """
    by_identity: dict[str, Check] = {}
    for check in sorted(seen, key=_order):
        by_identity[check.identity] = check
    newest_run = max((_order(c) for c in by_identity.values() if c.run_id.isdigit()), default=(0, ""))
    for check in known:
        now = by_identity.get(check.identity)
        if now is None:
            back = not check.run_id.isdigit() or newest_run < _order(check)
        else:
            back = _order(now) < _order(check) or (now.run_id == check.run_id and _earlier(now, check))
        if back:
            return check.identity
    return None


def _order(check: Check) -> tuple[int, str]:
    """Check runs have ids that grow; statuses the time at which they were told."""
    started = "" if check.started_at is None else check.started_at.isoformat()
    if check.run_id.isdigit():
        return int(check.run_id), ""
    return 0, started


def _earlier(now: Check, known: Check) -> bool:
    """An earlier stage of one run: before its end, or before its app corrected what had ended."""
    if now.completed_at is not None and known.completed_at is not None:
        return now.completed_at < known.completed_at
    return _ended(known) and not _ended(now)


def _ended(check: Check) -> bool:
    return check.completed_at is not None or check.outcome in (CheckOutcome.PASSED, CheckOutcome.FAILED)


def unordered_mergeability(
    known: PullRequestFacts | None,
    observation: Observation,
    *,
    began_at: datetime,
    last_read_at: datetime | None,
) -> bool:
    """Two reads within the lag tell different things of one pair of commits: neither is known to be newer."""
    state = observation.state
    return (
        known is not None
        and last_read_at is not None
        and known.mergeability is not Mergeability.UNKNOWN
        and observation.mergeability not in (None, known.mergeability)
        and (known.head.commit, known.base, known.updated_at)
        == (state.head.commit, state.base, state.updated_at)
        and began_at < last_read_at + READ_LAG
    )
