"""Where the worktrees of a project lie on this host."""

import posixpath

from headway_core.operations.validation import issue_name, issue_words
from headway_core.projects.model import Project
from headway_core.projects.slugs import slug
from headway_core.workspaces.model import GitHubIssueSource, ResumeBranchSource, Workspace

SHORT_ID = 8
"""Characters that the first part of an id must have to stand for the whole."""


class WorktreePaths:
    """Paths on this host: known before anything is made there, and never another workspace's.

    A folder is called by its workspace, so that people find it: the slug of the name that a person gave, or
    the number of the issue, and the beginning of the id. An agent reads it, so no stranger's words are in it.
    Nothing decides it that changes while a worktree is made, as a generated branch whose name is taken.
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
    return f"{slug(_words(workspace), otherwise='workspace')}-{short}"


def _words(workspace: Workspace) -> str:
    source = workspace.source
    if isinstance(source, GitHubIssueSource) and workspace.name == issue_name(source.number, source.title):
        return issue_words(source.number)
    if isinstance(source, ResumeBranchSource) and source.restores is not None:
        return source.branch.rpartition("/")[2]  # its name is that of the archived workspace
    return workspace.name
