"""`nox -s faults -- --cycles 10000 --seed 1`: what core believes while a forge answers wrongly.

A cycle: the world moves, hooks come, get lost or come again, time passes, and one of two processes reads
what is due, or a person asks. After each cycle every stored fact is compared with the world's past: it was
true at some time, it is not older than the one it replaced, and nothing was cleared. When the faults stop,
every fact is true within the time that the cadence takes. The services are the real ones, on the ledger in
memory; `over_http.py` does the same over real HTTP on the sandbox.
"""

import argparse
import random
import sys
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import attrs
from faulty_world import PARTS, Died, FaultyForge, Pull

from headway_core.kernel.events import EventCatalog
from headway_core.kernel.ledger import Transaction
from headway_core.kernel.memory import MemoryStore
from headway_core.projects.model import PROJECTS, Project
from headway_core.pull_requests import (
    SNAPSHOTS,
    WATCHES,
    Delivery,
    HookService,
    LookAgain,
    PRSnapshotService,
    PullRequestSnapshot,
    PullRequestWatch,
    Superseded,
)
from headway_core.pull_requests.model import GitHubState
from headway_core.schema import ALL_EVENTS
from headway_core.settings.model import SETTINGS, Settings
from headway_core.testing.clock import EPOCH, ManualClock, SequentialIds
from headway_core.testing.fakes_machine import FakeLocks
from headway_core.testing.pull_requests import hooks_on, pull_requests_on
from headway_core.workspaces.model import WORKSPACES, ManualSource, SessionPolicy, Workspace, WorkspaceStatus

PULLS = 8
CALM_S = 7 * 3600
"""Virtual seconds without faults until everything must be true: a branch is looked for every six hours."""


@attrs.define
class Figures:
    """What happened."""

    cycles: int = 0
    moves: Counter[str] = attrs.Factory(Counter)
    faults: Counter[str] = attrs.Factory(Counter)
    hooks: Counter[str] = attrs.Factory(Counter)
    outcomes: Counter[str] = attrs.Factory(Counter)
    facts: int = 0
    """Changes of a part of a snapshot that were compared with the world's past."""
    calm_s: list[float] = attrs.Factory(list)
    """Seconds until everything was true, each time that the faults stopped."""


class Wrong(AssertionError):
    """An invariant does not hold."""


