"""`headway init` and `headway project`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from headway import render, serialize
from headway.cli import resolve
from headway.cli.shell import ACTOR, AsJson, answer, note, perform
from headway_core.api import InvalidInput, Project

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="project", help="Registered repositories.")


def init(
    path: Path = Path(),
    /,
    *,
    github: str | None = None,
    host: str | None = None,
    name: str | None = None,
    slug: str | None = None,
    startup_script: str | None = None,
    startup_required: bool = False,
    as_json: AsJson = False,
) -> None:
    """Register the repository that PATH (by default the present folder) lies in.

    Of one that was moved the project is known again.

    Parameters
    ----------
    github
        owner/name, when origin does not tell.
    host
        GitHub's host, when origin names it by an alias of SSH; by default the one that origin names.
    name
        What people call it; by default the repository's name.
    slug
        How commands name it; by default made of the name.
    startup_script
        A shell command that is run in every new worktree.
    startup_required
        A workspace whose script fails is FAILED; by default it is READY, with a warning.
    """
    folder = str(path.absolute())

    async def work(hw: "Headway") -> tuple[Project, Project | None]:
        known = {each.id: each for each in await hw.projects.list()}
        project = await hw.projects.register(
            folder,
            github=github,
            host=host,
            name=name,
            slug=slug,
            startup_script=startup_script,
            startup_required=startup_required,
            actor=ACTOR,
        )
        return project, known.get(project.id)

    project, before = perform(work, as_json=as_json)
    answer(serialize.project(project), lambda console: render.project(project, console), as_json=as_json)
    if before is not None and before.repo_path != project.repo_path:
        note(f"{project.slug} was at {before.repo_path} and is no more: its path is {project.repo_path} now")
    if before is not None and before.archived:
        note(f"{project.slug} was removed before: it is back, as it was")
    for option, asked, stored in (("name", name, project.name), ("slug", slug, project.slug)):
        if asked is not None and asked != stored:
            note(f"{project.slug} was registered before: its {option} stays '{stored}'")
    if startup_script is not None and startup_script != project.startup_script:
        keeps = (
            "its start-up script stays" if project.startup_script else "it stays without a start-up script"
        )
        change = f"headway project set {project.slug} --startup-script {shlex.quote(startup_script)}"
        note(f"{project.slug} was registered before: {keeps}; to change it: {change}")


@app.command(name="list")
def list_(*, archived: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False) -> None:
    """Each project, its repository and where that lies.

    Parameters
    ----------
    archived
        Those that were removed too.
    """
    known = perform(lambda hw: hw.projects.list(), as_json=as_json)
    wanted = [each for each in known if archived or not each.archived]
    answer(
        [serialize.project(each) for each in wanted],
        lambda console: render.projects(wanted, console),
        as_json=as_json,
    )


@app.command
def show(project: str | None = None, /, *, as_json: AsJson = False) -> None:
    """One project with everything that is set of it.

    Parameters
    ----------
    project
        Slug or id; by default the project of the present folder.
    """
    found = perform(lambda hw: resolve.project(hw, project), as_json=as_json)
    answer(serialize.project(found), lambda console: render.project_details(found, console), as_json=as_json)


@app.command(name="set")
def set_(
    project: str | None = None,
    /,
    *,
    path: Path | None = None,
    github: str | None = None,
    default_branch: str | None = None,
    startup_script: str | None = None,
    startup_timeout_s: int | None = None,
    startup_required: bool | None = None,
    as_json: AsJson = False,
) -> None:
    """Change a project; what lives in it goes on.

    Parameters
    ----------
    project
        Slug or id; by default the project of the present folder.
    path
        Where its repository lies now; it must be the same one.
    github
        owner/name of the repository at --path, when its origin does not tell.
    default_branch
        What new branches start from.
    startup_script
        A shell command that is run in every new worktree; an empty text for none.
    startup_timeout_s
        Seconds after which that command is given up, 1 to 86400.
    startup_required
        A workspace whose script fails is FAILED; else it is READY, with a warning.
    """
    folder = None if path is None else str(path.absolute())
    given = (path, default_branch, startup_script, startup_timeout_s, startup_required)

    async def work(hw: "Headway") -> Project:
        if all(each is None for each in given):
            raise InvalidInput("command line", "nothing to change is given: see headway project set --help")
        return await hw.projects.change(
            (await resolve.project(hw, project)).id,
            path=folder,
            github=github,
            default_branch=default_branch,
            startup_script=startup_script,
            startup_timeout_s=startup_timeout_s,
            startup_required=startup_required,
            actor=ACTOR,
        )

    changed = perform(work, as_json=as_json)
    answer(
        serialize.project(changed), lambda console: render.project_details(changed, console), as_json=as_json
    )


@app.command
def remove(project: str, /, *, as_json: AsJson = False) -> None:
    """Let a project take no new work, when no workspace lives in it. `headway init` brings it back.

    Parameters
    ----------
    project
        Slug or id.
    """
    removed = perform(lambda hw: hw.projects.remove(project, actor=ACTOR), as_json=as_json)
    answer(
        serialize.project(removed), lambda console: render.project_removed(removed, console), as_json=as_json
    )
