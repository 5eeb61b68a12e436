"""The one path by which facts come in."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import pytest

from headway_core.kernel.errors import InvalidInput, NotFound, PermissionDenied, Unavailable
from headway_core.kernel.transactions import Transaction
from headway_core.pull_requests import (
    AmbiguousPullRequest,
    NoPullRequest,
    PRSnapshotService,
    PullRequestAttached,
    PullRequestChanged,
    PullRequestGone,
    PullRequestHinted,
    Refreshed,
    RefreshFailed,
    Shared,
    Superseded,
    Unchanged,
    WatchDuty,
)
from headway_core.pull_requests.model import (
    Author,
    CheckOutcome,
    CIStatus,
    FailureKind,
    GitHubState,
    Head,
    Mergeability,
    MergeQueueEntry,
    PRState,
    PullRequestFacts,
)
from headway_core.pull_requests.ports import FetchFailed
from headway_core.pull_requests.reconciliation import RefusalReason
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import WORKSPACES, WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.observations import a_candidate, a_check, an_observation
from headway_testing.pull_requests import pull_requests_on

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

A, B = "a" * 40, "b" * 40
UNAVAILABLE = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no connection")


async def attached(room: "Room") -> None:
    """w1 has PR_1, and its facts; there is no quiet time that would pass meanwhile."""
    await room.set(quiet_time_s=0)
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation()
    assert isinstance(await room.service.refresh_workspace("w1"), Refreshed)


async def test_the_first_refresh_stores_all_facts_in_one_event(room: "Room") -> None:
    """What was attached by its id is read, and the change has one event with what a board shows."""
    await attached(room)
    (came, changed) = await room.events()
    assert came == PullRequestAttached(node_id="PR_1", replaced=None, now=None)
    assert isinstance(changed, PullRequestChanged)
    assert changed.now is not None
    assert (changed.now.url, changed.now.state, changed.now.ci) == (
        "https://github.com/octo/demo/pull/7",
        PRState.OPEN,
        CIStatus.SUCCESS,
    )


async def test_a_refresh_that_finds_nothing_new_writes_the_watch_alone(room: "Room") -> None:
    """No event, and the same row of facts."""
    await attached(room)
    snapshot, events = await room.snapshot(), await room.events()
    room.clock.advance(30)
    assert await room.service.refresh_workspace("w1") == Unchanged()
    assert await room.snapshot() == snapshot
    assert await room.events() == events
    assert (await room.watch()).state_at == room.clock.now()


@pytest.mark.lesson("S7")
async def test_every_change_has_one_event_with_the_changed_fields(room: "Room") -> None:
    """The payload names each field that the write changed and gives the row as it was written."""
    await attached(room)
    before = len(await room.events())
    room.clock.advance(5)
    room.forge.observations["PR_1"] = an_observation(
        title="New title", checks=(a_check(outcome=CheckOutcome.FAILED),), mergeability=Mergeability.CONFLICT
    )
    outcome = await room.service.refresh_workspace("w1")
    assert outcome == Refreshed(changed=("checks", "mergeability", "title"))
    (event,) = (await room.events())[before:]
    assert isinstance(event, PullRequestChanged)
    assert event.fields == ("checks", "mergeability", "title")
    assert event.now is not None
    assert (event.now.title, event.now.failed_checks, event.now.ci, event.now.mergeability) == (
        "New title",
        1,
        CIStatus.FAILURE,
        Mergeability.CONFLICT,
    )


@pytest.mark.lesson("S8")
async def test_scheduler_and_people_make_the_same_snapshot(room: "Room") -> None:
    """The same answer gives the same facts, whoever asked: scheduler, person, or who attaches it (I8)."""
    for workspace_id, node_id in (("w1", "PR_1"), ("w2", "PR_2"), ("w3", "PR_3")):
        await room.add(workspace_id, branch=workspace_id)
        room.forge.observations[node_id] = an_observation(node_id)
    room.forge.numbers[3] = "PR_3"
    await room.service.attach_number("w3", 3)
    for workspace_id, node_id in (("w1", "PR_1"), ("w2", "PR_2")):
        await room.attach(workspace_id, node_id)
    await room.service.refresh_workspace("w1")
    assert await room.service.refresh_due() == {"w2": Refreshed(changed=_FIELDS)}
    one = (await room.snapshot("w1")).facts
    assert one is not None
    for workspace_id, node_id in (("w2", "PR_2"), ("w3", "PR_3")):
        assert (await room.snapshot(workspace_id)).facts == attrs.evolve(one, node_id=node_id)


_FIELDS = tuple(sorted(field.name for field in attrs.fields(PullRequestFacts)))


async def hold(room: "Room") -> tuple[anyio.Event, anyio.Event]:
    """The next answer of the forge waits: (it was asked, let it go)."""
    asked, go = anyio.Event(), anyio.Event()

    async def wait() -> None:
        asked.set()
        await go.wait()

    room.forge.before_answer = wait
    return asked, go


@pytest.mark.lesson("R15", "S17")
async def test_callers_of_one_pull_request_share_one_fetch(room: "Room") -> None:
    """Two that start in the same tick, and one that comes later, make one call."""
    await attached(room)
    room.forge.asked.clear()
    asked, go = await hold(room)
    outcomes: list[Any] = []

    async def refresh() -> None:
        outcomes.append(await room.service.refresh_workspace("w1"))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh)
        group.start_soon(refresh)
        await asked.wait()
        group.start_soon(refresh)
        assert await room.service.refresh_due() == {}
        await anyio.wait_all_tasks_blocked()
        go.set()
    assert len(room.forge.asked) == 1
    assert sorted(map(repr, outcomes)) == sorted(
        map(repr, [Unchanged(), Shared(outcome=Unchanged()), Shared(outcome=Unchanged())])
    )


@pytest.mark.lesson("R16")
async def test_who_insists_gets_a_fetch_that_began_after_they_came(room: "Room") -> None:
    """Two who insist share one more fetch after the one in flight."""
    await attached(room)
    room.forge.asked.clear()
    asked, go = await hold(room)
    outcomes: list[Any] = []

    async def insist() -> None:
        outcomes.append(await room.service.refresh_workspace("w1", insist=True))

    async with anyio.create_task_group() as group:
        group.start_soon(room.service.refresh_workspace, "w1")
        await asked.wait()
        room.forge.observations["PR_1"] = an_observation(title="New")
        group.start_soon(insist)
        group.start_soon(insist)
        await anyio.wait_all_tasks_blocked()
        go.set()
    assert len(room.forge.asked) == 2
    changed = Refreshed(changed=("title",))
    assert sorted(map(repr, outcomes)) == sorted(map(repr, [changed, Shared(outcome=changed)]))


@pytest.mark.lesson("S19")
async def test_a_cancelled_fetch_leaves_nobody_waiting(room: "Room") -> None:
    """Who shared it begins one; the number that it drew is never used again."""
    await attached(room)
    asked, _ = await hold(room)
    outcomes: list[Any] = []

    async def share() -> None:
        outcomes.append(await room.service.refresh_workspace("w1"))

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(_then, asked, share, scope, room)
            await room.service.refresh_workspace("w1")
    assert outcomes == [Unchanged()]
    assert (await room.watch()).begun == 3


async def _then(
    asked: anyio.Event, share: Callable[[], Coroutine[Any, Any, None]], scope: anyio.CancelScope, room: "Room"
) -> None:
    await asked.wait()
    async with anyio.create_task_group() as group:
        group.start_soon(share)
        await anyio.wait_all_tasks_blocked()
        room.forge.before_answer = None
        scope.cancel()


@pytest.mark.recovers("fetch")
@pytest.mark.lesson("S19")
async def test_a_crash_within_a_fetch_delays_the_next_by_the_lease(room: "Room") -> None:
    """Nobody else takes a row that is being fetched; a minute later it is due again."""
    await attached(room)
    asked, _ = await hold(room)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(room.service.refresh_workspace, "w1")
            await asked.wait()
            scope.cancel()
    room.forge.before_answer = None
    assert await room.service.refresh_due() == {}
    room.clock.advance(61)
    assert await room.service.refresh_due() == {"w1": Unchanged()}


@pytest.mark.lesson("S18", "R23")
async def test_who_comes_back_after_their_lease_is_not_believed(room: "Room") -> None:
    """Another process took over: what the first one read is not stored."""
    await attached(room)
    other = another_process(room)
    asked, go = await hold(room)
    outcomes: list[Any] = []

    async def slow() -> None:
        outcomes.append(await room.service.refresh_workspace("w1"))

    async with anyio.create_task_group() as group:
        group.start_soon(slow)
        await asked.wait()
        room.forge.before_answer = None
        room.clock.advance(61)
        room.forge.observations["PR_1"] = an_observation(title="Newer")
        assert await other.refresh_workspace("w1") == Refreshed(changed=("title",))
        go.set()
    assert outcomes == [Superseded(reason=RefusalReason.LOST_CLAIM)]
    facts = (await room.snapshot()).facts
    assert facts is not None
    assert facts.title == "Newer"


def another_process(room: "Room") -> PRSnapshotService:
    """A second service on the same tables: it shares no memory with the first."""
    return pull_requests_on(room.store, room.forge)


@pytest.mark.lesson("R23", "S21")
async def test_a_slow_answer_of_the_former_pull_request_is_not_stored(room: "Room") -> None:
    """PR_1's facts come after the workspace was re-pointed to PR_2."""
    await attached(room)
    asked, go = await hold(room)
    outcomes: list[Any] = []

    async def slow() -> None:
        outcomes.append(await room.service.refresh_workspace("w1"))

    async with anyio.create_task_group() as group:
        group.start_soon(slow)
        await asked.wait()
        await room.attach("w1", "PR_2")
        go.set()
    assert outcomes == [Superseded(reason=RefusalReason.OTHER_PULL_REQUEST)]
    assert (await room.snapshot()).facts is None


