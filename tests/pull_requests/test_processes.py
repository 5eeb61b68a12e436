"""Several processes on one ledger: one fetch in flight a pull request, and nobody waits for the dead."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from headway_core.container import CoreContainer
from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.store import Store
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    SNAPSHOTS,
    WATCHES,
    NoPullRequest,
    PRSnapshotService,
    Refreshed,
    RefreshFailed,
    Shared,
    Unchanged,
)
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.outcomes import FetchOutcome
from headway_core.pull_requests.ports import FetchFailed, Observation
from headway_core.schema import ALL_TABLES
from headway_core.workspaces.model import WORKSPACES
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.fakes import FakeForgeReader, FakeLocks
from headway_testing.harness import Harness
from headway_testing.observations import an_observation
from headway_testing.pull_requests import pull_request_steps_on, pull_requests_on
from headway_testing.records import a_project, a_workspace

pytestmark = pytest.mark.anyio


@attrs.define
class World:
    """One store, one forge, and as many processes as a test wants."""

    store: Store
    clock: ManualClock
    forge: FakeForgeReader

    def process(self, host: str) -> PRSnapshotService:
        return pull_requests_on(self.store, self.forge, locks=FakeLocks(host))

    async def workspaces(self, count: int) -> None:
        steps = pull_request_steps_on(self.store)

        def work(tx: Transaction) -> None:
            self.store.writer(PROJECTS).add(tx, a_project())
            for n in range(count):
                workspace = a_workspace(f"w{n}", branch=f"b{n}", created_at=self.clock.now())
                self.store.writer(WORKSPACES).add(tx, workspace)
                steps.open_record(tx, workspace)
                steps.attach(tx, f"w{n}", f"PR_{n}")

        await self.store.ledger.transact(work)
        for n in range(count):
            self.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n + 1)

    def asked(self) -> list[str]:
        return [node_id for call in self.forge.asked if call.what == "observe" for node_id in call.about]


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    clock, forge = ManualClock(), FakeForgeReader()
    catalog, ids = EventCatalog(ALL_EVENTS), SequentialIds()
    if request.param == "memory":
        yield World(MemoryStore(clock=clock, ids=ids, catalog=catalog, run_twice=True), clock, forge)
        return
    url = f"sqlite:///{tmp_path / 'headway.db'}"
    async with SqlStore.open(url, specs=ALL_TABLES, catalog=catalog, clock=clock, ids=ids) as store:
        yield World(store, clock, forge)


@pytest.mark.lesson("R15")
async def test_two_runners_share_out_the_sweep(world: World) -> None:
    """Both begin in the same moment with the same due rows: every pull request is asked for once."""
    await world.workspaces(20)
    outcomes: list[Any] = []

    async def sweep(service: PRSnapshotService) -> None:
        outcomes.append(await service.refresh_due())

    async with anyio.create_task_group() as group:
        for host in ("a", "b"):
            group.start_soon(sweep, world.process(host))
    assert sorted(world.asked()) == sorted(f"PR_{n}" for n in range(20))
    assert sum(len(each) for each in outcomes) == 20
    assert all(isinstance(outcome, Refreshed) for each in outcomes for outcome in each.values())


@pytest.mark.lesson("R15", "S12")
async def test_callers_in_two_processes_share_one_fetch(world: World) -> None:
    """Who comes while another process fetches waits for its outcome, and tells it as the rows do."""
    await world.workspaces(1)
    first, second = await two_at_once(world)
    assert world.asked() == ["PR_0"]
    assert isinstance(first, Refreshed)
    assert second == Shared(outcome=first)


def hold(forge: FakeForgeReader) -> tuple[anyio.Event, anyio.Event]:
    """The next answers of the forge wait: (it was asked, let it go)."""
    asked, go = anyio.Event(), anyio.Event()

    async def wait() -> None:
        asked.set()
        await go.wait()

    forge.before_answer = wait
    return asked, go


async def two_at_once(world: World) -> list[Any]:
    """The outcomes of two processes, of which the second comes while the first one fetches."""
    asked, go = hold(world.forge)
    outcomes: dict[str, Any] = {}

    async def refresh(host: str) -> None:
        outcomes[host] = await world.process(host).refresh_workspace("w0")

    async with anyio.create_task_group() as group:
        group.start_soon(refresh, "a")
        await asked.wait()
        group.start_soon(refresh, "b")
        await anyio.sleep(0.1)
        go.set()
    return [outcomes["a"], outcomes["b"]]


FAILED = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no connection")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (an_observation("PR_0", number=1), Unchanged()),
        (an_observation("PR_0", number=1, title="New"), Refreshed(changed=("title",))),
        (FAILED, RefreshFailed(kind=FailureKind.UNAVAILABLE, problem="no connection", retry_after_s=None)),
    ],
    ids=["unchanged", "changed", "failed"],
)
async def test_a_shared_outcome_is_told_by_the_rows(
    world: World, answer: Observation | FetchFailed, outcome: FetchOutcome
) -> None:
    """Also that nothing is new, and that it failed."""
    await world.workspaces(1)
    await world.process("a").refresh_workspace("w0")
    world.clock.advance(200)
    await world.process("a").refresh_workspace("w0")  # quiet time passed
    world.forge.observations["PR_0"] = answer
    outcomes = await two_at_once(world)
    assert outcomes == [outcome, Shared(outcome=outcome)]


@pytest.mark.lesson("R16")
async def test_who_insists_fetches_after_the_other_process(world: World) -> None:
    """What happened after the first fetch began is seen by the second, which begins when the first ends."""
    await world.workspaces(1)
    asked, go = hold(world.forge)
    outcomes: dict[str, Any] = {}

    async def refresh(host: str, insist: bool) -> None:
        outcomes[host] = await world.process(host).refresh_workspace("w0", insist=insist)

    async with anyio.create_task_group() as group:
        group.start_soon(refresh, "a", False)
        await asked.wait()
        world.forge.observations["PR_0"] = an_observation("PR_0", number=1, title="Newer")
        group.start_soon(refresh, "b", True)
        await anyio.sleep(0.1)
        assert world.asked() == ["PR_0"]
        go.set()
    assert world.asked() == ["PR_0", "PR_0"]
    assert outcomes["b"] == Refreshed(changed=("title",))


@pytest.mark.lesson("S19")
@pytest.mark.recovers("fetch")
async def test_a_fetch_whose_process_died_is_taken_over_when_its_lease_ends(world: World) -> None:
    """Its claim and its row stand as it left them; who waits for it fetches then."""
    await world.workspaces(1)
    await die_within_a_fetch(world, world.process("a"))
    outcomes: list[Any] = []

    async def refresh() -> None:
        outcomes.append(await world.process("b").refresh_workspace("w0"))

    async with anyio.create_task_group() as group:
        group.start_soon(refresh)
        await anyio.sleep(0.1)
        assert outcomes == []
        world.clock.advance(61)
    assert [type(outcome) for outcome in outcomes] == [Refreshed]


@pytest.mark.recovers("fetch")
async def test_a_runner_that_starts_takes_over_what_its_predecessor_fetched(world: World) -> None:
    """Its own host's claims at once, without waiting for a lease; those of others are left to them."""
    await world.workspaces(1)
    await die_within_a_fetch(world, world.process("a"), sweep=True)
    assert await world.process("b").refresh_due() == {}
    successor = world.process("a")
    await successor.recover()
    assert [type(each) for each in (await successor.refresh_due()).values()] == [Refreshed]


