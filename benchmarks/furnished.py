"""Databases with many idle workspaces: each READY, with a green pull request and the ratchet on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import attrs

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.store import Store
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import SNAPSHOTS, WATCHES, PullRequestSnapshot, PullRequestWatch
from headway_core.ratchet import RATCHETS, WAKES, RatchetRecord, RatchetWake
from headway_core.ratchet.decision import Ready
from headway_core.schema import ALL_TABLES
from headway_core.workspaces.model import (
    WORKSPACES,
    Workspace,
)
from headway_sql import SqlStore
from headway_testing.clock import EPOCH, SequentialIds
from headway_testing.conversations import some_facts
from headway_testing.postgresql import NoServer, running_server
from headway_testing.records import a_project, a_workspace

NAME = "headway_bench"
AT_ONCE = 1000
"""Workspaces that one transaction writes."""


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """An empty one of each kind, on a file and on the tests' server: the URL by kind."""
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{folder / 'bench.db'}"}
        try:
            server = stack.enter_context(running_server())
        except NoServer as reason:
            print(f"postgresql is left out: {reason}")
        else:
            server.drop_database(NAME)
            urls["postgresql"] = server.create_database(NAME)
            stack.callback(server.drop_database, NAME)
        yield urls


@asynccontextmanager
async def store_of(url: str) -> AsyncIterator[Store]:
    """The product's tables in this database."""
    catalog = EventCatalog(ALL_EVENTS)
    async with SqlStore.open(url, specs=ALL_TABLES, catalog=catalog, ids=SequentialIds()) as store:
        yield store


async def furnish(store: Store, count: int) -> None:
    """That many workspaces, in one project."""
    projects = store.writer(PROJECTS)
    await store.ledger.transact(lambda tx: projects.add(tx, a_project()))
    for first in range(0, count, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, count))
        await store.ledger.transact(partial(_write, store, numbers))


def _write(store: Store, numbers: range, tx: Transaction) -> None:
    workspaces, snapshots, watches, ratchets, wakes = (
        store.writer(WORKSPACES),
        store.writer(SNAPSHOTS),
        store.writer(WATCHES),
        store.writer(RATCHETS),
        store.writer(WAKES),
    )
    for number in numbers:
        workspace = a_task(number)
        workspaces.add(tx, workspace)
        facts = attrs.evolve(some_facts(), node_id=f"PR_{number}", number=number)
        snapshot = PullRequestSnapshot(
            workspace_id=workspace.id,
            node_id=facts.node_id,
            facts=facts,
            attached_at=EPOCH,
            head_seen_at=EPOCH,
            quiet_passed=True,
        )
        snapshots.add(tx, snapshot)
        watches.put(tx, PullRequestWatch(workspace_id=workspace.id, fetch_began_at=EPOCH))
        ratchets.add(
            tx, RatchetRecord(workspace_id=workspace.id, enabled=True, decision=Ready(), decided_at=EPOCH)
        )
        wakes.put(tx, RatchetWake(workspace_id=workspace.id, due_at=None))


def a_task(number: int) -> Workspace:
    """One of them."""
    return a_workspace(
        f"w{number:05}",
        name=f"Task {number}",
        branch=f"headway/task-{number}",
        host_id="host-1",
        worktree_path=f"/worktrees/w{number:05}",
    )