class Rehearsal:
    """Two processes on one ledger, a faulty forge, and who compares."""

    def __init__(self, seed: int, *, rate: float = 0.3, run_twice: bool = False) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.clock.advance(1)
        self.forge = FaultyForge(self.clock, self.chance, rate)
        self.store = MemoryStore(
            clock=self.clock, ids=SequentialIds(), catalog=EventCatalog(ALL_EVENTS), run_twice=run_twice
        )
        self.processes = [self._process(n) for n in (0, 1)]
        self.figures = Figures()
        self.known: dict[str, tuple[PullRequestSnapshot, PullRequestWatch]] = {}
        self.delivered: list[Delivery] = []
        self._guid = 0

    def _process(self, n: int) -> PRSnapshotService:
        return pull_requests_on(self.store, self.forge, locks=FakeLocks(f"host-{n}"))

    @property
    def hooks(self) -> HookService:
        return hooks_on(self.store, self.processes[0])

    async def prepare(self) -> None:
        """Workspaces, each with a branch that will have a pull request."""

        def work(tx: Transaction) -> None:
            self.store.writer(SETTINGS).add(tx, Settings(quiet_time_s=0))
            self.store.writer(PROJECTS).add(tx, PROJECT)
            for n in range(PULLS):
                workspace = a_workspace(n, self.clock)
                self.store.writer(WORKSPACES).add(tx, workspace)
                self.processes[0].open_record(tx, workspace)

        await self.store.ledger.transact(work)
        for n in range(PULLS):
            self.forge.open(f"b{n}")

    async def live(self, cycles: int, *, calm_every: int = 500) -> None:
        """Cycles of faults; now and then they stop, and everything must become true."""
        await self.prepare()
        for n in range(1, cycles + 1):
            await self._cycle()
            if n % calm_every == 0 or n == cycles:
                await self.calm()
        self.figures.faults = self.forge.injected

    async def _cycle(self) -> None:
        self.figures.cycles += 1
        self.clock.advance(self.chance.choice([0.1, 0.3, 1, 1, 2, 3, 10, 30, 60]))
        await self._world_moves()
        self.forge.while_slow = self._meanwhile
        n = self.chance.randrange(2)
        try:
            if self.chance.random() < 0.5:
                workspace_id = f"w{self.chance.randrange(PULLS)}"
                outcome = await self.processes[n].refresh_workspace(
                    workspace_id, insist=self.chance.random() < 0.5
                )
                self._note([outcome])
            else:
                self._note((await self.processes[n].refresh_due()).values())
        except Died:
            self.figures.outcomes["died"] += 1
            self.processes[n] = self._process(n)
            if self.chance.random() < 0.5:
                await self.processes[n].recover()
        await self.compare()

    async def _meanwhile(self) -> None:
        """While one process waits for its answer the world goes on, and so does the other."""
        self.forge.while_slow = None
        await self._world_moves()
        try:
            self._note((await self.processes[1].refresh_due()).values())
        except Died:
            self.processes[1] = self._process(1)

    def _note(self, outcomes: Any) -> None:
        for outcome in outcomes:
            reason = f": {outcome.reason.value}" if isinstance(outcome, Superseded) else ""
            self.figures.outcomes[type(outcome).__name__ + reason] += 1

    async def _world_moves(self) -> None:
        self.forge.work()
        for _ in range(self.chance.randrange(4)):
            pull = self.chance.choice(list(self.forge.pulls.values()))
            moved = self.forge.move(pull)
            if moved is not None:
                self.figures.moves[moved] += 1
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
        fate = self.chance.choice(["lost", "comes", "comes", "comes", "late", "again", "forged"])
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
        receipt = await self.hooks.receive(delivery)
        self.figures.hooks[receipt.value] += 1

    # What must hold.

    async def rows(self) -> dict[str, tuple[PullRequestSnapshot, PullRequestWatch]]:
        snapshots, watches = self.store.reader(SNAPSHOTS), self.store.reader(WATCHES)

        def query(tx: Any) -> Any:
            return {f"w{n}": (snapshots.get(tx, f"w{n}"), watches.get(tx, f"w{n}")) for n in range(PULLS)}

        return dict(await self.store.ledger.read(query))

    async def compare(self) -> None:
        """Every stored fact with the past of the world and with what was stored before."""
        for workspace_id, (snapshot, watch) in (await self.rows()).items():
            before = self.known.get(workspace_id)
            self.known[workspace_id] = snapshot, watch
            if snapshot.facts is None:
                if (
                    before is not None
                    and before[0].facts is not None
                    and before[0].node_id == snapshot.node_id
                ):
                    raise Wrong(f"{workspace_id}: all facts were cleared")
                continue
            pull = self.forge.pulls[snapshot.node_id or ""]
            former = None
            if before is not None and before[0].node_id == snapshot.node_id:
                former = before[0].facts
                self._compare_ages(workspace_id, before[1], watch)
            read = {
                "checks": snapshot.facts.checks_complete,
                "conversation": snapshot.facts.conversation_complete,
            }
            for part in PARTS:
                if read.get(part, True):
                    self._compare_part(workspace_id, part, pull, former, snapshot)

    def _compare_part(
        self, workspace_id: str, part: str, pull: Pull, former: Any, snapshot: PullRequestSnapshot
    ) -> None:
        value = PARTS[part](snapshot.facts)  # type: ignore[arg-type]
        places = pull.values[part].get(value)
        unknown = part == "mergeability" and snapshot.facts.mergeability.value == "unknown"  # type: ignore[union-attr]
        if places is None:
            if unknown:
                return  # reset by ourselves when the head or the base moved
            raise Wrong(f"{workspace_id}: {part} of {pull.node_id} was never so: {value}")
        if former is None or PARTS[part](former) == value:
            return
        self.figures.facts += 1
        was = pull.values[part].get(PARTS[part](former))
        if was is not None and max(places) < min(was):
            raise Wrong(f"{workspace_id}: {part} of {pull.node_id} went back from {was} to {places}")

    def _compare_ages(self, workspace_id: str, before: PullRequestWatch, after: PullRequestWatch) -> None:
        for name in ("state_at", "checks_at", "conversation_at", "mergeability_at"):
            old, new = getattr(before, name), getattr(after, name)
            if old is not None and (new is None or new < old):
                raise Wrong(f"{workspace_id}: {name} went back from {old} to {new}")

    async def calm(self) -> None:
        """The faults stop: within the cadence every fact is true, without a hook and without a person."""
        rate, self.forge.rate = self.forge.rate, 0.0
        began = self.clock.now()
        while wrong := await self.untrue():
            if self.clock.now() > began + timedelta(seconds=CALM_S):
                raise Wrong(f"still wrong after {CALM_S} s: {wrong}")
            self.clock.advance(min(max(await self.processes[0].next_due_in() or 1, 1), 600))
            self.forge.work()
            self._note((await self.processes[self.chance.randrange(2)].refresh_due()).values())
            await self.compare()
        self.figures.calm_s.append((self.clock.now() - began).total_seconds())
        self.forge.rate = rate

    async def untrue(self) -> list[str]:
        """What is stored and not so."""
        found = []
        for workspace_id, (snapshot, _) in (await self.rows()).items():
            branch = f"b{workspace_id[1:]}"
            truest = [pull for pull in self.forge.pulls.values() if pull.branch == branch][-1]
            if truest.now.state is GitHubState.CLOSED and snapshot.node_id != truest.node_id:
                continue  # it was closed before anybody saw it open
            if snapshot.node_id != truest.node_id or snapshot.facts is None:
                found.append(f"{workspace_id}: has {snapshot.node_id}, not {truest.node_id}")
                continue
            if not (snapshot.facts.checks_complete and snapshot.facts.conversation_complete):
                found.append(f"{workspace_id}: a part was not read")
            for part, of in PARTS.items():
                if part == "mergeability" and truest.now.state is not GitHubState.OPEN:
                    continue  # nobody asks for that of one that is over
                if of(snapshot.facts) != of(truest.now):
                    found.append(f"{workspace_id}: {part} is {of(snapshot.facts)}, not {of(truest.now)}")
        return found


