"""What the ratchet measures over time: waiting and its limits, budget and progress, slots and who waits."""

from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.forge_actions.model import Reply
from headway_core.kernel.errors import Unavailable
from headway_core.kernel.transactions import Transaction
from headway_core.operations import HostDuty
from headway_core.processes import Exited
from headway_core.pull_requests.model import (
    CheckOutcome,
    FailureKind,
    GitHubState,
    Head,
    Mergeability,
    ReviewDecision,
)
from headway_core.pull_requests.ports import ConversationPart, FetchFailed
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.ratchet.decision import (
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.events import RatchetDecided
from headway_core.ratchet.model import DispatchStatus, HoldKind
from headway_core.ratchet.slots import FixerSlots
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import WorkspaceStatus
from headway_testing.conversations import a_comment, a_thread
from headway_testing.fakes import FakeWorktree
from headway_testing.observations import a_check

pytestmark = pytest.mark.anyio
HouseT = Any
WELL, BADLY = Exited(exit_code=0), Exited(exit_code=1)
GREEN = (a_check(run_id="2"),)


def _waits(decision: Decision, reason: WaitReason) -> bool:
    return isinstance(decision, Wait) and decision.reason is reason


def _stalls(decision: Decision, reason: StallReason) -> bool:
    return isinstance(decision, Stalled) and decision.reason is reason


def _duty(harness: HouseT, kind: type[Any]) -> Any:
    return next(duty for duty in harness.core.duties() if isinstance(duty, kind))


async def _consume(harness: HouseT) -> None:
    for duty in harness.core.duties():
        if duty.name == "consume ratchet":
            await duty.run()


async def _due_at(harness: HouseT, workspace_id: str = "w1") -> Any:
    return (await harness.core.ratchet.service().explain(workspace_id)).looks_again_at


# Waiting, and its limits


async def test_a_view_that_does_not_come_is_looked_for_ever_more_rarely_then_said_to_be_missing(
    harness: HouseT,
) -> None:
    """A fetch that finds nothing new tells nothing: it is looked for soon, rarer, and up to a limit."""
    await harness.workspace()
    await harness.judge()
    await harness.end(WELL)
    pauses, decision = [], await harness.check()
    while _waits(decision, WaitReason.REFRESH):
        assert decision.recheck_at is not None
        pauses.append((decision.recheck_at - harness.clock.now()).total_seconds())
        harness.clock.advance(pauses[-1])
        decision = await harness.check()
    assert pauses[:3] == [1.0, 1.0, 1.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0
    assert len(pauses) < 30
    assert _stalls(decision, StallReason.UNREACHABLE)
    harness.clock.advance(1)
    assert _stalls(await harness.check(), StallReason.UNREACHABLE)  # until it was read
    await harness.see()
    assert _stalls(await harness.check(), StallReason.UNCHANGED)


async def test_a_view_that_was_not_asked_for_is_not_overdue(harness: HouseT) -> None:
    """A host that slept for days waits for a fetch first: it has had no time to be late."""
    await harness.workspace()
    assert isinstance(await harness.judge(checks=GREEN), Ready)
    harness.clock.advance(3 * 86400)
    assert _waits(await harness.check(), WaitReason.REFRESH)


async def test_a_part_that_becomes_unknown_late_has_its_whole_limit(harness: HouseT) -> None:
    """Mergeability that a moved base makes unknown is waited for, however long ago the head was seen."""
    await harness.workspace()
    assert isinstance(await harness.judge(checks=GREEN), Ready)
    for _ in range(3):
        harness.clock.advance(500)
        await harness.see(checks=GREEN, mergeability=Mergeability.UNKNOWN)
        decision = await harness.check()
        assert _waits(decision, WaitReason.UNKNOWN) or _stalls(decision, StallReason.CI_UNKNOWN)
        assert decision.recheck_at is not None
        if isinstance(decision, Wait):
            assert decision.recheck_at <= harness.clock.now() + timedelta(seconds=900)
    assert _stalls(await harness.check(), StallReason.CI_UNKNOWN)
    assert isinstance(await harness.judge(checks=GREEN), Ready)


async def test_git_is_asked_again_before_it_stalls(harness: HouseT) -> None:
    """Commits that were pushed by hand since, or a branch that was checked out again, are no stall."""
    await harness.workspace()
    git = harness.git.worktrees["/worktrees/w1"] = FakeWorktree(repo_path="/nowhere/demo", branch="elsewhere")
    await harness.see()
    harness.clock.advance(100)
    await harness.see()
    await harness.git_says(branch="elsewhere", unpushed=2)
    await _duty(harness, RatchetDuty).look("w1")
    assert _stalls((await harness.record()).decision, StallReason.BRANCH_MISMATCH)
    git.branch, git.unpushed = "headway/fix-login", 1
    harness.clock.advance(1)
    await _duty(harness, RatchetDuty).look("w1")
    assert _stalls((await harness.record()).decision, StallReason.UNPUSHED)
    git.unpushed = 0
    harness.clock.advance(1)
    await _duty(harness, RatchetDuty).look("w1")
    assert isinstance((await harness.record()).decision, Dispatch)


async def test_git_that_fails_delays_its_own_workspace_alone(harness: HouseT) -> None:
    """One look that fails is repeated later; the others of the same round are not held up."""
    await harness.workspace("w1")
    await harness.workspace("w2")
    harness.core.worktrees().refusals["state"] = Unavailable("git", "it is ill")
    await harness.see("w2")
    harness.clock.advance(100)
    await harness.see("w2")
    await _duty(harness, RatchetDuty).run()
    assert isinstance((await harness.record("w2")).decision, Dispatch)
    assert await _due_at(harness, "w1") == harness.clock.now() + timedelta(seconds=30)


@pytest.mark.lesson("R24")
@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["see", "fail to see", "hint", "fix", "die", "check", "rest", "hold", "release"]),
            st.sampled_from(["red", "green", "running", "unread", "conflict", "unknown", "asked"]),
            st.sampled_from(["a", "b"]),
            st.integers(0, 2000),
        ),
        max_size=12,
    )
)
def test_whatever_happened_it_looks_again_or_an_event_wakes_it(
    new_harness: HouseT, steps: list[tuple[str, str, str, int]]
) -> None:
    """After any history: a look in the future is due, or what is waited for tells by an event."""
    anyio.run(_live, steps, new_harness())