@pytest.mark.lesson("S10")
async def test_a_switch_resets_all_facts_and_is_read_at_once(room: "Room") -> None:
    """Merged PR_1 gives way to PR_2; its state is PR_2's own."""
    await attached(room)
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.MERGED)
    await room.service.refresh_workspace("w1")
    assert await room.due_in() == 0
    await room.attach("w1", "PR_2")
    assert (await room.snapshot()).facts is None
    assert await room.due_in() == 0
    room.forge.observations["PR_2"] = an_observation("PR_2")
    assert isinstance((await room.service.refresh_due())["w1"], Refreshed)
    event = (await room.events())[-2]
    assert event == PullRequestAttached(node_id="PR_2", replaced="PR_1", now=None)


@pytest.mark.lesson("S10")
async def test_a_reopened_one_is_read_at_the_hint_and_hot_again(room: "Room") -> None:
    """A closed one is read hourly; the hint of its reopening is followed at once, and so is what comes."""
    await attached(room)
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.CLOSED)
    await room.service.refresh_workspace("w1")
    room.clock.advance(60)
    runs = (a_check(outcome=CheckOutcome.PENDING, run_id="2"),)
    room.forge.observations["PR_1"] = an_observation(checks=runs, updated_at=room.clock.now())
    await room.hint()
    assert await room.due_in() == 0
    assert await room.service.refresh_due() == {"w1": Refreshed(changed=("checks", "state", "updated_at"))}
    event = (await room.events())[-1]
    assert isinstance(event, PullRequestChanged)
    assert event.now is not None
    assert (event.now.state, event.now.ci) == (PRState.OPEN, CIStatus.PENDING)
    assert (await room.due_in() or 0) <= SettingsRecord().cadence_hot_s


