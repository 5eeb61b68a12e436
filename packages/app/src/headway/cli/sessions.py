"""`headway session`."""

from functools import partial
from typing import TYPE_CHECKING

from cyclopts import App

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, AsJson, answer, note, perform
from headway_core.api import Conflict, LimitReached, Session, SessionStatus

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="session", help="Conversations with agents in a workspace; `workspace show` lists them.")


@app.command
def start(
    workspace: str,
    /,
    prompt: str,
    *,
    agent: str | None = None,
    model: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Have an agent work on a prompt, as soon as the workspace is READY.

    Parameters
    ----------
    prompt
        What it is asked to do.
    agent
        By default as the settings say.
    model
        By default the one that this agent last had here, else as the settings say.
    """

    async def work(hw: "Headway") -> Session:
        its = await resolve.workspace(hw, workspace)
        await hw.sessions.expect_agent(agent, model)
        made = await hw.sessions.start_chat(its, prompt, agent, model, actor=ACTOR)
        if isinstance(made, LimitReached):
            raise Conflict("workspace", its, f"it has {made.limit} live sessions, as many as it may")
        return made

    made = perform(work, as_json=as_json)
    answer(serialize.session(made), partial(render.session, made), as_json=as_json)
    if made.status is SessionStatus.IDLE:
        note("the runner starts it: headway up")


@app.command
def stop(session: str, /, *, as_json: AsJson = False) -> None:
    """Have a session end, by its id; one that is over stays as it is."""
    stopped = perform(lambda hw: hw.sessions.stop(session, actor=ACTOR), as_json=as_json)
    answer(serialize.session(stopped), partial(render.session, stopped), as_json=as_json)
    if stopped.status is SessionStatus.STOPPING:
        note("the runner stops it: headway up")
