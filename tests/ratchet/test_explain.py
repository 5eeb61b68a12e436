"""What people are told: why it does not move, what will change that, and what an agent's failure means."""

from typing import Any

import attrs
import pytest

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.events import EventCatalog
from headway_core.processes import Exited, Vanished
from headway_core.pull_requests import SNAPSHOTS, WATCHES
from headway_core.pull_requests.model import CheckOutcome, FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    PersonReason,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.events import RatchetDecided
from headway_core.ratchet.explain import Explanation
from headway_core.ratchet.model import DEATH_LIMIT, HoldKind
from headway_core.ratchet.sentences import sentence
from headway_core.sessions import EndReason
from headway_core.workspaces.model import RETRY_LIMIT, WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.fakes.worktrees import FakeWorktree
from headway_testing.observations import a_check

HouseT = Any
GREEN = (a_check(),)
RUNNING = (a_check(outcome=CheckOutcome.PENDING),)

DECISIONS: list[Decision | None] = [
    None,
    Disabled(),
    *(Wait(reason=reason, recheck_at=None) for reason in WaitReason),
    Done(),
    FixerActive(session_id=None, recheck_at=None),
    *(Held(by=kind, until=until, recheck_at=None) for kind in HoldKind for until in (None, EPOCH)),
    *(Stalled(reason=reason, recheck_at=None) for reason in StallReason),
    AwaitingReview(),
    *(AwaitingPerson(reason=reason) for reason in PersonReason),
    Ready(),
    Dispatch(cause_ids=("CI", "CONFLICT")),
]


@pytest.mark.lesson("R24")
@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_every_decision_is_told_in_whole_sentences(decision: Decision | None) -> None:
    """Why, what changes it and what to do: each begins with a capital and ends with a full stop."""
    for text in attrs.astuple(sentence(decision)):
        assert text[0].isupper()
        assert text.endswith(".")


# The quiet time, and checks that run


@pytest.mark.anyio
@pytest.mark.parametrize("checks", [None, GREEN, RUNNING], ids=["failed", "passed", "running"])
async def test_the_quiet_time_is_told_with_the_head_s_age(harness: HouseT, checks: Any) -> None:
    """A young head is not judged, whatever its checks say: how old it is, from when on, and at what time."""
    await harness.workspace()
    await harness.see(**({} if checks is None else {"checks": checks}))
    harness.clock.advance(40)
    await harness.check()
    told = await harness.core.ratchet.service().explain("w1")
    assert told.why == "The head is 40 s old, judged from 90 s on, at 12:01:30 UTC."
    assert "12:01:30" in told.changes_when
    (decided,) = await harness.payloads(RatchetDecided)
    assert decided.reason == "The head is judged from 90 s on, at 12:01:30 UTC."


@pytest.mark.anyio
async def test_checks_that_run_are_told_from_the_quiet_time(harness: HouseT) -> None:
    """When the quiet time is over and checks still run, that is another decision, and another sentence."""
    await harness.workspace()
    await harness.see(checks=RUNNING)
    resting = await harness.check()
    harness.clock.advance(100)
    await harness.see(checks=RUNNING)
    running = await harness.check()
    assert isinstance(resting, Wait)
    assert isinstance(running, Wait)
    assert resting.reason is running.reason is WaitReason.CI
    assert (resting.quiet_time is None, running.quiet_time is None) == (False, True)
    assert (await harness.core.ratchet.service().explain("w1")).why == "Checks are still running."
    assert len(await harness.payloads(RatchetDecided)) == 2


@pytest.mark.parametrize("version", [1, 2])
def test_decisions_of_older_events_are_read(version: int) -> None:
    """A `Wait` that was stored before it told of the quiet time tells nothing of it."""
    moment = {1: "look_again_at", 2: "recheck_at"}[version]
    wait = {"type": "Wait", "reason": "ci", moment: EPOCH.isoformat()}
    data = {"decision": wait, "before": {"type": "Done", moment: None}, "facts_digest": None, "reason": "so"}
    known = EventCatalog([RatchetDecided]).decode("ratchet.decided", version, data)
    assert known == RatchetDecided(
        decision=Wait(reason=WaitReason.CI, recheck_at=EPOCH), before=Done(), facts_digest=None, reason="so"
    )


def test_a_stored_decision_of_the_old_shape_is_read() -> None:
    """A record keeps its last decision over an update."""
    stored = {"type": "Wait", "reason": "ci", "recheck_at": None}
    assert CONVERTER.structure(stored, Decision) == Wait(reason=WaitReason.CI, recheck_at=None)  # type: ignore[arg-type]  # a union is no class


@pytest.mark.anyio
async def test_settings_that_are_not_obeyed_are_told(harness: HouseT) -> None:
    """What an agent wrote into the repository's git configuration is named, and no longer when it is gone."""
    await harness.workspace()
    tree = harness.git.worktrees["/worktrees/w1"] = FakeWorktree(repo_path="/nowhere/demo", branch="b")
    for keys in (("core.sshcommand", "filter.x.clean"), ()):
        tree.overruled = keys
        await harness.see(checks=GREEN)
        await harness.git_says(unpushed=1)  # which is asked again
        harness.clock.advance(1)
        duty = next(duty for duty in harness.core.duties() if isinstance(duty, RatchetDuty))
        await duty.look("w1")
        assert (await _explained(harness)).overruled == keys


