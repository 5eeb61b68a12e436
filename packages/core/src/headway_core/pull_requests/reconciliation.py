"""When an observation may be believed, and what it makes of the stored facts: pure (I5)."""

import enum
from collections.abc import Iterable
from datetime import datetime

import attrs

from headway_core.pull_requests.check_records import PinnedCheck
from headway_core.pull_requests.derive import derived_decision
from headway_core.pull_requests.expected_checks import expected_of_next_head
from headway_core.pull_requests.model import (
    DecisionSource,
    GitHubState,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.pull_requests.ports import ChecksPart, Observation, StatePart
from headway_core.pull_requests.staleness import READ_LAG, lags_its_branch, staleness, unordered_mergeability
from headway_core.pull_requests.timing import timed
from headway_core.settings.model import SettingsRecord

FORMER_KEPT = 20


class RefusalReason(enum.StrEnum):
    """Why an answer of the forge is not believed: the stored facts stay."""

    OTHER_PULL_REQUEST = "other_pull_request"
    """The workspace has another pull request by now, or none."""
    OLDER_FETCH = "older_fetch"
    """A fetch that began later was believed already."""
    OLDER_UPDATED_AT = "older_updated_at"
    """Its `updatedAt` is older than the stored one: a replica of GitHub lags behind."""
    MERGED_IS_FINAL = "merged_is_final"
    """It says that a merged pull request is not merged."""
    LOST_CLAIM = "lost_claim"
    """The fetch took longer than its claim lasted, and somebody else fetches now."""
    UNCONFIRMED = "unconfirmed"
    """It takes back what does not go back, such as a replaced head or a finished check; it is believed when a
    later read says the same.
    """


@attrs.frozen(kw_only=True)
class Believed:
    """The facts after the observation, and which fields of them it changed: none is a good answer too."""

    snapshot: PullRequestSnapshot
    watch: PullRequestWatch
    changed: tuple[str, ...]
    again: bool = False
    """A part was left out, because nothing tells whether it is newer: read again soon."""


@attrs.frozen(kw_only=True)
class Refused:
    """The facts stay as they are; only the watch remembers."""

    reason: RefusalReason
    watch: PullRequestWatch


def believe(
    snapshot: PullRequestSnapshot,
    watch: PullRequestWatch,
    observation: Observation,
    *,
    number: int,
    began_at: datetime,
    now: datetime,
    settings: SettingsRecord,
) -> Believed | Refused:
    """What is known after an observation whose fetch drew `number` and began at `began_at`.

    A part that was not read keeps its facts and its age. Checks of another commit than the head are
    not read. Mergeability is unknown again when the head or the base moved and nothing newer is told.
    """
    reason = _refusal(snapshot, watch, observation.state, number)
    if reason is not None:
        return Refused(reason=reason, watch=attrs.evolve(watch, unconfirmed=None, unconfirmed_since=None))
    unconfirmed = staleness(snapshot, observation, began_at=began_at, last_read_at=watch.state_at)
    if unconfirmed is not None and not _confirmed(watch, observation.state, unconfirmed, began_at):
        again = watch.unconfirmed == unconfirmed and watch.unconfirmed_since is not None
        since = None if lags_its_branch(observation.state) else watch.unconfirmed_since if again else began_at
        return Refused(
            reason=RefusalReason.UNCONFIRMED,
            watch=attrs.evolve(watch, unconfirmed=unconfirmed, unconfirmed_since=since),
        )
    unordered = unordered_mergeability(
        snapshot.facts, observation, began_at=began_at, last_read_at=watch.mergeability_at
    )
    lags = lags_its_branch(observation.state)
    if unordered or lags:  # that of a record which lags may be of the branch's own tip
        observation = attrs.evolve(observation, mergeability=None)
    known, facts = snapshot.facts, _merged(snapshot.facts, observation)
    moved = known is None or known.head.commit != facts.head.commit
    after = attrs.evolve(
        snapshot,
        facts=facts,
        number=facts.number,
        head_commit=facts.head.commit,
        former_bases=_former(snapshot.former_bases, known.base.commit if known else None, facts.base.commit),
    )
    if moved or (snapshot.head_seen_at is not None and snapshot.head_seen_at > now):
        after = attrs.evolve(after, head_seen_at=now)  # else it was seen first while the clock was ahead
    if moved:
        after = attrs.evolve(
            after,
            expected=expected_of_next_head(snapshot),
            quiet_passed=False,
            ci_overdue=False,
            former_heads=_former(
                snapshot.former_heads, known.head.commit if known else None, facts.head.commit
            ),
        )
    checks_read = observation.checks is not None and observation.checks.commit == facts.head.commit
    watch = attrs.evolve(
        watch,
        believed=number,
        unconfirmed=None,
        unconfirmed_since=None,
        fetch_began_at=began_at,
        state_at=began_at,
        checks_at=began_at if checks_read else watch.checks_at,
        conversation_at=began_at if observation.conversation is not None else watch.conversation_at,
        mergeability_at=began_at if observation.mergeability is not None else watch.mergeability_at,
        unknown_reads=0 if lags else _unknown_reads(known, facts, watch.unknown_reads),
    )
    after = timed(after, watch, now, settings)
    changed = changed_fields(snapshot, after)
    if changed:
        after = attrs.evolve(after, observation=number)
    return Believed(snapshot=after if changed else snapshot, watch=watch, changed=changed, again=unordered)


def switched(snapshot: PullRequestSnapshot, node_id: str | None, now: datetime) -> PullRequestSnapshot:
    """The snapshot with another pull request, or with none: nothing of the former one is left (S10)."""
    return PullRequestSnapshot(
        workspace_id=snapshot.workspace_id,
        version=snapshot.version,
        node_id=node_id,
        attached_at=None if node_id is None else now,
        declined=tuple(each for each in snapshot.declined if each != node_id),
        observation=snapshot.observation,
    )


def rewatched(watch: PullRequestWatch) -> PullRequestWatch:
    """The watch of a snapshot that was switched: no part of it was read yet."""
    return attrs.evolve(
        watch,
        unconfirmed=None,
        unconfirmed_since=None,
        fetch_began_at=None,
        state_at=None,
        checks_at=None,
        conversation_at=None,
        mergeability_at=None,
        unknown_reads=0,
        failures=0,
        failing_since=None,
        failure=None,
        problem=None,
        unread=(),
    )


def _refusal(
    snapshot: PullRequestSnapshot, watch: PullRequestWatch, state: StatePart, number: int
) -> RefusalReason | None:
    if snapshot.node_id != state.node_id:
        return RefusalReason.OTHER_PULL_REQUEST
    if number <= max(snapshot.observation, watch.believed):
        return RefusalReason.OLDER_FETCH
    facts = snapshot.facts
    if facts is None:
        return None
    if facts.state is GitHubState.MERGED and state.state is not GitHubState.MERGED:
        return RefusalReason.MERGED_IS_FINAL
    if state.updated_at < facts.updated_at:
        return RefusalReason.OLDER_UPDATED_AT
    return None


def _confirmed(watch: PullRequestWatch, state: StatePart, unconfirmed: str, began_at: datetime) -> bool:
    """Whether the same was said before, long enough ago, and the record does not lag its branch."""
    return (
        watch.unconfirmed == unconfirmed
        and watch.unconfirmed_since is not None
        and began_at >= watch.unconfirmed_since + READ_LAG
        and not lags_its_branch(state)
    )


def _unknown_reads(before: PullRequestFacts | None, after: PullRequestFacts, reads: int) -> int:
    """Counts again from 1 when the head or the base moved; GitHub tells of open ones alone."""
    if after.mergeability is not Mergeability.UNKNOWN or after.state is not GitHubState.OPEN:
        return 0
    same = before is not None and (before.head.commit, before.base) == (after.head.commit, after.base)
    return reads + 1 if same else 1


def _merged(known: PullRequestFacts | None, observation: Observation) -> PullRequestFacts:
    """The facts after the observation: each part newly read, or as it was."""
    state, checks, conversation = observation.state, observation.checks, observation.conversation
    if known is not None:
        state = _with_what_stands(known, state)
    if checks is not None and checks.commit != state.head.commit:
        checks = None
    same_head = known is not None and known.head.commit == state.head.commit
    same_base = known is not None and known.base.commit == state.base.commit
    reviews = known.reviews if known else ()
    threads = known.threads if known else ()
    comments = known.comments if known else ()
    if conversation is not None:
        reviews, threads = conversation.reviews, conversation.threads
        comments = comments if conversation.comments is None else conversation.comments
    mergeability = observation.mergeability
    if mergeability is None:
        mergeability = known.mergeability if known and same_head and same_base else Mergeability.UNKNOWN
    required, pinned = _required(known, state, checks)
    decision, source = state.review_decision, DecisionSource.GITHUB
    if decision is None:
        decision, source = derived_decision(reviews), DecisionSource.DERIVED
    return PullRequestFacts(
        node_id=state.node_id,
        number=state.number,
        url=state.url,
        title=state.title,
        author=state.author,
        state=state.state,
        draft=state.draft,
        review_decision=decision,
        decision_source=None if decision is None else source,
        head=state.head,
        base=state.base,
        updated_at=state.updated_at,
        merge_queue=state.merge_queue,
        queue_exit=state.queue_exit,
        mergeability=mergeability,
        checks=checks.checks if checks else (known.checks if known else ()),
        checks_complete=checks is not None or (known is not None and known.checks_complete and same_head),
        required=required,
        pinned=pinned,
        reviews=reviews,
        threads=threads,
        comments=comments,
        conversation_complete=conversation is not None or (known is not None and known.conversation_complete),
    )


def _with_what_stands(known: PullRequestFacts, state: StatePart) -> StatePart:
    """The state, with what was known in place of what was not told; a place in a queue is of one head."""
    if "author" in state.untold:
        state = attrs.evolve(state, author=known.author)
    if "head_repository" in state.untold:
        head = attrs.evolve(state.head, repository=known.head.repository)
        state = attrs.evolve(state, head=head)
    if "merge_queue" in state.untold and known.head.commit == state.head.commit:
        state = attrs.evolve(state, merge_queue=known.merge_queue or state.merge_queue)
    left, before = state.queue_exit, known.queue_exit
    if "queue_exit" in state.untold:
        state = attrs.evolve(state, queue_exit=before)
    elif left is not None and before is not None and left.id == before.id:
        failed = left.failed or before.failed
        state = attrs.evolve(state, queue_exit=attrs.evolve(left, head=before.head, failed=failed))
    return state


def _required(
    known: PullRequestFacts | None, state: StatePart, checks: ChecksPart | None
) -> tuple[tuple[str, ...] | None, tuple[PinnedCheck, ...]]:
    """The contexts that the base requires, and of which apps; those of another base say nothing."""
    if checks is not None and checks.required is not None:
        return checks.required, checks.pinned
    if known is not None and known.base.ref == state.base.ref:
        return known.required, known.pinned
    return None, ()


def _former(formers: Iterable[str], last: str | None, now: str) -> tuple[str, ...]:
    """The commits that were replaced, newest last, without the present one."""
    known = [*formers, *([] if last is None else [last])]
    kept = dict.fromkeys(reversed([former for former in known if former != now]))
    return tuple(reversed(list(kept)[:FORMER_KEPT]))


_OWN_FIELDS = ("node_id", "quiet_passed", "ci_overdue", "tied")


def changed_fields(before: PullRequestSnapshot, after: PullRequestSnapshot) -> tuple[str, ...]:
    """The fields that differ: those of the facts, and the snapshot's own that people see. Sorted."""
    own = [name for name in _OWN_FIELDS if getattr(before, name) != getattr(after, name)]
    if before.head_commit == after.head_commit and before.head_seen_at != after.head_seen_at:
        own.append("head_seen_at")  # of another head the facts tell
    names = [field.name for field in attrs.fields(PullRequestFacts)]
    if before.facts is None or after.facts is None:
        facts = names if before.facts is not after.facts else []
    else:
        facts = [name for name in names if getattr(before.facts, name) != getattr(after.facts, name)]
    return tuple(sorted({*own, *facts}))
