"""Deaths are paused after, those that began nothing count less, and no turn is waited for without an end."""

from datetime import timedelta
from typing import Any

import pytest

from headway_core.board import StatusReason
from headway_core.processes import Exited, Vanished
from headway_core.pull_requests.model import CheckOutcome
from headway_core.pull_requests.ports import ConversationPart
from headway_core.ratchet.decision import Decision, Dispatch, Stalled, StallReason, Wait, WaitReason
from headway_core.ratchet.model import DEATH_LIMIT, FALSE_STARTS_A_DEATH
from headway_core.sessions.model import Activity
from headway_testing.conversations import OWNER, a_comment, a_thread
from headway_testing.observations import a_check

pytestmark = pytest.mark.anyio
HouseT = Any
AWAY = Exited(exit_code=1)
MINUTE_S = 60
DEATHS = [AWAY, Exited(signal=9), Vanished()]


def _backs_off(decision: Decision) -> bool:
    return isinstance(decision, Wait) and decision.reason is WaitReason.BACKOFF


def _stalls(decision: Decision, reason: StallReason) -> bool:
    return isinstance(decision, Stalled) and decision.reason is reason


async def _dies(harness: HouseT, death: Exited | Vanished = AWAY, *, after_s: int = 2) -> Decision:
    """The fixer dies, the pull request is read again, and the ratchet looks."""
    await harness.end(death, after_s=after_s)
    await harness.check()
    harness.clock.advance(1)
    await harness.see()
    found: Decision = await harness.check()
    return found


async def _pauses(harness: HouseT, decision: Decision) -> list[float]:
    """How long nothing starts after each death at once, until it stalls."""
    pauses = []
    while isinstance(decision, Dispatch):
        decision = await _dies(harness)
        died_at = (await harness.fixer()).ended_at
        while _backs_off(decision):
            assert decision.recheck_at is not None
            harness.clock.advance(decision.recheck_at - harness.clock.now())
            await harness.see()
            decision = await harness.check()
        pauses.append((harness.clock.now() - died_at).total_seconds())
    assert _stalls(decision, StallReason.RETRIES)
    return pauses[:-1]


@pytest.mark.parametrize("death", DEATHS, ids=repr)
async def test_three_deaths_in_six_seconds_are_no_end(harness: HouseT, death: Exited | Vanished) -> None:
    """The agent's service was away: nothing starts for a minute, then it goes on, and no budget is lost."""
    await harness.workspace()
    assert isinstance(await harness.judge(), Dispatch)
    for pause_s in (MINUTE_S, 5 * MINUTE_S, 30 * MINUTE_S, 30 * MINUTE_S):
        assert _backs_off(await _dies(harness, death))
        harness.clock.advance(pause_s - 2)
        await harness.see()
        assert _backs_off(await harness.check())
        harness.clock.advance(1)
        await harness.see()
        assert isinstance(await harness.check(), Dispatch)
    assert (await harness.record()).since_progress == 1
    assert isinstance(await _dies(harness, Exited(exit_code=0)), Stalled)  # it came to its end: handled


async def test_a_service_that_stays_away_stalls_after_hours_and_not_after_seconds(harness: HouseT) -> None:
    """Four false starts count as one death: 12 of them, paused after for 1, 5 and 30 minutes."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_per_day=50)
    pauses = await _pauses(harness, await harness.judge())
    assert len(pauses) == DEATH_LIMIT * FALSE_STARTS_A_DEATH - 1
    assert pauses == [MINUTE_S, 5 * MINUTE_S, *[30 * MINUTE_S] * 9]


async def test_the_day_has_its_limit_also_of_false_starts(harness: HouseT) -> None:
    """What began nothing is taken back from the budget between two marks of progress alone."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_per_day=2)
    assert isinstance(await harness.judge(), Dispatch)
    await _dies(harness)
    harness.clock.advance(MINUTE_S)
    await harness.see()
    assert isinstance(await harness.check(), Dispatch)
    await _dies(harness)
    harness.clock.advance(5 * MINUTE_S)
    await harness.see()
    assert _stalls(await harness.check(), StallReason.BUDGET)


@pytest.mark.parametrize(
    ("after_s", "git"),
    [(MINUTE_S, {}), (2, {"dirty": True}), (2, {"head": "c" * 40})],
    ids=["it ran", "it left files", "it committed"],
)
async def test_a_death_after_work_counts_whole(harness: HouseT, after_s: int, git: dict[str, Any]) -> None:
    """A fixer that ran for a while, or that changed the worktree, has cost one of three starts."""
    await harness.workspace()
    await harness.judge()
    await harness.end(AWAY, after_s=after_s)
    await harness.git_says(**git)
    await harness.check()
    (handled,) = (await harness.record()).handled
    assert (handled.deaths, handled.false_starts) == (1, 0)


async def test_a_program_that_is_not_installed_began_nothing(harness: HouseT) -> None:
    """A start that failed is a false start."""
    await harness.workspace()
    await harness.judge()
    await harness.end(Exited(failed_to_start="no such program"))
    await harness.check()
    (handled,) = (await harness.record()).handled
    assert (handled.deaths, handled.false_starts) == (0, 1)