async def test_attaching_what_is_attached_changes_no_fact(room: "Room") -> None:
    """It is a hint alone."""
    await attached(room)
    snapshot = await room.snapshot()
    assert not await room.store.ledger.transact(lambda tx: room.steps.attach(tx, "w1", "PR_1"))
    assert await room.snapshot() == snapshot
    assert await room.due_in() == 0


@pytest.mark.lesson("S6", "S7")
async def test_attach_by_number_writes_identity_and_facts_together(room: "Room") -> None:
    """One transaction, one event that has the URL and the state."""
    await room.add()
    room.forge.numbers[7] = "PR_1"
    room.forge.observations["PR_1"] = an_observation()
    outcome = await room.service.attach_number("w1", 7, actor="mia")
    assert isinstance(outcome, Refreshed)
    (event,) = await room.events()
    assert isinstance(event, PullRequestAttached)
    assert event.now is not None
    assert (event.now.url, event.now.state) == ("https://github.com/octo/demo/pull/7", PRState.OPEN)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (FailureKind.NOT_FOUND, InvalidInput),
        (FailureKind.FORBIDDEN, PermissionDenied),
        (FailureKind.UNAVAILABLE, Unavailable),
        (FailureKind.RATE_LIMITED, Unavailable),
        (FailureKind.NONSENSE, Unavailable),
    ],
)
@pytest.mark.parametrize("step", ["resolve", "observe"])
async def test_a_number_that_can_not_be_attached_is_an_error_and_changes_nothing(
    room: "Room", step: str, failure: FailureKind, error: type[Exception]
) -> None:
    """The person who asked is told what is wrong; the snapshot stays."""
    await room.add()
    failed = FetchFailed(kind=failure, problem="because")
    room.forge.numbers[7] = failed if step == "resolve" else "PR_1"
    room.forge.observations["PR_1"] = failed
    with pytest.raises(error):
        await room.service.attach_number("w1", 7)
    assert (await room.snapshot()).node_id is None
    assert await room.events() == []


