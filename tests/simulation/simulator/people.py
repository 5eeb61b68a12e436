"""Who acts in a world beside the runner: people at the forge, and callers in a process of their own."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from headway_core.kernel.errors import Conflict, HeadwayError
from headway_core.operations import GitHubIssue, Manual, ResumeBranch
from headway_core.pull_requests.model import GitHubState
from headway_core.sessions import FixerRequest, WhenLive
from headway_core.workspaces.model import Workspace
from headway_testing.conversations import OWNER, STRANGER
from simulator.github import FORK, REPOSITORY, GitHub, Pull
from simulator.machine import Machine

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation
    from simulator.world import World

# People at the forge


def _push(github: GitHub, pull: Pull, world: "World") -> None:
    good = world.luck.choice((True, False))
    github.push(pull.branch, github.commit(github.branches[pull.branch], good=good, merged=github.moves).id)


PEOPLE: Mapping[str, Callable[[GitHub, Pull, Any], None]] = {
    "pushes to the branch": _push,
    "asks for a change": lambda github, pull, _: github.say(pull, "Please rename", OWNER),
    "asks for another change": lambda github, pull, _: github.say(pull, "Please test", OWNER),
    "is a stranger and talks": lambda github, pull, world: github.say(pull, world.hostile, STRANGER),
    "requests changes": lambda github, pull, _: github.review(pull, "CHANGES_REQUESTED", "Not like this"),
    "approves": lambda github, pull, _: github.review(pull, "APPROVED", ""),
    "moves the base": lambda github, _, __: github.move_base(conflicting=False),
    "moves the base into a conflict": lambda github, _, __: github.move_base(conflicting=True),
    "runs a check again": lambda github, pull, _: github.rerun(pull, "test"),
    "labels it": lambda github, pull, _: github.label(pull),
    "closes it": lambda github, pull, _: github.set_state(pull, GitHubState.CLOSED),
    "opens it again": lambda github, pull, _: github.set_state(pull, GitHubState.OPEN),
    "merges it": lambda github, pull, _: github.set_state(pull, GitHubState.MERGED),
}
_RARE = {"closes it", "merges it"}


async def people(world: "World") -> None:
    """Somebody does something to some pull request, again and again, while the storm lasts."""
    while world.stormy:
        await anyio.sleep(world.luck.uniform(1, 10))
        pulls = list(world.github.pulls.values())
        if not pulls:
            continue
        number = world.count("person")
        pull = world.chance.pick(f"pull of person {number}", pulls)
        what = world.chance.pick(f"person {number}", tuple(PEOPLE))
        if pull.now.state is GitHubState.OPEN or what == "opens it again":
            name = f"person {number} {what} (#{pull.number})"
            if world.happens(name, 0.3 if what in _RARE else 0.9):
                PEOPLE[what](world.github, pull, world)


async def outsiders(world: "World") -> None:
    """A stranger closes his pull request of a branch and opens another one, again and again.

    First somebody closes the one that Headway has. What the stranger opens is at a commit of the workspace;
    at times he opens one of a commit of his own too.
    """
    github = world.github
    while world.stormy:
        await anyio.sleep(world.luck.uniform(25, 45))
        for pull in list(github.pulls.values()):
            if pull.now.state is GitHubState.OPEN:
                github.set_state(pull, GitHubState.CLOSED)
        for branch in [name for name in github.branches if name != "main"]:
            if world.happens(f"stranger {world.count('stranger')} opens one of {branch}", 0.9):
                github.open(branch, repository=FORK)
            if world.happens(f"stranger {world.count('another stranger')} has a commit of his own", 0.3):
                made = _of_the_stranger(github, branch)
                world.later(2.0, partial(github.open, branch, repository=FORK, commit=made))


def _of_the_stranger(github: GitHub, branch: str) -> str:
    made = github.commit(github.branches[branch], good=False).id
    github.strangers.add(made)
    return made


# Callers

Caller = Callable[["Incarnation", Workspace], Awaitable[Any]]


async def _refresh(process: "Incarnation", workspace: Workspace) -> None:
    insist = process.world.luck.choice((True, False))
    await process.core.pull_requests.service().refresh_workspace(workspace.id, insist=insist)


async def _hook(process: "Incarnation", workspace: Workspace) -> None:
    await process.core.ledger().transact(lambda tx: process.core.pull_requests.steps().hint(tx, workspace.id))


async def _off_and_on(process: "Incarnation", workspace: Workspace) -> None:
    await process.core.ratchet.service().switch(workspace.id, enabled=False)
    await anyio.sleep(process.world.luck.random() * 10)
    await process.core.ratchet.service().switch(workspace.id, enabled=True)


async def _hold(process: "Incarnation", workspace: Workspace) -> None:
    await process.core.ratchet.service().hold(workspace.id)
    await anyio.sleep(process.world.luck.random() * 10)
    await process.core.ratchet.service().release(workspace.id)


async def _chat(process: "Incarnation", workspace: Workspace) -> None:
    number = process.world.count("chat")
    await process.core.sessions.service().start_chat(workspace.id, f"Chat {number}")


async def _chats(process: "Incarnation", workspace: Workspace) -> None:
    """More at once than there is room for (F3)."""
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(_chat, process, workspace)


async def _stop(process: "Incarnation", workspace: Workspace) -> None:
    live = [
        session for session in await process.core.sessions.service().list(workspace.id) if session.is_live
    ]
    if live:
        await process.core.sessions.service().stop(process.world.luck.choice(live).id)


async def _fix(process: "Incarnation", workspace: Workspace) -> None:
    request = FixerRequest(
        workspace_id=workspace.id,
        label="fix-ci",
        causes=("CI",),
        prompt=f"Fix it by hand, {process.world.count('fix')}",
        when_live=process.world.luck.choice(tuple(WhenLive)),
    )
    await process.core.sessions.fixers().acquire_and_dispatch(request, wait_s=1.0)


async def _archive(process: "Incarnation", workspace: Workspace) -> None:
    await process.archive(workspace.id, lose_ignored=process.world.luck.choice((True, False)))


async def _twice(process: "Incarnation", workspace: Workspace) -> None:
    """Two checks of the ratchet in the same tick (S17)."""
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(process.core.ratchet.service().check, workspace.id)
            group.start_soon(_fix, process, workspace)


CALLERS: Mapping[str, Caller] = {
    "refreshes": _refresh,
    "brings a hook": _hook,
    "switches the ratchet off and on": _off_and_on,
    "holds the ratchet and lets go": _hold,
    "chats": _chat,
    "chats with many at once": _chats,
    "stops a session": _stop,
    "fixes by hand": _fix,
    "checks and fixes at the same time": _twice,
    "archives": _archive,
    "retries": lambda process, workspace: process.core.operations.provisioning().retry(workspace.id),
    "cancels": lambda process, workspace: process.core.workspaces.service().cancel(workspace.id),
    "looks at the ratchet": lambda process, workspace: process.core.ratchet.service().check(workspace.id),
    "reads the board": lambda process, _: process.core.board.service().cards(),
}


_OF_BOTS = ("refreshes", "brings a hook", "chats", "retries")
"""What callers do while a bot talks: nothing that would begin anew what it may have."""


async def call(process: "Incarnation") -> None:
    """An application: two callers, each of whom wants something again and again, while the storm lasts."""
    async with anyio.create_task_group() as group:
        group.start_soon(_create, process)
        for _ in range(2):
            group.start_soon(_call, process)


async def _call(process: "Incarnation") -> None:
    world = process.world
    while world.stormy:
        await anyio.sleep(world.luck.uniform(1, 12))
        live = [each for each in world.rows("workspaces") if each.is_live]
        if not live:
            continue
        number = world.count("caller")
        workspace = world.chance.pick(f"workspace of caller {number}", live)
        what = world.chance.pick(f"caller {number}", _OF_BOTS if world.plan.bots else tuple(CALLERS))
        if world.happens(f"caller {number} {what} ({workspace.id})", 0.25 if what == "archives" else 0.9):
            await attempt(CALLERS[what](process, workspace), world)


async def attempt(act: Awaitable[Any], world: "World") -> None:
    """A caller gets an error of the hierarchy, and goes on."""
    try:
        await act
    except HeadwayError as error:
        world.says("a caller is told", str(error))
    except BaseExceptionGroup as group:
        if group.split(HeadwayError)[1] is not None:
            raise
        world.says("a caller is told", str(group.exceptions))


def missing(world: "World", machine: Machine) -> list[int]:
    """The numbers of the workspaces that somebody on this machine wants, and that are not there yet."""
    there = {row.idempotency_key for row in world.rows("workspaces")}
    wanted = range(1, world.plan.workspaces + 1)
    machines = world.machines
    return [n for n in wanted if machines[n % len(machines)] is machine and f"key-{n}" not in there]


async def _create(process: "Incarnation") -> None:
    """The call is repeated with its key until it is answered, by the next process too."""
    world = process.world
    while numbers := missing(world, process.machine):
        await anyio.sleep(world.luck.random() * 5)
        await attempt(_create_one(process, numbers[0]), world)


async def _create_one(process: "Incarnation", number: int) -> None:
    """One workspace, from one of the sources."""
    world, projects = process.world, process.world.rows("projects")
    project_id = projects[number % len(projects)].id
    if world.plan.clones:
        await _resume_in_a_clone(process, project_id, number)
        return
    source = world.chance.pick(f"source {number}", ("manual", "manual", "branch", "issue"))
    command: Manual | ResumeBranch | GitHubIssue
    match source:
        case "branch":
            branch = f"old-{number}"
            if branch not in world.github.branches:
                world.github.push(branch, world.github.commit(world.github.branches["main"], good=False).id)
                world.github.open(branch)
            command = ResumeBranch(project_id=project_id, branch=branch, initial_prompt="Go on")
        case "issue":
            url = f"https://github.com/{REPOSITORY}/issues/{number}"
            command = GitHubIssue(project_id=project_id, number=number, url=url)
        case _:
            command = Manual(project_id=project_id, name=f"Work {number % 2}", initial_prompt=f"Do {number}")
    await process.core.operations.creation().create(command, idempotency_key=f"key-{number}")


async def _resume_in_a_clone(process: "Incarnation", project_id: str, number: int) -> None:
    """Everybody wants the same branch; who is told that somebody is on it makes another one."""
    world, branch, key = process.world, "old-1", f"key-{number}"
    if branch not in world.github.branches:
        world.github.push(branch, world.github.commit(world.github.branches["main"], good=False).id)
        world.github.open(branch)
    creation = process.core.operations.creation()
    resume = ResumeBranch(project_id=project_id, branch=branch, initial_prompt="Go on")
    try:
        await creation.create(resume, idempotency_key=key)
    except Conflict:
        other = Manual(project_id=project_id, name="Work", initial_prompt=f"Do {number}")
        await creation.create(other, idempotency_key=key)
