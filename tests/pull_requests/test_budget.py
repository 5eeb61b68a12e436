"""What a forge tells of its limits: kept, shown and obeyed (S11)."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import ForgeBudget, RateLimit, Refreshed, RefreshFailed, Unchanged
from headway_core.pull_requests.budget import BLOCKED_S, MOST_STRIKES, Round, spared, struck, told
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_testing.clock import EPOCH
from headway_testing.observations import an_observation
from headway_testing.pull_requests import pull_requests_on
from headway_testing.records import a_project

if TYPE_CHECKING:
    from .conftest import Room


def limit(remaining: int = 4000, told_at: datetime = EPOCH, resource: str = "graphql") -> RateLimit:
    return RateLimit(
        resource=resource,
        limit=5000,
        remaining=remaining,
        resets_at=EPOCH + timedelta(hours=1),
        cost=3,
        told_at=told_at,
    )


def a_round(*, limited: bool = False, retry_after_s: float | None = None) -> Round:
    return Round(host="github.com", limits=(), limited=limited, retry_after_s=retry_after_s)


NEW = ForgeBudget(host="github.com", resource="graphql")
LIMITED = FetchFailed(kind=FailureKind.RATE_LIMITED, problem="secondary")


@pytest.mark.lesson("S11")
def test_a_pause_that_nobody_tells_doubles_with_each_round_and_halves_after_a_good_one() -> None:
    """A minute, two, four, up to half an hour; it drops by one step after a round without a limit."""
    budget, now, pauses = NEW, EPOCH, []
    for _ in range(7):
        budget = struck(budget, a_round(limited=True), now)
        assert budget.blocked_until is not None
        pauses.append((budget.blocked_until - now).total_seconds())
        now = budget.blocked_until
    assert pauses == [60, 120, 240, 480, 960, 1920, 1920]
    budget = struck(budget, a_round(), now)
    assert budget.strikes == MOST_STRIKES - 1
    again = struck(budget, a_round(limited=True), now)
    assert again.blocked_until == now + timedelta(seconds=BLOCKED_S * 2 ** (MOST_STRIKES - 1))


def test_what_the_forge_asks_for_is_what_it_gets() -> None:
    """`retry-after` goes before our own guess, and a shorter one never ends a longer wait."""
    long = struck(NEW, a_round(limited=True, retry_after_s=900), EPOCH)
    assert long.blocked_until == EPOCH + timedelta(seconds=900)
    assert struck(long, a_round(limited=True, retry_after_s=1), EPOCH).blocked_until == long.blocked_until


@given(st.lists(st.booleans(), max_size=20))
def test_strikes_move_by_one_a_round(rounds: list[bool]) -> None:
    """Up with a round that met a limit, down with one that did not, within their bounds."""
    budget = NEW
    for limited in rounds:
        after = struck(budget, a_round(limited=limited), EPOCH)
        expected = min(budget.strikes + 1, MOST_STRIKES) if limited else max(budget.strikes - 1, 0)
        assert after.strikes == expected
        budget = after


def test_older_facts_change_nothing() -> None:
    """Two answers that come in the other order."""
    newer = told(NEW, limit(10, EPOCH + timedelta(seconds=5)))
    assert told(newer, limit(4000, EPOCH)) == newer
    assert newer.remaining == 10


@pytest.mark.parametrize(
    ("remaining", "held_s"),
    [(5000, None), (1001, None), (1000, 3600), (1, 3600), (0, 3600)],
)
@pytest.mark.parametrize("skew_s", [0, -7200, 7200])
def test_a_fifth_of_a_budget_is_kept_for_people(remaining: int, held_s: float | None, skew_s: float) -> None:
    """No more than it is left: held back until the reset, by the forge's clock, however wrong ours is."""
    now = EPOCH + timedelta(seconds=skew_s)
    budget = spared(told(NEW, limit(remaining)), now)
    assert budget.blocked_until == (None if held_s is None else now + timedelta(seconds=held_s))
    assert spared(NEW, now) == NEW  # of which nothing was told
    asked_longer = struck(budget, a_round(limited=True, retry_after_s=9000), now)
    assert spared(asked_longer, now).blocked_until == now + timedelta(seconds=9000)


@pytest.mark.anyio
async def test_the_sweep_stops_at_the_reserve_and_people_go_on(room: "Room") -> None:
    """No limit was met; it goes on when the budget is full again. A spent budget of REST holds nothing."""
    await room.set(quiet_time_s=0)
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation()
    room.forge.told_limits = (limit(3000), limit(0, resource="core"))
    assert len(await room.service.refresh_due()) == 1
    await room.hint()
    room.forge.told_limits = (limit(900, EPOCH + timedelta(seconds=5)), limit(0, resource="core"))
    assert len(await room.service.refresh_due()) == 1
    await room.hint()
    assert await pull_requests_on(room.store, room.forge).refresh_due() == {}
    assert isinstance(await room.service.refresh_workspace("w1"), Unchanged)
    room.clock.advance(3595 - 1)
    await room.hint()
    assert await room.service.refresh_due() == {}
    room.clock.advance(1 + 2)  # what is held back goes on spread over two seconds
    assert len(await room.service.refresh_due()) == 1