@pytest.mark.lesson("S5")
@pytest.mark.parametrize("kind", [k for k in FailureKind if k is not FailureKind.NOT_FOUND])
async def test_a_failed_fetch_keeps_every_fact(room: "Room", kind: FailureKind) -> None:
    """The outcome says what happened, the watch since when; nothing is cleared and no event written."""
    await attached(room)
    snapshot, events = await room.snapshot(), await room.events()
    room.forge.observations["PR_1"] = FetchFailed(kind=kind, problem="because", retry_after_s=120)
    room.clock.advance(10)
    assert await room.service.refresh_workspace("w1") == RefreshFailed(
        kind=kind, problem="because", retry_after_s=120
    )
    assert (await room.snapshot(), await room.events()) == (snapshot, events)
    watch = await room.watch()
    assert (watch.failures, watch.failing_since) == (1, room.clock.now())
    assert (watch.failure, watch.problem) == (kind, "because")
    assert watch.failure_summary == f"{kind.value}: because"
    assert (await room.due_in() or 0) >= 120


async def test_what_github_does_not_find_any_more_is_kept_and_looked_at_again(room: "Room") -> None:
    """A repository that was made private for a moment costs nothing."""
    await attached(room)
    snapshot = await room.snapshot()
    del room.forge.observations["PR_1"]
    assert await room.service.refresh_workspace("w1") == PullRequestGone()
    assert await room.snapshot() == snapshot
    assert await room.due_in() is not None
    room.forge.observations["PR_1"] = an_observation()
    room.clock.advance(600)
    assert await room.service.refresh_due() == {"w1": Unchanged()}
    assert (await room.watch()).failing_since is None


async def test_a_failure_in_a_batch_hurts_its_own_pull_request_alone(room: "Room") -> None:
    """One of three fails; the two others are stored."""
    for n in (1, 2, 3):
        await room.add(f"w{n}", branch=f"b{n}")
        await room.attach(f"w{n}", f"PR_{n}")
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}")
    room.forge.observations["PR_2"] = UNAVAILABLE
    outcomes = await room.service.refresh_due()
    assert {key: type(outcome).__name__ for key, outcome in outcomes.items()} == {
        "w1": "Refreshed",
        "w2": "RefreshFailed",
        "w3": "Refreshed",
    }
    assert room.asked("observe") == [("PR_1", "PR_2", "PR_3")]


@pytest.mark.lesson("S11")
async def test_nothing_is_fetched_by_itself_while_github_asks_to_wait(room: "Room") -> None:
    """A rate limit holds the whole sweep back, not only the pull request that met it; people may ask."""
    await attached(room)
    await room.add("w2", branch="other")
    await room.attach("w2", "PR_2")
    room.forge.observations["PR_2"] = FetchFailed(
        kind=FailureKind.RATE_LIMITED, problem="secondary", retry_after_s=90
    )
    await room.service.refresh_workspace("w2")
    room.forge.asked.clear()
    room.clock.advance(80)
    assert await room.service.refresh_due() == {}
    assert room.forge.asked == []
    assert 10 <= (await room.service.next_due_in_s() or 0) <= 12
    assert await room.service.refresh_workspace("w1") == Unchanged()
    room.clock.advance(41)
    assert await room.service.refresh_due() != {}


