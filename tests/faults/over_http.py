"""The rehearsal of faults over real HTTP: the adapter, and the sandbox in a process of its own.

What core alone can't meet is met here: answers that are cut, torn pages, HTML, limits by header and by
body, redirects after a rename, checks by REST for a token that GraphQL refuses them, deliveries that are
signed and decoded. Both sides have one clock, which stands until it is moved. After every move the sandbox
tells what is true. A world is lived in for a season; then a new one begins with the next seed.
"""

import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

import anyio
import attrs
from faulty_world import MOST_LAG_S, Fault
from witness import FATES, Died, Figures, Past, Rehearsal, Wrong

from headway_core.pull_requests import Delivery, DeliveryRefused, PRSnapshotService
from headway_core.pull_requests.model import Mergeability, PullRequestFacts, ReviewThread
from headway_github.active_limit import ActiveLimit
from headway_github.answers import RawAnswer, SendFailed
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.graphql_transport import HttpGraphQL
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.rules import RequiredContexts
from headway_github.tokens import GivenToken
from headway_github.webhooks import GitHubWebhooks
from headway_sandbox import (
    CheckStatus,
    Conclusion,
    CreateRepository,
    FaultKind,
    Remark,
    ReviewState,
    SandboxControl,
    SandboxProcess,
    StatusState,
    UserSpec,
    World,
    create,
    launch,
)
from headway_sandbox.commands import DeliveryView, PullView, RepositoryView, ThreadView
from headway_testing.clock import ManualClock
from headway_testing.fakes import FakeLocks
from headway_testing.pull_requests import pull_requests_on

SEASON = 500
CALM_EVERY = 100
SECRET = "secret"
PAGE = 50
"""Threads of a pull request that are read with it."""
RATE = 0.03
"""The chance of each question that its answer is late, or that the process that asked dies meanwhile."""
PROCESSES = ("alice", "carol")
"""Whose token each process has: carol's may not read checks by GraphQL, and does so by REST."""
ASKED = ("Detail", "Detail", "MoreThreads", "MoreComments", "Branches", "Required", "rest", None)
"""Of which question the next answer is wrong; None: of any."""
SECONDS = {FaultKind.SLOW: 0.01, FaultKind.RATE_LIMITED: 5.0, FaultKind.SECONDARY: 5.0}
MERGEABILITY = {
    Mergeability.CLEAN: "MERGEABLE",
    Mergeability.CONFLICT: "CONFLICTING",
    Mergeability.UNKNOWN: "UNKNOWN",
}
PARTS: Mapping[str, Callable[[PullRequestFacts], object]] = {
    "title": lambda f: f.title,
    "state": lambda f: f.state.value,
    "draft": lambda f: f.draft,
    "head": lambda f: f.head.commit,
    "base": lambda f: f.base.commit,
    "decision": lambda f: f.review_decision and f.review_decision.value,
    "checks": lambda f: (f.head.commit, frozenset((check.name, check.word) for check in f.checks)),
    "conversation": lambda f: (
        frozenset((review.id, review.state) for review in f.reviews),
        frozenset(_thread(thread) for thread in f.threads),
    ),
    "mergeability": lambda f: (f.head.commit, f.base.commit, MERGEABILITY[f.mergeability]),
}


