"""What happened to a project."""

from typing import ClassVar

import attrs

from headway_core.projects.model import Project


@attrs.frozen(kw_only=True)
class ProjectRegistered:
    """A repository became a project."""

    event: ClassVar[str] = "project.registered"
    version: ClassVar[int] = 1

    project: Project
    """The project as it is stored."""


@attrs.frozen(kw_only=True)
class ProjectChanged:
    """A project was changed by a person, found at its repository's new path, or brought back."""

    event: ClassVar[str] = "project.changed"
    version: ClassVar[int] = 1

    project: Project
    """The project as it is now stored."""
    changed: tuple[str, ...]
    """Which of its fields changed, sorted."""


@attrs.frozen(kw_only=True)
class ProjectArchived:
    """A project was archived: no workspace is created in it any more."""

    event: ClassVar[str] = "project.archived"
    version: ClassVar[int] = 1

    project_id: str
    """The project."""
    archived: bool
    """Always true."""


EVENTS = (ProjectRegistered, ProjectChanged, ProjectArchived)
