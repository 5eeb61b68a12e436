"""`headway pr`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cyclopts import App

from headway import pulls, render, serialize
from headway.cli import asking, resolve
from headway.cli.shell import ACTOR, AsJson, answer, perform
from headway_core.api import (
    Card,
    FailureKind,
    HeadwayError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PullRequestGone,
    RefreshFailed,
    RefreshOutcome,
    Shared,
    Unavailable,
)

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="pr", help="What is known of pull requests, and how old it is; what is asked for there.")


@app.command
def show(workspace: str, /, *, as_json: AsJson = False) -> None:
    """State, checks, conversation and mergeability as they were last read, each with its age."""
    _show(workspace, None, as_json=as_json)


@app.command
def refresh(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Read it now, or look for one of the branch."""

    async def read(hw: "Headway", its: str) -> None:
        expect_read(await hw.pull_requests.refresh(its, insist=True))

    _show(workspace, read, as_json=as_json)


@app.command
def attach(workspace: str, pull_request: str, /, *, as_json: AsJson = False) -> None:
    """Make it the workspace's own, in place of what was.

    Parameters
    ----------
    pull_request
        Its number, or its URL in the workspace's repository.
    """

    async def take(hw: "Headway", its: str) -> None:
        try:
            outcome = await (
                hw.pull_requests.attach_url(its, pull_request, actor=ACTOR)
                if "/" in pull_request
                else hw.pull_requests.attach_number(its, _number(pull_request), actor=ACTOR)
            )
        except InvalidInput as error:
            raise InvalidInput("pull_request", error.problem) from error
        expect_read(outcome)

    _show(workspace, take, as_json=as_json)


def _number(text: str) -> int:
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < len("1000000000")):
        raise InvalidInput("pull_request", f"{text!r} is neither a number nor an address")
    return int(digits)


@app.command
def detach(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Take it away from the workspace; it is not attached again by itself."""

    async def let_go(hw: "Headway", its: str) -> None:
        if not await hw.pull_requests.detach(its, actor=ACTOR):
            raise NotFound("pull request", workspace)

    _show(workspace, let_go, as_json=as_json)


@app.command
def adopt_branch(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Take the branch of its head as the workspace's; the worktree is left as it is."""

    async def adopt(hw: "Headway", its: str) -> None:
        await hw.pull_requests.adopt_branch(its, actor=ACTOR)

    _show(workspace, adopt, as_json=as_json)


@app.command
def checks(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Every check as it was last read, and which of them count."""
    card = perform(lambda hw: _card(hw, workspace), as_json=as_json)
    answer(
        pulls.checks_document(card, pulls.now()),
        lambda console: render.checks(card, console),
        as_json=as_json,
    )


@app.command
def threads(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Every unresolved review thread with its comments, as it was last read."""
    card = perform(lambda hw: _card(hw, workspace), as_json=as_json)
    answer(
        pulls.threads_document(card, pulls.now()),
        lambda console: render.threads(card, console),
        as_json=as_json,
    )


app.command(asking.resolve_thread, name="resolve")
for command in (asking.reply, asking.comment, asking.request_review, asking.asked):
    app.command(command)


@app.command
def limits(*, as_json: AsJson = False) -> None:
    """What GitHub last told of its limits, and how long reading is held back."""
    budgets = perform(lambda hw: hw.pull_requests.budgets(), as_json=as_json)
    now = pulls.now()
    answer(
        [serialize.budget(each, now) for each in budgets],
        lambda console: render.budgets(budgets, console),
        as_json=as_json,
    )


async def _card(hw: "Headway", workspace: str) -> Card:
    return await hw.board.get(await resolve.workspace(hw, workspace))


def _show(
    workspace: str, before: "Callable[[Headway, str], Awaitable[None]] | None", *, as_json: bool
) -> None:
    async def work(hw: "Headway") -> Card:
        its = await resolve.workspace(hw, workspace)
        if before is not None:
            await before(hw, its)
        return await hw.board.get(its)

    card = perform(work, as_json=as_json)
    answer(
        pulls.document(card, pulls.now()), lambda console: render.pull_request(card, console), as_json=as_json
    )


def expect_read(outcome: RefreshOutcome) -> None:
    """A look that failed is an error to whoever asked for it; what is stored stays, and ages."""
    match outcome.outcome if isinstance(outcome, Shared) else outcome:
        case RefreshFailed() as failed:
            raise _error(failed)
        case PullRequestGone():
            raise NotFound("pull request", "that is attached: GitHub does not have it any more")
        case _:
            return


def _error(failed: RefreshFailed) -> HeadwayError:
    if failed.kind is FailureKind.FORBIDDEN:
        return PermissionDenied("github", failed.problem)
    return Unavailable("github", failed.problem, retry_after_s=failed.retry_after_s)
