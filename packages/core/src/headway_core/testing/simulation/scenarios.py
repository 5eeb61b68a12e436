"""Short scenarios, in which a process dies at every point: once, and again in the process that recovers.

A scenario prepares a world in peace, then a process acts and dies at its nth point, then another one runs the
host and dies at its mth, then a last one runs it in peace. All invariants hold at each step, and everything
comes to its end.
"""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import attrs

from headway_core.container import CoreContainer
from headway_core.operations import CreateWorkspace, GitHubIssue, Manual, ResumeBranch
from headway_core.pull_requests.model import GitHubState
from headway_core.sessions.model import SessionStatus
from headway_core.testing.conversations import OWNER
from headway_core.testing.simulation.chance import Chance
from headway_core.testing.simulation.github import REPOSITORY
from headway_core.testing.simulation.incarnation import Incarnation
from headway_core.testing.simulation.invariants import Invariants
from headway_core.testing.simulation.loops import DeadlockError, run_seeded
from headway_core.testing.simulation.story import Story, surprises
from headway_core.testing.simulation.world import Plan, Violation, World
from headway_core.workspaces.model import Workspace, WorkspaceStatus

PREPARED_WITHIN_S = 200.0
RECOVERS_FOR_S = 120.0
"""How long the process that recovers may take to reach its point; a host at rest reaches no more."""


class Stage(Story):
    """A world in which a scenario is played."""

    def __init__(self, world: World, container: type[Any]) -> None:
        super().__init__(world, container)
        self.world = world
        self.machine = world.machines[0]
        self.project_id = ""

    async def create(self, command: CreateWorkspace) -> None:
        process = self.start(self.machine, "creator")
        await process.core.creation().create(command, idempotency_key="key")
        process.stopped()

    async def run_until(self, reached: Callable[[], bool]) -> None:
        """Run the host in peace until something is so."""
        process = self.start(self.machine, "runner")
        self.world.spawn(process.live, process.run)
        with anyio.fail_after(PREPARED_WITHIN_S):
            while not reached():  # noqa: ASYNC110  the world is looked at, it tells nobody
                await anyio.sleep(0.5)
        process.scope.cancel()
        await process.ended.wait()

    @property
    def workspace(self) -> Workspace:
        workspace: Workspace = self.world.rows("workspaces")[0]
        return workspace

    def is_ready(self) -> bool:
        return bool(self.world.rows("workspaces")) and self.workspace.status is WorkspaceStatus.READY

    def fixer_runs(self) -> bool:
        return any(s.label == "ratchet" and s.status is SessionStatus.RUNNING for s in self.rows())

    def fixer_ended(self) -> bool:
        return any(s.label == "ratchet" and not s.is_live for s in self.rows())

    def rows(self) -> list[Any]:
        return self.world.rows("sessions")


