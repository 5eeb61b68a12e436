"""Where the worktrees of a project lie on this host."""

import posixpath
import re

from headway_core.projects.model import Project
from headway_core.projects.slugs import slug
from headway_core.workspaces.model import Workspace

SHORT_ID = 8
"""Characters that the first part of an id must have to stand for the whole."""
WORDS_LENGTH = 40
"""Characters of a generated branch's slug that stay when a number makes room for itself at its end."""
_WITHOUT_NUMBERS = re.compile(r"(issue-\d+|.+?)(?:-\d+)*")


class WorktreePaths:
    """Paths on this host: known before anything is made there, and never another workspace's.

    A folder is called by its workspace, so that people find it: the slug of a generated branch, else that of
    the name, and the beginning of the id. An agent reads it, so no stranger's words are in it that are not in
    its branch.
    """

    def __init__(self, worktrees_root: str) -> None:
        """`worktrees_root`: this host's folder of worktrees, absolute."""
        self._root = worktrees_root

    def base(self, project: Project) -> str:
        """The folder in which all worktrees of the project lie."""
        return project.worktree_base_path or posixpath.join(self._root, project.slug)

    def worktree(self, project: Project, workspace: Workspace) -> str:
        """Where the worktree of a workspace of this host is or will be."""
        return workspace.worktree_path or posixpath.join(self.base(project), _folder(workspace))


def _folder(workspace: Workspace) -> str:
    first = workspace.id.partition("-")[0]
    short = first if len(first) >= SHORT_ID else workspace.id  # of a UUID 32 random bits; of another id all
    words = _words(workspace.branch) if workspace.branch_is_generated else workspace.name
    return f"{slug(words, otherwise='workspace')}-{short}"


def _words(branch: str) -> str:
    """What a generated branch is called by, without the numbers at its end: they change when git has the
    branch already, and a killed attempt's folder must be found again.
    """
    called = branch.rpartition("/")[2]
    found = _WITHOUT_NUMBERS.fullmatch(called)
    return (found[1] if found else called)[:WORDS_LENGTH]
