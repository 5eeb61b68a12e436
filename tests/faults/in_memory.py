"""The rehearsal of faults on a forge in memory: core alone, with every answer that its port allows."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import attrs
from faulty_world import PARTS, FaultyForge
from witness import FATES, Past, Rehearsal

from headway_core.pull_requests import Delivery, LookAgain, PRSnapshotService
from headway_testing.fakes import FakeLocks
from headway_testing.pull_requests import pull_requests_on


class InMemory(Rehearsal):
    """Real services on the ledger in memory, and `FaultyForge`."""

    steps = (0.1, 0.3, 1, 1, 1, 1, 2, 2, 3, 60)
    workspaces = 8
    parts: ClassVar = PARTS

    def __init__(self, seed: int, *, rate: float = 0.3, run_twice: bool = False) -> None:
        super().__init__(seed, run_twice=run_twice)
        self.rate = rate
        self.forge = FaultyForge(self.clock, self.chance, 0.0)
        self.figures.faults = self.forge.injected
        self.delivered: list[Delivery] = []
        self._guid = 0

    def process(self, n: int) -> PRSnapshotService:
        return pull_requests_on(self.store, self.forge, locks=FakeLocks(f"host-{n}"))

    async def open_world(self) -> None:
        for n in range(self.workspaces):
            self.forge.open(f"b{n}")

    async def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.forge.work()

    async def prepare_faults(self, n: int) -> None:
        self.forge.rate, self.forge.while_slow = self.rate, partial(self.meanwhile, n)

    async def stop_faults(self) -> None:
        self.forge.rate = 0.0

    def pasts(self) -> Mapping[str, Past]:
        return {node_id: pull.story for node_id, pull in self.forge.pulls.items()}

    async def world_moves(self) -> None:
        for _ in range(self.chance.randrange(4)):
            pull = self.chance.choice(list(self.forge.pulls.values()))
            moved = self.forge.move(pull)
            if moved is not None:
                self.figures.moves[moved] += 1
                self.moved = f"w{pull.branch[1:]}"
                await self._hook(self.forge.hints(pull))
        if self.chance.random() < 0.03:
            self.forge.move_base()
            self.figures.moves["base moves"] += 1
            await self._hook(LookAgain(host="github.com", repository="octo/demo", branches=("main",)))
        if self.chance.random() < 0.01:
            pull = self.chance.choice(list(self.forge.pulls.values()))
            if self.forge.merge(pull):
                self.figures.moves["merge, and another of the branch"] += 1
                self.clock.advance(2)
                successor = self.forge.open(pull.branch)
                await self._hook(self.forge.hints(successor))
        if self.chance.random() < 0.01:
            self.figures.moves["repository renamed"] += 1
            await self._hook(
                LookAgain(host="github.com", repository="octo/new", former_repository="octo/demo", all=True)
            )

    async def _hook(self, hint: LookAgain) -> None:
        """It comes, late or never, twice or with another's words."""
        self._guid += 1
        delivery = Delivery(hook="1", guid=str(self._guid), event="any", hints=(hint,))
        fate = self.chance.choice(FATES)
        self.figures.hooks[fate] += 1
        self.delivered.append(delivery)
        match fate:
            case "lost":
                return
            case "late" | "again":
                delivery = self.chance.choice(self.delivered[-50:])
            case "forged":
                forged = LookAgain(
                    host="github.com", repository="octo/demo", numbers=(self.chance.randrange(99),)
                )
                delivery = attrs.evolve(delivery, hints=(forged,))
        receipt = await self.hooks.take(delivery)
        self.figures.hooks[type(receipt).__name__] += 1
