"""The `headway` command: tables for people, `--json` for programs."""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
from cyclopts import App, Parameter
from rich.console import Console

from headway import shown, wire
from headway.config import load
from headway.opening import Headway, open  # noqa: A004  `headway.open` is the name
from headway.up import run_until_stopped
from headway_core.kernel.errors import HeadwayError, InvalidInput, NotFound
from headway_core.operations import CreateWorkspace, GitHubIssue, HoldsIgnored, Manual, ResumeBranch
from headway_core.projects import Project
from headway_core.workspaces import SessionPolicy

app = App(name="headway", help="Keeps coding-agent workspaces and their pull requests moving forward.")
workspace_app = App(name="workspace", help="Tasks, each on a branch in a worktree.")
ratchet_app = App(name="ratchet", help="The automation that moves a pull request forward.")
settings_app = App(name="settings", help="Quiet time, budgets, limits, trust.")
app.command(workspace_app)
app.command(ratchet_app)
app.command(settings_app)

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Work = Callable[[Headway], Awaitable[Any]]

_ACTOR = "person"
_USAGE, _FAILED = 2, 1


def main() -> None:
    """Run the command; exit 0 when it did, 1 when it could not, 2 when what was asked can't be."""
    logging.basicConfig(level=os.environ.get("HEADWAY_LOG", "WARNING"), format="%(levelname)s %(message)s")
    app()


def _open_and(work: Work, *, as_json: bool) -> Any:
    """Open Headway as configured, do the work, and turn an error into a message and an exit code."""

    async def run() -> Any:
        async with open(config=load()) as hw:
            return await work(hw)

    try:
        return anyio.run(run)
    except* HeadwayError as group:
        _fail(_first(group), as_json=as_json)
    except* KeyboardInterrupt:
        sys.exit(130)


def _first(group: BaseExceptionGroup[HeadwayError]) -> HeadwayError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, HeadwayError)
    return error


def _fail(error: HeadwayError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(wire.error(error)))  # noqa: T201  the program's output
    else:
        Console(stderr=True).print(f"headway: {error}", style="red", markup=False, highlight=False)
    sys.exit(_USAGE if isinstance(error, InvalidInput) else _FAILED)


def _print(document: object, person: Callable[[Console], None], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))  # noqa: T201  the program's output
    else:
        person(Console())


