"""`headway host`."""

from typing import TYPE_CHECKING

from cyclopts import App

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, AsJson, answer, perform
from headway_core.api import Host

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="host", help="The machines of this database, each with worktrees of its own.")


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """Every host: whether it is there, and when its runner was last seen."""
    known = perform(lambda hw: hw.hosts.list(), as_json=as_json)
    answer(
        [serialize.host(each) for each in known],
        lambda console: render.hosts(known, console),
        as_json=as_json,
    )


@app.command
def retire(host: str, /, *, as_json: AsJson = False) -> None:
    """Say that HOST, by its id or the beginning of that, does not come back: its workspaces may be moved.

    A host whose runner was seen lately is refused. `headway workspace move` takes over, on the machine
    where it is called, what the retired one had pushed.
    """

    async def work(hw: "Headway") -> Host:
        return await hw.hosts.retire(await resolve.host(hw, host), actor=ACTOR)

    retired = perform(work, as_json=as_json)
    answer(serialize.host_row(retired), lambda console: render.host(retired, console), as_json=as_json)