@pytest.mark.lesson("S20")
async def test_refresh_all_returns_at_once_and_its_results_arrive_as_events(room: "Room") -> None:
    """While the forge does not answer: nothing is asked by it. The runner reads, and tells what is new."""
    await room.set(quiet_time_s=0)
    for n in range(60):  # more than a sweep takes at a time
        await room.add(f"w{n}", branch=f"b{n}")
        await room.attach(f"w{n}", f"PR_{n}")
        state = GitHubState.MERGED if n == 0 else GitHubState.OPEN
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n, state=state)
    await room.add("gone", branch="gone", status=WorkspaceStatus.ARCHIVED)
    while await room.service.refresh_due():
        pass
    room.clock.advance(3)
    for n in range(60):
        title = "New" if n % 2 else "Fix login"
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n, title=title)
    room.forge.asked.clear()
    before = len(await room.events())
    asked, go = await hold(room)
    assert await room.service.refresh_all() == 59
    assert not asked.is_set()
    assert room.forge.asked == []
    runner = WatchDuty(room.service)
    async with anyio.create_task_group() as group:
        group.start_soon(runner.run)
        await asked.wait()
        assert await room.service.refresh_all() == 59
        go.set()
    while await room.service.next_due_in_s() == 0:
        await runner.run()
    told = [event for event in (await room.events())[before:] if not isinstance(event, PullRequestHinted)]
    assert [event.fields for event in told] == [("title",)] * 30
    assert {event.node_id for event in told} == {f"PR_{n}" for n in range(1, 60, 2)}
    assert room.asked("of_branches") == []


@pytest.mark.lesson("R16")
async def test_a_hint_makes_the_view_out_of_date_and_due(room: "Room") -> None:
    """A hint that comes during a fetch makes another due at once."""
    await attached(room)
    asked, go = await hold(room)
    async with anyio.create_task_group() as group:
        group.start_soon(room.service.refresh_workspace, "w1")
        await asked.wait()
        room.clock.advance(1)
        await room.hint()
        go.set()
    watch = await room.watch()
    assert watch.hint_at is not None
    assert watch.fetch_began_at is not None
    assert watch.hint_at > watch.fetch_began_at
    assert await room.due_in() == 0


async def test_a_hint_of_what_happened_before_the_last_fetch_is_none(room: "Room") -> None:
    """An event that is consumed late does not make a newer view out of date."""
    await attached(room)
    before = await room.watch()

    def late(tx: Transaction) -> None:
        room.steps.hint(tx, "w1", happened_at=EPOCH)
        room.steps.hint(tx, "unknown")

    await room.store.ledger.transact(late)
    assert await room.watch() == before


async def test_an_unknown_workspace_is_not_found(room: "Room") -> None:
    """The caller's mistake is an error, and leaves no fetch in flight."""
    for _ in range(2):
        with pytest.raises(NotFound):
            await room.service.refresh_workspace("nobody")
    with pytest.raises(NotFound):
        await room.store.ledger.transact(lambda tx: room.steps.attach(tx, "nobody", "PR_1"))


async def test_a_number_is_attached_in_any_state_of_the_workspace(room: "Room") -> None:
    """Also before it is READY, when nothing would be looked for; never to one that is not there."""
    await room.add(status=WorkspaceStatus.NEW)
    room.forge.numbers[7] = "PR_1"
    room.forge.observations["PR_1"] = an_observation()
    assert isinstance(await room.service.attach_number("w1", 7), Refreshed)
    with pytest.raises(NotFound):
        await room.service.attach_number("nobody", 7)


@pytest.mark.lesson("S21")
async def test_an_attachment_that_others_overtook_is_not_made(room: "Room") -> None:
    """PR_2 was attached while PR_1 was read for a person: the newer act stands."""
    await room.add()
    room.forge.numbers[7] = "PR_1"
    room.forge.observations["PR_1"] = an_observation()

    async def overtake() -> None:
        room.forge.before_answer = None
        await room.attach("w1", "PR_2")

    room.forge.before_answer = overtake
    outcome = await room.service.attach_number("w1", 7)
    assert outcome == Superseded(reason=RefusalReason.OTHER_PULL_REQUEST)
    assert (await room.snapshot()).node_id == "PR_2"


async def test_a_workspace_that_is_gone_does_not_stop_the_sweep(room: "Room") -> None:
    """Its watch rests; the others are refreshed."""
    await room.add("w1")
    await room.add("w2", branch="other")
    table = room.store.writer(WORKSPACES)

    def remove(tx: Transaction) -> None:
        tx.lock("w1")
        table.remove(tx, "w1")

    await room.store.ledger.transact(remove)
    assert await room.service.refresh_due() == {"w1": NoPullRequest(), "w2": NoPullRequest()}
    assert room.asked("of_branches") == [("other",)]
    assert await room.due_in("w1") is None
    with pytest.raises(NotFound):
        await room.service.refresh_workspace("w1")


