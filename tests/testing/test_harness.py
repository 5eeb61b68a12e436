"""One process of Headway over fakes, and what it leaves to the next."""

import pytest

from headway_core.api import (
    Manual,
    NoPullRequest,
    Refreshed,
    RefreshFailed,
    SessionStatus,
    Workspace,
    WorkspaceCreated,
    WorkspaceStatus,
)
from headway_testing import (
    Crash,
    CrashPoints,
    FakeForgeReader,
    Harness,
    a_candidate,
    a_workspace,
    an_observation,
)

pytestmark = pytest.mark.anyio


async def created(harness: Harness) -> Workspace:
    """A workspace of a repository on the fake disk, with first words to an agent."""
    harness.git.add_repository("/src/demo")
    hw = harness.core.api()
    project = await hw.projects.register("/src/demo")
    return await hw.workspaces.create(Manual(project_id=project.id, name="Fix login", initial_prompt="Go"))


async def test_duties_do_what_a_runner_does() -> None:
    """One pass provisions and starts the agent; nothing happens without it."""
    harness = Harness()
    made = await created(harness)
    hw = harness.core.api()
    assert (await hw.workspaces.get(made.id)).status is WorkspaceStatus.NEW
    await harness.run_duties()
    await harness.run_duties()
    assert (await hw.workspaces.get(made.id)).status is WorkspaceStatus.READY
    assert [launch.standard_input for launch in harness.processes.executed] == ["Go"]
    assert [each.workspace.id for each in await harness.payloads(WorkspaceCreated)] == [made.id]


async def test_the_next_process_finds_the_same_world() -> None:
    """What was stored, what runs, the time and the locks outlive a process; its memory does not."""
    harness = Harness()
    made = await created(harness)
    await harness.run_duties()
    await harness.run_duties()
    after = harness.again()
    (session,) = await after.core.api().sessions.list(made.id)
    assert session.status is SessionStatus.RUNNING
    assert after.clock is harness.clock
    async with harness.locks.runner() as mine, after.locks.runner() as theirs:
        assert (mine, theirs) == (True, False)
    async with harness.locks.runner(), harness.again(host_id="host-2").locks.runner() as elsewhere:
        assert elsewhere


async def test_a_process_dies_at_any_point_of_its_own() -> None:
    """Before and after each transaction and each effect; a test writes to the store without them."""
    harness = Harness(point=CrashPoints(0))
    await harness.add_workspace(a_workspace())
    with pytest.raises(Crash):
        await harness.core.api().settings.change(quiet_time_s=7)
    hw = harness.again().core.api()
    assert (await hw.settings.get()).quiet_time_s != 7
    assert (await hw.workspaces.get("w1")).id == "w1"


async def test_a_port_can_be_replaced() -> None:
    """Before anything is resolved, by an instance of one's own."""
    harness, forge = Harness(), FakeForgeReader()
    harness.core.forge.override(forge)
    await harness.add_workspace(a_workspace(created_at=harness.clock.now()))
    assert await harness.core.pull_requests.service().refresh_workspace("w1") == NoPullRequest()
    forge.candidates["headway/fix-login"] = (a_candidate(),)
    forge.observations["PR_7"] = an_observation("PR_7")
    found = await harness.core.pull_requests.service().refresh_workspace("w1")
    assert not isinstance(found, RefreshFailed)
    assert isinstance(found, Refreshed)
    assert harness.forge.asked == []
