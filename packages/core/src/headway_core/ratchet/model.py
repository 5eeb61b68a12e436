"""The ratchet's facts: what was handled, what runs for which causes, what was decided last."""

import enum
from datetime import datetime

import attrs

from headway_core.kernel.tables import Index, Lock, Query, TableSpec
from headway_core.pull_requests.model import CIStatus, Mergeability, ReviewDecision
from headway_core.ratchet.decision import Decision
from headway_core.workspaces.model import OF_LIVE_WORKSPACES


class CauseKind(enum.StrEnum):
    """What there is to fix in a pull request."""

    CI = "CI"
    """A check that counts has failed."""
    CONFLICT = "CONFLICT"
    """The head does not merge into its base."""
    FEEDBACK = "FEEDBACK"
    """A trusted person asks for something, in a review or an unresolved thread."""


@attrs.frozen(kw_only=True)
class CauseItem:
    """What can be handled of a cause: a run of a check, a head that conflicts with a base, the last comment
    of a thread.
    """

    key: str
    """Check identity, base ref, thread id or review id."""
    mark: str
    """Check-run id, head commit, time of the latest trusted comment or edit (ISO 8601, UTC, microseconds:
    the order of texts is that of times).
    """
    person_mark: str | None = attrs.field(default=None, eq=False)
    """Of feedback: the time of a person's latest trusted words, as in `mark`; None: only bots wrote."""
    outdated: bool = attrs.field(default=False, eq=False)
    """Of a thread: whether the code that it is about had changed since it was opened."""


@attrs.frozen(kw_only=True)
class Cause:
    """One thing to fix, with an id that stays while it is the same thing."""

    id: str
    """`CI`, `CONFLICT`, `FEEDBACK:<thread or review id>`."""
    kind: CauseKind
    """What kind of thing it is."""
    items: tuple[CauseItem, ...]
    """What of it can be handled; several checks may fail at once."""


def kind_of(cause_id: str) -> CauseKind | None:
    """The kind of a cause by its id; None for an id that is not the ratchet's, as a person may give."""
    word = cause_id.partition(":")[0]
    return next((kind for kind in CauseKind if kind.value == word), None)


@attrs.frozen(kw_only=True)
class Handled:
    """What is remembered of an item within one enabled period."""

    cause_id: str
    """The cause."""
    item: CauseItem
    """What of the cause was handled."""
    done: bool
    """A fixer that carried it came to its end (COMPLETED), whatever it did."""
    deaths: int
    """Fixers that carried it and died after they had begun to work."""
    false_starts: int = 0
    """Fixers that carried it and died at once, and changed nothing: as when the agent's service is away."""
    died_at: datetime | None = None
    """When the last of them died; None: none did."""


DEATH_LIMIT = 3
"""An item whose fixers died this often is exhausted (I6)."""

ROUNDS_LIMIT = 3
"""Fixers that a thread gets without a word of a person or a change of the code that it is about."""

FALSE_STARTS_A_DEATH = 4
"""So many fixers that died without having begun anything count as one that died at work."""

REMEMBERED = 500
"""How many handled items a record keeps beside those that are present: the newest."""


class DispatchStatus(enum.StrEnum):
    """Where one fixer run for a set of causes is.

    There is no REFUSED: the fixer is acquired in the transaction that decides, on the rows that the
    decision has seen, so whatever would refuse it is a `Wait` before. There is no UNDELIVERED: a
    command agent gets its prompt with its start, or does not start.
    """

    PENDING = "PENDING"
    """The fixer was asked for and has not started yet."""
    RUNNING = "RUNNING"
    """The fixer has started."""
    COMPLETED = "COMPLETED"
    """The fixer came to its end by itself: its causes count as handled."""
    DIED = "DIED"
    """The fixer failed, timed out or was lost: a death is counted for each of its causes."""
    CANCELLED = "CANCELLED"
    """It was stopped by a person or by Headway, or is not needed any more: nothing is counted."""


LIVE_DISPATCH = (DispatchStatus.PENDING, DispatchStatus.RUNNING)


@attrs.frozen(kw_only=True)
class FixerDispatch:
    """One fixer run for a set of causes. At most one is live a workspace: an index decides."""

    id: str
    """A random id."""
    version: int = 0
    """Counts the changes of the record."""
    workspace_id: str
    """The workspace."""
    node_id: str
    """The pull request: causes of another one are other causes (R12)."""
    head: str
    """The head commit that was judged."""
    causes: tuple[Cause, ...]
    """What the fixer is to fix."""
    session_id: str
    """The fixer's session."""
    status: DispatchStatus = DispatchStatus.PENDING
    """What became of it."""
    attempts: int = 0
    """The attempt of its session: a start that never happened is repeated within the dispatch."""
    created_at: datetime
    """When it was decided."""
    started_at: datetime | None = None
    """When the fixer was seen to have started; None before."""
    ended_at: datetime | None = None
    """When its session ended, or when it was cancelled."""
    reason: str | None = None
    """Why it ended, for people; no outside text."""


