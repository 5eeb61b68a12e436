"""Hosts say that they are there; that one is not is a fact that a duty records, and a person retires it."""

import pytest

from headway_core.hosts import (
    HOSTS,
    HOSTS_SEEN,
    LOST_AFTER,
    Host,
    HostLost,
    HostRegistered,
    HostRetired,
    HostReturned,
    HostService,
    HostSteps,
    Retired,
    is_lost,
)
from headway_core.kernel.errors import Conflict, NotFound
from headway_core.kernel.events import UnknownPayload
from headway_core.kernel.transactions import Payload
from headway_testing.fakes import FakeLocks
from headway_testing.harness import World

pytestmark = pytest.mark.anyio
LIMIT_S = LOST_AFTER.total_seconds()


class Network:
    """Hosts of one database."""

    def __init__(self) -> None:
        world = World()
        self.clock, self.store = world.clock, world.store
        self.hosts = self.store.reader(HOSTS)
        self.steps = HostSteps(self.store.writer(HOSTS), self.store.writer(HOSTS_SEEN))

    def on(self, host_id: str) -> HostService:
        return HostService(self.store.ledger, self.steps, FakeLocks(host_id))

    async def log(self) -> list[Payload | UnknownPayload]:
        events = await self.store.ledger.read(lambda tx: self.store.events.after(tx, 0))
        return [event.payload for event in events]

    async def host(self, host_id: str) -> Host:
        return next(known.host for known in await self.on("a").list() if known.host.id == host_id)

    async def is_lost(self, host_id: str | None) -> bool:
        return await self.store.ledger.read(lambda tx: is_lost(tx, self.hosts, host_id))


@pytest.fixture
def network() -> Network:
    return Network()


async def test_a_host_registers_itself(network: Network) -> None:
    """The first report makes its row, with the machine's name; a further one only says when."""
    registered = await network.on("a").report()
    assert registered == Host(id="a", name="machine of a", registered_at=network.clock.now())
    later = network.clock.advance(10)
    assert await network.on("a").report() == registered
    [known] = await network.on("b").list()
    assert (known.host, known.seen_at) == (registered, later)
    assert await network.log() == [HostRegistered(host=registered)]


async def test_a_machine_with_a_new_name(network: Network) -> None:
    """The name is as the machine says now; the id is what counts."""
    await network.on("a").report()
    service = HostService(network.store.ledger, network.steps, _Renamed("a"))
    assert (await service.report()).name == "renamed"
    assert len(await service.list()) == 1


class _Renamed(FakeLocks):
    @property
    def host_name(self) -> str:
        return "renamed"


async def test_a_host_that_is_not_seen_is_lost(network: Network) -> None:
    """At the limit and not before, by whichever host looks; once, whoever looks again."""
    await network.on("a").report()
    network.clock.advance(LIMIT_S - 1)
    await network.on("b").report()
    assert await network.on("b").notice_losses() == ()
    assert not await network.is_lost("a")
    at = network.clock.advance(1)
    [lost] = await network.on("b").notice_losses()
    assert (lost.id, lost.lost_at) == ("a", at)
    assert await network.is_lost("a")
    assert await network.on("b").notice_losses() == ()
    assert (await network.log())[-1] == HostLost(host_id="a", lost_at=at)


async def test_a_lost_host_returns(network: Network) -> None:
    """Its first report ends the loss, and says so once."""
    await network.on("a").report()
    network.clock.advance(LIMIT_S)
    await network.on("b").notice_losses()
    for _ in range(2):
        assert (await network.on("a").report()).is_available
    assert not await network.is_lost("a")
    assert [p for p in await network.log() if isinstance(p, HostReturned)] == [
        HostReturned(host_id="a", lost_at=None)
    ]


async def test_nobody_is_lost_who_is_unknown(network: Network) -> None:
    """None (no host yet) and a host that never ran a runner are not lost."""
    assert not await network.is_lost(None)
    assert not await network.is_lost("never seen")


async def test_only_who_is_away_is_retired(network: Network) -> None:
    """A host whose runner was seen lately is refused, an unknown one too; a retired one stays retired."""
    await network.on("a").report()
    with pytest.raises(Conflict, match="stop it first"):
        await network.on("b").retire("a")
    with pytest.raises(NotFound):
        await network.on("b").retire("never seen")
    at = network.clock.advance(LIMIT_S)
    retired = await network.on("b").retire("a", actor="ann")
    assert (retired.lost_at, retired.retired_at) == (at, at)
    network.clock.advance(1)
    assert await network.on("b").retire("a") == retired
    assert (await network.log())[-1] == HostRetired(host_id="a", lost_at=at, retired_at=at)
    assert await network.is_lost("a")


async def test_retired_keeps_when_it_was_lost(network: Network) -> None:
    """The loss that was recorded stays as it was, and the retired are judged no more."""
    await network.on("a").report()
    lost = network.clock.advance(LIMIT_S)
    await network.on("b").notice_losses()
    network.clock.advance(60)
    assert (await network.on("b").retire("a")).lost_at == lost
    assert await network.on("b").notice_losses() == ()


async def test_a_retired_host_is_refused(network: Network) -> None:
    """Its workspaces may be elsewhere: a runner that comes back learns it before it acts."""
    await network.on("a").report()
    network.clock.advance(LIMIT_S)
    await network.on("b").retire("a")
    seen = (await network.on("b").list())[0].seen_at
    with pytest.raises(Retired, match="retired"):
        await network.on("a").report()
    assert (await network.on("b").list())[0].seen_at == seen
    assert (await network.host("a")).retired_at is not None