PROJECT = Project(
    id="p1",
    name="demo",
    slug="demo",
    repo_path="/nowhere/demo",
    worktree_base_path="/nowhere/worktrees",
    default_branch="main",
    github_host="github.com",
    github_owner="octo",
    github_repo="demo",
    created_at=EPOCH,
)


def a_workspace(n: int, clock: ManualClock) -> Workspace:
    return Workspace(
        id=f"w{n}",
        project_id="p1",
        name="Fix",
        description=None,
        source=ManualSource(initial_prompt=None),
        session_policy=SessionPolicy.NONE,
        branch=f"b{n}",
        branch_is_generated=True,
        base_branch="main",
        branch_claim=f"p1:b{n}",
        issue_claim=None,
        idempotency_key=None,
        status=WorkspaceStatus.READY,
        created_at=clock.now(),
        status_changed_at=clock.now(),
    )


def show(figures: Figures, seconds: float) -> None:
    print(f"{figures.cycles} cycles in {seconds:.1f} s, {figures.facts} changes of parts compared")
    for name in ("moves", "faults", "hooks", "outcomes"):
        counted: Counter[str] = getattr(figures, name)
        told = ", ".join(f"{what} {count}" for what, count in sorted(counted.items()))
        print(f"{name} ({counted.total()}): {told}")
    calm = sorted(figures.calm_s)
    print(
        f"faults stopped {len(calm)} times: all facts true after "
        f"{calm[len(calm) // 2]:.0f} s (median), {calm[-1]:.0f} s (longest)"
    )


async def main(cycles: int, seed: int, rate: float) -> int:
    rehearsal, began = Rehearsal(seed, rate=rate), time.perf_counter()
    try:
        await rehearsal.live(cycles)
    except Wrong as error:
        print(f"seed {seed}, cycle {rehearsal.figures.cycles}: {error}")
        return 1
    finally:
        rehearsal.figures.faults = rehearsal.forge.injected
    show(rehearsal.figures, time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cycles", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--rate", type=float, default=0.3)
    given = arguments.parse_args()
    sys.exit(anyio.run(partial(main, given.cycles, given.seed, given.rate)))