@app.command
def init(
    path: Path = Path(),
    /,
    *,
    github: str | None = None,
    name: str | None = None,
    slug: str | None = None,
    startup_script: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Register the repository that PATH (by default the present folder) lies in.

    Parameters
    ----------
    github
        owner/name, when origin does not tell.
    startup_script
        A shell command that is run in every new worktree.
    """
    folder = str(path.absolute())

    async def work(hw: Headway) -> Project:
        return await hw.projects.register(
            folder,
            github=github,
            name=name,
            slug=slug,
            startup_script=startup_script,
            actor=_ACTOR,
        )

    project = _open_and(work, as_json=as_json)
    _print(wire.project(project), partial(shown.project, project), as_json=as_json)


@workspace_app.command
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
    allow_duplicate: bool = False,
    key: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Create a workspace from a name, a branch (--resume) or an issue (--issue); the runner provisions it.

    Parameters
    ----------
    prompt
        The first words to the agent.
    branch
        The new branch's name; by default made of the name.
    base
        What the new branch starts from.
    resume
        A branch that exists.
    issue
        Number or URL of an issue of the project.
    project
        Slug or id; by default the project of the present folder.
    key
        Creating again with the same key returns the same workspace.
    """

    async def work(hw: Headway) -> Any:
        chosen = await _project(hw, project)
        command: CreateWorkspace
        if resume is not None:
            command = ResumeBranch(
                project_id=chosen.id,
                branch=resume,
                name=name,
                description=description,
                ratchet=ratchet,
                initial_prompt=prompt,
                session_policy=session,
            )
        elif issue is not None:
            number = _issue_number(issue)
            command = GitHubIssue(
                project_id=chosen.id,
                number=number,
                url=issue if "/" in issue else _issue_url(chosen, number),
                name=name,
                description=description,
                ratchet=ratchet,
                session_policy=session,
                allow_duplicate=allow_duplicate,
            )
        else:
            if name is None:
                raise InvalidInput("name", "give --name, --resume or --issue")
            command = Manual(
                project_id=chosen.id,
                name=name,
                description=description,
                branch=branch,
                base_branch=base,
                ratchet=ratchet,
                initial_prompt=prompt,
                session_policy=session,
            )
        return await hw.workspaces.create(command, idempotency_key=key, actor=_ACTOR)

    made = _open_and(work, as_json=as_json)
    _print(wire.workspace(made), partial(shown.workspace, made), as_json=as_json)


def _issue_number(issue: str) -> int:
    found = re.fullmatch(r"(?:#?|https://[^\s]+/issues/)(\d{1,9})", issue)
    if found is None:
        raise InvalidInput("issue", "is neither a number nor the URL of an issue")
    return int(found[1])


def _issue_url(project: Project, number: int) -> str:
    return f"https://{project.github_host}/{project.repository}/issues/{number}"


async def _project(hw: Headway, asked: str | None) -> Project:
    if asked is not None:
        return await hw.projects.get(asked)
    here = Path.cwd().resolve()
    for project in await hw.projects.list():
        if here.is_relative_to(project.repo_path):
            return project
    raise InvalidInput("project", "the present folder is in no project: run headway init, or give --project")


@workspace_app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """The board: every live workspace and why it stands where it stands."""
    cards = _open_and(lambda hw: hw.board.cards(), as_json=as_json)
    _print([wire.card(card) for card in cards], partial(shown.board, cards), as_json=as_json)


@workspace_app.command
def show(workspace: str, /, *, as_json: AsJson = False) -> None:
    """One workspace with its sessions and what its provisioning printed."""

    async def work(hw: Headway) -> Any:
        card = await hw.board.get(await _id(hw, workspace))
        return card, await hw.workspaces.output(card.view.workspace.id)

    card, output = _open_and(work, as_json=as_json)
    _print(wire.details(card, output), partial(shown.details, card, output), as_json=as_json)


@workspace_app.command
def retry(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Have a failed provisioning run again."""

    async def work(hw: Headway) -> Any:
        return await hw.workspaces.retry(await _id(hw, workspace), actor=_ACTOR)

    again = _open_and(work, as_json=as_json)
    _print(wire.workspace(again), partial(shown.workspace, again), as_json=as_json)


@workspace_app.command
def cancel(workspace: str, /, *, as_json: AsJson = False) -> None:
    """End a provisioning."""

    async def work(hw: Headway) -> Any:
        return await hw.workspaces.cancel(await _id(hw, workspace), actor=_ACTOR)

    ended = _open_and(work, as_json=as_json)
    _print(wire.workspace(ended), partial(shown.workspace, ended), as_json=as_json)


@workspace_app.command
def archive(workspace: str, /, *, lose_ignored: bool = False, as_json: AsJson = False) -> None:
    """Stop its sessions, keep its work on the branch, remove its worktree.

    Parameters
    ----------
    lose_ignored
        Remove the worktree although it has files that git ignores (.env): they are lost.
    """

    async def work(hw: Headway) -> Any:
        return await hw.workspaces.archive(await _id(hw, workspace), lose_ignored=lose_ignored)

    result = _open_and(work, as_json=as_json)
    _print(wire.archive(result), partial(shown.archive, result), as_json=as_json)
    if isinstance(result, HoldsIgnored):
        sys.exit(_FAILED)


async def _id(hw: Headway, asked: str) -> str:
    """A workspace by id, by a prefix of it that is unique, or by its branch."""
    known = await hw.workspaces.list(archived=True)
    found = [w.id for w in known if w.id == asked] or [
        w.id for w in known if w.branch == asked or w.id.startswith(asked)
    ]
    if not found:
        raise NotFound("workspace", asked)
    if len(found) > 1:
        raise InvalidInput("workspace", f"{asked!r} names {len(found)} workspaces")
    return found[0]


@app.command
def up(*, as_json: AsJson = False) -> None:
    """Be this host's runner: provision, watch, ratchet; until interrupted.

    A live table on a terminal, a line a change otherwise; with --json a JSON document a change.
    """
    _open_and(partial(run_until_stopped, as_json=as_json), as_json=as_json)


@app.command
def explain(workspace: str, /, *, as_json: AsJson = False) -> None:
    """What was seen and how old it is, what was decided and why, and what will change it."""

    async def work(hw: Headway) -> Any:
        return await hw.ratchet.explain(await _id(hw, workspace))

    why = _open_and(work, as_json=as_json)
    _print(wire.explanation(why), partial(shown.explanation, why), as_json=as_json)


@ratchet_app.command
def on(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Switch it on; again means "try again": what was handled is forgotten."""
    _switch(workspace, enabled=True, as_json=as_json)


@ratchet_app.command
def off(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Switch it off and stop its fixer."""
    _switch(workspace, enabled=False, as_json=as_json)


def _switch(workspace: str, *, enabled: bool, as_json: bool) -> None:
    async def work(hw: Headway) -> Any:
        workspace_id = await _id(hw, workspace)
        await hw.ratchet.switch(workspace_id, enabled=enabled)
        return await hw.board.get(workspace_id)

    card = _open_and(work, as_json=as_json)
    _print(wire.card(card), partial(shown.board, [card]), as_json=as_json)


@ratchet_app.command
def hold(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Keep it from acting until released."""
    _hold(workspace, release=False, as_json=as_json)


@ratchet_app.command
def release(workspace: str, /, *, as_json: AsJson = False) -> None:
    """End a hold."""
    _hold(workspace, release=True, as_json=as_json)


def _hold(workspace: str, *, release: bool, as_json: bool) -> None:
    async def work(hw: Headway) -> Any:
        workspace_id = await _id(hw, workspace)
        await (hw.ratchet.release if release else hw.ratchet.hold)(workspace_id)
        return await hw.board.get(workspace_id)

    card = _open_and(work, as_json=as_json)
    _print(wire.card(card), partial(shown.board, [card]), as_json=as_json)


@ratchet_app.command
def check(workspace: str, /, *, as_json: AsJson = False) -> None:
    """Read the pull request and decide now; a fixer that is due is started by the runner."""

    async def work(hw: Headway) -> Any:
        workspace_id = await _id(hw, workspace)
        await hw.pull_requests.refresh_workspace(workspace_id, insist=True)
        await hw.ratchet.check(workspace_id)
        return await hw.ratchet.explain(workspace_id)

    why = _open_and(work, as_json=as_json)
    _print(wire.explanation(why), partial(shown.explanation, why), as_json=as_json)


@settings_app.command(name="show")
def show_settings(*, as_json: AsJson = False) -> None:
    """All settings as they are."""
    settings = _open_and(lambda hw: hw.settings.get(), as_json=as_json)
    _print(wire.settings(settings), partial(shown.settings, settings), as_json=as_json)


@settings_app.command(name="set")
def set_settings(name: str, value: str, /, *, as_json: AsJson = False) -> None:
    """Change one setting; VALUE is JSON, or a plain text where a text is wanted."""

    async def work(hw: Headway) -> Any:
        return await hw.settings.change(None, actor=_ACTOR, **{name: _value(value)})

    settings = _open_and(work, as_json=as_json)
    _print(wire.settings(settings), partial(shown.settings, settings), as_json=as_json)


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


@app.command
def demo(
    *,
    database: Path | None = None,
    agent: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse the main job without network or account: three workspaces, three causes, three fixers.

    Parameters
    ----------
    database
        Keep everything beside this file, and go on where the last run stopped.
    agent
        A command that reads its prompt on standard input, in the scripted program's place.
    """
    try:
        from headway.demo.run import rehearse  # noqa: PLC0415  an extra: headway[demo]
    except ModuleNotFoundError:
        _fail(NotFound("package", "headway-sandbox: install headway[demo]"), as_json=as_json)
        return
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the sandbox too
        path = database.absolute() if database else None
        done = anyio.run(partial(rehearse, database=path, agent=agent, as_json=as_json))
    except* HeadwayError as group:
        _fail(_first(group), as_json=as_json)
    except* KeyboardInterrupt:
        sys.exit(130)
    else:
        sys.exit(0 if done else _FAILED)
