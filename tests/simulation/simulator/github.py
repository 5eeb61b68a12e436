"""The forge of a world: one repository with branches, pull requests, CI and people.

Everything that can be read is kept with its past, so that an answer may come from a replica that lags.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from headway_core.pull_requests import newest_checks
from headway_core.pull_requests.check_rows import CheckRow, CheckRunRow, CheckSuiteRow, StatusRow
from headway_core.pull_requests.model import (
    Author,
    Base,
    CheckOutcome,
    GitHubState,
    Head,
    Mergeability,
    Review,
    ReviewThread,
    ThreadComment,
)
from headway_core.pull_requests.ports import ChecksPart, ConversationPart, StatePart
from headway_testing.conversations import OWNER, VIEWER

if TYPE_CHECKING:
    from simulator.world import World

CHECKS = ("test", "lint")
REPOSITORY = "octo/demo"
FORK = "mallory/demo"
"""Of an outsider, who may open pull requests as everybody may."""


@attrs.frozen(kw_only=True)
class Commit:
    """A commit, as far as the world looks at it."""

    id: str
    parent: str | None
    good: bool
    """Whether CI likes it."""
    merged: int
    """Up to which move of the base it contains the base."""
    work: frozenset[str]
    """The pieces of work that came with it."""
    broken: bool = False
    """Its workflow file is broken: CI has no check runs for it. Whoever comes next mends it."""


@attrs.frozen(kw_only=True)
class Thread:
    """A review thread."""

    thread: ReviewThread
    resolved: bool = False


@attrs.frozen(kw_only=True)
class PullState:
    """What the forge says of a pull request at a moment."""

    state: GitHubState
    head: str
    base: str
    updated_at: datetime
    mergeability: Mergeability
    checks: tuple[CheckRow, ...]
    reviews: tuple[Review, ...] = ()
    threads: tuple[Thread, ...] = ()


class Pull:
    """A pull request with its past."""

    def __init__(
        self,
        number: int,
        branch: str,
        mark: str | None,
        opened_at: datetime,
        first: PullState,
        *,
        repository: str = REPOSITORY,
    ) -> None:
        """`mark`: the hidden one in its text; None when Headway did not open it."""
        self.repository = repository
        self.number = number
        self.node_id = f"PR_{number}"
        self.branch = branch
        self.mark = mark
        self.opened_at = opened_at
        self.past: list[tuple[datetime, PullState]] = [(opened_at, first)]

    @property
    def now(self) -> PullState:
        return self.past[-1][1]

    def at(self, moment: datetime) -> PullState | None:
        """As it was then; None before it was opened."""
        known = [state for when, state in self.past if when <= moment]
        return known[-1] if known else None


class GitHub:
    """The repository, its CI and its people."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tips: dict[str, list[tuple[datetime, str]]] = {}
        self.pulls: dict[str, Pull] = {}
        self.moves = 0
        """How often the base moved."""
        self.conflicting: list[int] = []
        """The moves that conflict with everything that does not contain them."""
        self.strangers: set[str] = set()
        """Commits that nobody but a stranger has."""
        self.marks: list[str] = []
        """The hidden mark of whatever Headway posted, in order."""
        self.closed_at_once = False
        """Whether somebody closes every pull request that Headway opens."""
        self._numbers = 6
        self._runs = 0
        self.commit(None, good=True)
        self.branches["main"] = next(iter(self.commits))

    # Commits and branches

    def commit(
        self,
        parent: str | None,
        *,
        good: bool,
        work: Iterable[str] = (),
        merged: int = 0,
        broken: bool = False,
    ) -> Commit:
        """A new commit, on no branch yet."""
        before = self.commits[parent].merged if parent else 0
        made = Commit(
            id=f"{len(self.commits) + 1:040x}",
            parent=parent,
            good=good,
            merged=max(before, merged),
            work=frozenset(work),
            broken=broken,
        )
        self.commits[made.id] = made
        return made

    def history(self, commit: str | None) -> Iterable[Commit]:
        """A commit and its ancestors."""
        while commit is not None:
            found = self.commits[commit]
            yield found
            commit = found.parent

    def push(self, branch: str, commit: str) -> bool:
        """Move a branch; False when that would lose what is on it."""
        tip = self.branches.get(branch)
        if tip is not None and all(each.id != tip for each in self.history(commit)):
            return False
        self.branches[branch] = commit
        self._world.tell(f"GitHub: {branch} is at {commit[-4:]}")
        pull = self.open_pull_of(branch)
        if pull is not None and pull.now.head != commit:
            self._world.later(self._world.luck.random() * 2, lambda: self._follow(pull))
        return True

    def _follow(self, pull: Pull) -> None:
        """The pull request sees its branch's new tip."""
        tip = self.branches[pull.branch]
        if pull.now.state is not GitHubState.OPEN or pull.now.head == tip:
            return
        posted = any(isinstance(check, StatusRow) for check in pull.now.checks)
        self.change(pull, head=tip, mergeability=Mergeability.UNKNOWN, checks=self._fresh(tip), touched=True)
        if posted:
            self.post_status(pull)
        self._judge(pull)

    # Pull requests

    def open_pull_of(self, branch: str) -> Pull | None:
        return next(
            (
                pull
                for pull in self.pulls.values()
                if pull.branch == branch
                and pull.repository == REPOSITORY
                and pull.now.state is GitHubState.OPEN
            ),
            None,
        )

    def open(
        self,
        branch: str,
        mark: str | None = None,
        *,
        repository: str = REPOSITORY,
        commit: str | None = None,
    ) -> Pull:
        """A pull request of a branch that is here, and has none; or of a fork's, at whatever commit."""
        self._numbers += 1
        now = self._world.at()
        first = PullState(
            state=GitHubState.OPEN,
            head=commit or self.branches[branch],
            base=self.branches["main"],
            updated_at=now,
            mergeability=Mergeability.UNKNOWN,
            checks=self._fresh(self.branches[branch]),
        )
        pull = Pull(self._numbers, branch, mark, now, first, repository=repository)
        self.pulls[pull.node_id] = pull
        if mark is not None:
            self.marks.append(mark)
        self._world.tell(f"GitHub: #{pull.number} is opened of {branch} of {repository}")
        self._judge(pull)
        return pull

    def change(self, pull: Pull, *, touched: bool, **changes: Any) -> None:
        """A new moment in the life of a pull request; `touched` when GitHub's `updatedAt` tells it."""
        now = self._world.at()
        updated = now if touched else pull.now.updated_at
        pull.past.append((now, attrs.evolve(pull.now, updated_at=updated, **changes)))

    # CI and mergeability

    def _fresh(self, commit: str) -> tuple[CheckRow, ...]:
        """The run of the workflow: its jobs, or at most itself when its file is broken."""
        suite = self._number()
        if not self.commits[commit].broken:
            return tuple(self._check(name, suite) for name in CHECKS)
        if self._world.happens(f"CI does not even tell that {commit[-4:]} is broken", 0.5):
            return ()
        return (
            CheckSuiteRow(
                number=suite, name="ci.yml", status="COMPLETED", conclusion="STARTUP_FAILURE", **WORKFLOW
            ),
        )

    def _check(self, name: str, suite: int) -> CheckRunRow:
        number = self._number()
        return CheckRunRow(
            name=name,
            status="IN_PROGRESS",
            conclusion=None,
            number=number,
            suite=suite,
            started_at=self._world.at(),
            **WORKFLOW,
        )

    def _number(self) -> int:
        self._runs += 1
        return self._runs

    def _judge(self, pull: Pull) -> None:
        """Let CI and the merge of the present head begin."""
        commit, luck = pull.now.head, self._world.luck
        for name in CHECKS:
            self._world.later(luck.uniform(2, 15), partial(self._checked, pull, commit, name))
        self._merge_later(pull)

    def _merge_later(self, pull: Pull) -> None:
        self._world.later(self._world.luck.uniform(0.5, 4), lambda: self._merged(pull))

    def _merged(self, pull: Pull) -> None:
        if pull.now.state is GitHubState.OPEN:
            found = Mergeability.CONFLICT if self.conflicts(pull.now.head) else Mergeability.CLEAN
            self.change(pull, mergeability=found, touched=False)

    def conflicts(self, commit: str) -> bool:
        contained = self.commits[commit].merged
        return any(move > contained for move in self.conflicting)

    def _checked(self, pull: Pull, commit: str, name: str) -> None:
        if pull.now.head != commit or self.commits[commit].broken:
            return
        world = self._world
        # What CI may do for a fork is less, and its checks fail.
        own = pull.repository == REPOSITORY
        good = (own and self.commits[commit].good) or name != CHECKS[0]
        flaky = world.happens(f"{name} of {commit[-4:]} is flaky", 0.05)
        outcome = CheckOutcome.PASSED if good and not flaky else CheckOutcome.FAILED
        self._conclude(pull, name, outcome)
        if flaky:
            world.later(world.luck.uniform(5, 40), lambda: self.rerun(pull, name))

    def _conclude(self, pull: Pull, name: str, outcome: CheckOutcome) -> None:
        newest = newest_of(pull.now.checks, name)
        checks = tuple(
            attrs.evolve(check, status="COMPLETED", conclusion=_WORDS[outcome], completed_at=self._world.at())
            if check is newest and isinstance(check, CheckRunRow)
            else check
            for check in pull.now.checks
        )
        self.change(pull, checks=checks, touched=False)
        self._world.tell(f"GitHub: #{pull.number} {name} {outcome}")

    def post_status(self, pull: Pull) -> None:
        """An app says once more what became of its build of the head: it fails while the storm lasts."""
        number = self._world.count("status")
        row = StatusRow(
            context="deploy",
            state="failure" if self._world.stormy else "success",
            commit=pull.now.head,
            id=f"S{number}",
            created_at=self._world.at(),
            url=f"https://ci.example/{pull.now.head[-4:]}",
            summary="Built",
        )
        others = tuple(check for check in pull.now.checks if not isinstance(check, StatusRow))
        self.change(pull, checks=(*others, row), touched=False)

    def rerun(self, pull: Pull, name: str) -> None:
        """Somebody asks CI for another run of a check."""
        before = newest_of(pull.now.checks, name)
        if pull.now.state is not GitHubState.OPEN or before is None:
            return
        commit = pull.now.head
        others = tuple(check for check in pull.now.checks if check is not before)
        self.change(pull, checks=(*others, self._check(name, before.suite or 0)), touched=False)
        self._world.later(self._world.luck.uniform(1, 5), lambda: self._checked(pull, commit, name))

    def label(self, pull: Pull) -> None:
        """A label runs the workflow again, without the job that it is not about: a newer suite has less."""
        name, commit = CHECKS[-1], pull.now.head
        if pull.now.state is GitHubState.OPEN and newest_of(pull.now.checks, name) is not None:
            again = self._check(name, self._number())
            self.change(pull, checks=(*pull.now.checks, again), touched=False)
            self._world.later(self._world.luck.uniform(1, 5), lambda: self._checked(pull, commit, name))

    def green(self, pull: Pull) -> bool:
        """Whether the newest run of each job that ran succeeded."""
        newest = [newest_of(pull.now.checks, name) for name in CHECKS]
        return all(check is None or check.conclusion == "SUCCESS" for check in newest)

    # People

    def move_base(self, *, conflicting: bool) -> None:
        """Somebody else's work lands on the base."""
        self.moves += 1
        if conflicting:
            self.conflicting.append(self.moves)
        self.branches["main"] = self.commit(self.branches["main"], good=True, merged=self.moves).id
        for pull in self.pulls.values():
            if pull.now.state is GitHubState.OPEN:
                self.change(
                    pull, base=self.branches["main"], mergeability=Mergeability.UNKNOWN, touched=False
                )
                self._merge_later(pull)

    def say(self, pull: Pull, body: str, author: Author) -> None:
        """A new review thread."""
        number = self._world.count("thread")
        comment = ThreadComment(id=f"C_{number}", author=author, body=body, created_at=self._world.at())
        thread = ReviewThread(
            id=f"T_{number}", path="src/login.py", line=number, outdated=False, comments=(comment,)
        )
        self.change(pull, threads=(*pull.now.threads, Thread(thread=thread)), touched=True)

    def comment(self, thread_id: str, author: Author, body: str) -> None:
        """Somebody says something in a thread."""
        said = ThreadComment(
            id=f"C_more_{self._world.count('comment')}",
            author=author,
            body=body,
            created_at=self._world.at(),
        )
        self._at_thread(thread_id, lambda each: _with_comments(each, (*each.thread.comments, said)))

    def edit(self, thread_id: str, author: Author) -> None:
        """Somebody edits what he said first in a thread."""

        def edited(each: Thread) -> Thread:
            first, *more = each.thread.comments
            now = self._world.at()
            return _with_comments(each, (attrs.evolve(first, body=f"{first.body}.", edited_at=now), *more))

        found = self.thread(thread_id)
        if found is not None and found.thread.comments[0].author == author:
            self._at_thread(thread_id, edited)

    def thread(self, thread_id: str) -> Thread | None:
        """The thread as it is now; None when there is none."""
        threads = (each for pull in self.pulls.values() for each in pull.now.threads)
        return next((each for each in threads if each.thread.id == thread_id), None)

    def review(self, pull: Pull, state: str, body: str) -> None:
        number = self._world.count("review")
        review = Review(id=f"R_{number}", author=OWNER, state=state, body=body, submitted_at=self._world.at())
        self.change(pull, reviews=(*pull.now.reviews, review), touched=True)

    def set_state(self, pull: Pull, state: GitHubState) -> None:
        taken = state is GitHubState.OPEN and self.open_pull_of(pull.branch) is not None
        if pull.now.state is not GitHubState.MERGED and not taken:
            self.change(pull, state=state, touched=True)
            if state is GitHubState.OPEN:
                if pull.repository == REPOSITORY:
                    self._follow(pull)
                self._merge_later(pull)

    # What Headway writes

    def answer(self, thread_id: str, body: str, mark: str) -> str | None:
        """A comment of Headway's own account; its id, or None when there is no such thread."""
        comment = ThreadComment(
            id=f"C_own_{len(self.marks) + 1}",
            author=VIEWER,
            body=f"{body}\n{mark}",
            created_at=self._world.at(),
        )
        if not self._at_thread(
            thread_id,
            lambda each: _with_comments(each, (*each.thread.comments, comment)),
        ):
            return None
        self.marks.append(mark)
        return comment.id

    def resolve(self, thread_id: str) -> bool:
        return self._at_thread(thread_id, lambda each: attrs.evolve(each, resolved=True))

    def _at_thread(self, thread_id: str, change: Callable[[Thread], Thread]) -> bool:
        for pull in self.pulls.values():
            if any(each.thread.id == thread_id for each in pull.now.threads):
                threads = tuple(
                    change(each) if each.thread.id == thread_id else each for each in pull.now.threads
                )
                self.change(pull, threads=threads, touched=True)
                return True
        return False


