"""What an operation says that it raises, it raises: a case for each error of each operation."""

import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest
from face_stage import AWAY, CASES, DENIED, DOWN, PULL, REPO, Case, Stage, case
from test_surface import OPERATIONS

from headway_core import api
from headway_core.api import (
    DeliveryProblem,
    DeliveryRefused,
    FixerRequest,
    GitHubIssue,
    Headway,
    Manual,
    PermissionDenied,
    Unavailable,
    WhenLive,
    WorkspaceStatus,
)
from headway_core.workspaces.model import RETRY_LIMIT
from headway_testing.fakes import FakeWorktrees

NOBODY = "nobody"
OF_AN_ADAPTER = {
    "Sessions.agents InvalidInput": "tests/app/test_config.py: a config.toml that is broken meanwhile",
}
"""What only an adapter can raise, and where it is tested."""


class GitThatIsDown(FakeWorktrees):
    """It can't be asked whether a name is one of a branch."""

    async def valid_branch_name(self, name: str) -> bool:
        raise DOWN


def _told() -> set[str]:
    """Every error that a docstring of an operation tells of."""
    found = set()
    for name, operation in OPERATIONS.items():
        _, _, raises = (inspect.getdoc(operation) or "").partition("Raises:\n")
        found |= {f"{name} {error}" for error in re.findall(r"^ {4}(\w+):", raises, re.MULTILINE)}
    return found


def test_each_error_that_is_told_has_its_case() -> None:
    """No operation tells of an error that nobody has seen, and none of these cases is left over."""
    assert _told() == set(CASES) | set(OF_AN_ADAPTER)


@pytest.mark.anyio
@pytest.mark.parametrize("name", sorted(_told() - set(OF_AN_ADAPTER)))
async def test_an_operation_raises_what_it_tells_of(name: str) -> None:
    """Just this error, and no other of its kind."""
    stage = await Stage().build()
    with pytest.raises(getattr(api, name.split()[1])):
        await CASES[name](stage)


async def _drain(stream: AsyncGenerator[object, None]) -> None:
    async with aclosing(stream) as parts:
        async for _ in parts:
            pass


# Whoever is not there

ABOUT_A_WORKSPACE: dict[str, Callable[[Headway, str], Awaitable[object]]] = {
    "Workspaces.get": lambda hw, its: hw.workspaces.get(its),
    "Workspaces.output": lambda hw, its: hw.workspaces.output(its),
    "Workspaces.retry": lambda hw, its: hw.workspaces.retry(its),
    "Workspaces.cancel": lambda hw, its: hw.workspaces.cancel(its),
    "Workspaces.archive": lambda hw, its: hw.workspaces.archive(its),
    "Workspaces.move_here": lambda hw, its: hw.workspaces.move_here(its),
    "Workspaces.restore": lambda hw, its: hw.workspaces.restore(its),
    "Workspaces.drop": lambda hw, its: hw.workspaces.drop(its),
    "Sessions.start_chat": lambda hw, its: hw.sessions.start_chat(its, "Go"),
    "PullRequests.refresh": lambda hw, its: hw.pull_requests.refresh(its),
    "PullRequests.attach_number": lambda hw, its: hw.pull_requests.attach_number(its, 1),
    "PullRequests.attach_url": lambda hw, its: hw.pull_requests.attach_url(its, PULL.format(1)),
    "PullRequests.detach": lambda hw, its: hw.pull_requests.detach(its),
    "PullRequests.adopt_branch": lambda hw, its: hw.pull_requests.adopt_branch(its),
    "ForgeActions.reply": lambda hw, its: hw.forge_actions.reply(its, "T_1", "Done"),
    "ForgeActions.resolve": lambda hw, its: hw.forge_actions.resolve(its, "T_1"),
    "ForgeActions.comment": lambda hw, its: hw.forge_actions.comment(its, "Done"),
    "ForgeActions.request_review": lambda hw, its: hw.forge_actions.request_review(its, ["olga"]),
    "Ratchet.switch": lambda hw, its: hw.ratchet.switch(its, enabled=True),
    "Ratchet.hold": lambda hw, its: hw.ratchet.hold(its),
    "Ratchet.release": lambda hw, its: hw.ratchet.release(its),
    "Workspaces.release": lambda hw, its: hw.workspaces.release(its),
    "Ratchet.check": lambda hw, its: hw.ratchet.check(its),
    "Ratchet.explain": lambda hw, its: hw.ratchet.explain(its),
    "Board.get": lambda hw, its: hw.board.get(its),
    "Fixers.acquire_and_dispatch": lambda hw, its: hw.fixers.acquire_and_dispatch(_request(its, "Mend it")),
    "Projects.get": lambda hw, its: hw.projects.get(its),
    "Projects.archive": lambda hw, its: hw.projects.archive(its),
    "Projects.change": lambda hw, its: hw.projects.change(its),
    "Projects.has_on_origin": lambda hw, its: hw.projects.has_on_origin(its, "main"),
    "Projects.remove": lambda hw, its: hw.projects.remove(its),
    "Sessions.get": lambda hw, its: hw.sessions.get(its),
    "Sessions.stop": lambda hw, its: hw.sessions.stop(its),
    "Sessions.output": lambda hw, its: hw.sessions.output(its),
    "Sessions.follow_output": lambda hw, its: _drain(hw.sessions.follow_output(its)),
    "Hosts.retire": lambda hw, its: hw.hosts.retire(its),
}


