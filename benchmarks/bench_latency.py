"""From a webhook and from a sweep to the new snapshot, over real HTTP, and the processor time of no news.

The sandbox stands for GitHub, in a process of its own. The time from a request's last byte to its answer's
first is the sandbox's and is taken away from each latency: what is left is Headway's own, its HTTP client
included. The ledger is SQLite in a file, the watch runs as its duty. The baseline is a bare transaction of
the same ledger, measured between the others: its time for latencies, its processor time for processor time.

    python benchmarks/bench_latency.py [times]
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import anyio
import attrs
import httpx

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.clock import Clock
from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.store import Store
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    SNAPSHOTS,
    WATCHES,
    Delivery,
    LookAgain,
    PRSnapshotService,
    Refreshed,
    Unchanged,
    WatchDuty,
    WebhookService,
)
from headway_core.pull_requests.webhook_steps import SPACING
from headway_core.schema import ALL_TABLES
from headway_core.settings.model import SETTINGS, SettingsRecord
from headway_core.workspaces.model import (
    WORKSPACES,
)
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.graphql_transport import HttpGraphQL
from headway_github.http_client import HttpClient
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.tokens import GivenToken
from headway_sandbox import CheckStatus, Conclusion, SandboxControl, UserSpec, create, launch
from headway_sql import SqlStore
from headway_testing.clock import SequentialIds
from headway_testing.pull_requests import pull_request_steps_on, pull_requests_on, webhooks_on
from headway_testing.records import a_project, a_workspace

PULLS = 40
APART_S = 1.1 * SPACING.total_seconds()
LIMITS = {"hook": 25.0, "sweep": 10.0, "alone": 15.0, "swept": 8.0}
"""Ratios not to be exceeded. Of the medians to a bare transaction: from a hook, and of one in a sweep. Of
processor time: of a refresh that finds nothing new alone, and of one in a sweep."""


class WallClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  this is the clock


class TimedConnection(HttpConnection):
    """Counts the seconds that it waits for the first byte of an answer."""

    theirs_s = 0.0
    _sent = 0.0

    def _client(self) -> HttpClient:
        client = super()._client()
        client.http.event_hooks = {"request": [self._watch]}
        return client

    async def _watch(self, request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "trace": self._trace}

    async def _trace(self, event: str, _: object) -> None:
        match event:
            case "http11.send_request_body.complete":
                self._sent = time.perf_counter()
            case "http11.receive_response_headers.complete":
                self.theirs_s += time.perf_counter() - self._sent
            case _:
                pass


@attrs.frozen
class Bench:
    store: Store
    service: PRSnapshotService
    hooks: WebhookService
    connection: TimedConnection
    github: SandboxControl
    heads: Mapping[int, str]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Bench]:
    origin, work = folder / "origin.git", folder / "work"
    _git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    _git(folder, "init", "-q", "-b", "main", str(work))
    _git(work, "commit", "-q", "--allow-empty", "-m", "Begin")
    _git(work, "push", "-q", str(origin), "main")
    world = create(
        folder / "sandbox.sqlite", owner="octo", name="demo", origin=origin, users=[UserSpec(login="alice")]
    )
    server = launch(world.state_file)
    try:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                SqlStore.open(
                    f"sqlite:///{folder / 'bench.db'}",
                    specs=ALL_TABLES,
                    catalog=EventCatalog(ALL_EVENTS),
                    clock=WallClock(),
                    ids=SequentialIds(),
                )
            )
            token, budgets = world.tokens["alice"], Budgets()
            connection = TimedConnection(world.url, GivenToken(token))
            await stack.enter_async_context(connection)
            github = await stack.enter_async_context(server.control())
            forge = GitHubPullRequests(
                HttpGraphQL(connection, budgets), Rest(connection, GivenToken(token), budgets), budgets
            )
            service = pull_requests_on(store, forge)
            heads = await _prepare(store, service, github)
            yield Bench(store, service, webhooks_on(store), connection, github, heads)
    finally:
        server.stop()


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


async def _prepare(store: Store, service: PRSnapshotService, github: SandboxControl) -> dict[int, str]:
    """Workspaces with a pull request each, read once; nothing is due for long."""
    heads = {}
    for n in range(PULLS):
        commit = await github.commit_files(
            "alice", f"b{n}", {f"{n}.py": "x = 1\n"}, f"Work {n}", start="main"
        )
        pull = await github.open_pull_request("alice", f"b{n}", f"Work {n}")
        heads[pull.number] = commit.oid
    steps = pull_request_steps_on(store)
    projects, workspaces, settings = store.writer(PROJECTS), store.writer(WORKSPACES), store.writer(SETTINGS)

    def work(tx: Transaction) -> None:
        settings.add(tx, SettingsRecord(quiet_time_s=0, cadence_hot_s=36000, cadence_settled_s=36000))
        projects.add(tx, a_project())
        for n in range(PULLS):
            steps.open_record(
                tx, workspaces.add(tx, a_workspace(f"w{n}", branch=f"b{n}", branch_claim=f"p1:b{n}"))
            )

    await store.ledger.transact(work)
    while any(facts is None for facts in await _facts(store)):
        await service.refresh_due()
    for n in range(PULLS):  # checks, quiet time and mergeability are settled
        await service.refresh_workspace(f"w{n}")
    return heads


async def _facts(store: Store) -> list[object]:
    table = store.reader(SNAPSHOTS)

    def query(tx: ReadTransaction) -> list[object]:
        rows = [table.get(tx, f"w{n}") for n in range(PULLS)]
        return [row and row.facts for row in rows]

    return await store.ledger.read(query)


@attrs.frozen
class Latency:
    """Seconds of one news: until it is stored, and how many of them were the sandbox's."""

    all_s: float
    theirs_s: float
    bare_s: float
    """Of a bare transaction just before."""

    @property
    def own_s(self) -> float:
        return self.all_s - self.theirs_s