Prepare = Callable[[Stage], Awaitable[None]]
Act = Callable[[Incarnation, Workspace | None], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class Scenario:
    """What is prepared, and what the process does that dies."""

    name: str
    prepare: Prepare
    act: Act
    pairs: bool = False
    """Short enough for every pair of crashes."""


async def _nothing(_stage: Stage) -> None:
    """The project is there."""


async def _created(stage: Stage) -> None:
    await stage.create(Manual(project_id=stage.project_id, name="Fix login", initial_prompt="Go"))


async def _branch(stage: Stage) -> None:
    """Somebody pushed a branch."""
    github = stage.world.github
    github.push("old", github.commit(github.branches["main"], good=False).id)


async def _red(stage: Stage) -> None:
    """READY on a branch whose pull request is red, with the ratchet off."""
    await _branch(stage)
    github = stage.world.github
    pull = github.open("old")
    github.say(pull, "Please rename", OWNER)
    await stage.create(ResumeBranch(project_id=stage.project_id, branch="old", ratchet=False))
    await stage.run_until(lambda: stage.is_ready() and stage.world.seconds() > 40)  # noqa: PLR2004  judged and quiet


async def _red_and_on(stage: Stage) -> None:
    await _red(stage)
    process = stage.start(stage.machine, "app")
    await process.core.ratchet().switch(stage.workspace.id, enabled=True)
    process.stopped()


async def _fixing(stage: Stage) -> None:
    await _red_and_on(stage)
    await stage.run_until(stage.fixer_runs)


async def _fixed(stage: Stage) -> None:
    """The fixer has just come to its end: nobody has read what it left behind."""
    await _fixing(stage)
    while stage.machine.running:  # noqa: ASYNC110  as above
        await anyio.sleep(0.5)


async def _merged(stage: Stage) -> None:
    await _fixing(stage)
    for pull in stage.world.github.pulls.values():
        stage.world.github.set_state(pull, GitHubState.MERGED)


async def _working(stage: Stage) -> None:
    """An agent runs, and there is work that nobody committed."""
    await _created(stage)
    await stage.run_until(lambda: any(s.status is SessionStatus.RUNNING for s in stage.rows()))
    piece = f"work-{stage.world.count('work')}"
    stage.world.work.append(piece)
    for tree in stage.machine.worktrees.values():
        tree.dirty.add(piece)


def _create(command: Callable[[str], CreateWorkspace]) -> Act:
    async def act(process: Incarnation, _workspace: Workspace | None) -> None:
        project = process.world.rows("projects")[0]
        await process.core.creation().create(command(project.id), idempotency_key="key")

    return act


async def _provision(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.core.provisioning().provision(workspace.id)


async def _dispatch(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.core.ratchet().check(workspace.id)
    await process.core.executor().round()


async def _disable_meanwhile(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    async with anyio.create_task_group() as group:
        group.start_soon(_dispatch, process, workspace)
        await anyio.sleep(0.05)
        await process.core.ratchet().switch(workspace.id, enabled=False)
    await process.core.executor().round()


async def _duties(process: Incarnation, _workspace: Workspace | None) -> None:
    """Every duty of a runner, once."""
    for duty in process.core.duties():
        await duty.run()


async def _archive(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.core.archive().archive(workspace.id)


async def _run(process: Incarnation, _workspace: Workspace | None) -> None:
    with anyio.move_on_after(60):
        await process.run()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="create from words",
        prepare=_nothing,
        act=_create(lambda project: Manual(project_id=project, name="Fix login", initial_prompt="Go")),
        pairs=True,
    ),
    Scenario(
        name="create from an issue",
        prepare=_nothing,
        act=_create(
            lambda project: GitHubIssue(
                project_id=project, number=1, url=f"https://github.com/{REPOSITORY}/issues/1"
            )
        ),
        pairs=True,
    ),
    Scenario(
        name="create from a branch",
        prepare=_branch,
        act=_create(lambda project: ResumeBranch(project_id=project, branch="old")),
        pairs=True,
    ),
    Scenario(name="provision", prepare=_created, act=_provision, pairs=True),
    Scenario(name="dispatch a fixer", prepare=_red_and_on, act=_dispatch, pairs=True),
    Scenario(name="disable while dispatching", prepare=_red_and_on, act=_disable_meanwhile),
    Scenario(name="close a fixer and post its replies", prepare=_fixed, act=_duties),
    Scenario(name="merge while fixing", prepare=_merged, act=_duties),
    Scenario(name="archive", prepare=_working, act=_archive, pairs=True),
    Scenario(name="run from nothing to a pull request", prepare=_created, act=_run),
)


@attrs.frozen(kw_only=True)
class Played:
    """What came of a scenario with given crashes."""

    scenario: str
    crash_at: tuple[int, ...]
    died: tuple[bool, ...]
    """Whether each process came to the point at which it was to die."""
    violation: Violation | None
    trace: tuple[str, ...] = ()


def play(
    scenario: Scenario,
    *crash_at: int,
    seed: int = 1,
    traced: bool = False,
    backend: str = "asyncio",
    container: type[Any] = CoreContainer,
) -> Played:
    """Play a scenario: its process dies at the first point, the one that recovers at the second."""
    worlds: list[World] = []
    died: list[bool] = []

    async def main() -> None:
        world = World(Plan(seed=seed, storm_s=0.0, crash_at=crash_at), traced=traced)
        worlds.append(world)
        Invariants(world)
        await _Play(scenario, Stage(world, container), died).tell()

    try:
        run_seeded(main, order=Chance(seed).stream("order"), backend=backend)
    except DeadlockError as error:
        worlds[0].violation = Violation(invariant="nothing waits for ever", detail=str(error), at_s=0.0)
    world = worlds[0]
    return Played(
        scenario=scenario.name,
        crash_at=crash_at,
        died=tuple(died),
        violation=world.violation,
        trace=tuple(world.trace or ()),
    )


class _Play:
    def __init__(self, scenario: Scenario, stage: Stage, died: list[bool]) -> None:
        self._scenario = scenario
        self._stage = stage
        self._died = died

    async def tell(self) -> None:
        stage, world = self._stage, self._stage.world
        async with anyio.create_task_group() as group:
            world.tasks = group
            group.start_soon(stage.unless_over, group.cancel_scope)
            with surprises(world):
                await self._acts()
            group.cancel_scope.cancel()

    async def _acts(self) -> None:
        stage, world = self._stage, self._stage.world
        stage.project_id = await stage.prepare()
        await self._scenario.prepare(stage)
        workspace = stage.workspace if world.rows("workspaces") else None
        for number, nth in enumerate(world.plan.crash_at):
            process = stage.start(stage.machine, "runner" if number else "actor", crash_at=nth)
            act = process.run if number else lambda process=process: self._scenario.act(process, workspace)
            world.spawn(process.live, act)
            with anyio.move_on_after(RECOVERS_FOR_S):
                await process.ended.wait()
            self._died.append(process.died)
            if process.alive:
                process.scope.cancel()
                await process.ended.wait()
        if not world.rows("workspaces"):
            # It died before anything was stored: who asked asks again, with the same key.
            process = stage.start(stage.machine, "creator")
            await self._scenario.act(process, None)
            process.stopped()
        world.spawn(stage.keep_running, stage.machine)
        await stage.come_to_an_end()
        if len(world.rows("workspaces")) != 1:
            world.violated("created once", f"{len(world.rows('workspaces'))} workspaces")


def every_crash(scenario: Scenario, **how: Any) -> Iterator[Played]:
    """Every single crash: the last one played is the one that nobody died in."""
    for nth in itertools.count():
        played = play(scenario, nth, **how)
        yield played
        if not all(played.died):
            return


PAIRS_WITHIN = 40
"""The second crash of a pair is at one of so many points of the runner: recovery, and what it does next."""


def every_pair(scenario: Scenario, **how: Any) -> Iterator[Played]:
    """Every pair of crashes: in the act, and in the runner that recovers from it."""
    for first in itertools.count():
        died = True
        for second in range(PAIRS_WITHIN):
            played = play(scenario, first, second, **how)
            died = played.died[0]
            yield played
            if not all(played.died):
                break
        if not died:
            return