@pytest.mark.anyio
async def test_limits_are_kept_for_people_and_for_other_processes(room: "Room") -> None:
    """Each resource has a row, with what the last answer told; another process sees the same."""
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation()
    room.forge.told_limits = (limit(4321), limit(60, resource="core"))
    await room.service.refresh_workspace("w1")
    budgets = {each.resource: each for each in await room.service.budgets()}
    assert (budgets["graphql"].remaining, budgets["graphql"].cost, budgets["core"].remaining) == (4321, 3, 60)
    assert await pull_requests_on(room.store, room.forge).budgets() == tuple(budgets.values())


@pytest.mark.lesson("S11")
@pytest.mark.anyio
async def test_a_limit_holds_every_process_back_and_ends_on_time(room: "Room") -> None:
    """It is a fact of the database: who met it does not matter, nor that they have died since."""
    await room.set(quiet_time_s=0)
    for n in (1, 2, 3):
        await room.add(f"w{n}", branch=f"b{n}")
        await room.attach(f"w{n}", f"PR_{n}")
        room.forge.observations[f"PR_{n}"] = LIMITED
    await room.service.refresh_due()
    (budget,) = await room.service.budgets()
    assert budget.strikes == 1  # three of one round are one strike
    assert budget.blocked_until == room.clock.now() + timedelta(seconds=60)
    other = pull_requests_on(room.store, room.forge)
    room.forge.asked.clear()
    for n in (1, 2, 3):
        await room.hint(f"w{n}")
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n)
    assert await other.refresh_due() == {}
    assert room.forge.asked == []
    dues = sorted([await room.due_in(f"w{n}") or 0 for n in (1, 2, 3)])
    assert 60 <= dues[0] < dues[2] <= 62
    assert isinstance(await other.refresh_workspace("w1"), Refreshed)  # people may ask
    room.clock.advance(62)
    outcomes = await other.refresh_due()
    assert {type(each) for each in outcomes.values()} <= {Refreshed, Unchanged}
    assert {"w2", "w3"} <= outcomes.keys()


@pytest.mark.lesson("S11")
@pytest.mark.anyio
async def test_after_a_limit_the_rest_of_the_round_is_not_asked(room: "Room") -> None:
    """Projects of one host share its budget: one strike, and no question more."""
    await room.add("w1")
    second = attrs.evolve(a_project(), id="p2", slug="second", repo_path="/nowhere/second")
    await room.store.ledger.transact(lambda tx: room.store.writer(PROJECTS).add(tx, second))
    await room.add("w2", project_id="p2", branch="other")
    for n in (1, 2):
        await room.attach(f"w{n}", f"PR_{n}")
        room.forge.observations[f"PR_{n}"] = LIMITED
    await room.service.refresh_due()
    assert len(room.forge.asked) == 1
    (budget,) = await room.service.budgets()
    assert budget.strikes == 1
    for n in (1, 2):
        assert (await room.watch(f"w{n}")).failure is FailureKind.RATE_LIMITED


@pytest.mark.lesson("S11")
@pytest.mark.anyio
async def test_after_a_limit_nothing_more_is_asked_in_a_look(room: "Room") -> None:
    """The branches met it: no pull request is read, and none that an agent named is looked up or checked."""
    await room.set(quiet_time_s=0)
    await room.add("w1", branch="b1")
    await room.attach("w1")
    await room.add("w2", branch="b2")
    await room.store.ledger.transact(lambda tx: room.steps.hint(tx, "w2", numbers=(8, 9)))
    room.forge.observations["PR_1"] = an_observation()
    room.forge.candidates["b2"] = LIMITED
    outcomes = await room.service.refresh_due()
    assert [call.what for call in room.forge.asked] == ["of_branches"]
    assert {each.kind for each in outcomes.values() if isinstance(each, RefreshFailed)} == {
        FailureKind.RATE_LIMITED
    }
    assert set(outcomes) == {"w1", "w2"}
    (budget,) = await room.service.budgets()
    assert budget.strikes == 1


@pytest.mark.lesson("S11")
@pytest.mark.anyio
async def test_a_limit_that_a_name_meets_ends_the_look(room: "Room") -> None:
    """The first number that an agent named met it: the second is not looked up; both are later."""
    await room.set(quiet_time_s=0)
    await room.add("w1", branch="b1")
    await room.store.ledger.transact(lambda tx: room.steps.hint(tx, "w1", numbers=(8, 9)))
    room.forge.numbers = {8: LIMITED, 9: LIMITED}
    await room.service.refresh_due()
    assert [call.what for call in room.forge.asked] == ["of_branches", "resolve"]
    watch = await room.watch()
    assert (watch.hinted, watch.failure_summary) == ((8, 9), "rate_limited: secondary")
    room.forge.numbers = {}
    room.clock.advance(62)
    await room.service.refresh_due()
    assert len(room.asked("resolve")) == 3
    assert (await room.watch()).hinted == ()
