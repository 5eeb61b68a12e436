"""Projects: local repositories and where their pull requests live; `ProjectSteps` writes them."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.projects.events import EVENTS, ProjectArchived, ProjectChanged, ProjectRegistered
    from headway_core.projects.model import PROJECTS, NewProject, Project
    from headway_core.projects.ports import Repositories, Repository
    from headway_core.projects.remotes import Remote, remote_of
    from headway_core.projects.service import ProjectService
    from headway_core.projects.slugs import first_free, is_slug, slug
    from headway_core.projects.steps import ProjectSteps
else:
    __getattr__ = lazy_exports(__name__, "model", "slugs", "remotes", "ports", "events", "steps", "service")

__all__ = [
    "EVENTS",
    "PROJECTS",
    "NewProject",
    "Project",
    "ProjectArchived",
    "ProjectChanged",
    "ProjectRegistered",
    "ProjectService",
    "ProjectSteps",
    "Remote",
    "Repositories",
    "Repository",
    "first_free",
    "is_slug",
    "remote_of",
    "slug",
]
