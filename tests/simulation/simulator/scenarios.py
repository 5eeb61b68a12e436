"""Short scenarios: what is prepared in peace, and what the process does that dies."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs

from headway_core.operations import CreateWorkspace, GitHubIssue, Manual, ResumeBranch
from headway_core.pull_requests.model import GitHubState
from headway_core.sessions.model import SessionStatus
from headway_core.workspaces.model import Workspace, WorkspaceStatus
from headway_testing.conversations import OWNER
from simulator.github import REPOSITORY
from simulator.incarnation import Incarnation
from simulator.machine import A_PERSONS_OWN
from simulator.story import Story
from simulator.world import World

PREPARED_WITHIN_S = 200.0
ROUNDS = 3
"""Of all duties, until what a hook tells has come through: it is read, decided, and carried out."""


class Stage(Story):
    """A world of one host, in which a scenario is played."""

    def __init__(self, world: World, container: type[Any]) -> None:
        super().__init__(world, container)
        self.machine = world.machines[0]
        self.project_id = ""

    async def create(self, command: CreateWorkspace) -> None:
        process = self.start(self.machine, "creator")
        await process.core.operations.creation().create(command, idempotency_key="key")
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
        return any(s.label == "ratchet" and s.status is SessionStatus.RUNNING for s in self.sessions())

    def sessions(self) -> list[Any]:
        return self.world.rows("sessions")


Prepare = Callable[[Stage], Awaitable[None]]
Act = Callable[[Incarnation, Workspace | None], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class Scenario:
    """What is prepared, and what the process does that dies."""

    name: str
    prepare: Prepare
    act: Act


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
    await stage.run_until(lambda: stage.is_ready() and stage.world.seconds() > 40)


async def _red_and_on(stage: Stage) -> None:
    await _red(stage)
    process = stage.start(stage.machine, "app")
    await process.core.ratchet.service().switch(stage.workspace.id, enabled=True)
    process.stopped()


async def _fixing(stage: Stage) -> None:
    await _red_and_on(stage)
    await stage.run_until(stage.fixer_runs)


async def _fixed(stage: Stage) -> None:
    """The fixer has just come to its end: nobody has read what it left behind."""
    await _fixing(stage)
    while stage.machine.running:  # noqa: ASYNC110  as above
        await anyio.sleep(0.5)


async def _spoken(stage: Stage) -> None:
    """The first agent has just come to its end, and wants a pull request that somebody will close at once."""
    await _created(stage)
    await stage.run_until(lambda: any(s.status is SessionStatus.RUNNING for s in stage.sessions()))
    while stage.machine.running:  # noqa: ASYNC110  as above
        await anyio.sleep(0.5)
    stage.world.github.closed_at_once = True


async def _merged(stage: Stage) -> None:
    await _fixing(stage)
    for pull in stage.world.github.pulls.values():
        stage.world.github.set_state(pull, GitHubState.MERGED)


async def _working(stage: Stage) -> None:
    """An agent runs, and there are work that nobody committed and files that git ignores."""
    await _created(stage)
    await stage.run_until(lambda: any(s.status is SessionStatus.RUNNING for s in stage.sessions()))
    piece = f"work-{stage.world.count('work')}"
    stage.world.work.append(piece)
    for path, tree in stage.machine.worktrees.items():
        if path == A_PERSONS_OWN:
            continue
        tree.dirty.add(piece)
        tree.ignored = ("build/",)


def _create(command: Callable[[str], CreateWorkspace]) -> Act:
    async def act(process: Incarnation, _workspace: Workspace | None) -> None:
        project = process.world.rows("projects")[0]
        await process.core.operations.creation().create(command(project.id), idempotency_key="key")

    return act


async def _provision(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.core.operations.provisioning().provision(workspace.id)


async def _dispatch(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.core.ratchet.service().check(workspace.id)
    await process.core.sessions.executor().round()


async def _disable_meanwhile(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    async with anyio.create_task_group() as group:
        group.start_soon(_dispatch, process, workspace)
        await anyio.sleep(0.05)
        await process.core.ratchet.service().switch(workspace.id, enabled=False)
    await process.core.sessions.executor().round()


async def _told(process: Incarnation, workspace: Workspace | None) -> None:
    """A hook says that something happened; every duty of a runner looks, as often as it takes."""
    assert workspace is not None
    await process.core.ledger().transact(lambda tx: process.core.pull_requests.steps().hint(tx, workspace.id))
    await _rounds(process, workspace)


async def _rounds(process: Incarnation, workspace: Workspace | None) -> None:
    for _ in range(ROUNDS):
        await anyio.sleep(2)
        await _duties(process, workspace)


async def _duties(process: Incarnation, _workspace: Workspace | None) -> None:
    """Every duty of a runner, once."""
    for duty in process.core.duties():
        await duty.run()


async def _archive(process: Incarnation, workspace: Workspace | None) -> None:
    assert workspace is not None
    await process.archive(workspace.id, lose_ignored=True)


async def _run(process: Incarnation, _workspace: Workspace | None) -> None:
    with anyio.move_on_after(60):
        await process.run()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="create from words",
        prepare=_nothing,
        act=_create(lambda project: Manual(project_id=project, name="Fix login", initial_prompt="Go")),
    ),
    Scenario(
        name="create from an issue",
        prepare=_nothing,
        act=_create(
            lambda project: GitHubIssue(
                project_id=project, number=1, url=f"https://github.com/{REPOSITORY}/issues/1"
            )
        ),
    ),
    Scenario(
        name="create from a branch",
        prepare=_branch,
        act=_create(lambda project: ResumeBranch(project_id=project, branch="old")),
    ),
    Scenario(name="provision", prepare=_created, act=_provision),
    Scenario(name="dispatch a fixer", prepare=_red_and_on, act=_dispatch),
    Scenario(name="disable while dispatching", prepare=_red_and_on, act=_disable_meanwhile),
    Scenario(name="close a fixer and post its replies", prepare=_fixed, act=_duties),
    Scenario(name="open a pull request that is closed at once", prepare=_spoken, act=_rounds),
    Scenario(name="merge while fixing", prepare=_merged, act=_told),
    Scenario(name="archive", prepare=_working, act=_archive),
    Scenario(name="run from nothing to a pull request", prepare=_created, act=_run),
)