async def from_hook(bench: Bench, times: int) -> list[Latency]:
    """From each delivery's arrival to the stored snapshot.

    Fetches of one pull request's hints are spaced on purpose: each gets its hints less often than that.
    """
    found = []
    free = [anyio.current_time() + APART_S] * PULLS
    async with anyio.create_task_group() as group:
        group.start_soon(DutyRunner(bench.store.ledger, [WatchDuty(bench.service)]).run)
        for n in range(times):
            number = 1 + n % PULLS
            await anyio.sleep(max(free[n % PULLS] - anyio.current_time(), 0.0))
            await _report(bench, number, f"{n} passed")
            base, _ = await bare(bench)
            before = await _version(bench, number)
            hint = LookAgain(host="github.com", repository="octo/demo", commits=(bench.heads[number],))
            delivery = Delivery(hook="1", guid=str(n), event="check_run.completed", hints=(hint,))
            theirs, began = bench.connection.theirs_s, time.perf_counter()
            await bench.hooks.take(delivery)
            while True:
                changed = bench.store.ledger.changed()
                if await _version(bench, number) > before:
                    break
                await changed.wait()
            found.append(Latency(time.perf_counter() - began, bench.connection.theirs_s - theirs, base))
            free[n % PULLS] = anyio.current_time() + APART_S
        group.cancel_scope.cancel()
    return found


async def _report(bench: Bench, number: int, title: str) -> None:
    """News: an app tells of the head once more."""
    await bench.github.report_check(
        bench.heads[number], "test", CheckStatus.COMPLETED, Conclusion.SUCCESS, title=title
    )


async def _version(bench: Bench, number: int) -> int:
    table = bench.store.reader(SNAPSHOTS)
    row = await bench.store.ledger.read(lambda tx: table.get(tx, f"w{number - 1}"))
    assert row is not None
    return row.version


async def from_sweep(bench: Bench, times: int) -> list[Latency]:
    """From the beginning of a sweep over all, each of which has news, to its end: the share of one."""
    found = []
    for n in range(times):
        for number in bench.heads:
            await _report(bench, number, f"sweep {n}")
        await _make_due(bench)
        base = median([(await bare(bench))[0] for _ in range(10)])
        theirs, began = bench.connection.theirs_s, time.perf_counter()
        outcomes = await bench.service.refresh_due()
        seconds = time.perf_counter() - began
        assert len(outcomes) == PULLS
        assert all(isinstance(outcome, Refreshed) for outcome in outcomes.values()), outcomes
        found.append(Latency(seconds / PULLS, (bench.connection.theirs_s - theirs) / PULLS, base))
    return found


async def _make_due(bench: Bench) -> None:
    watches = bench.store.writer(WATCHES)

    def work(tx: Transaction) -> None:
        for n in range(PULLS):
            watch = watches.get(tx, f"w{n}")
            assert watch is not None
            watches.put(tx, attrs.evolve(watch, due_at=tx.now()))

    await bench.store.ledger.transact(work)


async def processor_of_no_news(bench: Bench, times: int) -> tuple[float, float, float]:
    """Processor seconds of this process: of a refresh of one, of one in a sweep, of a bare transaction."""
    alone, swept, base, rounds = 0.0, 0.0, 0.0, max(times // PULLS, 3)
    for n in range(times):
        base += (await bare(bench))[1]
        began = time.process_time()
        outcome = await bench.service.refresh_workspace(f"w{n % PULLS}")
        alone += time.process_time() - began
        assert outcome == Unchanged()
    for _ in range(rounds):
        await _make_due(bench)
        began = time.process_time()
        outcomes = await bench.service.refresh_due()
        swept += time.process_time() - began
        assert list(outcomes.values()) == [Unchanged()] * PULLS
    return alone / times, swept / rounds / PULLS, base / times


async def bare(bench: Bench) -> tuple[float, float]:
    """Seconds and processor seconds of a transaction that reads one row and writes it."""
    watches = bench.store.writer(WATCHES)

    def work(tx: Transaction) -> None:
        watch = watches.get(tx, "w0")
        assert watch is not None
        watches.put(tx, watch)

    began, busy = time.perf_counter(), time.process_time()
    await bench.store.ledger.transact(work)
    return time.perf_counter() - began, time.process_time() - busy


def told(what: str, found: list[Latency]) -> float:
    """Print median, 99th percentile and the ratio of the median to the baseline's, which is returned."""
    own, base = [each.own_s for each in found], median(each.bare_s for each in found)
    worst = quantiles(own, n=100, method="inclusive")[98]
    ratio, theirs = median(own) / base, median(each.theirs_s for each in found)
    print(
        f"{what}: median {median(own) * 1e3:.1f} ms, p99 {worst * 1e3:.1f} ms, ratio {ratio:.1f} to"
        f" {base * 1e3:.2f} ms (without {theirs * 1e3:.1f} ms of the sandbox, {len(found)} times)"
    )
    return ratio


async def main(times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as bench:
            alone, swept, busy = await processor_of_no_news(bench, times)
            ratios = {
                "alone": alone / busy,
                "swept": swept / busy,
                "hook": told("hook to snapshot", await from_hook(bench, times)),
                "sweep": told("sweep, a pull request", await from_sweep(bench, max(times // 20, 3))),
            }
            for what, took in (("alone", alone), ("swept", swept)):
                print(f"no news, {what}: processor {took * 1e3:.1f} ms, ratio {ratios[what]:.1f}")
    over = [name for name, limit in LIMITS.items() if ratios[name] > limit]
    for name in over:
        print(f"{name}: the ratio is over {LIMITS[name]}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 200))
