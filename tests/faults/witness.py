"""What the two rehearsals of faults share: a cycle, the world's past, and who compares facts with it.

A cycle: time passes, the world moves, hooks come, get lost or come again, and one of two processes reads
what is due, or a person asks. After each cycle every stored fact is compared with the world's past: it was
true at some time, it is not older than the one it replaced, and nothing was cleared. When the faults stop,
every fact is true within the time that the cadence takes, without a hook and without a person.

What no observer can know is not asked for, and nothing else is left out:

- GitHub's times have whole seconds. Two changes of one pull request within one are not made: `updatedAt`
  can't tell which answer is the older one. With such changes, and answers that lag without an end, a closed
  one's former head comes back: its branch may go on without it, so that nothing contradicts the answer.
- A replica lags for less than `READ_LAG`. What was told for longer, by every answer, can't be told from
  what is so. (A record that lags its branch may do so for ever: `updatedAt` tells, and an open one's branch.)
- A value that was there before may come again: it counts as its newest place in the past.
- What changes between two pages of a list without changing its length (a thread is resolved) makes a list
  that was of no one moment. Each of its rows was so, and soon the whole is.
- Of what is over GitHub does not tell whether it merges, and a merged one is not read again: nothing is done
  to it any more.
"""

import abc
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

import attrs

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    SNAPSHOTS,
    WATCHES,
    PRSnapshotService,
    PullRequestSnapshot,
    PullRequestWatch,
    RefreshFailed,
    Superseded,
    WebhookService,
)
from headway_core.pull_requests.model import GitHubState, Mergeability, PullRequestFacts
from headway_core.settings.model import SETTINGS, SettingsRecord
from headway_core.workspaces.model import WORKSPACES
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.pull_requests import pull_request_steps_on, webhooks_on
from headway_testing.records import a_project, a_workspace

CALM_S = 7 * 3600
"""Virtual seconds without faults until everything must be true: a branch is looked for every six hours."""
FATES = ("lost", "comes", "comes", "comes", "late", "again", "forged")
"""What becomes of a hook."""


class Wrong(AssertionError):
    """An invariant does not hold."""


class Died(BaseException):
    """The process is gone in the middle of a fetch."""


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
    """Virtual seconds until everything was true, each time that the faults stopped."""

    def add(self, other: "Figures") -> None:
        self.cycles += other.cycles
        self.facts += other.facts
        self.calm_s += other.calm_s
        for name in ("moves", "faults", "hooks", "outcomes"):
            getattr(self, name).update(getattr(other, name))

    def show(self, seconds: float) -> None:
        rate = self.cycles / seconds
        print(
            f"{self.cycles} cycles in {seconds:.1f} s, {rate:.0f} a second,"
            f" {self.facts} changes of parts compared"
        )
        for name in ("moves", "faults", "hooks", "outcomes"):
            counted: Counter[str] = getattr(self, name)
            told = ", ".join(f"{what} {count}" for what, count in sorted(counted.items()))
            print(f"{name} ({counted.total()}): {told}")
        calm = sorted(self.calm_s)
        print(
            f"faults stopped {len(calm)} times: all facts true after "
            f"{calm[len(calm) // 2]:.0f} s (median), {calm[-1]:.0f} s (longest)"
        )


@attrs.define
class Past:
    """All that was ever true of a pull request: each part's values with their places, in order."""

    node_id: str
    branch: str
    now: Mapping[str, object] = attrs.Factory(dict)
    _length: int = 0
    _places: dict[str, dict[object, list[int]]] = attrs.Factory(dict)

    def add(self, truth: Mapping[str, object]) -> None:
        """From now on this is so."""
        self.now = truth
        self._length += 1
        for part, value in truth.items():
            self._places.setdefault(part, {}).setdefault(value, []).append(self._length)

    def places(self, part: str, value: object) -> list[int] | None:
        """When it was so; None: never."""
        return self._places[part].get(value)


