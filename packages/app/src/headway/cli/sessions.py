"""`headway session`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, AsJson, answer, note, perform, promise
from headway.output_log import LogPrinter
from headway_core.api import Conflict, LimitReached, OutputPart, Session, SessionStatus

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

    async def work(hw: "Headway") -> tuple[Session, str]:
        its = await resolve.workspace(hw, workspace)
        await hw.sessions.expect_agent(agent, model)
        made = await hw.sessions.start_chat(its, prompt, agent, model, actor=ACTOR)
        if isinstance(made, LimitReached):
            raise Conflict("workspace", its, f"it has {made.limit} live sessions, as many as it may")
        return made, await promise(hw, "the runner starts it")

    made, hint = perform(work, as_json=as_json)
    answer(serialize.session(made), lambda console: render.session(made, console), as_json=as_json)
    if made.status is SessionStatus.IDLE:
        note(hint)


@app.command
def log(
    session: str,
    /,
    *,
    follow: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print a document a part.")] = False,
) -> None:
    """Print what an agent printed, also after it failed, on the machine where it ran.

    Parameters
    ----------
    session
        Its id, or the beginning of that.
    follow
        Go on until the session has ended.
    """

    async def work(hw: "Headway") -> None:
        its = await resolve.session(hw, session)
        printer = LogPrinter(as_json=as_json)
        async with aclosing(hw.sessions.follow_output(its) if follow else _parts(hw, its)) as parts:
            async for part in parts:
                printer.show(part)
        printer.end()

    perform(work, as_json=as_json, lasting=follow)


async def _parts(hw: "Headway", session_id: str) -> AsyncGenerator[OutputPart, None]:
    """All that was printed so far."""
    part = await hw.sessions.output(session_id)
    while part.text or part.left_out:
        yield part
        part = await hw.sessions.output(session_id, part.next_offset)


@app.command
def stop(session: str, /, *, as_json: AsJson = False) -> None:
    """Have a session end, by its id or the beginning of that; one that is over stays as it is."""

    async def work(hw: "Headway") -> tuple[Session, str]:
        stopped = await hw.sessions.stop(await resolve.session(hw, session), actor=ACTOR)
        return stopped, await promise(hw, "the runner stops it")

    stopped, hint = perform(work, as_json=as_json)
    answer(serialize.session(stopped), lambda console: render.session(stopped, console), as_json=as_json)
    if stopped.status is SessionStatus.STOPPING:
        note(hint)
