"""What the ratchet measures over time: waiting and its limits, budget and progress, places and who waits."""

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
from headway_core.pull_requests.doubt import READ_LAG
from headway_core.pull_requests.model import CheckOutcome, GitHubState, Head, Mergeability, ReviewDecision
from headway_core.pull_requests.ports import ConversationPart, FailureKind, FetchFailed
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
from headway_core.ratchet.gather import Places
from headway_core.ratchet.model import DispatchStatus, HoldKind
from headway_core.sessions.ports import Exited
from headway_core.settings.model import Settings
from headway_core.testing.conversations import a_comment, a_thread
from headway_core.testing.fakes_forge import a_check
from headway_core.testing.fakes_machine import FakeWorktree
from headway_core.workspaces.model import WorkspaceStatus

pytestmark = pytest.mark.anyio
HouseT = Any
WELL, BADLY = Exited(exit_code=0), Exited(exit_code=1)
GREEN = (a_check(run_id="2"),)


def _waits(decision: Decision, reason: WaitReason) -> bool:
    return isinstance(decision, Wait) and decision.reason is reason


def _stalls(decision: Decision, reason: StallReason) -> bool:
    return isinstance(decision, Stalled) and decision.reason is reason


def _duty(house: HouseT, kind: type[Any]) -> Any:
    return next(duty for duty in house.core.duties() if isinstance(duty, kind))


async def _consume(house: HouseT) -> None:
    for duty in house.core.duties():
        if duty.name == "consume ratchet":
            await duty.run()


async def _due_at(house: HouseT, workspace_id: str = "w1") -> Any:
    return (await house.core.ratchet().explain(workspace_id)).looks_again_at


# Waiting, and its limits


async def test_a_view_that_does_not_come_is_looked_for_ever_more_rarely_then_said_to_be_missing(
    house: HouseT,
) -> None:
    """A fetch that finds nothing new tells nothing: it is looked for soon, rarer, and up to a limit."""
    await house.workspace()
    await house.judge()
    await house.end(WELL)
    pauses, decision = [], await house.check()
    while _waits(decision, WaitReason.REFRESH):
        assert decision.look_again_at is not None
        pauses.append((decision.look_again_at - house.clock.now()).total_seconds())
        house.clock.advance(pauses[-1])
        decision = await house.check()
    assert pauses[:3] == [1.0, 1.0, 1.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0
    assert len(pauses) < 30
    assert _stalls(decision, StallReason.UNREACHABLE)
    house.clock.advance(1)
    assert _stalls(await house.check(), StallReason.UNREACHABLE)  # until it was read
    await house.see()
    assert _stalls(await house.check(), StallReason.UNCHANGED)


async def test_a_view_that_was_not_asked_for_is_not_overdue(house: HouseT) -> None:
    """A host that slept for days waits for a fetch first: it has had no time to be late."""
    await house.workspace()
    assert isinstance(await house.judge(checks=GREEN), Ready)
    house.clock.advance(3 * 86400)
    assert _waits(await house.check(), WaitReason.REFRESH)


async def test_a_part_that_becomes_unknown_late_has_its_whole_limit(house: HouseT) -> None:
    """Mergeability that a moved base makes unknown is waited for, however long ago the head was seen."""
    await house.workspace()
    assert isinstance(await house.judge(checks=GREEN), Ready)
    for _ in range(3):
        house.clock.advance(500)
        await house.see(checks=GREEN, mergeability=Mergeability.UNKNOWN)
        decision = await house.check()
        assert _waits(decision, WaitReason.UNKNOWN) or _stalls(decision, StallReason.CI_UNKNOWN)
        assert decision.look_again_at is not None
        if isinstance(decision, Wait):
            assert decision.look_again_at <= house.clock.now() + timedelta(seconds=900)
    assert _stalls(await house.check(), StallReason.CI_UNKNOWN)
    assert isinstance(await house.judge(checks=GREEN), Ready)


async def test_git_is_asked_again_before_it_stalls(house: HouseT) -> None:
    """Commits that were pushed by hand since, or a branch that was checked out again, are no stall."""
    await house.workspace()
    git = house.git.worktrees["/worktrees/w1"] = FakeWorktree(repo_path="/nowhere/demo", branch="elsewhere")
    await house.see()
    house.clock.advance(100)
    await house.see()
    await house.git_says(branch="elsewhere", unpushed=2)
    await _duty(house, RatchetDuty).look("w1")
    assert _stalls((await house.record()).decision, StallReason.BRANCH_MISMATCH)
    git.branch, git.unpushed = "headway/fix-login", 1
    house.clock.advance(1)
    await _duty(house, RatchetDuty).look("w1")
    assert _stalls((await house.record()).decision, StallReason.UNPUSHED)
    git.unpushed = 0
    house.clock.advance(1)
    await _duty(house, RatchetDuty).look("w1")
    assert isinstance((await house.record()).decision, Dispatch)


async def test_git_that_fails_delays_its_own_workspace_alone(house: HouseT) -> None:
    """One look that fails is repeated later; the others of the same round are not held up."""
    await house.workspace("w1")
    await house.workspace("w2")
    house.core.worktrees().refusals["state"] = Unavailable("git", "it is ill")
    await house.see("w2")
    house.clock.advance(100)
    await house.see("w2")
    await _duty(house, RatchetDuty).run()
    assert isinstance((await house.record("w2")).decision, Dispatch)
    assert await _due_at(house, "w1") == house.clock.now() + timedelta(seconds=30)


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
    new_house: HouseT, steps: list[tuple[str, str, str, int]]
) -> None:
    """After any history: a look in the future is due, or what is waited for tells by an event."""
    anyio.run(_live, steps, new_house())


