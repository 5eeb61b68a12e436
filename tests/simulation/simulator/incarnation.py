"""One process of the product: the real services of the real container, over what the world lets it reach.

Persistent state differs only at port calls and transactions, so these are the points at which a process can
die. A dead one is frozen: its tasks stay where they are, its locks are free, and no port answers it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import anyio
import anyio.lowlevel
from dependency_injector import providers

from headway_core.container import CoreContainer
from headway_core.kernel.errors import HeadwayError, OutcomeUnknown, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.operations.model import ArchiveResult
from headway_testing.crash_points import StoreOfAProcess
from headway_testing.fakes import FakeAgents, FakeWebhookDecoder
from simulator.forge import WorldForgeWriter, WorldIssues, WorldPullRequests
from simulator.local import WorldScripts, WorldSupervisor, WorldWorktrees
from simulator.machine import Machine
from simulator.world import World, never

T = TypeVar("T")

CRASHES_MOST = 8
"""A process manager that sees its program die more often than this in two minutes would give up."""


class Incarnation:
    """A process, from its start to its death."""

    def __init__(
        self,
        world: World,
        machine: Machine,
        role: str,
        *,
        container: type[Any] = CoreContainer,
        crash_at: int | None = None,
    ) -> None:
        """`crash_at`: the number of the point, from 0, at which it dies; None: as the world's luck has it."""
        self.world = world
        self.machine = machine
        self.name = f"{machine.id}.{role}{world.count(f'{machine.id}.{role}')}"
        self.alive = True
        self.died = False
        self.ended = anyio.Event()
        self.passed = 0
        self.scope = anyio.CancelScope()
        self.words: set[str] = set()
        """The workspaces whose ignored files a person said here may be lost."""
        self.crash_at = crash_at
        self._schedule = world.chance.stream(f"schedule of {self.name}")
        self.ledger = ProcessLedger(self)
        self.core = wired(
            container,
            store=StoreOfAProcess(world.store, self.ledger),
            locks=WorldLocks(self),
            worktrees=WorldWorktrees(self),
            scripts=WorldScripts(self),
            agents=FakeAgents("claude", "codex"),
            supervisor=WorldSupervisor(self),
            forge=WorldPullRequests(self),
            forge_writer=WorldForgeWriter(self),
            webhook_decoder=FakeWebhookDecoder(),
            issues=WorldIssues(self),
            worktrees_root="/wt",
        )
        world.alive.append(self)
        world.tell(f"{self.name} starts")

    # Points

    async def point(self, name: str) -> None:
        """A place where it may die."""
        await self.turns(_TURNS)
        if self.dies_at(name):
            await never()

    async def turns(self, often: Sequence[int]) -> None:
        """Let others be quicker, by some turns of the loop."""
        for _ in range(self._schedule.choice(often) if self.world.plan.shuffled else 1):
            await anyio.lowlevel.checkpoint()
        await self.expect_alive()

    async def expect_alive(self) -> None:
        """Freeze what is dead. What came to its end by itself has left nothing behind that goes on (R17)."""
        if not self.alive:
            if not self.died:
                self.world.violated("R17 nothing goes on after the end", self.name)
            await never()

    def dies_at(self, name: str) -> bool:
        """Pass a point; True when it dies there."""
        world = self.world
        world.points += 1
        if world.trace is not None:
            world.tell(f"{self.name} {name}")
        number = self.passed
        self.passed += 1
        world.watcher.passes(self, number)
        if self.crash_at is not None:
            dies = number == self.crash_at
        else:
            dies = (
                world.stormy
                and world.crashes < CRASHES_MOST
                and world.happens(f"{self.name} dies at point {number}", world.crash_probability)
            )
        if dies:
            world.crashes += 1
            self.die()
        return dies

    def die(self) -> None:
        """SIGKILL: nothing of it does anything any more."""
        self.world.tell(f"{self.name} IS DEAD")
        self.died = True
        self._leave()

    def stopped(self) -> None:
        """It came to its end by itself."""
        if self.alive:
            self.world.tell(f"{self.name} ends")
            self._leave()

    def _leave(self) -> None:
        self.alive = False
        self.world.alive.remove(self)
        self.machine.release_locks_of(self)
        if self.machine.recovered is self:
            self.machine.recovered = None
        self.ended.set()

    # Effects

    @asynccontextmanager
    async def effect(
        self, name: str, workspace_id: str | None = None, *, takes_s: float = 0.3, breaks: bool = True
    ) -> AsyncIterator[None]:
        """Around what touches the world: a point before and after, the time that it takes, its faults.

        `breaks`: whether it can fail before anything is done.
        """
        world = self.world
        await self.point(f"before {name}")
        if workspace_id is not None:
            world.watcher.acts(self, name, workspace_id)
        await anyio.sleep(world.luck.random() * takes_s)
        await self.expect_alive()
        if breaks and world.happens(f"{name} {world.count(name)} breaks", 0.01):
            raise Unavailable(name, "the world says no")
        yield
        await self.point(f"after {name}")

    async def archive(self, workspace_id: str, *, lose_ignored: bool) -> ArchiveResult:
        """A person archives a workspace, with or without a word about the files that git ignores."""
        if lose_ignored:
            self.words.add(workspace_id)
        return await self.core.operations.archive().archive(workspace_id, lose_ignored=lose_ignored)

    # Lives

    async def live(self, act: Callable[[], Any]) -> None:
        """Be a process that does `act` and ends."""
        try:
            with self.scope:
                await act()
        except HeadwayError as error:
            self.world.tell(f"{self.name} gives up: {error}")
        except Exception as error:  # noqa: BLE001  it ends the run, and is reported
            if not only_expected(error):
                self.world.violated("no surprise", f"{self.name}: {error!r}")
        self.stopped()

    async def run(self) -> None:
        """Be the runner of the host, as `headway up` is."""
        async with self.core.locks().runner() as mine:
            if not mine:
                self.world.tell(f"{self.name}: another process runs this host")
                return
            await self.core.hosts.service().report()
            await self.core.pull_requests.service().recover()
            await self.core.operations.recovery().recover()
            self.machine.recovered = self
            self.machine.recovered_at = self.world.seconds()
            await self.core.runner().run()