# Before anything was decided


async def _explained(harness: HouseT) -> Explanation:
    told: Explanation = await harness.core.ratchet.service().explain("w1")
    for text in (told.why, told.changes_when, told.next_step):
        assert text[0].isupper()
        assert text.endswith(".")
        assert not text.endswith("..")
    return told


@pytest.mark.anyio
@pytest.mark.parametrize("enabled", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("error", ["the start-up script exited with 4", "git said no."])
async def test_a_workspace_that_failed_is_told_with_its_error_and_the_retry(
    harness: HouseT, enabled: bool, error: str
) -> None:
    """Its set-up keeps it, whether its ratchet is on or off: the command that tries again is named."""
    await harness.workspace(enabled=enabled)
    await harness.change_workspace(status=WorkspaceStatus.FAILED, error=error)
    told = await _explained(harness)
    assert told.decision is None
    assert told.why == f"The workspace could not be set up: {error.rstrip('.')}."
    assert told.next_step.endswith("headway workspace retry w1.")


@pytest.mark.anyio
async def test_a_workspace_that_failed_is_told_so_after_a_look_too(harness: HouseT) -> None:
    """The wait for the workspace says what the workspace itself says."""
    await harness.workspace()
    await harness.change_workspace(status=WorkspaceStatus.FAILED, error="it broke")
    waits = await harness.check()
    assert isinstance(waits, Wait)
    assert waits.reason is WaitReason.WORKSPACE
    assert (await _explained(harness)).why == "The workspace could not be set up: it broke."


@pytest.mark.anyio
async def test_no_retry_is_named_that_would_be_refused(harness: HouseT) -> None:
    """A workspace that was retried as often as it may be is told what else there is."""
    await harness.workspace()
    await harness.change_workspace(status=WorkspaceStatus.FAILED, error="it broke", retries=RETRY_LIMIT)
    told = await _explained(harness)
    assert "workspace retry" not in told.next_step
    assert "archive" in told.next_step


@pytest.mark.anyio
async def test_a_ratchet_that_was_never_on_is_told_with_the_switch(harness: HouseT) -> None:
    """It is off from the beginning: that is no look that is missing."""
    await harness.workspace(enabled=False)
    told = await _explained(harness)
    assert told.decision is None
    assert (told.why, told.next_step) == (
        "The ratchet is off.",
        "Switch the ratchet on: headway ratchet on w1.",
    )


@pytest.mark.anyio
async def test_github_that_cannot_be_read_is_told_with_the_next_try(harness: HouseT) -> None:
    """Nothing is decided before the first read: why that fails, and when it is tried again."""
    await harness.workspace()
    harness.forge.observations["PR_w1"] = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no connection")
    await harness.core.pull_requests.service().refresh_workspace("w1")
    told = await _explained(harness)
    assert told.decision is None
    assert told.why == "GitHub could not be read: no connection."
    watch = await harness.store.ledger.read(lambda tx: harness.store.reader(WATCHES).get(tx, "w1"))
    due_at = watch.due_at
    assert due_at > harness.clock.now()
    assert f"tried again at {due_at:%H:%M:%S} UTC" in told.changes_when


@pytest.mark.anyio
async def test_without_a_reason_the_first_look_is_awaited(harness: HouseT) -> None:
    """Nothing is wrong, and nothing was looked at yet."""
    await harness.workspace()
    assert (await _explained(harness)).why == "Nothing was decided yet."


# An agent that failed


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("death", "detail", "code", "signal"),
    [
        (Exited(exit_code=3), "the agent exited with 3", 3, None),
        (Exited(signal=9), "the agent was ended by signal 9", None, 9),
        (Vanished(), "its supervisor died without a word", None, None),
    ],
    ids=["code", "signal", "lost"],
)
async def test_a_fixer_that_died_is_told_with_the_next_try(
    harness: HouseT, death: Any, detail: str, code: int | None, signal: int | None
) -> None:
    """How it ended, how many died of how many that may, and when the ratchet looks again."""
    await harness.workspace()
    await harness.judge()
    await harness.end(death)
    at_once = (await harness.core.ratchet.service().explain("w1")).failure
    assert at_once.deaths is None
    assert at_once.follows.startswith("The ratchet has not looked at its end yet.")
    await harness.check()
    explained = await harness.core.ratchet.service().explain("w1")
    failure = explained.failure
    assert (failure.exit_code, failure.signal, failure.deaths) == (code, signal, 1)
    assert failure.what == f"The fixer for CI died: {detail}. Fixers for it have died 1 of 3 times."
    assert failure.follows.startswith("The next try is number 2 of 3.")
    assert explained.looks_again_at is not None
    assert failure.next_try_at == explained.looks_again_at
    assert f"{explained.looks_again_at:%H:%M:%S} UTC" in failure.follows


