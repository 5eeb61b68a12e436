"""One repository, registered from two clones: a branch, an issue and a pull request are one workspace's."""

from typing import Any

import anyio
import pytest

from headway_core.kernel.errors import Conflict
from headway_core.operations import GitHubIssue, Manual, ResumeBranch
from headway_core.projects import Project
from headway_core.pull_requests import SNAPSHOTS, Refreshed, TakenElsewhere
from headway_core.pull_requests.model import CheckOutcome, Head
from headway_core.ratchet.events import DispatchChanged
from headway_core.workspaces import Workspace, WorkspaceStatus
from headway_testing.observations import a_candidate, a_check, an_observation

pytestmark = pytest.mark.anyio
CLONE = "/elsewhere/demo"
HERE = "0" * 40
"""What every worktree of this world is on."""
ADDRESSES = (
    "git@github.com:octo/demo.git",
    "https://github.com/Octo/Demo",
    "ssh://git@ssh.github.com:443/octo/demo.git",
)


async def another_clone(host: Any, world: Any, url: str = ADDRESSES[0]) -> tuple[Project, Project]:
    """The projects of both."""
    first: Project = await host.register()
    world.git.add_repository(CLONE, origin_url=url, branches=("feature", "held"))
    return first, await host.projects.register(CLONE)


@pytest.mark.parametrize("url", ADDRESSES)
async def test_a_branch_is_one_workspaces_whatever_the_clone(world: Any, host: Any, url: str) -> None:
    """However its address is written; the second one is told whose it is, and in which project."""
    first, second = await another_clone(host, world, url)
    held = await host.creation.create(ResumeBranch(project_id=first.id, branch="feature"))
    with pytest.raises(Conflict, match=f"workspace {held.id} of project demo "):
        await host.creation.create(ResumeBranch(project_id=second.id, branch="feature"))
    new = await host.creation.create(Manual(project_id=first.id, name="x", branch="new"))
    with pytest.raises(Conflict, match=new.id):
        await host.creation.create(Manual(project_id=second.id, name="x", branch="new"))
    await host.creation.create(ResumeBranch(project_id=second.id, branch="held"))


async def test_a_new_name_is_free_in_both(world: Any, host: Any) -> None:
    """The same task in both clones: another branch each."""
    first, second = await another_clone(host, world)
    made = [await host.creation.create(Manual(project_id=each.id, name="Fix it")) for each in (first, second)]
    assert [each.branch for each in made] == ["headway/fix-it", "headway/fix-it-2"]


async def test_an_issue_is_one_workspaces_whatever_the_clone(world: Any, host: Any) -> None:
    """Unless a duplicate is allowed; an archived one holds nothing."""
    first, second = await another_clone(host, world)
    world.add_issue(7)
    held = await host.creation.create(GitHubIssue(project_id=first.id, number=7))
    with pytest.raises(Conflict, match=held.id):
        await host.creation.create(GitHubIssue(project_id=second.id, number=7))
    await host.creation.create(GitHubIssue(project_id=second.id, number=7, allow_duplicate=True))


async def test_another_repository_or_host_is_no_clone(world: Any, host: Any) -> None:
    """The same branch of another name or host is another branch."""
    await another_clone(host, world)
    for path, url in (("/a", "git@github.com:octo/other.git"), ("/b", "git@git.example:octo/demo.git")):
        world.git.add_repository(path, origin_url=url, branches=("feature",))
        project = await host.projects.register(path)
        await host.creation.create(ResumeBranch(project_id=project.id, branch="feature"))


async def test_of_two_at_once_one_is_made(world: Any, host: Any) -> None:
    """Two people resume it in two clones at the same time: one workspace, one conflict."""
    projects = await another_clone(host, world)
    outcomes: list[Workspace | Conflict] = []

    async def resume(project: Project) -> None:
        try:
            outcomes.append(await host.creation.create(ResumeBranch(project_id=project.id, branch="feature")))
        except Conflict as error:
            outcomes.append(error)

    async with anyio.create_task_group() as group:
        for project in projects:
            group.start_soon(resume, project)
    assert sorted(isinstance(each, Conflict) for each in outcomes) == [False, True]


async def test_an_archive_frees_branch_and_pull_request(world: Any, host: Any) -> None:
    """The claims end in the transaction that archives it; what was known of its pull request stays."""
    first, second = await another_clone(host, world)
    made = await host.creation.create(ResumeBranch(project_id=first.id, branch="feature"))
    await host.provisioning.provision(made.id)
    failing(world)
    service = host.core.pull_requests.service()
    assert isinstance(await service.refresh_workspace(made.id), Refreshed)
    assert (await snapshot(host, made.id)).claim == "github.com:PR_7"
    await host.archive.archive(made.id)
    assert (await host.lifecycle.get(made.id)).status is WorkspaceStatus.ARCHIVED
    kept = await snapshot(host, made.id)
    assert (kept.node_id, kept.claim) == ("PR_7", None)
    again = await host.creation.create(ResumeBranch(project_id=second.id, branch="feature"))
    await host.provisioning.provision(again.id)
    assert isinstance(await service.refresh_workspace(again.id), Refreshed)


async def test_one_check_run_gets_one_fixer(world: Any, host: Any) -> None:
    """The second workspace's agent opened nothing, names the first one's pull request, and its worktree is on
    that commit: no fixer is sent for it there.
    """
    first, second = await another_clone(host, world)
    workspaces = [
        await host.creation.create(ResumeBranch(project_id=first.id, branch="feature", ratchet=True)),
        await host.creation.create(ResumeBranch(project_id=second.id, branch="held", ratchet=True)),
    ]
    for workspace in workspaces:
        await host.provisioning.provision(workspace.id)
    failing(world)
    world.forge.numbers[7] = "PR_7"
    service = host.core.pull_requests.service()
    await service.refresh_workspace(workspaces[0].id)
    await host.run_duties()
    steps = host.core.pull_requests.steps()
    await host.store.ledger.transact(lambda tx: steps.hint(tx, workspaces[1].id, numbers=(7,)))
    for _ in range(5):
        world.clock.advance(100)
        await host.run_duties()
    sent = {event.workspace_id for event in await host.log() if isinstance(event.payload, DispatchChanged)}
    assert sent == {workspaces[0].id}
    taken = await service.refresh_workspace(workspaces[1].id)
    assert taken == TakenElsewhere(number=7, workspace_id=workspaces[0].id)


def failing(world: Any) -> None:
    """#7 of `feature` has a failed check."""
    head = Head(ref="feature", commit=HERE, repository="octo/demo", tip=HERE)
    checks = (a_check(outcome=CheckOutcome.FAILED),)
    world.forge.observations["PR_7"] = an_observation("PR_7", commit=HERE, head=head, checks=checks)
    world.forge.candidates["feature"] = (a_candidate(7, head_commit=HERE),)


async def snapshot(host: Any, workspace_id: str) -> Any:
    return await host.store.ledger.read(lambda tx: host.store.reader(SNAPSHOTS).get(tx, workspace_id))