class Rehearsal(abc.ABC):
    """Two processes on one ledger, a faulty forge, and who compares."""

    steps: ClassVar[tuple[float, ...]]
    """Seconds that pass between two cycles, one of these."""
    workspaces: ClassVar[int]
    parts: ClassVar[Mapping[str, Callable[[PullRequestFacts], object]]]
    """The value of each part in the facts, as `Past` has it; `state` and `mergeability` are among them."""

    def __init__(self, seed: int, *, run_twice: bool = False) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.clock.advance(1)
        self.store = MemoryStore(
            clock=self.clock, ids=SequentialIds(), catalog=EventCatalog(ALL_EVENTS), run_twice=run_twice
        )
        self.figures = Figures()
        self.processes: list[PRSnapshotService] = []
        self.known: dict[str, tuple[PullRequestSnapshot, PullRequestWatch]] = {}
        self.moved: str | None = None
        """The workspace whose pull request moved last: it is asked for more often than others."""

    @cached_property
    def hooks(self) -> WebhookService:
        """Receives the deliveries; made once, since making a room costs more than a cycle."""
        return webhooks_on(self.store)

    # What each world does in its own way.

    @abc.abstractmethod
    def process(self, n: int) -> PRSnapshotService:
        """The service of a process that starts."""

    @abc.abstractmethod
    async def open_world(self) -> None:
        """Each workspace's branch `b0`, `b1`, … has a pull request."""

    @abc.abstractmethod
    async def time_passes(self, seconds: float) -> None:
        """For both sides."""

    @abc.abstractmethod
    async def world_moves(self) -> None:
        """Something happens, and hooks tell of it or do not."""

    @abc.abstractmethod
    async def prepare_faults(self, n: int) -> None:
        """Some of the next answers will be wrong, for process `n`, which reads next."""

    @abc.abstractmethod
    async def stop_faults(self) -> None:
        """From now on every answer is right, until faults are prepared again."""

    @abc.abstractmethod
    def pasts(self) -> Mapping[str, Past]:
        """The past of every pull request, by node id; of one branch the newest last."""

    # A life.

    async def live(self, cycles: int, *, calm_every: int) -> None:
        """Cycles of faults; now and then they stop, and everything must become true."""
        await self._prepare()
        for n in range(1, cycles + 1):
            await self._cycle()
            if n % calm_every == 0 or n == cycles:
                await self.calm()

    async def _prepare(self) -> None:
        self.processes = [self.process(n) for n in (0, 1)]
        steps = pull_request_steps_on(self.store)

        def work(tx: Transaction) -> None:
            self.store.writer(SETTINGS).add(tx, SettingsRecord(quiet_time_s=0))
            self.store.writer(PROJECTS).add(tx, PROJECT)
            for n in range(self.workspaces):
                workspace = a_workspace(
                    f"w{n}",
                    branch=f"b{n}",
                    branch_claim=f"github.com/octo/demo:b{n}",
                    created_at=self.clock.now(),
                )
                self.store.writer(WORKSPACES).add(tx, workspace)
                steps.open_record(tx, workspace)

        await self.store.ledger.transact(work)
        await self.open_world()

    async def _cycle(self) -> None:
        self.figures.cycles += 1
        await self.time_passes(self.chance.choice(self.steps))
        await self.world_moves()
        n = self.chance.randrange(2)
        await self.prepare_faults(n)
        try:
            if self.chance.random() < 0.5:
                any_one = f"w{self.chance.randrange(self.workspaces)}"
                workspace_id = self.moved if self.moved and self.chance.random() < 0.7 else any_one
                insist = self.chance.random() < 0.5
                self._note([await self.processes[n].refresh_workspace(workspace_id, insist=insist)])
            else:
                self._note((await self.processes[n].refresh_due()).values())
        except Died:
            self.figures.outcomes["died"] += 1
            self.processes[n] = self.process(n)
            if self.chance.random() < 0.5:
                await self.processes[n].recover()
        await self.compare()

    async def meanwhile(self, slow: int) -> None:
        """While one process waits for its answer the world goes on, and so does the other."""
        other = 1 - slow
        await self.time_passes(self.chance.uniform(1, 90))
        await self.world_moves()
        try:
            self._note((await self.processes[other].refresh_due()).values())
        except Died:
            self.processes[other] = self.process(other)

    def _note(self, outcomes: Any) -> None:
        for outcome in outcomes:
            match outcome:
                case Superseded(reason=reason):
                    why = f": {reason.value}"
                case RefreshFailed(kind=kind):
                    why = f": {kind.value}"
                case _:
                    why = ""
            self.figures.outcomes[type(outcome).__name__ + why] += 1

    # What must hold.

    async def rows(self) -> dict[str, tuple[PullRequestSnapshot, PullRequestWatch]]:
        snapshots, watches = self.store.reader(SNAPSHOTS), self.store.reader(WATCHES)

        def query(tx: ReadTransaction) -> dict[str, tuple[Any, Any]]:
            ids = [f"w{n}" for n in range(self.workspaces)]
            return {each: (snapshots.get(tx, each), watches.get(tx, each)) for each in ids}

        return await self.store.ledger.read(query)

    async def compare(self) -> None:
        """Every stored fact with the past of the world and with what was stored before."""
        for workspace_id, (snapshot, watch) in (await self.rows()).items():
            before = self.known.get(workspace_id)
            self.known[workspace_id] = snapshot, watch
            same = before is not None and before[0].node_id == snapshot.node_id
            former = before[0].facts if before is not None and same else None
            if snapshot.facts is None:
                if former is not None:
                    raise Wrong(f"{workspace_id}: all facts were cleared")
                continue
            if before is not None and same:
                self._compare_ages(workspace_id, before[1], watch)
            if former is not None:
                self._compare_completeness(workspace_id, former, snapshot.facts)
            past = self.pasts()[snapshot.facts.node_id]
            for part in self._read_parts(snapshot.facts):
                self._compare_part(workspace_id, part, past, former, snapshot.facts)

    def _read_parts(self, facts: PullRequestFacts) -> list[str]:
        """Those that are not waiting to be read for the first time at this head."""
        unread = {"checks": not facts.checks_complete, "conversation": not facts.conversation_complete}
        return [part for part in self.parts if not unread.get(part)]

    def _compare_part(
        self,
        workspace_id: str,
        part: str,
        past: Past,
        former: PullRequestFacts | None,
        facts: PullRequestFacts,
    ) -> None:
        if part == "mergeability" and facts.state is not GitHubState.OPEN:
            return  # what is over merges no more: GitHub says that it does not know
        value = self.parts[part](facts)
        places = past.places(part, value)
        if places is None:
            if part == "mergeability" and facts.mergeability is Mergeability.UNKNOWN:
                return  # reset by ourselves when the head or the base moved
            raise Wrong(f"{workspace_id}: {part} of {past.node_id} was never so: {value}")
        if former is None or self.parts[part](former) == value:
            return
        self.figures.facts += 1
        was = past.places(part, self.parts[part](former))
        if was is not None and max(places) < min(was):
            raise Wrong(f"{workspace_id}: {part} of {past.node_id} went back from {was} to {places}: {value}")

    def _compare_completeness(
        self, workspace_id: str, former: PullRequestFacts, facts: PullRequestFacts
    ) -> None:
        """What was read stays read: checks for as long as the head stays."""
        same_head = former.head.commit == facts.head.commit
        if same_head and former.checks_complete and not facts.checks_complete:
            raise Wrong(f"{workspace_id}: the checks were cleared")
        if former.conversation_complete and not facts.conversation_complete:
            raise Wrong(f"{workspace_id}: the conversation was cleared")

    def _compare_ages(self, workspace_id: str, before: PullRequestWatch, after: PullRequestWatch) -> None:
        for name in ("state_at", "checks_at", "conversation_at", "mergeability_at"):
            old, new = getattr(before, name), getattr(after, name)
            if old is not None and (new is None or new < old):
                raise Wrong(f"{workspace_id}: {name} went back from {old} to {new}")

    async def calm(self) -> None:
        """The faults stop: within the cadence every fact is true."""
        await self.stop_faults()
        began = self.clock.now()
        while wrong := await self.untrue():
            if self.clock.now() > began + timedelta(seconds=CALM_S):
                raise Wrong(f"still wrong after {CALM_S} s: {wrong}")
            due_in_s = await self.processes[0].next_due_in_s()
            await self.time_passes(min(max(due_in_s or 1, 1), 600))
            self._note((await self.processes[self.chance.randrange(2)].refresh_due()).values())
            await self.compare()
        self.figures.calm_s.append((self.clock.now() - began).total_seconds())

    async def untrue(self) -> list[str]:
        """What is stored and not so."""
        found = []
        newest = {past.branch: past for past in self.pasts().values()}
        for workspace_id, (snapshot, _) in (await self.rows()).items():
            past, facts = newest[f"b{workspace_id[1:]}"], snapshot.facts
            is_open = past.now["state"] == GitHubState.OPEN
            if not is_open and snapshot.node_id != past.node_id:
                continue  # it was over before anybody saw it open
            if facts is None or snapshot.node_id != past.node_id:
                found.append(f"{workspace_id}: has {snapshot.node_id}, not {past.node_id}")
                continue
            if len(self._read_parts(facts)) < len(self.parts):
                found.append(f"{workspace_id}: a part was not read")
            for part, of in self.parts.items():
                if part == "mergeability" and not is_open:
                    continue  # nobody asks for that of one that is over
                if of(facts) != past.now[part]:
                    found.append(f"{workspace_id}: {part} is {of(facts)}, not {past.now[part]}")
        return found


PROJECT = a_project()
