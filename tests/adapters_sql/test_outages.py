"""A PostgreSQL server that goes away, comes back, or breaks off at the worst moment."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from headway_core.kernel.duties import Duty, DutyRunner
from headway_core.kernel.errors import OutcomeUnknown, Unavailable
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.scope import port_of
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql import SqlStore
from headway_sql.errors import translating
from headway_sql.postgresql import database as postgresql
from headway_sql.transactions import connection_of
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.samples import NOTES, ROOMS, Colour, Note, Painted, Room
from headway_testing.postgresql import LocalServer

pytestmark = [pytest.mark.anyio, pytest.mark.one_backend, pytest.mark.usefixtures("quick")]

NOTE = Note(topic="t", number=1, text="stored")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "RECONNECT_S", 0.05)


@pytest.fixture
def url(own_postgresql: LocalServer) -> Iterator[str]:
    yield own_postgresql.create_database("outages")
    own_postgresql.drop_database("outages")


def opened(url: str) -> AbstractAsyncContextManager[SqlStore]:
    return SqlStore.open(
        url,
        specs=SAMPLE_TABLES,
        catalog=EventCatalog(SAMPLE_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(),
        migrate=False,
    )


class Desk:
    """Writes a note, and counts how often it was asked to."""

    def __init__(self, store: SqlStore) -> None:
        self.notes = store.writer(NOTES)
        self.ledger = store.ledger
        self.runs = 0

    def write(self, tx: Transaction) -> str:
        self.runs += 1
        self.notes.put(tx, NOTE)
        return "written"

    async def stored(self) -> bool:
        return await self.ledger.read(lambda tx: self.notes.get(tx, "t", 1)) is not None


async def restart(server: LocalServer) -> None:
    await anyio.to_thread.run_sync(server.stop)
    await anyio.to_thread.run_sync(server.start)


async def test_away_and_back(own_postgresql: LocalServer, url: str) -> None:
    """While the server is away everything is `Unavailable`, at once and with a time to come again; when it is
    back everything goes on, in the same store.
    """
    async with opened(url) as store:
        desk = Desk(store)
        assert not await desk.stored()
        await anyio.to_thread.run_sync(own_postgresql.stop)
        try:
            for call in (lambda: desk.ledger.transact(desk.write), desk.stored):
                with anyio.fail_after(5), pytest.raises(Unavailable, match="no server is there") as raised:
                    await call()
                assert raised.value.retry_after_s is not None
            with pytest.raises(Unavailable, match="no server is there"):
                async with opened(url):
                    pytest.fail("opened")
        finally:
            await anyio.to_thread.run_sync(own_postgresql.start)
        assert await desk.ledger.transact(desk.write) == "written"
        assert await desk.stored()
        assert store.open_transactions() == 0


async def test_restarted_between(own_postgresql: LocalServer, url: str) -> None:
    """A restart between two units of work is not noticed by who calls, however many connections it ended."""
    async with opened(url) as store:
        desk = Desk(store)
        async with anyio.create_task_group() as group:
            for _ in range(8):  # each writer and some readers are in use
                group.start_soon(desk.ledger.transact, desk.write)
                group.start_soon(desk.stored)
        await restart(own_postgresql)
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(desk.ledger.transact, desk.write)
                group.start_soon(desk.stored)


async def test_crash_within(own_postgresql: LocalServer, url: str) -> None:
    """A server that falls within a unit of work has stored nothing of it, so the work is run again."""
    async with opened(url) as store:
        desk = Desk(store)

        def work(tx: Transaction) -> str:
            if desk.write(tx) and desk.runs == 1:
                own_postgresql.crash()
                own_postgresql.start()
            return desk.write(tx)

        assert await desk.ledger.transact(work) == "written"
        assert desk.runs == 4
        assert await desk.stored()


async def test_connection_dies_after_reading(own_postgresql: LocalServer, url: str) -> None:
    """What was read stands when the connection dies before the view ends, and the next view gets another."""
    async with opened(url) as store:
        desk = Desk(store)

        def view(tx: ReadTransaction) -> bool:
            found = desk.notes.get(tx, "t", 1) is not None
            own_postgresql.execute(TERMINATES_OTHERS)
            return found

        for _ in range(3):
            assert not await store.ledger.read(view)
        assert await desk.ledger.transact(desk.write) == "written"
        assert await desk.stored()


TERMINATES_OTHERS = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = 'outages'
"""