async def _live(steps: list[tuple[str, str, str, int]], harness: HouseT) -> None:
    await harness.workspace()
    views: dict[str, dict[str, Any]] = {
        "red": {},
        "green": {"checks": GREEN},
        "running": {"checks": (a_check(outcome=CheckOutcome.PENDING),)},
        "unread": {"checks": None},
        "conflict": {"checks": GREEN, "mergeability": Mergeability.CONFLICT},
        "unknown": {"checks": GREEN, "mergeability": Mergeability.UNKNOWN},
        "asked": {"checks": GREEN, "conversation": ConversationPart(reviews=(), threads=(a_thread(),))},
    }
    for what, view, head, seconds in steps:
        harness.clock.advance(seconds)
        match what:
            case "see":
                await harness.see(commit=head * 40, **views[view])
            case "fail to see":
                failed = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="down")
                harness.forge.observations["PR_w1"] = failed
                await harness.core.pull_requests.service().refresh_workspace("w1")
            case "hint":
                await harness.store.ledger.transact(
                    lambda tx: harness.core.pull_requests.steps().hint(tx, "w1")
                )
            case "fix" | "die" if harness.processes.running or await harness.core.sessions.service().list(
                "w1"
            ):
                if (await harness.fixer()).is_live:
                    await harness.end(WELL if what == "fix" else BADLY)
            case "hold":
                await harness.core.ratchet.service().hold("w1")
            case "release":
                await harness.core.ratchet.service().release("w1")
            case _:
                pass
        decision = await harness.check()
        due = await _due_at(harness)
        assert due == decision.recheck_at
        assert due is None or due > harness.clock.now()
        if due is None:
            told = isinstance(decision, Wait) and decision.reason in {WaitReason.NO_PR, WaitReason.CLOSED}
            held = type(decision).__name__ == "Held"
            assert told or held, decision


# Budget and progress