async def _live(steps: list[tuple[str, str, str, int]], house: HouseT) -> None:
    await house.workspace()
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
        house.clock.advance(seconds)
        match what:
            case "see":
                await house.see(commit=head * 40, **views[view])
            case "fail to see":
                failed = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="down")
                house.forge.observations["PR_w1"] = failed
                await house.core.pull_requests().refresh_workspace("w1")
            case "hint":
                await house.store.ledger.transact(lambda tx: house.core.pull_requests().hint(tx, "w1"))
            case "fix" | "die" if house.processes.running or await house.core.sessions().list("w1"):
                if (await house.fixer()).is_live:
                    await house.end(WELL if what == "fix" else BADLY)
            case "hold":
                await house.core.ratchet().hold("w1")
            case "release":
                await house.core.ratchet().release("w1")
            case _:
                pass
        decision = await house.check()
        due = await _due_at(house)
        assert due == decision.look_again_at
        assert due is None or due > house.clock.now()
        if due is None:
            told = isinstance(decision, Wait) and decision.reason in {WaitReason.NO_PR, WaitReason.CLOSED}
            held = type(decision).__name__ == "Held"
            assert told or held, decision


# Budget and progress


async def _spend(house: HouseT) -> None:
    """One fixer is allowed, and it came to nothing."""
    await house.workspace()
    await house.core.settings().change(budget_between_progress=1)
    await house.judge()
    await house.end(WELL)
    await house.check()
    house.clock.advance(1)
    await house.see()
    await house.check()
    assert (await house.record()).since_progress == 1


