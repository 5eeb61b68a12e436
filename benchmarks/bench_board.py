"""The board of 10,000 workspaces, against a bare SELECT of the rows that it reads.

`python benchmarks/bench_board.py [WORKSPACES]`, on SQLite and on PostgreSQL. The bare SELECT fetches every
row of the same tables through SQLAlchemy, in the main thread, and looks at none; the board makes records
of them, joins them and derives what each card shows. Medians of turns, ratios in one run. Exits 1 when the
board takes more than eight times the SELECT.
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
from headway_core.board.service import Tables
from headway_core.hosts import HOSTS
from headway_core.kernel.ledger import Store
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import FORGE_BUDGETS, SNAPSHOTS, WATCHES
from headway_core.ratchet import RATCHETS
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.settings import SettingsService
from headway_core.settings.model import SETTINGS
from headway_core.workspaces.model import WORKSPACES
from headway_sql.opening import database_of

TURNS = 5
LIMIT = 8.0
READ = tuple(
    spec.name
    for spec in (HOSTS, PROJECTS, WORKSPACES, SNAPSHOTS, WATCHES, RATCHETS, SESSIONS, SESSION_ACTIVITY)
)
"""The tables that the board reads."""


def board_of(store: Store) -> BoardService:
    return BoardService(
        ledger=store.ledger,
        settings=SettingsService(store.ledger, store.writer(SETTINGS)),
        tables=Tables(
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


async def measure(url: str, count: int) -> tuple[float, float]:
    """Seconds: the board, and the bare SELECT."""
    async with store_of(url) as store:
        await furnish(store, count)
        board = board_of(store)
        engine = database_of(url).reader_engine()
        bare = Bare(engine)
        assert len(await board.cards()) == count
        assert bare.read() == 4 * count + 1
        boards, selects = [], []
        for _ in range(TURNS):
            began = time.perf_counter()
            await board.cards()
            between = time.perf_counter()
            bare.read()
            boards.append(between - began)
            selects.append(time.perf_counter() - between)
        engine.dispose()
        return median(boards), median(selects)


def main(count: int) -> int:
    failed = False
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for kind, url in urls.items():
            board, bare = anyio.run(measure, url, count)
            ratio = board / bare
            failed = failed or ratio > LIMIT
            verdict = "TOO SLOW" if ratio > LIMIT else f"at most {LIMIT:.0f}"
            print(f"{kind:10} {count} workspaces: board {board * 1000:7.0f} ms, bare SELECT", end=" ")
            print(f"{bare * 1000:6.0f} ms, ratio {ratio:4.1f} ({verdict})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
