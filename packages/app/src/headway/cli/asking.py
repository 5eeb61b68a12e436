"""What `headway pr` asks GitHub for: intents, which the runner of the workspace's host carries out once."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, AsJson, answer, note, perform, promise
from headway_core.api import ForgeAction, InvalidInput

if TYPE_CHECKING:
    from headway_core.api import Headway


def reply(workspace: str, thread_id: str, body: str, /, *, as_json: AsJson = False) -> None:
    """Answer an unresolved review thread.

    Parameters
    ----------
    thread_id
        As `headway pr threads` tells it.
    """
    _ask(
        workspace, lambda hw, its: hw.forge_actions.reply(its, thread_id, body, actor=ACTOR), as_json=as_json
    )


def resolve_thread(workspace: str, thread_id: str, /, *, as_json: AsJson = False) -> None:
    """Resolve an unresolved review thread.

    Parameters
    ----------
    thread_id
        As `headway pr threads` tells it.
    """
    _ask(workspace, lambda hw, its: hw.forge_actions.resolve(its, thread_id, actor=ACTOR), as_json=as_json)


def comment(workspace: str, body: str, /, *, as_json: AsJson = False) -> None:
    """Comment on the conversation of the pull request."""
    _ask(workspace, lambda hw, its: hw.forge_actions.comment(its, body, actor=ACTOR), as_json=as_json)


def request_review(workspace: str, /, *reviewers: str, as_json: AsJson = False) -> None:
    """Ask people, by login, to review the pull request."""
    _ask(
        workspace,
        lambda hw, its: hw.forge_actions.request_review(its, reviewers, actor=ACTOR),
        as_json=as_json,
    )


def asked(workspace: str, /, *, as_json: AsJson = False) -> None:
    """What people and agents asked GitHub for, and what became of it."""

    async def work(hw: "Headway") -> list[ForgeAction]:
        return await hw.forge_actions.list(await resolve.workspace(hw, workspace))

    actions = perform(work, as_json=as_json)
    answer(
        [serialize.action(each) for each in actions],
        lambda console: render.actions(actions, console),
        as_json=as_json,
    )


def _ask(workspace: str, ask: "Callable[[Headway, str], Awaitable[ForgeAction]]", *, as_json: bool) -> None:
    async def work(hw: "Headway") -> tuple[ForgeAction, str]:
        its = await resolve.workspace(hw, workspace)
        try:
            action = await ask(hw, its)
        except InvalidInput as error:
            field = "workspace" if error.field == "workspace_id" else error.field
            raise InvalidInput(field, error.problem) from error
        return action, await promise(hw, "the runner of the workspace's host does it")

    action, hint = perform(work, as_json=as_json)
    answer(serialize.action(action), lambda console: render.actions([action], console), as_json=as_json)
    note(f"{hint}; headway pr asked tells what becomes of it")
