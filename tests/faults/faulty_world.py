"""A forge in memory with a past, and answers that are wrong in all the ways that the port allows.

The world moves; what is told of it may be partial, late, of a replica that lags, of another commit, or
missing. Every value of every part is kept with its place in the part's history, so that whoever looks at
stored facts can tell whether one is older than another, and whether it ever was true.
"""

import enum
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
from witness import Died, Past

from headway_core.projects.model import Project
from headway_core.pull_requests.model import (
    Author,
    Base,
    Check,
    CheckOutcome,
    FailureKind,
    GitHubState,
    Head,
    Mergeability,
    PullRequestFacts,
    ReviewThread,
    ThreadComment,
)
from headway_core.pull_requests.ports import (
    Candidate,
    ChecksPart,
    ConversationPart,
    FetchFailed,
    ForgeReader,
    LookAgain,
    Observation,
    RateLimit,
    StatePart,
)
from headway_testing.clock import EPOCH, ManualClock

POINTS = 1000
"""An hour, one for each answer: the last of them are met now and then."""
MOST_LAG_S = 4.0
"""How far a replica lags at most: less than what core reckons with (`READ_LAG`)."""


class Fault(enum.StrEnum):
    """What can be wrong with the answer for one pull request, or with all of one question."""

    UNAVAILABLE = "unavailable"
    LIMITED = "limited"
    LIMITED_FOR = "limited for a while"
    NONSENSE = "nonsense"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    MISSING = "missing in the list"
    NO_CHECKS = "checks refused"
    TORN_TALK = "torn conversation"
    NO_MERGEABILITY = "mergeability refused"
    OTHER_COMMIT = "checks of another commit"
    LAG = "replica lag"
    HEAD_LAG = "record lags its branch"
    SLOW = "slower than the lease"
    DEATH = "the process dies"


@attrs.frozen(kw_only=True)
class Truth:
    """All that is true of a pull request at a moment."""

    title: str
    state: GitHubState
    draft: bool
    head: str
    base: Base
    updated_at: datetime
    checks: tuple[Check, ...]
    threads: tuple[ReviewThread, ...]
    mergeability: Mergeability


PARTS: Mapping[str, Callable[[PullRequestFacts | Truth], object]] = {
    "title": lambda f: f.title,
    "state": lambda f: f.state,
    "draft": lambda f: f.draft,
    "head": lambda f: f.head if isinstance(f, Truth) else f.head.commit,
    "base": lambda f: f.base,
    "checks": lambda f: f.checks,
    "conversation": lambda f: tuple(sorted(thread.id for thread in f.threads)),
    "mergeability": lambda f: (
        f.head if isinstance(f, Truth) else f.head.commit,
        f.base.commit,
        f.mergeability,
    ),
}
"""What is looked at. Titles, bases and lists of checks are never the same twice."""


@attrs.define
class Pull:
    """A pull request with its past."""

    number: int
    branch: str
    created_at: datetime
    past: list[tuple[datetime, Truth]] = attrs.Factory(list)
    heads: list[str] = attrs.Factory(list)
    story: Past = attrs.field(init=False)
    unknown_until: datetime | None = None
    touched_at: datetime | None = None
    lags_until: datetime = EPOCH
    """Its record lags its branch, for longer than a replica does."""

    def __attrs_post_init__(self) -> None:
        self.story = Past(self.node_id, self.branch)

    @property
    def node_id(self) -> str:
        return f"PR_{self.number}"

    @property
    def now(self) -> Truth:
        return self.past[-1][1]

    def add(self, at: datetime, truth: Truth) -> None:
        self.past.append((at, truth))
        self.story.add({part: value(truth) for part, value in PARTS.items()})

    def at(self, moment: datetime) -> Truth:
        """What was true at a moment; its first truth before that."""
        return next((truth for at, truth in reversed(self.past) if at <= moment), self.past[0][1])