async def _spend(harness: HouseT) -> None:
    """One fixer is allowed, and it came to nothing."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_between_progress=1)
    await harness.judge()
    await harness.end(WELL)
    await harness.check()
    harness.clock.advance(1)
    await harness.see()
    await harness.check()
    assert (await harness.record()).since_progress == 1


async def test_red_running_green_is_progress_on_a_new_head_alone(harness: HouseT) -> None:
    """What was known before the checks ran again is remembered, with its head."""
    running = (a_check(outcome=CheckOutcome.PENDING, run_id="2"),)
    await _spend(harness)
    await harness.judge(checks=running)  # run again on the same head: a flaky test, and no progress
    await harness.judge(checks=GREEN)
    assert (await harness.record()).since_progress == 1
    await harness.judge(checks=(a_check(outcome=CheckOutcome.FAILED, run_id="3"),))
    await harness.core.sessions.service().start_chat("w1", "try this")
    await harness.run()  # a turn: the push below may be its agent's
    await harness.judge(commit="c" * 40, checks=running)
    assert (await harness.record()).since_progress == 1
    await harness.judge(commit="c" * 40, checks=GREEN)
    assert (await harness.record()).since_progress == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"mergeability": Mergeability.CONFLICT}, {"mergeability": Mergeability.CLEAN}),
        ({"review_decision": ReviewDecision.REVIEW_REQUIRED}, {"review_decision": ReviewDecision.APPROVED}),
    ],
)
async def test_a_conflict_gone_and_an_approval_are_progress(
    harness: HouseT, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Unknown between the two takes nothing away."""
    await _spend(harness)
    harness.clock.advance(READ_LAG)
    await harness.see(**before)
    await harness.check()
    assert (await harness.record()).since_progress == 1
    harness.clock.advance(READ_LAG)  # else a replica may lag
    await harness.see(mergeability=Mergeability.UNKNOWN, **{k: v for k, v in before.items() if k[0] == "r"})
    await harness.check()
    harness.clock.advance(READ_LAG)
    await harness.see(**after)
    await harness.check()
    assert (await harness.record()).since_progress == 0


async def test_a_persons_push_is_progress_and_an_agents_is_not(harness: HouseT) -> None:
    """A head that moves while no agent has had a turn since it was seen at rest is somebody's work."""
    await _spend(harness)
    still = (a_check(outcome=CheckOutcome.FAILED, run_id="2"),)
    assert isinstance(await harness.judge(commit="c" * 40, checks=still), Dispatch)
    assert (await harness.record()).since_progress == 1  # refilled, and spent again
    await harness.end(WELL)
    await harness.check()
    again = (a_check(outcome=CheckOutcome.FAILED, run_id="3"),)
    assert _stalls(await harness.judge(commit="d" * 40, checks=again), StallReason.BUDGET)