async def test_another_thing_to_fix_waits_for_no_pause(harness: HouseT) -> None:
    """A word of a reviewer has its own fixer, which does not carry what rests."""
    await harness.workspace()
    await harness.judge()
    await _dies(harness)
    talk = ConversationPart(reviews=(), threads=(a_thread(a_comment(author=OWNER)),))
    harness.clock.advance(10)  # no replica lags any more
    await harness.see(conversation=talk)
    harness.clock.advance(10)
    await harness.see(conversation=talk)
    decision = await harness.check()
    assert isinstance(decision, Dispatch)
    assert decision.cause_ids == ("FEEDBACK:T_1",)


async def test_of_one_cause_only_what_rested_is_carried(harness: HouseT) -> None:
    """A second check that fails meanwhile has its fixer at once, without the first."""
    await harness.workspace()
    await harness.judge()
    await _dies(harness)
    both = (
        a_check(outcome=CheckOutcome.FAILED),
        a_check("lint", outcome=CheckOutcome.FAILED, run_id="7"),
    )
    await harness.see(checks=both)
    assert isinstance(await harness.check(), Dispatch)
    (cause,) = (await harness.dispatches())[-1].causes
    assert [item.mark for item in cause.items] == ["7"]


async def test_a_pause_is_told_with_its_end(harness: HouseT) -> None:
    """A person reads that it is paused, when the next try comes, and that it counts less."""
    await harness.workspace()
    await harness.judge()
    await _dies(harness)
    told = await harness.core.ratchet.service().explain("w1")
    assert (
        told.why
        == "The last fixer died, and the next one is started after a pause, which grows with every death."
    )
    assert told.failure.false_starts == 1
    assert told.failure.what.endswith(
        "died at work 0 of 3 times, and 1 times before they had begun anything: 4 of these count as one."
    )
    assert told.failure.next_try_at == (await harness.fixer()).ended_at + timedelta(minutes=1)


# Turns that do not end


async def _chat(harness: HouseT) -> str:
    session = await harness.core.sessions.service().start_chat("w1", "hello")
    await harness.run()
    return str(session.id)


async def _reason(harness: HouseT) -> StatusReason:
    found: StatusReason = (await harness.core.board.service().get("w1")).status_reason
    return found


@pytest.mark.parametrize("says", [None, Activity.AWAITS_PERMISSION, Activity.UNKNOWN])
async def test_a_chat_that_hangs_is_told_after_an_hour(harness: HouseT, says: Activity | None) -> None:
    """It is waited for, and then a person is told that fixers wait for it; its end lets them go on."""
    await harness.workspace()
    session_id = await _chat(harness)
    if says is not None:
        await _says(harness, session_id, says)
    waits = await harness.judge()
    assert isinstance(waits, Wait)
    assert waits.reason is WaitReason.SESSION
    harness.clock.advance(3600)
    assert _stalls(await harness.judge(), StallReason.SESSION)
    told = await harness.core.ratchet.service().explain("w1")
    assert "longer than the setting turn_limit_s" in told.why
    stalled = await _reason(harness)
    assert stalled is (
        StatusReason.NEEDS_PERMISSION if says is Activity.AWAITS_PERMISSION else StatusReason.RATCHET_STALLED
    )
    await harness.end(Exited(exit_code=0))
    await harness.check()
    harness.clock.advance(1)
    assert isinstance(await harness.judge(), Dispatch)


async def _says(harness: HouseT, session_id: str, activity: Activity) -> None:
    steps = harness.core.sessions.steps()

    def work(tx: Any) -> None:
        tx.lock("w1")
        steps.note_activity(tx, steps.known(tx, session_id), activity)

    await harness.store.ledger.transact(work)


async def test_a_chat_that_says_something_is_waited_for_on(harness: HouseT) -> None:
    """What was heard of it lately is a sign that it does not hang."""
    await harness.workspace()
    session_id = await _chat(harness)
    await harness.judge()
    for _ in range(3):
        harness.clock.advance(3000)
        await _says(harness, session_id, Activity.WORKING)
        await harness.see()
        waits = await harness.check()
        assert isinstance(waits, Wait)
        assert waits.reason is WaitReason.SESSION


async def test_commits_of_a_chat_that_hangs_are_not_on_their_way(harness: HouseT) -> None:
    """They are told as commits that were not pushed: nobody waits for them without a limit either."""
    await harness.workspace()
    await _chat(harness)
    await harness.judge()
    harness.clock.advance(3600)
    await harness.see()
    await harness.git_says(unpushed=2)
    assert _stalls(await harness.check(), StallReason.UNPUSHED)


async def test_a_green_pull_request_waits_for_no_chat(harness: HouseT) -> None:
    """Where nothing is left to fix, nothing waits for it."""
    await harness.workspace()
    await _chat(harness)
    harness.clock.advance(7200)
    assert type(await harness.judge(checks=(a_check(),))).__name__ == "Ready"