@pytest.mark.lesson("R30")
async def test_what_is_merged_or_archived_is_not_read(room: "Room") -> None:
    """Of a merged one's branch another is looked for, ever less; of an archived one nothing is asked."""
    await attached(room)
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.MERGED)
    await room.service.refresh_workspace("w1")
    await room.add("w2", branch="other")
    await room.attach("w2", "PR_2")
    await room.change_workspace("w2", status=WorkspaceStatus.ARCHIVED)
    room.forge.asked.clear()
    for _ in range(12):
        room.clock.advance(6.7 * 3600)
        outcomes = await room.service.refresh_due()
        assert outcomes == {"w1": Unchanged(), **({"w2": NoPullRequest()} if "w2" in outcomes else {})}
    assert [call.what for call in room.forge.asked] == ["of_branches"] * 12
    assert await room.due_in("w2") is None
    assert 5.4 * 3600 <= (await room.due_in("w1") or 0) <= 6.6 * 3600
    assert await room.service.refresh_workspace("w1") == Unchanged()  # people may ask for it
    assert room.asked("observe") == [("PR_1",)]


async def test_overdue_checks_are_told_also_when_github_is_not_reachable(room: "Room") -> None:
    """Time alone may change the facts that time tells."""
    await attached(room)
    slow = a_check(outcome=CheckOutcome.PENDING, started_at=EPOCH, run_id="2")
    room.forge.observations["PR_1"] = an_observation(checks=(slow,))
    await room.service.refresh_workspace("w1")
    room.forge.observations["PR_1"] = UNAVAILABLE
    room.clock.advance(3700)
    await room.service.refresh_workspace("w1")
    assert (await room.snapshot()).ci_overdue
    event = (await room.events())[-1]
    assert isinstance(event, PullRequestChanged)
    assert event.fields == ("ci_overdue",)


async def test_ambiguity_is_a_fact_with_an_event(room: "Room") -> None:
    """Two of one second and one base: none is attached, until one of them goes."""
    await room.add()
    one, two = a_candidate(7), a_candidate(8)
    room.forge.candidates["headway/fix-login"] = (one, two)
    for _ in range(2):
        assert await room.service.refresh_workspace("w1") == NoPullRequest(tied=(7, 8))
    assert await room.events() == [AmbiguousPullRequest(numbers=(7, 8))]
    assert (await room.snapshot()).tied == (7, 8)
    room.forge.candidates["headway/fix-login"] = (two,)
    room.forge.observations["PR_8"] = an_observation("PR_8", number=8)
    await room.service.refresh_workspace("w1")
    snapshot = await room.snapshot()
    assert (snapshot.node_id, snapshot.tied) == ("PR_8", ())
    assert isinstance((await room.events())[-1], PullRequestAttached)


@pytest.mark.lesson("S5")
async def test_what_is_not_told_of_the_state_stays_as_it_was(room: "Room") -> None:
    """A refused author, fork or place in the queue clears none; a place is of one head, its end is told."""
    await attached(room)
    place = MergeQueueEntry(state="AWAITING_CHECKS", position=2, head_commit=B)
    unknown = MergeQueueEntry(state="UNKNOWN", position=None)

    async def see(**state: Any) -> PullRequestFacts:
        room.forge.observations["PR_1"] = an_observation(**state)
        await room.service.refresh_workspace("w1")
        facts = (await room.snapshot()).facts
        assert facts is not None
        return facts

    before = await see(merge_queue=place)
    refused: dict[str, Any] = {
        "author": Author(login="ghost"),
        "head": attrs.evolve(before.head, repository=None),
        "merge_queue": unknown,
        "untold": frozenset({"author", "head_repository", "merge_queue"}),
    }
    assert await see(**refused) == before
    moved = Head(ref=before.head.ref, commit=B, repository=None, tip=B)
    after = await see(**{**refused, "head": moved, "commit": B})
    assert (after.author, after.head.repository) == (before.author, before.head.repository)
    assert after.merge_queue == unknown
    assert (await see(commit=B, merge_queue=None)).merge_queue is None
    first = await see(**{**refused, "commit": B, "head": moved})
    assert first.merge_queue == unknown  # in the queue, and no place was ever known