class FaultyForge(ForgeReader):
    """One repository. `rate` is the chance that the answer for a pull request is faulty."""

    def __init__(self, clock: ManualClock, chance: random.Random, rate: float = 0.3) -> None:
        self.clock = clock
        self.chance = chance
        self.rate = rate
        self.pulls: dict[str, Pull] = {}
        self.injected: Counter[str] = Counter()
        self.answers = 0
        self._resets_at = EPOCH
        self.while_slow: Callable[[], Awaitable[None]] | None = None
        self._runs = 1000
        self._commits = 0
        self._titles = 0
        self._threads = 0
        self._base = "0" * 40

    # The world moves.

    def open(self, branch: str) -> Pull:
        now = self.clock.now()
        pull = Pull(number=len(self.pulls) + 1, branch=branch, created_at=now)
        head = self._commit()
        truth = Truth(
            title=self._title(),
            state=GitHubState.OPEN,
            draft=False,
            head=head,
            base=Base(ref="main", commit=self._base),
            updated_at=now,
            checks=self._new_checks(head),
            threads=(),
            mergeability=Mergeability.UNKNOWN,
        )
        pull.unknown_until = now + timedelta(seconds=3)
        pull.heads.append(head)
        pull.add(now, truth)
        self.pulls[pull.node_id] = pull
        return pull

    def move(self, pull: Pull) -> str | None:
        """Something happens to a pull request; what, or None when it could not."""
        moves: dict[str, Callable[[Pull], Truth | None]] = {
            "edit": lambda p: self._touched(p, title=self._title()),
            "draft": lambda p: self._touched(p, draft=not p.now.draft),
            "push": self._push,
            "force-push back": self._push_back,
            "check moves": self._check_moves,
            "check is run again": self._rerun,
            "check is told anew": self._amend,
            "comment": self._comment,
            "resolve": self._resolve,
            "close or reopen": self._close_or_reopen,
            "retarget": lambda p: self._touched(
                p, base=Base(ref="next" if p.now.base.ref == "main" else "main", commit=self._commit())
            ),
        }
        if pull.now.state is GitHubState.MERGED:
            return None
        name = self.chance.choice(list(moves))
        truth = moves[name](pull)
        if truth is None:
            return None
        moved = (truth.head, truth.base) != (pull.now.head, pull.now.base)
        if moved:
            truth = attrs.evolve(truth, mergeability=Mergeability.UNKNOWN)
            pull.unknown_until = self.clock.now() + timedelta(seconds=self.chance.uniform(1, 20))
        pull.add(self.clock.now(), truth)
        return name

    def move_base(self) -> None:
        """Somebody pushes to main: every open pull request into it has another base."""
        self._base = self._commit()
        for pull in self.pulls.values():
            if pull.now.base.ref == "main" and pull.now.state is GitHubState.OPEN:
                base = Base(ref="main", commit=self._base)
                pull.unknown_until = self.clock.now() + timedelta(seconds=self.chance.uniform(1, 20))
                pull.add(
                    self.clock.now(), attrs.evolve(pull.now, base=base, mergeability=Mergeability.UNKNOWN)
                )

    def merge(self, pull: Pull) -> bool:
        """Whether it could be merged."""
        open_ = pull.now.state is GitHubState.OPEN
        merged = self._touched(pull, state=GitHubState.MERGED) if open_ else None
        if merged is not None:
            pull.add(self.clock.now(), merged)
        return merged is not None

    def work(self) -> None:
        """GitHub works out what merges."""
        for pull in self.pulls.values():
            ready = pull.unknown_until is not None and pull.unknown_until <= self.clock.now()
            if ready and pull.now.state is GitHubState.OPEN:
                pull.unknown_until = None
                known = self.chance.choice([Mergeability.CLEAN, Mergeability.CLEAN, Mergeability.CONFLICT])
                pull.add(self.clock.now(), attrs.evolve(pull.now, mergeability=known))

    def hints(self, pull: Pull) -> LookAgain:
        """What a webhook would hint at after a move."""
        by = self.chance.choice(["numbers", "commits", "branches"])
        named: dict[str, tuple[int, ...] | tuple[str, ...]] = {
            "numbers": (pull.number,),
            "commits": (pull.now.head,),
            "branches": (pull.branch,),
        }
        return LookAgain(host="github.com", repository="octo/demo", **{by: named[by]})  # type: ignore[arg-type]  # by its own names

    # What is told of it.

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        whole = self._draw(
            (Fault.UNAVAILABLE, Fault.LIMITED, Fault.LIMITED_FOR, Fault.NONSENSE), self.rate / 6
        )
        if whole is not None:
            return dict.fromkeys(node_ids, FAILURES[whole])
        answers: dict[str, Observation | FetchFailed] = {}
        slow = self._draw((Fault.SLOW, Fault.DEATH), self.rate / 20)
        for node_id in node_ids:
            fault = self._draw(ONE, self.rate)
            pull = self.pulls.get(node_id)
            self.answers += 1
            if pull is None or fault is Fault.NOT_FOUND:
                answers[node_id] = FAILURES[Fault.NOT_FOUND]
            elif fault in FAILURES:
                answers[node_id] = FAILURES[fault]
            elif fault is not Fault.MISSING:
                answers[node_id] = self._told(pull, fault)
        if slow is Fault.DEATH:
            raise Died
        if slow is Fault.SLOW and self.while_slow is not None:
            meanwhile, self.while_slow = self.while_slow, None
            await meanwhile()
        return answers

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        return f"PR_{number}" if f"PR_{number}" in self.pulls else FAILURES[Fault.NOT_FOUND]

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        fault = self._draw((Fault.UNAVAILABLE, Fault.LIMITED), self.rate / 3)
        if fault is not None:
            return dict.fromkeys(branches, FAILURES[fault])
        found: dict[str, list[Candidate]] = defaultdict(list)
        for pull in self.pulls.values():
            if pull.now.state is GitHubState.OPEN:
                found[pull.branch].append(
                    Candidate(
                        node_id=pull.node_id,
                        number=pull.number,
                        base_ref=pull.now.base.ref,
                        created_at=pull.created_at,
                        head_repository="octo/demo",
                    )
                )
        return {branch: tuple(found[branch]) for branch in branches}

    def limits(self) -> tuple[RateLimit, ...]:
        now = self.clock.now()
        if now >= self._resets_at:
            self.answers, self._resets_at = 0, now + timedelta(hours=1)
        return (
            RateLimit(
                resource="graphql",
                limit=POINTS,
                remaining=max(POINTS - self.answers, 0),
                resets_at=self._resets_at,
                cost=1,
                told_at=now,
            ),
        )

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        self.injected["merge_checks"] += 1

    def _draw(self, faults: Sequence[Fault], rate: float) -> Fault | None:
        if self.chance.random() >= rate:
            return None
        fault = self.chance.choice(faults)
        self.injected[fault.value] += 1
        return fault

    def _told(self, pull: Pull, fault: Fault | None) -> Observation:
        now, truth = self.clock.now(), pull.now
        if fault is Fault.LAG:
            truth = pull.at(now - timedelta(seconds=self.chance.uniform(0, MOST_LAG_S)))
        tip = truth.head
        if fault is Fault.HEAD_LAG:
            pull.lags_until = now + timedelta(seconds=self.chance.uniform(0, 300))
        lags = self.rate > 0 and now <= pull.lags_until
        if lags and len(pull.heads) > 1 and truth.state is GitHubState.OPEN:
            # The branch has moved, and the record has not: the checks are of its old head, the mergeability
            # may be of either.
            old = next(each for _, each in reversed(pull.past) if each.head == pull.heads[-2])
            truth = attrs.evolve(truth, head=old.head, base=old.base, checks=old.checks)
            if self.chance.random() < 0.5:
                truth = attrs.evolve(truth, mergeability=old.mergeability)
        commit = self._commit() if fault is Fault.OTHER_COMMIT else truth.head
        talk = ConversationPart(reviews=(), threads=truth.threads)
        return Observation(
            state=StatePart(
                node_id=pull.node_id,
                number=pull.number,
                url=f"https://github.com/octo/demo/pull/{pull.number}",
                title=truth.title,
                author=ALICE,
                state=truth.state,
                draft=truth.draft,
                review_decision=None,
                head=Head(ref=pull.branch, commit=truth.head, repository="octo/demo", tip=tip),
                base=truth.base,
                updated_at=truth.updated_at,
                merge_queue=None,
            ),
            checks=None
            if fault is Fault.NO_CHECKS
            else ChecksPart(commit=commit, checks=truth.checks, required=()),
            conversation=None if fault is Fault.TORN_TALK else talk,
            mergeability=None if fault is Fault.NO_MERGEABILITY else truth.mergeability,
        )

    # Moves.

    def _touched(self, pull: Pull, **changes: object) -> Truth | None:
        """A move that `updatedAt` tells; one a second, for that is all that it can tell apart."""
        now = self.clock.now().replace(microsecond=0)
        if pull.touched_at is not None and now <= pull.touched_at:
            return None
        pull.touched_at = now
        return attrs.evolve(pull.now, updated_at=now, **changes)  # type: ignore[arg-type]  # by its own names

    def _push(self, pull: Pull) -> Truth | None:
        if pull.now.state is not GitHubState.OPEN:
            return None  # the branch moves, and the pull request does not
        head = self._commit()
        truth = self._touched(pull, head=head, checks=self._new_checks(head))
        if truth is not None:
            pull.heads.append(head)
        return truth

    def _push_back(self, pull: Pull) -> Truth | None:
        """To a head that it had before: its checks are those that the commit has."""
        if len(pull.heads) < 2 or pull.now.state is not GitHubState.OPEN:
            return None
        head = pull.heads[-2]
        checks = next(truth.checks for _, truth in reversed(pull.past) if truth.head == head)
        truth = self._touched(pull, head=head, checks=checks)
        if truth is not None:
            pull.heads.append(head)
        return truth

    def _check_moves(self, pull: Pull) -> Truth | None:
        running = [check for check in pull.now.checks if check.completed_at is None]
        if not running:
            return None
        outcome = self.chance.choice([CheckOutcome.PASSED, CheckOutcome.FAILED])
        ended = attrs.evolve(running[0], outcome=outcome, word=outcome.name, completed_at=self.clock.now())
        return attrs.evolve(
            pull.now, checks=tuple(ended if check is running[0] else check for check in pull.now.checks)
        )

    def _rerun(self, pull: Pull) -> Truth | None:
        old = self.chance.choice(pull.now.checks)
        if old.completed_at is None:
            return None
        new = attrs.evolve(
            self._check(old.name), identity=old.identity, started_at=self.clock.now(), completed_at=None
        )
        return attrs.evolve(
            pull.now, checks=tuple(new if check is old else check for check in pull.now.checks)
        )

    def _amend(self, pull: Pull) -> Truth | None:
        """An app corrects what it said of a run that was over: its id stays, its end is later."""
        now = self.clock.now().replace(microsecond=0)
        over = [c for c in pull.now.checks if c.completed_at is not None and c.completed_at < now]
        if not over:
            return None
        other = {CheckOutcome.PASSED: CheckOutcome.FAILED, CheckOutcome.FAILED: CheckOutcome.PASSED}
        outcome = other[over[0].outcome]
        anew = attrs.evolve(over[0], outcome=outcome, word=outcome.name, completed_at=now)
        return attrs.evolve(
            pull.now, checks=tuple(anew if check is over[0] else check for check in pull.now.checks)
        )

    def _comment(self, pull: Pull) -> Truth | None:
        self._threads += 1
        comment = ThreadComment(
            id=f"C{self._threads}", author=ALICE, body="Why?", created_at=self.clock.now()
        )
        thread = ReviewThread(
            id=f"T{self._threads}", path="a.py", line=1, outdated=False, comments=(comment,)
        )
        return self._touched(pull, threads=(*pull.now.threads, thread))

    def _resolve(self, pull: Pull) -> Truth | None:
        if not pull.now.threads:
            return None
        gone = self.chance.choice(pull.now.threads)
        return attrs.evolve(pull.now, threads=tuple(t for t in pull.now.threads if t is not gone))

    def _close_or_reopen(self, pull: Pull) -> Truth | None:
        opened = pull.now.state is GitHubState.OPEN
        return self._touched(pull, state=GitHubState.CLOSED if opened else GitHubState.OPEN)

    def _commit(self) -> str:
        self._commits += 1
        return f"{self._commits:040x}"

    def _title(self) -> str:
        self._titles += 1
        return f"Title {self._titles}"

    def _new_checks(self, head: str) -> tuple[Check, ...]:
        return tuple(self._check(name) for name in ("lint", "test"))

    def _check(self, name: str) -> Check:
        self._runs += 1
        return Check(
            identity=f"run:github-actions/1/push/{name}",
            name=name,
            run_id=str(self._runs),
            outcome=CheckOutcome.PENDING,
            word="IN_PROGRESS",
            required=False,
            started_at=self.clock.now(),
        )


