"""The board of 10,000 workspaces, against a bare SELECT of the rows that it reads.

`python benchmarks/bench_board.py [WORKSPACES]`, on SQLite and on PostgreSQL. The bare SELECT fetches every
row of the same tables through SQLAlchemy, in the main thread, and looks at none; the board makes records
of them, joins them and derives what each card shows. Medians of turns, ratios in one run. The next board
takes from the one that is shown what has not changed. Exits 1 when a board takes over six times the SELECT.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import anyio
from furnished import databases, furnish, store_of
from sqlalchemy import Engine, MetaData, select

from headway_core.board import BoardService
from headway_core.board.service import BoardTables
from headway_core.forge_actions import FORGE_ACTIONS
from headway_core.hosts import HOSTS
from headway_core.kernel.store import Store
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import FORGE_BUDGETS, SNAPSHOTS, WATCHES
from headway_core.ratchet import RATCHETS
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.settings import SettingsSteps
from headway_core.settings.model import SETTINGS
from headway_core.workspaces.model import WORKSPACES
from headway_sql.opening import database_of

TURNS = 5
LIMIT = 6.0
READ = tuple(
    spec.name
    for spec in (HOSTS, PROJECTS, WORKSPACES, SNAPSHOTS, WATCHES, RATCHETS, SESSIONS, SESSION_ACTIVITY)
)
"""The tables that the board reads."""


def board_of(store: Store) -> BoardService:
    return BoardService(
        ledger=store.ledger,
        settings=SettingsSteps(store.writer(SETTINGS)),
        tables=BoardTables(
            hosts=store.reader(HOSTS),
            projects=store.reader(PROJECTS),
            workspaces=store.reader(WORKSPACES),
            snapshots=store.reader(SNAPSHOTS),
            watches=store.reader(WATCHES),
            ratchets=store.reader(RATCHETS),
            sessions=store.reader(SESSIONS),
            activity=store.reader(SESSION_ACTIVITY),
            prompts=store.reader(PROMPTS),
            budgets=store.reader(FORGE_BUDGETS),
            actions=store.reader(FORGE_ACTIONS),
        ),
    )


class Bare:
    """The rows as the driver gives them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        tables = MetaData()
        tables.reflect(engine, only=READ)
        self._selects = [select(tables.tables[name]) for name in READ]

    def read(self) -> int:
        with self._engine.connect() as connection:
            return sum(len(connection.execute(each).fetchall()) for each in self._selects)


async def measure(url: str, count: int) -> tuple[float, float, float]:
    """Seconds: a board, the next one while it is shown, and the bare SELECT."""
    async with store_of(url) as store:
        await furnish(store, count)
        board = board_of(store)
        engine = database_of(url).reader_engine()
        bare = Bare(engine)
        assert len(await board.cards()) == count
        assert bare.read() == 4 * count + 1
        firsts, nexts, selects = [], [], []
        for _ in range(TURNS):
            began = time.perf_counter()
            shown = await board.cards()
            between = time.perf_counter()
            shown = await board.cards()
            after = time.perf_counter()
            del shown
            firsts.append(between - began)
            nexts.append(after - between)
            began = time.perf_counter()
            bare.read()
            selects.append(time.perf_counter() - began)
        engine.dispose()
        return median(firsts), median(nexts), median(selects)


def main(count: int) -> int:
    failed = False
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for kind, url in urls.items():
            first, following, bare = anyio.run(measure, url, count)
            slow = first / bare > LIMIT
            failed = failed or slow
            print(
                f"{kind:10} {count}: board {first * 1000:5.0f} ms, next {following * 1000:5.0f} ms,"
                f" bare SELECT {bare * 1000:5.0f} ms; ratios {first / bare:4.1f} and {following / bare:4.1f}"
                f"  (at most {LIMIT:.0f})  {'TOO SLOW' if slow else 'ok'}"
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