@pytest.mark.anyio
async def test_after_the_last_death_it_is_told_why_there_is_no_other_try(harness: HouseT) -> None:
    """Three deaths, and then nothing by itself: it says so, and what a person can do."""
    await harness.workspace()
    await harness.judge()
    for _ in range(DEATH_LIMIT):
        await harness.end(Exited(exit_code=1))
        await harness.check()
        harness.clock.advance(300)
        await harness.see()
        await harness.check()
    failure = (await harness.core.ratchet.service().explain("w1")).failure
    assert failure.deaths == failure.death_limit == DEATH_LIMIT
    assert failure.next_try_at is None
    assert failure.follows.startswith("No further try follows. The fixers for what is left to fix died too")
    assert "switch the ratchet off and on" in failure.follows


@pytest.mark.anyio
async def test_a_failure_is_told_no_more_when_another_fixer_works(harness: HouseT) -> None:
    """What failed before the present try is in the list of dispatches alone."""
    await harness.workspace()
    await harness.judge()
    await harness.end(Exited(exit_code=1))
    await harness.check()
    harness.clock.advance(60)
    await harness.see()
    assert isinstance(await harness.check(), Dispatch)
    assert (await harness.core.ratchet.service().explain("w1")).failure is None


@pytest.mark.anyio
async def test_another_agent_that_crashed_is_told_too(harness: HouseT) -> None:
    """A chat's failure is no try of the ratchet's: it happened, and nothing repeats it."""
    await harness.workspace()
    await harness.core.sessions.service().start_chat("w1", "hello")
    await harness.run()
    await harness.end(Exited(signal=11))
    failure = (await harness.core.ratchet.service().explain("w1")).failure
    assert (failure.label, failure.end_reason, failure.signal) == ("chat", EndReason.EXITED, 11)
    assert failure.what.endswith("failed: the agent was ended by signal 11.")
    assert (failure.follows, failure.next_try_at) == ("Nothing starts it again by itself.", None)


@pytest.mark.anyio
async def test_a_green_pull_request_needs_no_further_try(harness: HouseT) -> None:
    """A pull request that is green after a fixer died needs no other one, and it is told why."""
    await harness.workspace()
    await harness.judge()
    await harness.end(Exited(exit_code=1))
    await harness.check()
    harness.clock.advance(1)
    await harness.see(checks=GREEN)
    assert isinstance(await harness.check(), Ready)
    failure = (await harness.core.ratchet.service().explain("w1")).failure
    assert failure.follows.startswith("No further try follows. Nothing is left to fix.")


# Which branch it is that nobody sees.


@pytest.mark.anyio
async def test_a_mismatch_names_both_branches(harness: HouseT) -> None:
    """What the worktree is on, and what the pull request's head is; a detached one is on none."""
    await harness.workspace()
    for branch, said in (("elsewhere", "on 'elsewhere'"), (None, "on no branch")):
        await harness.judge(checks=GREEN)
        await harness.git_says(branch=branch)
        await harness.check()
        told = await _explained(harness)
        assert told.why == f"The worktree is {said}, and the pull request's head is 'headway/fix-login'."
        assert "Check out 'headway/fix-login'" in told.next_step


@pytest.mark.anyio
async def test_a_branch_s_name_is_outside_text(harness: HouseT) -> None:
    """What hides or reorders in it is written out, and a long one is cut."""
    await harness.workspace()
    await harness.judge(checks=GREEN)
    await harness.git_says(branch="a\u202eb\u00a0" + "c" * 500)
    await harness.check()
    told = await _explained(harness)
    assert "'a[U+202E]b[U+00A0]ccc" in told.why
    assert len(told.why) < 400


@pytest.mark.anyio
async def test_without_a_pull_request_the_branch_that_the_agent_is_on_is_named(harness: HouseT) -> None:
    """It may have opened one from there: which branch, and how it is attached."""
    await harness.workspace()
    await harness.detach()
    await harness.git_says(branch="agent/other")
    await harness.check()
    told = await _explained(harness)
    assert told.decision == Wait(reason=WaitReason.NO_PR, recheck_at=None)
    assert (
        "the worktree is on 'agent/other', and the workspace's own branch is 'headway/fix-login'" in told.why
    )
    assert "headway pr attach w1 NUMBER" in told.next_step
    await harness.git_says(branch="headway/fix-login")
    assert (await _explained(harness)).why == "No pull request is attached."


@pytest.mark.anyio
async def test_a_pull_request_of_another_workspace_is_told(harness: HouseT) -> None:
    """Which one, and whose it is."""
    await harness.workspace()
    await harness.detach()
    await harness.check()
    table = harness.store.writer(SNAPSHOTS)

    def taken(tx: Any) -> None:
        tx.lock("w1")
        table.replace(tx, attrs.evolve(table.get(tx, "w1"), taken=7, taken_by="w9"))

    await harness.store.ledger.transact(taken)
    told = await _explained(harness)
    assert told.why == "Pull request #7 of its branch is attached to workspace w9."
    assert told.next_step == "Work in that workspace, or detach it there: headway pr detach w9."