_TURNS = (0, 0, 1, 1, 2, 3, 4)
_READ_TURNS = (0, 0, 0, 1)
"""Most of a run's turns were waited for by reads."""

_CONTAINERS: dict[type[Any], Any] = {}
_SERVICES = (
    "board.service",
    "duties",
    "hosts.service",
    "ledger",
    "locks",
    "operations.archive",
    "operations.creation",
    "operations.provisioning",
    "operations.recovery",
    "projects.service",
    "pull_requests.service",
    "pull_requests.steps",
    "ratchet.service",
    "runner",
    "sessions.executor",
    "sessions.fixers",
    "sessions.service",
    "settings.service",
    "workspaces.service",
)


class _Services:
    """What a container made for one process, under the names that it has there: `sessions.service`."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        for path, service in made.items():
            room, _, name = path.rpartition(".")
            inside = vars(self).setdefault(room, SimpleNamespace()) if room else self
            setattr(inside, name, partial(_same, service))


def _same(service: T) -> T:
    return service


def wired(container: type[Any], **ports: Any) -> CoreContainer:
    """Everything that the container makes of these ports.

    Copying a container takes as long as a tenth of a run, so there is one of each type: it makes everything
    anew for each process, and all at once, since the next process gets it after this one.
    """
    made = _CONTAINERS.get(container)
    if made is None:
        made = _CONTAINERS[container] = container()
    for name, port in ports.items():
        dependency = getattr(made, name)
        dependency.reset_override()
        dependency.override(providers.Object(port))
    made.reset_singletons()
    services = _Services({path: attrgetter(path)(made)() for path in _SERVICES})
    return cast("CoreContainer", services)


def only_expected(error: BaseException) -> bool:
    """Whether nothing but errors of the hierarchy are in it."""
    if isinstance(error, BaseExceptionGroup):
        return all(only_expected(inner) for inner in error.exceptions)
    return isinstance(error, HeadwayError)


class WorldLocks(HostLocks):
    """The locks of a machine, as one process has them: its death frees them."""

    def __init__(self, process: Incarnation) -> None:
        self._process = process

    @property
    def host_id(self) -> str:
        return self._process.machine.id

    @property
    def host_name(self) -> str:
        return f"machine of {self.host_id}"

    def runner(self) -> AbstractAsyncContextManager[bool]:
        return self._lock("runner")

    def workspace(self, workspace_id: str) -> AbstractAsyncContextManager[bool]:
        return self._lock(workspace_id)

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[bool]:
        process, held = self._process, self._process.machine.held
        await process.expect_alive()
        if name in held:
            yield False
            return
        held[name] = process
        try:
            yield True
        finally:
            if held.get(name) is process:
                del held[name]


class ProcessLedger(Ledger):
    """The ledger as one process has it: it hears of its own commits at once, of others' with luck."""

    def __init__(self, process: Incarnation) -> None:
        self._process = process
        self._store = process.world.store

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        process, world = self._process, self._process.world
        await process.point("before transact")
        if world.happens(f"transaction {world.count('transact')} is refused", 0.0005):
            raise Unavailable("database", "the world says no")
        result, emitted = self._store.perform(work)
        world.told(process.name)
        if emitted:
            for other in world.alive:
                if other is process or world.luck.choice((True, False)):
                    other.ledger.announce()
        # No await from the commit to the return: it is committed if and only if it returns.
        if process.dies_at("after transact"):
            await never()
        if world.happens(f"commit {world.count('commit')} is answered by silence", 0.0005):
            raise OutcomeUnknown("database", "the connection died at COMMIT")
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        await self._process.turns(_READ_TURNS)
        return self._store.read(query)

    def announce(self) -> None:
        self._announce()
