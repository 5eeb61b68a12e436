"""`headway workspace`."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, FAILED, AsJson, answer, note, perform, promise
from headway_core import api
from headway_core.api import InvalidInput, SessionPolicy

if TYPE_CHECKING:
    from headway_core.api import ArchiveResult, Card, CreateWorkspace, Headway, InitOutput, Workspace

app = App(name="workspace", help="Tasks, each on a branch in a worktree.")

_OPTIONS = {
    "base_branch": "base",
    "idempotency_key": "key",
    "initial_prompt": "prompt",
    "number": "issue",
    "session_policy": "session",
    "url": "issue",
}
"""Fields of the commands of core, by the options that people give."""


@app.command
def create(
    *,
    name: str | None = None,
    prompt: str | None = None,
    branch: str | None = None,
    base: str | None = None,
    resume: str | None = None,
    issue: str | None = None,
    project: str | None = None,
    description: str | None = None,
    ratchet: bool | None = None,
    session: SessionPolicy | None = None,
    allow_duplicate: Annotated[bool, Parameter(negative="")] = False,
    key: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Create a workspace from a name, a branch (--resume) or an issue (--issue); `headway up` provisions it.

    Parameters
    ----------
    name
        What people call it; a branch or an issue brings its own.
    prompt
        The first words to the agent.
    branch
        The new branch's name; by default made of the name.
    base
        What the new branch starts from; by default the project's default branch.
    resume
        A branch that exists, here or on origin.
    issue
        Number or URL of an issue of the project.
    project
        Slug or id; by default the project of the present folder.
    description
        More about it, for people.
    ratchet
        Whether its pull request is moved forward; by default as the settings say.
    session
        Whether its agent starts; by default when there is a prompt.
    allow_duplicate
        Although another live workspace works on the issue.
    key
        Creating again with the same key returns the same workspace.
    """
    given = {"issue": issue, "resume": resume, "branch": branch, "base": base, "prompt": prompt}
    _expect_one_source({option for option, value in given.items() if value is not None}, name)

    async def work(hw: "Headway") -> "tuple[Workspace, list[str]]":
        chosen_project = await resolve.project(hw, project)
        command: CreateWorkspace
        if resume is not None:
            command = api.ResumeBranch(
                project_id=chosen_project.id,
                branch=resume,
                name=name,
                description=description,
                ratchet=ratchet,
                initial_prompt=prompt,
                session_policy=session,
            )
        elif issue is not None:
            command = api.GitHubIssue(
                project_id=chosen_project.id,
                number=_issue_number(issue),
                url=issue if "/" in issue else None,
                name=name,
                description=description,
                ratchet=ratchet,
                session_policy=session,
                allow_duplicate=allow_duplicate,
            )
        else:
            command = api.Manual(
                project_id=chosen_project.id,
                name=name or "",
                description=description,
                branch=branch,
                base_branch=base,
                ratchet=ratchet,
                initial_prompt=prompt,
                session_policy=session,
            )
        if (prompt or issue) and session in {None, SessionPolicy.START}:
            await hw.sessions.expect_agent()
        try:
            made = await hw.workspaces.create(command, idempotency_key=key, actor=ACTOR)
        except InvalidInput as error:
            option = "resume" if resume is not None and error.field == "branch" else error.field
            problem = error.problem
            if option == "base_branch" and base is None:  # then it is the project's
                problem += f": headway project set {chosen_project.slug} --default-branch NAME sets another"
            raise InvalidInput(_OPTIONS.get(option, option), problem) from error
        notes = (
            [await promise(hw, "the runner provisions it")] if made.status is api.WorkspaceStatus.NEW else []
        )
        if (
            notes
            and resume is None
            and await hw.projects.has_on_origin(made.project_id, made.base_branch) is False
        ):
            notes.insert(0, _base_is_gone(made))
        return made, notes

    made, notes = perform(work, as_json=as_json)
    answer(serialize.workspace(made), lambda console: render.workspace(made, console), as_json=as_json)
    source = made.source
    if isinstance(source, api.GitHubIssueSource) and source.title is None:
        note(
            f"GitHub could not be read: the agent is told that the text of issue #{source.number} is missing"
        )
    for told in notes:
        note(told)


def _base_is_gone(made: "Workspace") -> str:
    return (
        f"origin has no branch {made.base_branch!r}, or not any more: "
        f"{made.branch} starts from what this repository has of it"
    )