ALICE = Author(login="alice", node_id="U_alice", association="OWNER", can_push=True)
FAILURES: dict[Fault | None, FetchFailed] = {
    Fault.UNAVAILABLE: FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no connection"),
    Fault.LIMITED: FetchFailed(kind=FailureKind.RATE_LIMITED, problem="secondary"),
    Fault.LIMITED_FOR: FetchFailed(kind=FailureKind.RATE_LIMITED, problem="primary", retry_after_s=30),
    Fault.NONSENSE: FetchFailed(kind=FailureKind.NONSENSE, problem="malformed"),
    Fault.FORBIDDEN: FetchFailed(kind=FailureKind.FORBIDDEN, problem="not this"),
    Fault.NOT_FOUND: FetchFailed(kind=FailureKind.NOT_FOUND, problem="not there"),
}
ONE = (
    Fault.UNAVAILABLE,
    Fault.NONSENSE,
    Fault.FORBIDDEN,
    Fault.NOT_FOUND,
    Fault.MISSING,
    Fault.NO_CHECKS,
    Fault.TORN_TALK,
    Fault.NO_MERGEABILITY,
    Fault.OTHER_COMMIT,
    Fault.LAG,
    Fault.LAG,
    Fault.LAG,
    Fault.HEAD_LAG,
)
