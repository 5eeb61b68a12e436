"""`headway workspace preserved`."""

from typing import TYPE_CHECKING

from cyclopts import App

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import AsJson, answer, perform

if TYPE_CHECKING:
    from headway_core.api import Headway, Workspace

app = App(name="preserved", help="What archives and retries have kept here.")


@app.default
def preserved(*, as_json: AsJson = False) -> None:
    """List what is kept of workspaces: where it is, how large, and since when."""
    kept = perform(lambda hw: hw.workspaces.preserved(), as_json=as_json)
    document = [serialize.preserved(each) for each in kept]
    answer(document, lambda console: render.preserved(kept, console), as_json=as_json)


@app.command
def drop(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Lose what is preserved of a workspace, for good.

    Parameters
    ----------
    workspace
        Its branch, its name, or the beginning of its id.
    """

    async def work(hw: "Headway") -> "Workspace":
        its = await resolve.workspace(hw, workspace)
        await hw.workspaces.drop(its)
        return await hw.workspaces.get(its)

    left = perform(work, as_json=as_json)
    answer(serialize.workspace(left), lambda console: render.dropped(left, console), as_json=as_json)