async def test_a_day_has_its_own_budget_and_says_when_it_ends(harness: HouseT) -> None:
    """Whatever the progress: so many fixers a day, and a look when the oldest is a day old."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_per_day=1)
    began = harness.clock.now() + timedelta(seconds=100)
    await harness.judge()
    await harness.end(WELL)
    await harness.check()
    new = (a_check(outcome=CheckOutcome.FAILED, run_id="2"),)
    assert _stalls(await harness.judge(commit="c" * 40, checks=new), StallReason.BUDGET)
    harness.clock.advance(86400 - 300)
    await harness.see(commit="c" * 40, checks=new)
    spent = await harness.check()
    assert _stalls(spent, StallReason.BUDGET)
    assert spent.recheck_at == began + timedelta(days=1)
    harness.clock.advance(300)
    await harness.see(commit="c" * 40, checks=new)
    assert isinstance(await harness.check(), Dispatch)


# FixerSlots among the fixers


_PROJECTS = st.sampled_from(["a", "b", "c"])


@settings(max_examples=300, deadline=None)
@given(
    taken=st.lists(_PROJECTS, max_size=6),
    waiting=st.lists(_PROJECTS, max_size=8),
    capacity=st.tuples(st.integers(0, 6), st.integers(0, 6)),
)
def test_places_are_given_in_the_order_of_waiting(
    taken: list[str], waiting: list[str], capacity: tuple[int, int]
) -> None:
    """Never more than allowed; nobody is passed over who could have it; no slot is left that one could."""
    everybody, of_project = capacity
    rules = SettingsRecord(capacity_all=everybody, capacity_project=of_project)
    line = tuple((str(number), project) for number, project in enumerate(waiting))
    first = FixerSlots(taken=tuple(taken), waiting=line).next_in_line(rules)
    given_to = [project for name, project in line if name in first]
    allowed = max(everybody - len(taken), 0)
    assert len(first) <= allowed
    for name, project in line:
        before = [p for n, p in line if n in first and int(n) < int(name)]
        could = len(taken) + len(before) < everybody and (taken + before).count(project) < of_project
        assert (name in first) is could
    assert first == tuple(sorted(first, key=int))
    assert all((taken + given_to).count(p) <= max(of_project, taken.count(p)) for p in given_to)


async def test_who_has_waited_longest_gets_the_next_place(harness: HouseT) -> None:
    """A slot that is free goes to the first in line, though another one asks before it."""
    await harness.core.settings.service().change(capacity_all=1)
    for name in ("w1", "w2", "w3"):
        await harness.workspace(name)
    assert isinstance(await harness.judge("w1"), Dispatch)
    assert _waits(await harness.judge("w2"), WaitReason.CAPACITY)
    assert _waits(await harness.judge("w3"), WaitReason.CAPACITY)
    await harness.end(WELL)
    assert _waits(await harness.judge("w3"), WaitReason.CAPACITY)
    assert isinstance(await harness.judge("w2"), Dispatch)
    assert (await harness.record("w2")).waits_since is None
    assert (await harness.record("w3")).waits_since is not None


async def test_a_freed_place_wakes_the_one_who_may_have_it(harness: HouseT) -> None:
    """The end of a fixer makes the first in line look at once, and not all of them."""
    await harness.core.settings.service().change(capacity_all=1)
    for name in ("w1", "w2", "w3"):
        await harness.workspace(name)
    for name in ("w1", "w2", "w3"):
        await harness.judge(name)
    await _consume(harness)
    for name in ("w2", "w3"):
        await harness.check(name)
    await harness.end(WELL, after_s=1)
    await _consume(harness)
    assert await _due_at(harness, "w2") == harness.clock.now()
    assert await _due_at(harness, "w3") > harness.clock.now()


async def test_who_waits_no_more_keeps_nobody_waiting(harness: HouseT) -> None:
    """Switched off, or green by now: the next in line comes."""
    await harness.core.settings.service().change(capacity_all=1)
    for name in ("w1", "w2", "w3", "w4"):
        await harness.workspace(name)
        await harness.judge(name)
    await harness.core.ratchet.service().switch("w2", enabled=False)
    assert isinstance(await harness.judge("w3", checks=GREEN), Ready)
    await harness.end(WELL)
    assert isinstance(await harness.judge("w4"), Dispatch)


# Closing


async def test_a_fixer_that_ended_before_the_merge_was_seen_is_completed(harness: HouseT) -> None:
    """What is over is closed by its own end; a merge cancels what lives."""
    await harness.workspace()
    await harness.judge()
    await harness.end(WELL)
    ended = (await harness.fixer()).ended_at
    harness.clock.advance(5)
    await harness.see(state=GitHubState.MERGED)
    await harness.check()
    (dispatch,) = await harness.dispatches()
    assert (dispatch.status, dispatch.ended_at) == (DispatchStatus.COMPLETED, ended)


async def test_a_view_that_began_after_the_end_is_fresh(harness: HouseT) -> None:
    """However late the end is noticed by the ratchet: nobody waits for a second fetch."""
    await harness.workspace()
    await harness.judge()
    await harness.end(WELL)
    harness.clock.advance(5)
    await harness.see(commit="c" * 40, checks=GREEN)
    decision = await harness.check()
    assert _waits(decision, WaitReason.CI)  # its quiet time
    (dispatch,) = await harness.dispatches()
    assert dispatch.status is DispatchStatus.COMPLETED


async def test_a_persons_hold_outlives_the_stop_of_the_fixer(harness: HouseT) -> None:
    """Who held it is not forgotten when the fixer is stopped as well."""
    await harness.workspace()
    await harness.judge()
    await harness.run()
    await harness.core.ratchet.service().hold("w1")
    await harness.core.sessions.service().stop((await harness.fixer()).id)
    await harness.run()
    await harness.check()
    assert (await harness.record()).hold.kind is HoldKind.PERSON


# Replies, switches, hosts


async def test_each_thread_needs_its_own_answer(harness: HouseT) -> None:
    """It is the reviewers' turn when every thread that a fixer had was answered, or the head is new."""
    await harness.workspace()
    talk = ConversationPart(reviews=(), threads=(a_thread(), a_thread(a_comment(id="C_2"), thread_id="T_2")))
    await harness.judge(checks=GREEN, conversation=talk)
    fixer = await harness.fixer()
    await harness.run()
    actions = harness.core.forge_actions.steps()

    async def reply(thread: str) -> Decision:
        def work(tx: Transaction) -> None:
            tx.lock("w1")
            order = Reply(thread_id=thread, body="Done")
            actions.ask(tx, workspace_id="w1", session_id=fixer.id, order=order)

        await harness.store.ledger.transact(work)
        harness.clock.advance(1)
        await harness.see(checks=GREEN, conversation=talk)
        found: Decision = await harness.check()
        return found

    await harness.end(WELL)
    await harness.check()
    assert _stalls(await reply("T_1"), StallReason.UNCHANGED)
    assert isinstance(await reply("T_2"), AwaitingReview)