async def die_within_a_fetch(world: World, service: PRSnapshotService, *, sweep: bool = False) -> None:
    """The process is gone: nothing of it runs any more, no `finally` either."""
    reached = anyio.Event()

    async def die() -> None:
        reached.set()
        await anyio.sleep_forever()

    give_back = service._give_back

    async def nothing(fetches: Sequence[object]) -> None:
        """A dead process gives nothing back."""

    world.forge.before_answer = die
    service._give_back = nothing  # type: ignore[method-assign]  # the process dies here

    async def run() -> None:
        await (service.refresh_due() if sweep else service.refresh_workspace("w0"))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await reached.wait()
        group.cancel_scope.cancel()
    service._give_back = give_back  # type: ignore[method-assign]  # the process dies here
    world.forge.before_answer = None


async def test_a_person_attaches_when_the_fetch_in_flight_has_ended(world: World) -> None:
    """An attachment is a fetch too: it waits for the one of another process, and then stands."""
    await world.workspaces(1)
    world.forge.numbers[9] = "PR_9"
    world.forge.observations["PR_9"] = an_observation("PR_9", number=9)
    asked, go = hold(world.forge)
    async with anyio.create_task_group() as group:
        group.start_soon(world.process("a").refresh_workspace, "w0")
        await asked.wait()
        group.start_soon(world.process("b").attach_number, "w0", 9)
        await anyio.sleep(0.1)
        go.set()
    snapshot = await world.store.ledger.read(lambda tx: world.store.reader(SNAPSHOTS).get(tx, "w0"))
    assert snapshot is not None
    assert (snapshot.node_id, snapshot.number) == ("PR_9", 9)


async def test_no_claim_is_left_behind(world: World) -> None:
    """After good, failed, cancelled and empty fetches every claim is free."""
    await world.workspaces(3)
    service = world.process("a")
    world.forge.observations["PR_1"] = FAILED
    await service.refresh_due()
    asked, _ = hold(world.forge)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(service.refresh_workspace, "w2")
            await asked.wait()
            scope.cancel()
    world.forge.before_answer = None
    claims = world.store.claims("fetch")
    assert await world.store.ledger.read(lambda tx: claims.held(tx, ["w0", "w1", "w2"])) == {}
    watch = await world.store.ledger.read(lambda tx: world.store.reader(WATCHES).get(tx, "w2"))
    assert watch is not None
    assert (watch.begun, watch.finished) == (2, 1)


async def test_two_whole_hosts_on_one_ledger_ask_once() -> None:
    """Two containers of everything on one store, sweeping at once: one question a pull request."""
    first = Harness()
    second = first.again(host_id="host-2")
    for n in range(10):
        await first.add_workspace(a_workspace(f"w{n}", branch=f"b{n}", created_at=first.clock.now()))
    outcomes: dict[str, Any] = {}

    async def sweep(core: CoreContainer) -> None:
        outcomes.update(await core.pull_requests.service().refresh_due())

    async with anyio.create_task_group() as group:
        group.start_soon(sweep, first.core)
        group.start_soon(sweep, second.core)
    assert outcomes == {f"w{n}": NoPullRequest() for n in range(10)}
    assert [call.about for call in first.forge.asked] == [tuple(sorted(f"b{n}" for n in range(10)))]