class Counting(Duty):
    """Writes an event at each run."""

    name = "count"
    interval_s = 0.05

    def __init__(self, store: SqlStore) -> None:
        self._ledger = store.ledger
        self.done = 0
        self.failed = anyio.Event()

    async def run(self) -> float | None:
        try:
            await self._ledger.transact(lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED)))
        except Unavailable:
            self.failed.set()
            raise
        self.done += 1
        return None


async def until(condition: Any) -> None:
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110  across processes
            await anyio.sleep(0.01)


async def test_duties_go_on(own_postgresql: LocalServer, url: str) -> None:
    """Duties that run while the server goes away and comes back back off, and go on by themselves; who waits
    for other processes' commits is woken again afterwards.
    """
    async with opened(url) as store, opened(url) as elsewhere, anyio.create_task_group() as group:
        duty = Counting(store)
        group.start_soon(DutyRunner(store.ledger, [duty], first_backoff_s=0.1).run)
        await until(lambda: duty.done >= 2)
        await anyio.to_thread.run_sync(own_postgresql.stop)
        with anyio.fail_after(30):
            await duty.failed.wait()
        await anyio.to_thread.run_sync(own_postgresql.start)
        before = duty.done
        await until(lambda: duty.done >= before + 2)
        for _ in range(3):
            changed = elsewhere.ledger.changed()
            with anyio.fail_after(30):
                await changed.wait()
        group.cancel_scope.cancel()
    count = own_postgresql.execute("SELECT count(*) FROM events", database="outages")
    assert count == [(duty.done,)]


DIES_AT_COMMIT = """
CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON sample_notes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dies();
"""


async def test_connection_dies_at_commit(own_postgresql: LocalServer, url: str) -> None:
    """When the connection dies at COMMIT nobody knows the outcome: it is said, and never tried again."""
    async with opened(url) as store:
        desk = Desk(store)
        own_postgresql.execute(DIES_AT_COMMIT, database="outages")
        with pytest.raises(OutcomeUnknown, match="while it committed"):
            await desk.ledger.transact(desk.write)
        assert desk.runs == 1
        assert not await desk.stored()
        own_postgresql.execute("DROP TRIGGER dies ON sample_notes", database="outages")
        assert await desk.ledger.transact(desk.write) == "written"


@contextmanager
def swallowing_commits(folder: Path, behind: Path) -> Iterator[threading.Event]:
    """Between the store and its server: once the event is set, the next COMMIT gets through, and its answer
    does not.
    """
    armed = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()

    def forward(source: socket.socket, sink: socket.socket, *, upwards: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                swallow = upwards and armed.is_set() and b"COMMIT\0" in data
                if swallow:
                    source.shutdown(socket.SHUT_RDWR)
                sink.sendall(data)
                if swallow:
                    sink.recv(65536)  # the answer: it is committed
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(behind))
                sockets.extend((client, server))
                for source, sink, upwards in ((client, server, True), (server, client, False)):
                    thread = threading.Thread(
                        target=forward, args=(source, sink), kwargs={"upwards": upwards}
                    )
                    thread.start()
                    threads.append(thread)

    sockets: list[socket.socket] = []
    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield armed
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
        for end in (listener, *sockets):
            end.close()


async def test_answer_to_commit_is_lost(own_postgresql: LocalServer, url: str) -> None:
    """When COMMIT got through and its answer did not, that is an open outcome too, though it is stored."""
    folder = Path(url.rpartition("host=")[2])
    way = folder / "way"
    way.mkdir()
    try:
        with swallowing_commits(way, folder / ".s.PGSQL.5432") as armed:
            async with opened(url.replace(str(folder), str(way))) as store:
                desk = Desk(store)
                armed.set()
                with pytest.raises(OutcomeUnknown):
                    await desk.ledger.transact(desk.write)
                armed.clear()
                assert desk.runs == 1
                await until(lambda: own_postgresql.execute("SELECT 1 FROM sample_notes", database="outages"))
    finally:
        (way / ".s.PGSQL.5432").unlink()
        way.rmdir()


FAILS_AT_COMMIT = """
CREATE SEQUENCE tries;
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF nextval('tries') = 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF; RETURN NULL;
END$$;
CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON sample_notes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fails();
"""