def _with_comments(each: Thread, comments: tuple[ThreadComment, ...]) -> Thread:
    return attrs.evolve(each, thread=attrs.evolve(each.thread, comments=comments))


def newest_of(checks: Iterable[CheckRow], name: str) -> CheckRunRow | None:
    """The last run of a job, whichever run of the workflow it was in."""
    runs = [check for check in checks if isinstance(check, CheckRunRow) and check.name == name]
    return max(runs, key=lambda run: run.number or 0, default=None)


WORKFLOW: dict[str, Any] = {"app": "ci", "workflow": "1", "event": "push"}
_WORDS = {
    CheckOutcome.PASSED: "SUCCESS",
    CheckOutcome.FAILED: "FAILURE",
}


def state_part(pull: Pull, state: PullState, tip: str | None) -> StatePart:
    """What a fetch reads of a state."""
    return StatePart(
        node_id=pull.node_id,
        number=pull.number,
        url=f"https://github.com/{REPOSITORY}/pull/{pull.number}",
        title=f"Pull request of {pull.branch}",
        author=VIEWER,
        state=state.state,
        draft=False,
        review_decision=None,
        head=Head(
            ref=pull.branch,
            commit=state.head,
            repository=pull.repository,
            tip=tip if pull.repository == REPOSITORY else state.head,
        ),
        base=Base(ref="main", commit=state.base),
        updated_at=state.updated_at,
        merge_queue=None,
    )


def checks_part(state: PullState) -> ChecksPart:
    return ChecksPart(commit=state.head, checks=newest_checks(state.checks), required=())


def conversation_part(state: PullState) -> ConversationPart:
    threads = tuple(each.thread for each in state.threads if not each.resolved)
    return ConversationPart(reviews=state.reviews, threads=threads)