def _expect_one_source(given: set[str], name: str | None) -> None:
    if "resume" in given and (also := given & {"issue", "branch", "base"}):
        raise InvalidInput(min(also), "does not go with --resume")
    if "issue" in given and (also := given & {"branch", "base", "prompt"}):
        raise InvalidInput(min(also), "does not go with --issue")
    if name is None and not given & {"resume", "issue"}:
        raise InvalidInput("name", "give --name, --resume or --issue")


def _issue_number(issue: str) -> int | None:
    """Its number; None for an address, which the source of issues reads."""
    number = issue.removeprefix("#")
    if "/" in issue:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < len("1000000000")):
        raise InvalidInput("issue", f"{issue!r} is neither a number nor the URL of an issue")
    return int(number)


@app.command(name="list")
def list_(*, archived: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False) -> None:
    """The board: every live workspace and why it stands where it stands.

    Parameters
    ----------
    archived
        Those that were archived, instead of the live ones.
    """

    async def work(hw: "Headway") -> "list[Card]":
        if not archived:
            return await hw.board.cards()
        known = await hw.workspaces.list(archived=True)
        return [await hw.board.get(each.id) for each in known if not each.is_live]

    cards = perform(work, as_json=as_json)
    if archived and not cards:
        note("no workspace was archived yet")
    answer(
        [serialize.card(card) for card in cards],
        lambda console: render.board(cards, console),
        as_json=as_json,
    )


@app.command
def show(workspace: str, /, *, as_json: AsJson = False) -> None:
    """One workspace with its sessions and what its provisioning printed.

    Parameters
    ----------
    workspace
        Its branch, its name, or the beginning of its id.
    """

    async def work(hw: "Headway") -> "tuple[Card, InitOutput]":
        card = await hw.board.get(await resolve.workspace(hw, workspace))
        return card, await hw.workspaces.output(card.view.workspace.id)

    card, output = perform(work, as_json=as_json)
    answer(
        serialize.details(card, output),
        lambda console: render.details(card, output, console),
        as_json=as_json,
    )


@app.command
def retry(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Have a failed provisioning run again."""
    _change(workspace, lambda hw, its: hw.workspaces.retry(its, actor=ACTOR), as_json=as_json)


@app.command
def release(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Let sessions start again in one that was stopped: you have looked at its worktree and what runs
    there.
    """
    _change(workspace, lambda hw, its: hw.workspaces.release(its, actor=ACTOR), as_json=as_json)


@app.command
def cancel(workspace: str, /, *, as_json: AsJson = False) -> None:
    """End a provisioning."""
    _change(workspace, lambda hw, its: hw.workspaces.cancel(its, actor=ACTOR), as_json=as_json)


def _change(
    workspace: str, change: "Callable[[Headway, str], Awaitable[Workspace]]", *, as_json: bool
) -> None:
    async def work(hw: "Headway") -> "Workspace":
        return await change(hw, await resolve.workspace(hw, workspace))

    changed = perform(work, as_json=as_json)
    answer(serialize.workspace(changed), lambda console: render.workspace(changed, console), as_json=as_json)


@app.command
def move(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Take it over from a retired host: a fresh worktree, on this machine, of the branch as it was pushed."""

    async def work(hw: "Headway") -> "Workspace":
        return await hw.workspaces.move_here(await resolve.workspace(hw, workspace), actor=ACTOR)

    moved = perform(work, as_json=as_json)
    answer(serialize.workspace(moved), lambda console: render.workspace(moved, console), as_json=as_json)


@app.command
def archive(
    workspace: str,
    /,
    *,
    lose_ignored: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop its sessions, keep its work on the branch or as `preserved` tells, remove its worktree.

    Parameters
    ----------
    lose_ignored
        Remove the worktree although it has files that git ignores (.env): they are lost.
    """

    async def work(hw: "Headway") -> "ArchiveResult":
        return await hw.workspaces.archive(await resolve.workspace(hw, workspace), lose_ignored=lose_ignored)

    result = perform(work, as_json=as_json)
    answer(serialize.archive(result), lambda console: render.archive(result, console), as_json=as_json)
    if not (isinstance(result, api.Settled) and result.workspace.status is api.WorkspaceStatus.ARCHIVED):
        sys.exit(FAILED)


@app.command
def restore(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Make a new workspace on the branch of an archived one, with everything that is preserved of it.

    Parameters
    ----------
    workspace
        Its branch, its name, or the beginning of its id.
    """
    _change(workspace, lambda hw, its: hw.workspaces.restore(its, actor=ACTOR), as_json=as_json)
    note("the runner provisions it: headway up; headway workspace show tells what was brought back")


app.command("headway.cli.preserved:app", name="preserved", help="What archives and retries have kept here.")