def _request(workspace_id: str, prompt: str) -> FixerRequest:
    return FixerRequest(
        workspace_id=workspace_id, label="fix-ci", causes=("CI",), prompt=prompt, when_live=WhenLive.LEAVE
    )


for _name, _ask in ABOUT_A_WORKSPACE.items():
    CASES[f"{_name} NotFound"] = lambda stage, ask=_ask: ask(stage.hw, NOBODY)  # type: ignore[misc]  # bound now

for _name in ("reply", "resolve", "comment", "request_review"):  # it has no open pull request
    _ask = ABOUT_A_WORKSPACE[f"ForgeActions.{_name}"]
    CASES[f"ForgeActions.{_name} InvalidInput"] = lambda stage, ask=_ask: ask(stage.hw, stage.ready)  # type: ignore[misc]  # bound now


@case("Workspaces.create NotFound")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.create(Manual(project_id=NOBODY, name="Fix login"))


# Workspaces


@case("Workspaces.create InvalidInput")
async def _(stage: Stage) -> None:
    await stage.new("")


@case("Workspaces.create Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.create(Manual(project_id="demo", name="x", branch="main"))


@case("Workspaces.create PermissionDenied")
async def _(stage: Stage) -> None:
    stage.harness.issues.issues[7] = PermissionDenied("github", "no")
    await stage.hw.workspaces.create(GitHubIssue(project_id="demo", number=7))


@case("Workspaces.create Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["find_branch"] = DOWN
    await stage.hw.workspaces.create(Manual(project_id="demo", name="x", branch="x"))


@case("Workspaces.retry IllegalTransition")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.retry(stage.ready)


@case("Workspaces.retry RetriesUsed")
async def _(stage: Stage) -> None:
    await stage.change(status=WorkspaceStatus.FAILED, retries=RETRY_LIMIT)
    await stage.hw.workspaces.retry(stage.ready)


@case("Workspaces.retry Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.sessions.start_chat(stage.ready, "Go")
    await stage.harness.run_duties()
    await stage.hw.workspaces.retry(stage.ready)


@case("Workspaces.cancel IllegalTransition")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.cancel(stage.ready)


@case("Workspaces.archive IllegalTransition")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.archive(await stage.new("Another"))


@case("Workspaces.archive Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["state"] = DOWN
    await stage.hw.workspaces.archive(stage.ready)


@case("Workspaces.move_here Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.move_here(stage.ready)


@case("Workspaces.move_here IllegalTransition")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.archive(stage.ready)
    await (await stage.elsewhere()).workspaces.move_here(stage.ready)


@case("Workspaces.restore Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.restore(stage.ready)


@case("Workspaces.restore InvalidInput")
async def _(stage: Stage) -> None:
    branch = (await stage.hw.workspaces.get(stage.ready)).branch
    await stage.hw.workspaces.archive(stage.ready)
    stage.harness.git.branches["/src/demo"].discard(branch)
    await stage.hw.workspaces.restore(stage.ready)


@case("Workspaces.restore Unavailable")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.archive(stage.ready)
    stage.harness.worktrees.refusals["find_branch"] = Unavailable("git", "locked")
    await stage.hw.workspaces.restore(stage.ready)


@case("Workspaces.drop Conflict")
async def _(stage: Stage) -> None:
    await (await stage.elsewhere()).workspaces.drop(stage.ready)


@case("Workspaces.drop Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["drop_preserved"] = Unavailable("git", "locked")
    await stage.hw.workspaces.drop(stage.ready)


@case("Workspaces.preserved Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["preserved"] = Unavailable("git", "locked")
    await stage.hw.workspaces.preserved()


# Projects


@case("Projects.register InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.projects.register("/nowhere")


@case("Projects.register Conflict")
async def _(stage: Stage) -> None:
    stage.harness.git.add_repository("/src/other")
    await stage.hw.projects.register("/src/other", slug="demo")


@case("Projects.register Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["repository"] = DOWN
    await stage.hw.projects.register(REPO)


@case("Projects.find InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.projects.find("/nowhere")


@case("Projects.change InvalidInput")
async def _(stage: Stage) -> None:
    stage.harness.git.add_repository("/src/other", origin_url="https://github.com/octo/other.git")
    await stage.hw.projects.change("demo", path="/src/other")


@case("Projects.change Conflict")
async def _(stage: Stage) -> None:
    stage.harness.git.add_repository("/src/clone")
    await stage.hw.projects.register("/src/clone")
    await stage.hw.projects.change("demo", path="/src/clone")


@case("Projects.find Unavailable", "Projects.change Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.worktrees.refusals["repository"] = DOWN
    with pytest.raises(Unavailable):
        await stage.hw.projects.find(REPO)
    await stage.hw.projects.change("demo", path=REPO)


@case("Projects.remove Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.projects.remove("demo")


# Sessions and fixers


@case("Sessions.start_chat Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.workspaces.archive(stage.ready)
    await stage.hw.sessions.start_chat(stage.ready, "Go")


@case("Sessions.start_chat InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.sessions.start_chat(stage.ready, "")


async def _chat(stage: Stage) -> str:
    """The id of a session that has run here."""
    await stage.hw.sessions.start_chat(stage.ready, "Go")
    await stage.harness.run_duties()
    (session,) = await stage.hw.sessions.list(stage.ready)
    return session.id


@case("Sessions.output Unavailable")
async def _(stage: Stage) -> None:
    session = await _chat(stage)
    await (await stage.elsewhere()).sessions.output(session)


@case("Sessions.follow_output Unavailable")
async def _(stage: Stage) -> None:
    session = await _chat(stage)
    await _drain((await stage.elsewhere()).sessions.follow_output(session))


@case("Sessions.output InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.sessions.output(await _chat(stage), limit=0)


@case("Sessions.follow_output InvalidInput")
async def _(stage: Stage) -> None:
    await _drain(stage.hw.sessions.follow_output(await _chat(stage), -1))


@case("Sessions.expect_agent InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.sessions.expect_agent(NOBODY)


@case("Sessions.expect_agent Unavailable")
async def _(stage: Stage) -> None:
    stage.harness.agents.missing.add("claude")
    await stage.hw.sessions.expect_agent()


@case("Fixers.acquire_and_dispatch InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.fixers.acquire_and_dispatch(_request(stage.ready, ""))


# Pull requests


@case("PullRequests.attach_number InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_number(stage.ready, 404)


@case("PullRequests.attach_number PermissionDenied")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_number(stage.ready, DENIED)


@case("PullRequests.attach_number Unavailable")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_number(stage.ready, AWAY)


@case("PullRequests.attach_url InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_url(stage.ready, "https://github.com/octo/other/pull/1")


@case("PullRequests.attach_url PermissionDenied")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_url(stage.ready, PULL.format(DENIED))


@case("PullRequests.attach_url Unavailable")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.attach_url(stage.ready, PULL.format(AWAY))


@case("PullRequests.adopt_branch InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.pull_requests.adopt_branch(stage.ready)


@case("PullRequests.adopt_branch Conflict")
async def _(stage: Stage) -> None:
    other = await stage.hw.workspaces.get(await stage.new("Another"))
    await stage.attached(branch=other.branch)
    await stage.hw.pull_requests.adopt_branch(stage.ready)


@case("PullRequests.adopt_branch Unavailable")
async def _(stage: Stage) -> None:
    await stage.attached(branch="elsewhere")
    another = stage.harness.again()
    another.worktrees = GitThatIsDown(another.git)
    await another.core.api().pull_requests.adopt_branch(stage.ready)


# The rest


@case("Events.follow EventsPruned")
async def _(stage: Stage) -> None:
    store = stage.harness.store
    await store.ledger.transact(lambda tx: store.pruner.prune(tx, 1))
    await _drain(stage.hw.events.follow(0))


@case("Settings.change InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.settings.change(quiet_time_s=-1)


@case("Settings.reset InvalidInput")
async def _(stage: Stage) -> None:
    await stage.hw.settings.reset(NOBODY)


@case("Hosts.retire Conflict")
async def _(stage: Stage) -> None:
    await stage.hw.hosts.retire("host-1")


def _refused(reason: DeliveryProblem) -> Case:
    async def receive(stage: Stage) -> None:
        stage.harness.webhook_decoder.deliveries[b"x"] = DeliveryRefused(reason=reason, problem="no")
        await stage.hw.webhooks.receive({"x-github-event": "push"}, b"x")

    return receive


case("Webhooks.receive PermissionDenied")(_refused(DeliveryProblem.SIGNATURE))
case("Webhooks.receive Unavailable")(_refused(DeliveryProblem.UNCONFIGURED))
case("Webhooks.receive InvalidInput")(_refused(DeliveryProblem.MALFORMED))


@case("Headway.running Conflict")
async def _(stage: Stage) -> None:
    stage.harness.locks.held.add("runner")
    async with stage.hw.running():
        pass


@case("Headway.running Retired")
async def _(stage: Stage) -> None:
    await stage.elsewhere()
    async with stage.hw.running():
        pass
