"""`headway ratchet` and `headway explain`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cyclopts import App

from headway import render, serialize
from headway.cli import pulls, resolve
from headway.cli.shell import AsJson, answer, perform
from headway_core.api import Card, Explanation

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="ratchet", help="The automation that moves a pull request forward.")


@app.command
def on(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Switch it on; again means "try again": what was handled is forgotten."""
    _change(workspace, lambda hw, its: hw.ratchet.switch(its, enabled=True), as_json=as_json)


@app.command
def off(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Switch it off and stop its fixer."""
    _change(workspace, lambda hw, its: hw.ratchet.switch(its, enabled=False), as_json=as_json)


@app.command
def hold(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Keep it from acting until released."""
    _change(workspace, lambda hw, its: hw.ratchet.hold(its), as_json=as_json)


@app.command
def release(workspace: str, /, *, as_json: AsJson = False) -> None:
    """End a hold."""
    _change(workspace, lambda hw, its: hw.ratchet.release(its), as_json=as_json)


def _change(workspace: str, change: "Callable[[Headway, str], Awaitable[object]]", *, as_json: bool) -> None:
    async def work(hw: "Headway") -> Card:
        its = await resolve.workspace(hw, workspace)
        await change(hw, its)
        return await hw.board.get(its)

    card = perform(work, as_json=as_json)
    answer(serialize.card(card), lambda console: render.board([card], console), as_json=as_json)


@app.command
def check(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Read the pull request and decide now; a fixer that is due is started by the runner."""

    async def work(hw: "Headway") -> Explanation:
        its = await resolve.workspace(hw, workspace)
        outcome = await hw.pull_requests.refresh(its, insist=True)
        await hw.ratchet.check(its)
        pulls.expect_read(outcome)
        return await hw.ratchet.explain(its)

    _explain(work, as_json=as_json)


def explain(workspace: str, /, *, as_json: AsJson = False) -> None:
    """What was seen and how old it is, what was decided and why, and what will change it."""

    async def work(hw: "Headway") -> Explanation:
        return await hw.ratchet.explain(await resolve.workspace(hw, workspace))

    _explain(work, as_json=as_json)


def _explain(work: "Callable[[Headway], Awaitable[Explanation]]", *, as_json: bool) -> None:
    why = perform(work, as_json=as_json)
    answer(serialize.explanation(why), lambda console: render.explanation(why, console), as_json=as_json)
