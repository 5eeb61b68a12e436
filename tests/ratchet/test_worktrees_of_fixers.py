"""A fixer starts where nobody else's work lies, and on the head that it is to mend."""

from typing import Any

import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.processes import Exited
from headway_core.pull_requests.model import CheckOutcome
from headway_core.ratchet.decision import (
    Decision,
    Dispatch,
    Held,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.model import HoldKind
from headway_testing.fakes import FakeWorktree
from headway_testing.observations import a_check, an_observation

pytestmark = pytest.mark.anyio
HouseT = Any
HEAD, NEXT = "a" * 40, "c" * 40


async def _look(harness: HouseT) -> Decision:
    """One look of the duty, a while after the last."""
    harness.clock.advance(10)
    duty = next(duty for duty in harness.core.duties() if isinstance(duty, RatchetDuty))
    await duty.look("w1")
    found: Decision = (await harness.record()).decision
    return found


async def _red(harness: HouseT, **worktree: Any) -> FakeWorktree:
    """READY with a red pull request whose head has rested, and this worktree."""
    tree = FakeWorktree(repo_path="/nowhere/demo", branch="headway/fix-login", head=HEAD)
    harness.git.worktrees["/worktrees/w1"] = tree
    await harness.workspace()
    await harness.see()
    harness.clock.advance(100)
    await harness.see()
    for name, value in worktree.items():
        setattr(tree, name, value)
    return tree


def _is_dirty(decision: Decision) -> bool:
    return isinstance(decision, Held) and decision.by == HoldKind.DIRTY


def _stalls(decision: Decision, reason: StallReason) -> bool:
    return isinstance(decision, Stalled) and decision.reason is reason


# Uncommitted work


async def test_no_fixer_is_sent_onto_a_persons_work(harness: HouseT) -> None:
    """What lies there uncommitted holds the ratchet, and is told; when it is committed it goes on."""
    tree = await _red(harness, dirty=True)
    assert _is_dirty(await _look(harness))
    assert await harness.dispatches() == ()
    told = await harness.core.ratchet.service().explain("w1")
    assert "uncommitted changes that no fixer made" in told.why
    assert told.next_step == "Commit and push the changes, or drop them."
    assert told.looks_again_at is not None
    tree.dirty = False
    assert isinstance(await _look(harness), Dispatch)


async def test_what_was_clean_a_minute_ago_is_asked_again(harness: HouseT) -> None:
    """Nothing tells when a person begins to edit: git is asked right before a fixer starts."""
    tree = await _red(harness)
    await harness.core.ratchet.service().hold("w1")
    await _look(harness)
    tree.dirty = True
    await harness.core.ratchet.service().release("w1")
    assert _is_dirty(await _look(harness))


async def test_what_a_chat_left_is_a_persons(harness: HouseT) -> None:
    """A person asked for it, and says what becomes of it."""
    tree = await _red(harness)
    await harness.core.sessions.service().start_chat("w1", "try this")
    await harness.run()
    tree.dirty, tree.changes = True, "of the chat"
    await _look(harness)  # while it is at work
    await harness.end(Exited(exit_code=0))
    await harness.see()
    assert _is_dirty(await _look(harness))


async def test_what_a_fixer_left_is_the_next_fixers(harness: HouseT) -> None:
    """A fixer that died leaves its edits to the next one; what a person adds to them holds it."""
    tree = await _red(harness)
    assert isinstance(await _look(harness), Dispatch)
    await harness.run()
    tree.dirty, tree.changes = True, "of the fixer"
    await harness.end(Exited(signal=9))
    await _look(harness)
    harness.clock.advance(3600)
    await harness.see()
    await harness.git_says(dirty=True, changes="of the fixer", left="of the fixer")
    tree.changes = "of the fixer and a person"
    assert _is_dirty(await _look(harness))
    tree.changes = "of the fixer"
    assert isinstance(await _look(harness), Dispatch)


async def test_what_a_fixer_left_is_known_though_others_asked_git_first(harness: HouseT) -> None:
    """Within a minute of its end nobody else can have left it."""
    tree = await _red(harness)
    assert isinstance(await _look(harness), Dispatch)
    await harness.run()
    tree.dirty, tree.changes = True, "of the fixer"
    await harness.end(Exited(signal=9))
    await harness.git_says(dirty=True, changes="of the fixer")
    await _look(harness)
    harness.clock.advance(3600)
    await harness.see()
    assert isinstance(await _look(harness), Dispatch)


async def test_what_the_set_up_left_is_nobodys_work(harness: HouseT) -> None:
    """A start-up script may leave files that git does not ignore: seen before anybody was at work there."""
    tree = FakeWorktree(
        repo_path="/nowhere/demo", branch="headway/fix-login", head=HEAD, dirty=True, changes="lock file"
    )
    harness.git.worktrees["/worktrees/w1"] = tree
    await harness.workspace()
    await _look(harness)
    observe = harness.core.pull_requests.service().refresh_workspace
    for _ in range(2):
        harness.forge.observations["PR_w1"] = _failing()
        await observe("w1")
        harness.clock.advance(100)
    assert isinstance(await _look(harness), Dispatch)


def _failing() -> Any:
    return an_observation("PR_w1", checks=(a_check(outcome=CheckOutcome.FAILED),))


async def test_a_green_pull_request_is_ready_whatever_lies_there(harness: HouseT) -> None:
    """Where nothing is to be fixed, uncommitted work and another commit keep nothing up."""
    await _red(harness, dirty=True, head=NEXT)
    for _ in range(2):
        harness.clock.advance(100)
        await harness.see(checks=(a_check(run_id="2"),))
    assert isinstance(await _look(harness), Ready)


# Another commit


@pytest.mark.recovers("fast-forward")
async def test_a_worktree_that_lies_behind_is_brought_forward_first(harness: HouseT) -> None:
    """A push from elsewhere: the worktree stands on the head, and then the fixer starts."""
    tree = await _red(harness, head="9" * 40)
    assert isinstance(await _look(harness), Dispatch)
    assert tree.head == HEAD
    assert harness.core.worktrees().calls.count("fast_forward") == 1


@pytest.mark.recovers("fast-forward")
async def test_a_forward_that_died_is_done_by_the_next_look(harness: HouseT) -> None:
    """The decision is the intent; what git says is the outcome, whoever brought it there."""
    tree = await _red(harness, head="9" * 40)
    harness.core.worktrees().refusals["fast_forward"] = Unavailable("git", "it died")
    with pytest.raises(Unavailable):
        await _look(harness)
    decision = (await harness.record()).decision
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.FAST_FORWARD
    harness.core.worktrees().refusals.clear()
    tree.head = HEAD  # it had got there
    assert isinstance(await _look(harness), Dispatch)
    assert harness.core.worktrees().calls.count("fast_forward") == 1


async def test_an_origin_that_stays_away_is_told(harness: HouseT) -> None:
    """After as long as a pull request that can't be read; and it is tried on."""
    tree = await _red(harness, head="9" * 40)
    harness.core.worktrees().refusals["fast_forward"] = Unavailable("git", "origin is away")
    with pytest.raises(Unavailable):
        await _look(harness)
    harness.clock.advance(590)
    await harness.see()
    await harness.git_says(head="9" * 40)
    with pytest.raises(Unavailable):
        await _look(harness)
    assert _stalls((await harness.record()).decision, StallReason.OTHER_COMMIT)
    harness.core.worktrees().refusals.clear()
    assert isinstance(await _look(harness), Dispatch)
    assert tree.head == HEAD


async def test_a_worktree_that_can_not_follow_is_told(harness: HouseT) -> None:
    """A head that does not contain its commit: a person brings them together, and it goes on by itself."""
    tree = await _red(harness, head="9" * 40, diverged=True)
    assert _stalls(await _look(harness), StallReason.OTHER_COMMIT)
    assert _stalls(await _look(harness), StallReason.OTHER_COMMIT)
    assert harness.core.worktrees().calls.count("fast_forward") == 1
    told = await harness.core.ratchet.service().explain("w1")
    assert told.why.endswith("can't be brought forward to it.")
    assert await harness.dispatches() == ()
    tree.head = HEAD
    assert isinstance(await _look(harness), Dispatch)


async def test_another_head_is_tried_anew(harness: HouseT) -> None:
    """What could not be reached once says nothing of the next head."""
    tree = await _red(harness, head="9" * 40, diverged=True)
    await _look(harness)
    tree.diverged = False
    for _ in range(2):
        harness.clock.advance(100)
        await harness.see(commit=NEXT)
    await harness.git_says(head="9" * 40, refused=HEAD)
    assert isinstance(await _look(harness), Dispatch)
    assert tree.head == NEXT


async def test_nothing_is_moved_while_a_session_works_there(harness: HouseT) -> None:
    """An agent's worktree is its own while its turn is in flight."""
    tree = await _red(harness, head="9" * 40)
    await harness.core.sessions.service().start_chat("w1", "hello")
    await harness.run()
    decision = await _look(harness)
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.SESSION
    await harness.core.ratchet.worktree_facts().fast_forward("w1")  # it was decided before the session began
    assert tree.head == "9" * 40