async def test_red_running_green_is_progress_on_a_new_head_alone(house: HouseT) -> None:
    """What was known before the checks ran again is remembered, with its head."""
    running = (a_check(outcome=CheckOutcome.PENDING, run_id="2"),)
    await _spend(house)
    await house.judge(checks=running)  # run again on the same head: a flaky test, and no progress
    await house.judge(checks=GREEN)
    assert (await house.record()).since_progress == 1
    await house.judge(checks=(a_check(outcome=CheckOutcome.FAILED, run_id="3"),))
    await house.core.sessions().start_chat("w1", "try this")
    await house.run()  # a turn: the push below may be its agent's
    await house.judge(commit="c" * 40, checks=running)
    assert (await house.record()).since_progress == 1
    await house.judge(commit="c" * 40, checks=GREEN)
    assert (await house.record()).since_progress == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"mergeability": Mergeability.CONFLICT}, {"mergeability": Mergeability.CLEAN}),
        ({"review_decision": ReviewDecision.REVIEW_REQUIRED}, {"review_decision": ReviewDecision.APPROVED}),
    ],
)
async def test_a_conflict_gone_and_an_approval_are_progress(
    house: HouseT, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Unknown between the two takes nothing away."""
    await _spend(house)
    house.clock.advance(READ_LAG)
    await house.see(**before)
    await house.check()
    assert (await house.record()).since_progress == 1
    house.clock.advance(READ_LAG)  # else a replica may lag
    await house.see(mergeability=Mergeability.UNKNOWN, **{k: v for k, v in before.items() if k[0] == "r"})
    await house.check()
    house.clock.advance(READ_LAG)
    await house.see(**after)
    await house.check()
    assert (await house.record()).since_progress == 0


async def test_a_persons_push_is_progress_and_an_agents_is_not(house: HouseT) -> None:
    """A head that moves while no agent has had a turn since it was seen at rest is somebody's work."""
    await _spend(house)
    still = (a_check(outcome=CheckOutcome.FAILED, run_id="2"),)
    assert isinstance(await house.judge(commit="c" * 40, checks=still), Dispatch)
    assert (await house.record()).since_progress == 1  # refilled, and spent again
    await house.end(WELL)
    await house.check()
    again = (a_check(outcome=CheckOutcome.FAILED, run_id="3"),)
    assert _stalls(await house.judge(commit="d" * 40, checks=again), StallReason.BUDGET)


async def test_a_day_has_its_own_budget_and_says_when_it_ends(house: HouseT) -> None:
    """Whatever the progress: so many fixers a day, and a look when the oldest is a day old."""
    await house.workspace()
    await house.core.settings().change(budget_per_day=1)
    began = house.clock.now() + timedelta(seconds=100)
    await house.judge()
    await house.end(WELL)
    await house.check()
    new = (a_check(outcome=CheckOutcome.FAILED, run_id="2"),)
    assert _stalls(await house.judge(commit="c" * 40, checks=new), StallReason.BUDGET)
    house.clock.advance(86400 - 300)
    await house.see(commit="c" * 40, checks=new)
    spent = await house.check()
    assert _stalls(spent, StallReason.BUDGET)
    assert spent.look_again_at == began + timedelta(days=1)
    house.clock.advance(300)
    await house.see(commit="c" * 40, checks=new)
    assert isinstance(await house.check(), Dispatch)


# Places among the fixers


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
    """Never more than allowed; nobody is passed over who could have it; no place is left that one could."""
    everybody, of_project = capacity
    rules = Settings(capacity_all=everybody, capacity_project=of_project)
    line = tuple((str(number), project) for number, project in enumerate(waiting))
    first = Places(taken=tuple(taken), waiting=line).next_in_line(rules)
    given_to = [project for name, project in line if name in first]
    allowed = max(everybody - len(taken), 0)
    assert len(first) <= allowed
    for name, project in line:
        before = [p for n, p in line if n in first and int(n) < int(name)]
        could = len(taken) + len(before) < everybody and (taken + before).count(project) < of_project
        assert (name in first) is could
    assert first == tuple(sorted(first, key=int))
    assert all((taken + given_to).count(p) <= max(of_project, taken.count(p)) for p in given_to)


async def test_who_has_waited_longest_gets_the_next_place(house: HouseT) -> None:
    """A place that is free goes to the first in line, though another one asks before it."""
    await house.core.settings().change(capacity_all=1)
    for name in ("w1", "w2", "w3"):
        await house.workspace(name)
    assert isinstance(await house.judge("w1"), Dispatch)
    assert _waits(await house.judge("w2"), WaitReason.CAPACITY)
    assert _waits(await house.judge("w3"), WaitReason.CAPACITY)
    await house.end(WELL)
    assert _waits(await house.judge("w3"), WaitReason.CAPACITY)
    assert isinstance(await house.judge("w2"), Dispatch)
    assert (await house.record("w2")).waits_since is None
    assert (await house.record("w3")).waits_since is not None


async def test_a_freed_place_wakes_the_one_who_may_have_it(house: HouseT) -> None:
    """The end of a fixer makes the first in line look at once, and not all of them."""
    await house.core.settings().change(capacity_all=1)
    for name in ("w1", "w2", "w3"):
        await house.workspace(name)
    for name in ("w1", "w2", "w3"):
        await house.judge(name)
    await _consume(house)
    for name in ("w2", "w3"):
        await house.check(name)
    await house.end(WELL)
    await _consume(house)
    assert await _due_at(house, "w2") == house.clock.now()
    assert await _due_at(house, "w3") > house.clock.now()


async def test_who_waits_no_more_keeps_nobody_waiting(house: HouseT) -> None:
    """Switched off, or green by now: the next in line comes."""
    await house.core.settings().change(capacity_all=1)
    for name in ("w1", "w2", "w3", "w4"):
        await house.workspace(name)
        await house.judge(name)
    await house.core.ratchet().switch("w2", enabled=False)
    assert isinstance(await house.judge("w3", checks=GREEN), Ready)
    await house.end(WELL)
    assert isinstance(await house.judge("w4"), Dispatch)


# Closing


async def test_a_fixer_that_ended_before_the_merge_was_seen_is_completed(house: HouseT) -> None:
    """What is over is closed by its own end; a merge cancels what lives."""
    await house.workspace()
    await house.judge()
    await house.end(WELL)
    ended = (await house.fixer()).ended_at
    house.clock.advance(5)
    await house.see(state=GitHubState.MERGED)
    await house.check()
    (dispatch,) = await house.dispatches()
    assert (dispatch.status, dispatch.ended_at) == (DispatchStatus.COMPLETED, ended)


async def test_a_view_that_began_after_the_end_is_fresh(house: HouseT) -> None:
    """However late the end is noticed by the ratchet: nobody waits for a second fetch."""
    await house.workspace()
    await house.judge()
    await house.end(WELL)
    house.clock.advance(5)
    await house.see(commit="c" * 40, checks=GREEN)
    decision = await house.check()
    assert _waits(decision, WaitReason.CI)  # its quiet time
    (dispatch,) = await house.dispatches()
    assert dispatch.status is DispatchStatus.COMPLETED


async def test_a_persons_hold_outlives_the_stop_of_the_fixer(house: HouseT) -> None:
    """Who held it is not forgotten when the fixer is stopped as well."""
    await house.workspace()
    await house.judge()
    await house.run()
    await house.core.ratchet().hold("w1")
    await house.core.sessions().stop((await house.fixer()).id)
    await house.run()
    await house.check()
    assert (await house.record()).hold.kind is HoldKind.PERSON


# Replies, switches, hosts


async def test_each_thread_needs_its_own_answer(house: HouseT) -> None:
    """It is the reviewers' turn when every thread that a fixer had was answered, or the head is new."""
    await house.workspace()
    talk = ConversationPart(reviews=(), threads=(a_thread(), a_thread(a_comment(id="C_2"), thread_id="T_2")))
    await house.judge(checks=GREEN, conversation=talk)
    fixer = await house.fixer()
    await house.run()
    words = house.core.forge_actions()

    async def reply(thread: str) -> Decision:
        def work(tx: Transaction) -> None:
            tx.lock("w1")
            order = Reply(thread_id=thread, body="Done")
            words.ask(tx, workspace_id="w1", session_id=fixer.id, order=order)

        await house.store.ledger.transact(work)
        house.clock.advance(1)
        await house.see(checks=GREEN, conversation=talk)
        found: Decision = await house.check()
        return found

    await house.end(WELL)
    await house.check()
    assert _stalls(await reply("T_1"), StallReason.UNCHANGED)
    assert isinstance(await reply("T_2"), AwaitingReview)


@pytest.mark.lesson("R34", "R14")
async def test_switching_off_tells_its_decision(house: HouseT) -> None:
    """The record and the event agree: off is a decision, reached without any facts."""
    await house.workspace()
    await house.judge()
    record = await house.core.ratchet().switch("w1", enabled=False)
    assert (record.decision, record.decided_at, record.facts_digest) == (
        Disabled(),
        house.clock.now(),
        None,
    )
    told = (await house.payloads("ratchet.decided"))[-1]
    assert (type(told.before), told.decision, told.facts_digest) == (Dispatch, Disabled(), None)
    await house.check()
    assert len([p for p in await house.payloads("ratchet.decided") if p.decision == Disabled()]) == 1


async def test_nothing_starts_on_a_lost_host_and_its_return_wakes(house: HouseT) -> None:
    """A host that is not seen makes its workspaces wait; when it is back, they are looked at."""
    await house.workspace()
    await house.core.hosts().report()
    await house.judge()
    await house.core.ratchet().switch("w1", enabled=False)
    await house.core.ratchet().switch("w1", enabled=True)
    house.clock.advance(3600)
    await house.core.hosts().notice_losses()
    await house.see()
    assert _waits(await house.check(), WaitReason.WORKSPACE)
    await _consume(house)
    await house.check()
    assert await _due_at(house) is None
    await _duty(house, HostDuty).run()
    await _consume(house)
    assert await _due_at(house) == house.clock.now()


@pytest.mark.parametrize("what", ["ready", "attached", "reopened", "released"])
async def test_what_is_waited_for_without_an_end_wakes_by_its_event(house: HouseT, what: str) -> None:
    """A decision that names no time is ended by the event of what it waits for."""
    await house.workspace()
    match what:
        case "ready":
            await house.change_workspace(status=WorkspaceStatus.PROVISIONING)
        case "reopened":
            await house.judge(state=GitHubState.CLOSED)
        case "released":
            await house.core.ratchet().hold("w1")
            await house.judge()
        case _:
            pass
    await _consume(house)
    await house.check()
    if what != "released":
        assert await _due_at(house) is None
    house.clock.advance(1)
    match what:
        case "ready":
            lifecycle = house.core.lifecycle()
            await house.store.ledger.transact(
                lambda tx: lifecycle.provisioned(tx, "w1", "/worktrees/w1", warning=None)
            )
        case "attached":
            await house.see()
        case "reopened":
            await house.see(commit="c" * 40)
        case _:
            await house.core.ratchet().release("w1")
    await _consume(house)
    assert await _due_at(house) == house.clock.now()


async def test_a_head_in_nobodys_branch_is_told_once_it_was_read(house: HouseT) -> None:
    """A branch that is gone is a stall; while that is only a stale view, it is read again first."""
    await house.workspace()
    gone = Head(ref="headway/fix-login", commit="a" * 40, repository="octo/demo", tip=None)
    assert _stalls(await house.judge(head=gone), StallReason.NO_HEAD)
    house.clock.advance(1)
    await house.store.ledger.transact(lambda tx: house.core.pull_requests().hint(tx, "w1"))
    assert _waits(await house.check(), WaitReason.REFRESH)
