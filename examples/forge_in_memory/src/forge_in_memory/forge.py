"""The forge itself: a repository, and what people do in it. It knows nothing of Headway's ports."""

from datetime import UTC, datetime

import attrs

from headway_core.api import CheckOutcome, GitHubState, NotFound, Project

COLLABORATORS = ("alice", "bob")
"""Alice is who Headway acts as; both may be quoted to agents."""


@attrs.define(kw_only=True)
class Comment:
    """What somebody wrote, and when."""

    id: str
    author: str
    body: str
    at: datetime


@attrs.define(kw_only=True)
class Thread:
    """A conversation about the code of a pull request."""

    id: str
    comments: list[Comment]
    resolved: bool = False


@attrs.define(kw_only=True)
class PullRequest:
    """A pull request into `main`."""

    node_id: str
    number: int
    branch: str
    title: str
    body: str
    draft: bool
    created_at: datetime
    updated_at: datetime
    state: GitHubState = GitHubState.OPEN
    reviews: list[tuple[Comment, bool]] = attrs.field(factory=list)
    """What reviewers said, and whether they approved."""
    threads: list[Thread] = attrs.field(factory=list)
    comments: list[Comment] = attrs.field(factory=list)
    asked: set[str] = attrs.field(factory=set)
    """Whom somebody asked for a review."""


@attrs.define(kw_only=True)
class Issue:
    """Something to do."""

    number: int
    title: str
    body: str
    author: str


class MemoryForge:
    """One repository. `alice` owns it, `bob` reviews; everybody may open issues."""

    owner = "alice"
    reviewer = "bob"

    def __init__(self, project: Project) -> None:
        self.project = project
        self.branches: dict[str, str] = {"main": f"{0:040}"}
        self.pull_requests: dict[str, PullRequest] = {}
        self.issues: dict[int, Issue] = {}
        self.checks: dict[str, dict[str, tuple[int, CheckOutcome]]] = {}
        """Of each commit: the newest run of each check, and how it ended."""
        self._last = 0

    def count(self) -> int:
        """A number that nothing else has."""
        self._last += 1
        return self._last

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the forge has a clock of its own

    def comment(self, author: str, body: str) -> Comment:
        return Comment(id=f"C_{self.count()}", author=author, body=body, at=self.now())

    def pull_request(self, node_id: str) -> PullRequest:
        if node_id not in self.pull_requests:
            raise NotFound("pull request", node_id)
        return self.pull_requests[node_id]

    def thread(self, thread_id: str) -> tuple[PullRequest, Thread]:
        for pull_request in self.pull_requests.values():
            for thread in pull_request.threads:
                if thread.id == thread_id:
                    return pull_request, thread
        raise NotFound("review thread", thread_id)

    def opened(self, branch: str) -> list[PullRequest]:
        """The pull requests of a branch that are open."""
        known = self.pull_requests.values()
        return [each for each in known if each.branch == branch and each.state is GitHubState.OPEN]

    def add_pull_request(self, branch: str, title: str, body: str, *, draft: bool) -> PullRequest:
        number, now = self.count(), self.now()
        made = PullRequest(
            node_id=f"PR_{number}",
            number=number,
            branch=branch,
            title=title,
            body=body,
            draft=draft,
            created_at=now,
            updated_at=now,
        )
        self.pull_requests[made.node_id] = made
        return made

    # What people do

    async def push(self, branch: str) -> str:
        commit = self.branches[branch] = f"{self.count():040}"
        for pull_request in self.opened(branch):
            pull_request.updated_at = self.now()
        return commit

    async def open_pull_request(
        self, branch: str, *, title: str = "Fix login", draft: bool = False
    ) -> tuple[str, int]:
        made = self.add_pull_request(branch, title, "", draft=draft)
        return made.node_id, made.number

    async def close(self, node_id: str) -> None:
        self.pull_request(node_id).state = GitHubState.CLOSED

    async def reopen(self, node_id: str) -> None:
        self.pull_request(node_id).state = GitHubState.OPEN

    async def merge(self, node_id: str) -> None:
        self.pull_request(node_id).state = GitHubState.MERGED

    async def report_check(self, commit: str, name: str, outcome: CheckOutcome) -> None:
        self.checks.setdefault(commit, {})[name] = (self.count(), outcome)

    async def review(self, node_id: str, *, approves: bool, body: str) -> None:
        self.pull_request(node_id).reviews.append((self.comment(self.reviewer, body), approves))

    async def start_thread(self, node_id: str, body: str) -> str:
        thread = Thread(id=f"T_{self.count()}", comments=[self.comment(self.reviewer, body)])
        self.pull_request(node_id).threads.append(thread)
        return thread.id

    async def resolve_thread(self, thread_id: str) -> None:
        _, thread = self.thread(thread_id)
        thread.resolved = True

    async def open_issue(self, title: str, body: str, *, trusted: bool) -> int:
        author = self.reviewer if trusted else "sam"
        made = Issue(number=self.count(), title=title, body=body, author=author)
        self.issues[made.number] = made
        return made.number