def _thread(thread: ReviewThread | ThreadView) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A thread with its words, as the facts and the sandbox have it."""
    if isinstance(thread, ReviewThread):
        return thread.id, tuple((comment.id, comment.body) for comment in thread.comments)
    return thread.node_id, tuple((comment.node_id, comment.body) for comment in thread.comments)


def truth(pull: PullView, repository: RepositoryView) -> dict[str, object]:
    """What is so of a pull request, part by part, as the sandbox itself says."""
    checks = {run.name: str(run.conclusion or run.status) for run in pull.runs if not run.replaced}
    checks |= {s.context: str(s.state) for s in repository.statuses if s.commit == pull.head_oid}
    unresolved = [thread for thread in pull.threads if not thread.resolved]
    return {
        "title": pull.title,
        "state": pull.state,
        "draft": pull.draft,
        "head": pull.head_oid,
        "base": pull.base_oid,
        "decision": pull.review_decision,
        "checks": (pull.head_oid, frozenset(checks.items())),
        "conversation": (
            frozenset((review.node_id, str(review.state)) for review in pull.reviews if review.body),
            frozenset(_thread(thread) for thread in unresolved),
        ),
        "mergeability": (pull.head_oid, pull.base_oid, pull.mergeable),
    }


@attrs.define
class Air:
    """What is between the adapter and GitHub: answers get lost with their process, come late or are old."""

    clock: ManualClock
    chance: random.Random
    injected: Counter[str]
    rate: float = 0.0
    while_slow: Callable[[], Awaitable[None]] | None = None

    def draw(self, *, may_lag: bool) -> Fault | None:
        """What happens to the next question, if anything. That an older answer is at hand is rare."""
        if may_lag and self.chance.random() < 8 * self.rate:
            return Fault.LAG
        return self.chance.choice((Fault.SLOW, Fault.DEATH)) if self.chance.random() < self.rate else None


class Wire(HttpConnection):
    """A connection through such air. A replica that lags gives an answer of a moment ago again."""

    def __init__(self, url: str, token: GivenToken, air: Air) -> None:
        super().__init__(url, token)
        self._air = air
        self._told: dict[object, list[tuple[datetime, RawAnswer]]] = {}

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> RawAnswer | SendFailed:
        air = self._air
        question = (method, path, content, *sorted((headers or {}).items()))
        since = air.clock.now() - timedelta(seconds=MOST_LAG_S)
        told = [each for each in self._told.get(question, []) if each[0] >= since]
        fault = air.draw(may_lag=bool(told))
        if fault is Fault.LAG:
            air.injected[fault.value] += 1
            return air.chance.choice(told)[1]
        answer = await super().request(method, path, content=content, headers=headers, changes=changes)
        if isinstance(answer, RawAnswer):
            self._told[question] = [*told, (air.clock.now(), answer)]
        if fault is Fault.DEATH:
            air.injected[fault.value] += 1
            raise Died
        if fault is Fault.SLOW and air.while_slow is not None:
            air.injected[fault.value] += 1
            meanwhile, air.while_slow = air.while_slow, None
            await meanwhile()
        return answer


@contextmanager
def a_server(folder: Path) -> Iterator[tuple[World, SandboxProcess]]:
    """octo/demo without CI: an approval is required, and mergeability is worked out in six seconds."""
    origin, work = folder / "origin.git", folder / "work"
    _git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    _git(folder, "init", "-q", "-b", "main", str(work))
    (work / "main.py").write_text("x = 0\n")
    _git(work, "add", "-A")
    _git(work, "commit", "-q", "-m", "Begin")
    _git(work, "push", "-q", str(origin), "main")
    world = create(
        folder / "sandbox.sqlite",
        owner="octo",
        name="demo",
        origin=origin,
        users=[UserSpec(login="alice"), UserSpec(login="bob"), UserSpec(login="carol", fine_grained=True)],
        settings=CreateRepository(
            owner="octo", name="demo", origin=str(origin), required_approvals=1, mergeable_delay=6.0
        ),
    )
    server = launch(world.state_file)
    try:
        yield world, server
    finally:
        server.stop()


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@asynccontextmanager
async def a_season(folder: Path, seed: int) -> AsyncIterator["OverHttp"]:
    """A world of its own, and everything joined."""
    with a_server(folder) as (world, server):
        async with AsyncExitStack() as stack:
            github = await stack.enter_async_context(server.control())
            season = OverHttp(seed, world, github)
            for wire in season.wires:
                await stack.enter_async_context(wire)
            yield season


class OverHttp(Rehearsal):
    """Two processes with adapters and tokens of their own, and the sandbox."""

    steps = (0.1, 0.3, 1, 1, 2, 3, 10, 30)
    workspaces = 4
    parts: ClassVar = PARTS

    def __init__(self, seed: int, world: World, github: SandboxControl) -> None:
        super().__init__(seed)
        self.seed = seed
        self.github = github
        self.air = Air(self.clock, self.chance, self.figures.faults)
        tokens = [GivenToken(world.tokens[login]) for login in PROCESSES]
        self.wires = [Wire(world.url, token, self.air) for token in tokens]
        self.tokens = tokens
        self.webhooks = GitHubWebhooks("github.com", ["the former one", SECRET])
        self.repository: RepositoryView = world.repository
        self.waiting: Counter[str] = Counter()
        """Faults that no answer has met yet."""
        self._pasts: dict[str, Past] = {}
        self._long: dict[str, set[object]] = {}
        """Every thread that ever was, of those that have more than a page of them."""
        self._delivered: list[DeliveryView] = []
        self._fetched = 0
        self._serial = 0

    def process(self, n: int) -> PRSnapshotService:
        budgets, wire = Budgets(), self.wires[n]
        rest = Rest(wire, self.tokens[n], budgets)
        forge = GitHubPullRequests(HttpGraphQL(wire, budgets), rest, budgets)
        # What the adapter waits for and keeps for a while goes by the clock of this world.
        rest._active_limits = {method: ActiveLimit(now=self._seconds) for method in rest._active_limits}
        forge._required = RequiredContexts(now=self._seconds)
        return pull_requests_on(self.store, forge, locks=FakeLocks(f"host-{n}"))

    def _seconds(self) -> float:
        return self.clock.now().timestamp()

    async def open_world(self) -> None:
        await self.time_passes(0)
        await self.github.create_hook(SECRET)
        for n in range(self.workspaces):
            await self._push(f"b{n}", start="main")
            await self.github.open_pull_request("alice", f"b{n}", f"Title {n}")
        await self._fill_a_page()
        await self.note()

    async def _fill_a_page(self) -> None:
        """One has more comments in a thread than a page has; in every fourth world, more threads."""
        many = self.seed % 4 == 0
        remarks = tuple(Remark(path="b0.py", line=None, body=f"Why {n}?") for n in range(51 if many else 1))
        review = await self.github.review("bob", 1, ReviewState.COMMENTED, "So", threads=remarks)
        for n in range(0 if many else 21):
            await self.github.reply_to_thread("alice", review.threads[0], f"Because {n}.")

    async def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.github.set_clock(self.clock.now().timestamp())
        if any(pull.mergeable == "UNKNOWN" for pull in self.repository.pulls if pull.state == "OPEN"):
            await self.note()

    async def note(self) -> None:
        """Write down what is so now, and which faults were met."""
        state = await self.github.state()
        (self.repository,) = state.repositories
        for pull in self.repository.pulls:
            past = self._pasts.setdefault(pull.node_id, Past(pull.node_id, pull.head))
            now = truth(pull, self.repository)
            if now != past.now:
                past.add(now)
            if len(pull.threads) > PAGE:
                self._long.setdefault(pull.node_id, set()).update(_thread(each) for each in pull.threads)
        left: Counter[str] = Counter()
        for fault in state.faults:
            left[fault.kind.value] += fault.remaining
        self.figures.faults.update(self.waiting - left)
        self.waiting = left

    def _compare_part(
        self,
        workspace_id: str,
        part: str,
        past: Past,
        former: PullRequestFacts | None,
        facts: PullRequestFacts,
    ) -> None:
        """A list of several pages is of no one moment: each of its threads was so by itself."""
        if part != "conversation" or past.node_id not in self._long:
            super()._compare_part(workspace_id, part, past, former, facts)
            return
        for thread in facts.threads:
            if _thread(thread) not in self._long[past.node_id]:
                raise Wrong(f"{workspace_id}: a thread of {past.node_id} was never so: {_thread(thread)}")

    def pasts(self) -> Mapping[str, Past]:
        return self._pasts

    async def prepare_faults(self, n: int) -> None:
        self.air.rate, self.air.while_slow = RATE, partial(self.meanwhile, n)
        if self.waiting and self.chance.random() < 0.3:
            await self.stop_faults()
            self.air.rate = RATE
        if self.chance.random() < 0.6:
            kind = self.chance.choice(list(FaultKind))
            asked = self.chance.choice(ASKED)
            count = self.chance.choice((1, 1, 4)) if kind is FaultKind.STALE else 1
            seconds = SECONDS.get(kind, 0.0)
            await self.github.add_fault(kind, count=count, seconds=seconds, operation=asked)
            self.waiting[kind.value] += count

    async def stop_faults(self) -> None:
        self.air.rate = 0.0
        if self.waiting:
            await self.note()
            await self.github.clear_faults()
            self.waiting.clear()

    # The world moves.

    async def world_moves(self) -> None:
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            pull = self.chance.choice(self._newest())
            name = self.chance.choices(list(MOVES), [weight for weight, _ in MOVES.values()])[0]
            await self.time_passes(1)
            if pull.state == "MERGED":  # by what was pushed to the base: nobody reads it any more
                await self._open_another(pull)
            elif await MOVES[name][1](self, pull):
                self.figures.moves[name] += 1
                self.moved = f"w{pull.head[1:]}"
                await self.note()
        await self._deliver()

    def _newest(self) -> list[PullView]:
        """The newest pull request of every branch."""
        return list({pull.head: pull for pull in self.repository.pulls}.values())

    async def _push(self, branch: str, start: str = "") -> bool:
        """Now and then to a file that the base has too."""
        self._serial += 1
        path = "main.py" if branch == "main" or self.chance.random() < 0.1 else f"{branch}.py"
        files: dict[str, str | None] = {path: f"x = {self._serial}\n"}
        await self.github.commit_files("alice", branch, files, f"Change {self._serial}", start=start)
        return True

    async def _push_to(self, pull: PullView) -> bool:
        return await self._push(pull.head)

    async def _push_to_base(self, _: PullView) -> bool:
        return await self._push("main")

    async def _force_push(self, pull: PullView) -> bool:
        """To an earlier commit of the branch."""
        seen = [push.after for push in self.repository.pushes if push.branch == pull.head and push.after]
        await self.github.force_push("alice", pull.head, self.chance.choice(seen[-4:]))
        return True

    async def _check(self, pull: PullView) -> bool:
        """A run of an app goes on, ends, or begins again under its id."""
        done = self.chance.random() < 0.7
        status = CheckStatus.COMPLETED if done else CheckStatus.IN_PROGRESS
        conclusion = self.chance.choice((Conclusion.SUCCESS, Conclusion.FAILURE)) if done else None
        name = self.chance.choice(("test", "lint"))
        await self.github.report_check(pull.head_oid, name, status, conclusion)
        return True

    async def _status(self, pull: PullView) -> bool:
        state = self.chance.choice((StatusState.PENDING, StatusState.SUCCESS, StatusState.ERROR))
        await self.github.set_status("bob", pull.head_oid, "deploy", state)
        return True

    async def _title(self, pull: PullView) -> bool:
        self._serial += 1
        await self.github.edit_pull_request(pull.number, title=f"Title {self._serial}")
        return True

    async def _draft(self, pull: PullView) -> bool:
        await self.github.edit_pull_request(pull.number, draft=not pull.draft)
        return True

    async def _review(self, pull: PullView) -> bool:
        if pull.state != "OPEN":
            return False
        self._serial += 1
        remark = Remark(path=f"{pull.head}.py", line=None, body=f"Why {self._serial}?")
        state = self.chance.choice(
            (ReviewState.CHANGES_REQUESTED, ReviewState.COMMENTED, ReviewState.APPROVED)
        )
        await self.github.review("bob", pull.number, state, "So", threads=(remark,))
        return True

    async def _resolve(self, pull: PullView) -> bool:
        if not pull.threads:
            return False
        thread = self.chance.choice(pull.threads)
        await self.github.resolve_thread("bob", thread.id, resolved=not thread.resolved)
        return True

    async def _close_or_reopen(self, pull: PullView) -> bool:
        match pull.state:
            case "OPEN":
                await self.github.close(pull.number)
            case "CLOSED":
                await self.github.reopen(pull.number)
            case _:
                return False
        return True

    async def _merge(self, pull: PullView) -> bool:
        if pull.state != "OPEN" or pull.merge_state not in ("CLEAN", "UNSTABLE"):
            return False
        await self.github.merge("alice", pull.number)
        await self.note()
        await self._open_another(pull)
        return True

    async def _open_another(self, pull: PullView) -> None:
        """The branch of a merged one goes on, in another."""
        await self.time_passes(2)
        await self._push(pull.head)
        await self.note()
        await self.github.open_pull_request("alice", pull.head, f"Title {self._serial}")
        await self.note()

    async def _rename(self, _: PullView) -> bool:
        """To a new name, or back; the project keeps the name that it has."""
        self._serial += 1
        await self.github.rename_repository(name=self.chance.choice(("demo", f"demo-{self._serial}")))
        return True

    async def _deliver(self) -> None:
        """Hooks come in order, late, twice, forged or never."""
        for delivery in await self.github.deliveries(after=self._fetched):
            self._fetched = delivery.id
            self._delivered.append(delivery)
            fate = self.chance.choice(FATES)
            self.figures.hooks[fate] += 1
            if fate == "lost":
                continue
            older = fate in ("late", "again")
            told = self.chance.choice(self._delivered[-30:]) if older else delivery
            body = told.body.encode() + (b" " if fate == "forged" else b"")
            decoded = self.webhooks.decode(told.headers, body)
            if isinstance(decoded, DeliveryRefused) is not (fate == "forged"):
                raise Wrong(f"a delivery that {fate} was decoded as {decoded}")
            if isinstance(decoded, Delivery):
                self.figures.hooks[type(await self.hooks.take(decoded)).__name__] += 1


Move = Callable[[OverHttp, PullView], Awaitable[bool]]
MOVES: Mapping[str, tuple[int, Move]] = {
    "push": (3, OverHttp._push_to),
    "force-push back": (2, OverHttp._force_push),
    "check": (8, OverHttp._check),
    "status": (2, OverHttp._status),
    "edit": (2, OverHttp._title),
    "draft": (1, OverHttp._draft),
    "review": (3, OverHttp._review),
    "resolve or unresolve": (3, OverHttp._resolve),
    "close or reopen": (3, OverHttp._close_or_reopen),
    "base moves": (1, OverHttp._push_to_base),
    "merge, and another of the branch": (1, OverHttp._merge),
    "repository renamed": (1, OverHttp._rename),
}


async def _season(seed: int, cycles: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        async with a_season(Path(folder), seed) as season:
            try:
                await season.live(cycles, calm_every=CALM_EVERY)
            except Wrong as error:
                raise Wrong(f"seed {seed}, cycle {season.figures.cycles}: {error}") from None
            return season.figures


def _run(season: tuple[int, int]) -> Figures:
    return anyio.run(partial(_season, *season))


def seasons(cycles: int, seed: int, jobs: int) -> Figures:
    """So many cycles, in worlds with seeds of their own. `Wrong` names the seed: `--seed` repeats it."""
    plan = [(seed + n, min(SEASON, cycles - first)) for n, first in enumerate(range(0, cycles, SEASON))]
    figures = Figures()
    with ProcessPoolExecutor(jobs) as pool:
        for done in pool.map(_run, plan):
            figures.add(done)
    return figures
