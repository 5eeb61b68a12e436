"""What is kept of workspaces: listed, brought back into a new workspace, dropped by a person."""

from typing import Any

import pytest

from headway_core.kernel.errors import Conflict, Unavailable
from headway_core.workspaces import WorkspaceStatus

pytestmark = pytest.mark.anyio
S = WorkspaceStatus


async def archived(world: Any, host: Any, **state: Any) -> Any:
    """A workspace whose worktree git could not hold, archived."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].hidden = True
    return (await host.archive.archive(ready.id)).workspace


async def test_what_is_kept_is_listed_with_its_workspace(world: Any, host: Any) -> None:
    """Of workspaces that this database knows; what another database kept is not told, nor lost."""
    kept = await archived(world, host)
    world.git.preserved["another"] = ("refs/headway/preserved/another/work",)
    (told,) = await host.core.operations.preserving().preserved()
    assert (told.workspace, told.preserved.places) == (kept, (kept.preserved,))
    await host.core.operations.preserving().drop(kept.id)
    assert await host.core.operations.preserving().preserved() == ()
    assert list(world.git.preserved) == ["another"]


async def test_a_restored_workspace_has_what_was_kept(world: Any, host: Any) -> None:
    """On the same branch, on the same host, with what was brought back in its output; it stays kept."""
    kept = await archived(world, host)
    new = await host.core.operations.preserving().restore(kept.id)
    assert (new.status, new.branch, new.host_id) == (S.NEW, kept.branch, "host-1")
    await host.provisioning.provision(new.id)
    ready = await host.lifecycle.get(new.id)
    assert ready.status is S.READY
    assert world.git.brought_back == [(ready.worktree_path, kept.id)]
    assert kept.preserved in (await host.lifecycle.init_output(new.id)).text
    assert world.git.preserved == {kept.id: (kept.preserved,)}


async def test_a_branch_that_was_deleted_is_made_again(world: Any, host: Any) -> None:
    """What is preserved tells where it was; without that the branch is not known, and nothing is made."""
    kept = await archived(world, host)
    world.git.branches["/src/demo"].discard(kept.branch)
    assert (await host.core.operations.preserving().restore(kept.id)).branch == kept.branch
    assert kept.branch in world.git.branches["/src/demo"]


async def test_a_removed_project_whose_repository_is_gone_hides_nothing(world: Any, host: Any) -> None:
    """What is kept of other projects is told; of one that is in use an error is told."""
    await archived(world, host)
    host.worktrees.refusals["preserved"] = Unavailable("git", "no such folder")
    with pytest.raises(Unavailable):
        await host.core.operations.preserving().preserved()
    await host.core.operations.removal().remove("demo")
    assert await host.core.operations.preserving().preserved() == ()


async def test_what_lives_is_not_restored(world: Any, host: Any) -> None:
    """Neither a live workspace, nor the branch of one, nor what lies on another host."""
    kept = await archived(world, host)
    restore = host.core.operations.preserving().restore
    with pytest.raises(Conflict, match="on host host-1"):
        await world.host("host-2").core.operations.preserving().restore(kept.id)
    new = await restore(kept.id)
    with pytest.raises(Conflict, match="not archived"):
        await restore(new.id)
    with pytest.raises(Conflict, match=new.id):
        await restore(kept.id)
