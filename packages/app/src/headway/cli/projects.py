"""`headway init`."""

from pathlib import Path
from typing import TYPE_CHECKING

from headway import render, serialize
from headway.cli.shell import ACTOR, AsJson, answer, note, perform
from headway_core.api import Project

if TYPE_CHECKING:
    from headway_core.api import Headway


def init(
    path: Path = Path(),
    /,
    *,
    github: str | None = None,
    name: str | None = None,
    slug: str | None = None,
    startup_script: str | None = None,
    startup_required: bool = False,
    as_json: AsJson = False,
) -> None:
    """Register the repository that PATH (by default the present folder) lies in.

    Parameters
    ----------
    github
        owner/name, when origin does not tell.
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

    async def work(hw: "Headway") -> Project:
        return await hw.projects.register(
            folder,
            github=github,
            name=name,
            slug=slug,
            startup_script=startup_script,
            startup_required=startup_required,
            actor=ACTOR,
        )

    project = perform(work, as_json=as_json)
    answer(serialize.project(project), lambda console: render.project(project, console), as_json=as_json)
    for option, asked in (("name", name), ("slug", slug), ("startup_script", startup_script)):
        if asked is not None and asked != getattr(project, option):
            note(f"{project.slug} was registered before: its {option} stays {getattr(project, option)!r}")