@pytest.mark.lesson("R34", "R14")
async def test_switching_off_tells_its_decision(harness: HouseT) -> None:
    """The record and the event agree: off is a decision, reached without any facts."""
    await harness.workspace()
    await harness.judge()
    record = await harness.core.ratchet.service().switch("w1", enabled=False)
    assert (record.decision, record.decided_at, record.facts_digest) == (
        Disabled(),
        harness.clock.now(),
        None,
    )
    told = (await harness.payloads(RatchetDecided))[-1]
    assert (type(told.before), told.decision, told.facts_digest) == (Dispatch, Disabled(), None)
    await harness.check()
    assert len([p for p in await harness.payloads(RatchetDecided) if p.decision == Disabled()]) == 1


async def test_nothing_starts_on_a_lost_host_and_its_return_wakes(harness: HouseT) -> None:
    """A host that is not seen makes its workspaces wait; when it is back, they are looked at."""
    await harness.workspace()
    await harness.core.hosts.service().report()
    await harness.judge()
    await harness.core.ratchet.service().switch("w1", enabled=False)
    await harness.core.ratchet.service().switch("w1", enabled=True)
    harness.clock.advance(3600)
    await harness.core.hosts.service().notice_losses()
    await harness.see()
    assert _waits(await harness.check(), WaitReason.WORKSPACE)
    await _consume(harness)
    await harness.check()
    assert await _due_at(harness) is None
    await _duty(harness, HostDuty).run()
    await _consume(harness)
    assert await _due_at(harness) == harness.clock.now()


@pytest.mark.parametrize("what", ["ready", "attached", "reopened", "released"])
async def test_what_is_waited_for_without_an_end_wakes_by_its_event(harness: HouseT, what: str) -> None:
    """A decision that names no time is ended by the event of what it waits for."""
    await harness.workspace()
    match what:
        case "ready":
            await harness.change_workspace(status=WorkspaceStatus.PROVISIONING)
        case "reopened":
            await harness.judge(state=GitHubState.CLOSED)
        case "released":
            await harness.core.ratchet.service().hold("w1")
            await harness.judge()
        case _:
            pass
    await _consume(harness)
    await harness.check()
    if what != "released":
        assert await _due_at(harness) is None
    harness.clock.advance(1)
    match what:
        case "ready":
            steps = harness.core.workspaces.steps()
            await harness.store.ledger.transact(
                lambda tx: steps.provisioned(tx, "w1", "/worktrees/w1", warning=None)
            )
        case "attached":
            await harness.see()
        case "reopened":
            await harness.see(commit="c" * 40)
        case _:
            await harness.core.ratchet.service().release("w1")
    await _consume(harness)
    assert await _due_at(harness) == harness.clock.now()


async def test_a_head_in_nobodys_branch_is_told_once_it_was_read(harness: HouseT) -> None:
    """A branch that is gone is a stall; while that is only a stale view, it is read again first."""
    await harness.workspace()
    gone = Head(ref="headway/fix-login", commit="a" * 40, repository="octo/demo", tip=None)
    assert _stalls(await harness.judge(head=gone), StallReason.NO_HEAD)
    harness.clock.advance(1)
    hint = harness.core.pull_requests.steps().hint
    await harness.store.ledger.transact(lambda tx: hint(tx, "w1"))
    assert _waits(await harness.check(), WaitReason.REFRESH)