async def test_serialization_failure_at_commit(own_postgresql: LocalServer, url: str) -> None:
    """A COMMIT that the server refuses for the sake of others is tried again, on the same time and ids."""
    async with opened(url) as store:
        desk = Desk(store)
        own_postgresql.execute(FAILS_AT_COMMIT, database="outages")
        drawn: list[str] = []

        def work(tx: Transaction) -> str:
            drawn.append(f"{tx.now()} {tx.new_id()}")
            tx.emit(Painted(item_id="a", colour=Colour.RED))
            return desk.write(tx)

        assert await desk.ledger.transact(work) == "written"
        assert desk.runs == 2
        assert len(set(drawn)) == 1
        log = await desk.ledger.read(lambda tx: store.events.after(tx, 0))
        assert len(log) == 1


@pytest.mark.lesson("L19")
async def test_deadlock(url: str) -> None:
    """Two units of work that wait for each other come through: the server ends one, and it runs again."""
    async with opened(url) as store:
        rooms = store.writer(ROOMS)
        for name in ("a", "b"):
            await store.ledger.transact(partial(rooms.add, record=Room(id=name, name=name)))
        both = threading.Barrier(2)
        runs: list[str] = []

        def work(tx: Transaction, first: str, second: str) -> None:
            runs.append(first)
            tx.lock(first)
            if runs.count(first) == 1 and len(runs) <= 2:
                both.wait(30)
            tx.lock(second)
            stored = rooms.get(tx, second)
            assert stored is not None
            rooms.replace(tx, stored)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(store.ledger.transact, lambda tx: work(tx, "a", "b"))
                group.start_soon(store.ledger.transact, lambda tx: work(tx, "b", "a"))
        assert len(runs) > 2
        stored = await store.ledger.read(lambda tx: [rooms.get(tx, name) for name in ("a", "b")])
        assert [room and room.version for room in stored] == [2, 2]


async def test_slow_statement(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that takes too long is broken off, and the store goes on."""
    monkeypatch.setattr(postgresql, "STATEMENT_MS", 200)
    async with opened(url) as store:
        desk = Desk(store)

        def work(tx: Transaction) -> None:
            desk.write(tx)
            with port_of(tx), translating():
                connection_of(tx).exec_driver_sql("SELECT pg_sleep(20)")

        with anyio.fail_after(10), pytest.raises(Unavailable, match="took too long"):
            await desk.ledger.transact(work)
        assert not await desk.stored()
        assert await desk.ledger.transact(desk.write) == "written"


async def test_suspended_process(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit of work that stands still is ended by the server, so that nobody waits for ever for what it
    holds; when its process comes to itself, it is run again.
    """
    monkeypatch.setattr(postgresql, "IDLE_MS", 200)
    async with opened(url) as store:
        desk = Desk(store)

        def work(tx: Transaction) -> str:
            written = desk.write(tx)
            if desk.runs == 1:
                time.sleep(1)  # noqa: TID251  as a process that is suspended
            return written

        assert await desk.ledger.transact(work) == "written"
        assert desk.runs == 2


async def test_limits_of_connections(own_postgresql: LocalServer, url: str) -> None:
    """However many call, a store has no more connections than it says."""
    most = postgresql.PostgresqlDatabase.writers + postgresql.PostgresqlDatabase.readers + 1
    open_now = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'headway'"
    seen: list[int] = []
    async with opened(url) as store:
        desk = Desk(store)

        def look(tx: ReadTransaction) -> None:
            seen.append(int(connection_of(tx).exec_driver_sql(open_now).scalar_one()))

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(desk.ledger.transact, desk.write)
                group.start_soon(desk.ledger.read, look)
        assert max(seen) <= most
        assert len(seen) == 30
    await until(lambda: own_postgresql.execute(open_now) == [(0,)])


async def test_no_connection_left(own_postgresql: LocalServer, url: str) -> None:
    """A server without a free connection is `Unavailable`; nothing that was opened stays open."""
    own_postgresql.execute("CREATE ROLE crowd LOGIN SUPERUSER CONNECTION LIMIT 2")
    own_postgresql.execute("ALTER ROLE crowd NOSUPERUSER", database="outages")
    own_postgresql.execute("GRANT ALL ON SCHEMA public TO crowd", database="outages")
    try:
        with pytest.raises(Unavailable, match="too many clients"):
            async with opened(url.replace("headway@", "crowd@")):
                pytest.fail("opened")
        left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'crowd'"
        await until(lambda: own_postgresql.execute(left) == [(0,)])
    finally:
        own_postgresql.execute("DROP OWNED BY crowd", database="outages")
        own_postgresql.execute("DROP ROLE crowd")
