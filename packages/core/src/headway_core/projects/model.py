"""A project: a local git repository and where its pull requests live."""

from datetime import datetime

import attrs

from headway_core.kernel.tables import Index, Lock, Query, TableSpec
from headway_core.projects.remotes import Remote


@attrs.frozen(kw_only=True)
class Project:
    """One repository, which lies at the same path on every host that works on it."""

    id: str
    """A random id."""
    version: int = 0
    """Counts the changes of the record."""
    name: str
    """What people call it."""
    slug: str
    """Unique; `[a-z0-9-]`."""
    repo_path: str
    """The real path of the repository that worktrees are made from."""
    worktree_base_path: str | None = None
    """Every worktree of the project lies strictly inside, by real path, on every host; None: inside each
    host's own folder of worktrees, under the slug.
    """
    default_branch: str
    """What new branches start from, unless their creator names another."""
    github_host: str
    """The forge's host: `github.com`, or that of an enterprise server."""
    github_owner: str
    """The account or organisation that owns the repository."""
    github_repo: str
    """The repository's name."""
    startup_script: str | None = None
    """A shell command that a person configured, run in a new worktree; None for none."""
    startup_timeout_s: int = 300
    """Seconds after which the start-up script is ended."""
    startup_required: bool = False
    """Whether a workspace whose start-up script fails is FAILED; else it is READY, with a warning."""
    archived: bool = False
    """Whether no workspace may be created in it any more."""
    created_at: datetime
    """When it was registered."""

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return f"{self.github_owner}/{self.github_repo}"

    @property
    def repository_key(self) -> str:
        """What is the same for every clone of the repository: its host and its name, without case."""
        return f"{self.github_host}/{self.repository}".casefold()

    @property
    def remote(self) -> Remote:
        """Where its pull requests live."""
        return Remote(host=self.github_host, owner=self.github_owner, name=self.github_repo)


@attrs.frozen(kw_only=True)
class NewProject:
    """A project that is to be registered; everything is checked but what takes the database."""

    name: str
    slug: str | None
    """None: one that is free is made of the name."""
    repo_path: str
    worktree_base_path: str | None
    default_branch: str
    remote: Remote
    remote_is_asked: bool
    """Somebody named the repository on GitHub, or its host: it was not only read from `origin`."""
    startup_script: str | None
    startup_timeout_s: int
    startup_required: bool


BY_SLUG = Query(name="by_slug", equal=("slug",))
BY_REPO = Query(name="by_repo", equal=("repo_path",))
ALL_PROJECTS = Query(name="all", order=("name",))
PROJECTS = TableSpec(
    name="projects",
    record=Project,
    lock=Lock.ROW,
    indexes=(
        Index(name="projects_slug", columns=("slug",), unique=True),
        Index(name="projects_repo", columns=("repo_path",), unique=True),
    ),
    queries=(BY_SLUG, BY_REPO, ALL_PROJECTS),
)