class HoldKind(enum.StrEnum):
    """Why the ratchet is kept from acting."""

    PERSON = "person"
    """A person asked for it."""
    STOPPED_FIXER = "stopped_fixer"
    """A person stopped a fixer, which means that no other one is wanted."""
    DIRTY = "dirty"
    """The worktree holds uncommitted changes that no fixer made; concluded from git, and never stored."""


@attrs.frozen(kw_only=True)
class Hold:
    """The ratchet does not act, until it is released or `until` has come."""

    kind: HoldKind
    """Why."""
    until: datetime | None
    """When it ends by itself; None: never."""


@attrs.frozen(kw_only=True)
class LastKnown:
    """What was last known for sure: what progress is measured against."""

    node_id: str
    """The forge's id of the pull request."""
    head: str
    """The head that `ci` is of."""
    ci: CIStatus
    """SUCCESS or FAILURE, once either was seen: red, running, green is red to green."""
    mergeability: Mergeability
    """Whether it merged without a conflict."""
    review_decision: ReviewDecision | None
    """What its reviews came to."""
    rested_head: str | None = None
    """The head when last no turn was in flight; None: it was never seen at rest."""
    rested_turns: int = 0
    """How many turns of agents had been begun by then: a head that moves while no more are is a person's
    push (or a merge of the base at GitHub, which the commit alone could tell).
    """


@attrs.frozen(kw_only=True)
class RatchetRecord:
    """The record of a workspace. `RatchetSteps` is the only writer."""

    workspace_id: str
    """The workspace."""
    version: int = 0
    """Counts the changes of the record."""
    enabled: bool
    """Whether it is on."""
    hold: Hold | None = None
    """What keeps it from acting; None: nothing does."""
    handled: tuple[Handled, ...] = ()
    """What fixers have had already, oldest first."""
    dispatch_times: tuple[datetime, ...] = ()
    """When fixers were dispatched here in the last day, for whatever pull request."""
    since_progress: int = 0
    """Dispatches since the last progress, for whatever pull request."""
    seen: LastKnown | None = None
    """What progress is measured against; None before the first look."""
    decision: Decision | None = None
    """The last conclusion: a fact, because it was reached at a time."""
    decided_at: datetime | None = None
    """When that was concluded first, and has been ever since."""
    waits_since: datetime | None = None
    """Indexed copy of `decided_at` while it waits for a slot among the fixers; who has waited longest
    goes first.
    """
    facts_digest: str | None = None
    """SHA-256 over the facts that led to it."""


@attrs.frozen(kw_only=True)
class RatchetWake:
    """When to look at a workspace again: an unversioned side row."""

    workspace_id: str
    due_at: datetime | None
    planned_at: datetime | None = None
    """When that was written, by our clock: what is in the future was planned while the clock was ahead."""


@attrs.frozen(kw_only=True)
class FixerSlotsLock:
    """Locked by its id while a fixer takes a slot, so that two never take the last one. The id can be locked
    without a row, so none is ever written.
    """

    id: str = "fixers"
    version: int = 0


FIXER_SLOTS = TableSpec(name="fixer_places", record=FixerSlotsLock, lock=Lock.ROW)

WAITING = Query(name="waiting", present=("waits_since",), order=("waits_since",), limit=200)
RATCHETS = TableSpec(
    name="ratchets",
    record=RatchetRecord,
    key=("workspace_id",),
    indexes=(Index(name="ratchets_waiting", columns=("waits_since",)),),
    queries=(OF_LIVE_WORKSPACES, WAITING),
)

_LIVE_VALUES = tuple(status.value for status in LIVE_DISPATCH)
LIVE_DISPATCH_OF = Query(name="live_of_workspace", equal=("workspace_id",), among={"status": _LIVE_VALUES})
LIVE_DISPATCHES = Query(name="live", among={"status": _LIVE_VALUES})
DISPATCHES_OF = Query(name="of_workspace", equal=("workspace_id",), order=("created_at",))
ALL_DISPATCHES = Query(name="all", order=("created_at",))
DISPATCHES = TableSpec(
    name="dispatches",
    record=FixerDispatch,
    indexes=(
        Index(name="dispatches_workspace", columns=("workspace_id",)),
        Index(
            name="dispatches_one_live",
            columns=("workspace_id",),
            unique=True,
            only={"status": _LIVE_VALUES},
        ),
    ),
    queries=(LIVE_DISPATCH_OF, LIVE_DISPATCHES, DISPATCHES_OF, ALL_DISPATCHES),
)

DUE_WAKES = Query(name="due", up_to="due_at", order=("due_at",))
"""No page: those of a host that is slow would fill it."""
WAKES_PLANNED_AHEAD = Query(name="planned_ahead", after="planned_at")
"""Their time was set while the clock was ahead: it may be hours away."""
NEXT_WAKE = Query(name="next", after="due_at", order=("due_at",), limit=1)
WAKES = TableSpec(
    name="ratchet_wakes",
    record=RatchetWake,
    key=("workspace_id",),
    lock=Lock.APPEND,
    indexes=(
        Index(name="ratchet_wakes_due", columns=("due_at",)),
        Index(name="ratchet_wakes_planned", columns=("planned_at",)),
    ),
    queries=(DUE_WAKES, NEXT_WAKE, WAKES_PLANNED_AHEAD),
)
