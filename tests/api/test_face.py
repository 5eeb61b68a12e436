"""What the face gives when nothing is wrong: each look at what is stored, and the runner."""

from contextlib import aclosing

import anyio
import pytest
import trio
import trio.testing

from headway_core.api import (
    ActionStatus,
    CheckOutcome,
    DomainEvent,
    GitHubState,
    Head,
    Headway,
    Manual,
    NoPullRequest,
    PromptStatus,
    Refreshed,
    SessionStatus,
    WorkspaceCreated,
    WorkspaceStatus,
)
from headway_testing.harness import Harness
from headway_testing.observations import a_check, an_observation

REPO = "/src/demo"


async def opened() -> tuple[Harness, Headway, str]:
    """A workspace with a prompt, in NEW."""
    harness = Harness()
    harness.git.add_repository(REPO)
    hw = harness.core.api()
    await hw.projects.register(REPO, name="Demo")
    made = await hw.workspaces.create(Manual(project_id="demo", name="Fix login", initial_prompt="Go"))
    return harness, hw, made.id


@pytest.mark.anyio
async def test_what_was_created_is_listed_and_ran() -> None:
    """The project, the workspace, its session and prompt, the host, and a card of the board."""
    harness, hw, its = await opened()
    assert [project.slug for project in await hw.projects.list()] == ["demo"]
    assert [workspace.id for workspace in await hw.workspaces.list()] == [its]
    await harness.run_duties()
    (session,) = await hw.sessions.list(its)
    assert session.status is SessionStatus.RUNNING
    assert [prompt.status for prompt in await hw.sessions.prompts(session.id)] == [PromptStatus.DELIVERED]
    assert (await hw.sessions.get(session.id)) == session
    assert [known.host.id for known in await hw.hosts.list()] == ["host-1"]
    assert [card.view.workspace.id for card in await hw.board.cards()] == [its]
    assert (await hw.workspaces.output(its)).text == ""
    assert hw.sessions.agents() == ("claude", "codex")


@pytest.mark.anyio
async def test_a_pull_request_is_read_commented_on_and_let_go() -> None:
    """Refreshed from the forge, with an intent at it; detached, nothing is left to read but to look."""
    harness, hw, its = await opened()
    await harness.run_duties()
    harness.forge.numbers[7] = "PR_1"
    head = Head(ref="headway/fix-login", commit="a" * 40, repository="octo/demo", tip="a" * 40)
    failing = (a_check(outcome=CheckOutcome.FAILED),)
    harness.forge.observations["PR_1"] = an_observation("PR_1", head=head)
    assert isinstance(await hw.pull_requests.attach_number(its, 7), Refreshed)
    harness.forge.observations["PR_1"] = an_observation("PR_1", head=head, checks=failing)
    harness.clock.advance(60)
    refreshed = await hw.pull_requests.refresh(its, insist=True)
    assert refreshed == Refreshed(changed=("checks",))
    facts = (await hw.board.get(its)).view.facts
    assert facts is not None
    assert facts.state is GitHubState.OPEN
    assert (await hw.pull_requests.adopt_branch(its)).branch == "headway/fix-login"
    asked = await hw.forge_actions.comment(its, "Done")
    assert asked.status is ActionStatus.PENDING
    assert await hw.forge_actions.list(its) == [asked]
    assert await hw.pull_requests.refresh_all() == 1
    assert [budget.host for budget in await hw.pull_requests.budgets()] in ([], ["github.com"])
    assert await hw.pull_requests.detach(its) is True
    assert await hw.pull_requests.detach(its) is False
    assert await hw.pull_requests.refresh(its) == NoPullRequest()


@pytest.mark.anyio
async def test_the_log_is_followed_from_a_position() -> None:
    """What came before it is not told again."""
    harness, hw, its = await opened()
    begun = await hw.events.position()
    changed = hw.changes()
    another = await hw.workspaces.create(Manual(project_id="demo", name="Another"))
    assert changed.is_set()

    async def first(after: int, workspace_id: str | None) -> DomainEvent:
        async with aclosing(hw.events.follow(after, workspace_id=workspace_id)) as events:
            return await anext(events)

    told = [await first(0, None), await first(begun, None), await first(0, another.id)]
    assert [event.workspace_id for event in told] == [None, another.id, another.id]
    assert isinstance(told[1].payload, WorkspaceCreated)
    assert (await first(0, its)).workspace_id == its
    assert len(await harness.log()) > 0


def test_the_runner_provisions_while_its_block_lasts() -> None:
    """The duties run beside the caller; leaving the block ends them, and another block may begin."""

    async def main() -> None:
        _, hw, its = await opened()
        for _ in range(2):
            async with hw.running(), aclosing(hw.board.views()) as boards:
                async for cards in boards:
                    if [card.view.workspace.status for card in cards] == [WorkspaceStatus.READY]:
                        break
        assert (await hw.workspaces.get(its)).status is WorkspaceStatus.READY
        await anyio.sleep(3600)  # nothing runs on

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
