"""Which project, which workspace and which session people mean."""

from pathlib import Path
from typing import TYPE_CHECKING

from headway_core.api import InvalidInput, NotFound, Project

if TYPE_CHECKING:
    from headway_core.api import Headway


async def project(hw: "Headway", asked: str | None) -> Project:
    """By slug or id; by default the project that the present folder, or its worktree, is of."""
    if asked is not None:
        return await hw.projects.get(asked)
    try:
        found = await hw.projects.find(str(Path.cwd()))
    except InvalidInput:  # it is in no repository
        found = None
    if found is None:
        problem = "the present folder is in no project: run headway init, or give --project"
        raise InvalidInput("project", problem)
    if found.archived:
        raise InvalidInput("project", f"{found.slug} was removed: headway init brings it back")
    return found


async def workspace(hw: "Headway", asked: str) -> str:
    """Its id: by id, by a prefix of it, by its branch or its name; a live one before archived ones."""
    known = await hw.workspaces.list(archived=True)
    exact = [each for each in known if each.id == asked]
    named = [
        each for each in known if asked in {each.branch, each.name} or (asked and each.id.startswith(asked))
    ]
    found = exact or [each for each in named if each.is_live] or named
    if not found:
        raise NotFound("workspace", asked)
    if len(found) > 1:
        slugs = {each.id: each.slug for each in await hw.projects.list()}
        told = "; ".join(
            f"{each.id} ({each.branch} of {slugs.get(each.project_id, each.project_id)}, {each.status})"
            for each in found
        )
        raise InvalidInput(
            "workspace", f"{asked!r} names {len(found)} workspaces, give the beginning of an id: {told}"
        )
    return found[0].id


async def host(hw: "Headway", asked: str) -> str:
    """Its id: by id, by a prefix of it, or by the name of its machine."""
    known = [each.host for each in await hw.hosts.list()]
    exact = [each for each in known if each.id == asked]
    found = exact or [each for each in known if asked and (each.id.startswith(asked) or each.name == asked)]
    if not found:
        raise NotFound("host", asked)
    if len(found) > 1:
        told = "; ".join(f"{each.id} ({each.name})" for each in found)
        raise InvalidInput("host", f"{asked!r} names {len(found)} hosts: {told}")
    return found[0].id


async def session(hw: "Headway", asked: str) -> str:
    """Its id: by id, or by a prefix of it; one of a live workspace before those of archived ones."""
    try:
        return (await hw.sessions.get(asked)).id
    except NotFound:
        if not asked:
            raise
    live = [each.id for card in await hw.board.cards() for each in card.view.sessions]
    found = [each for each in live if each.startswith(asked)]
    if not found:
        archived = [each for each in await hw.workspaces.list(archived=True) if not each.is_live]
        for workspace in archived:
            if workspace.has_had_sessions:
                its = await hw.sessions.list(workspace.id)
                found += [each.id for each in its if each.id.startswith(asked)]
    if not found:
        raise NotFound("session", asked)
    if len(found) > 1:
        raise InvalidInput("session", f"{asked!r} names {len(found)} sessions: {', '.join(found)}")
    return found[0]
