"""A database on a server: recognised, refused with nothing written, and no error with a password in it."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.errors import HeadwayError, InvalidInput, PermissionDenied, Unavailable
from headway_core.kernel.events import EventCatalog
from headway_core.schema import ALL_TABLES
from headway_sql import SqlStore, opening
from headway_testing.clock import SequentialIds
from headway_testing.postgresql import LocalServer

pytestmark = pytest.mark.anyio

SECRET = "hunter2"  # in each URL here


async def refused(url: str) -> HeadwayError:
    """What opening raises. Neither it nor any error that led to it says the password."""
    with pytest.raises(HeadwayError) as raised:
        async with SqlStore.open(
            url, specs=ALL_TABLES, catalog=EventCatalog(ALL_EVENTS), ids=SequentialIds()
        ):
            pytest.fail("opened")
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    return raised.value


@pytest.fixture
def base(own_postgresql: LocalServer, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """A database with a user whose password is asked for; no line of the log may have it."""
    caplog.set_level(logging.DEBUG)
    own_postgresql.create_database("mine")
    own_postgresql.execute(f"CREATE ROLE ann LOGIN PASSWORD '{SECRET}'")
    folder = own_postgresql.url("mine").rpartition("host=")[2]
    rules = Path(folder, "data", "pg_hba.conf")
    before = rules.read_text()
    rules.write_text("local all ann scram-sha-256\nlocal all rejected reject\n" + before)
    own_postgresql.execute("SELECT pg_reload_conf()")
    yield f"@/mine?host={folder}"
    assert SECRET not in caplog.text
    rules.write_text(before)
    own_postgresql.drop_database("mine")
    own_postgresql.execute("DROP ROLE ann")


def tables(server: LocalServer, database: str = "mine") -> list[tuple[object, ...]]:
    listed = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    return server.execute(listed, database=database)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"postgresql://ann:{SECRET}@host", "names no database"),
        (f"postgresql://ann:{SECRET}@host/", "names no database"),
        (f"postgresql://ann:{SECRET}@host:word/mine", "port"),
        (f"postgresql://ann:{SECRET}@host:0/mine", "port"),
        (f"postgresql://ann:{SECRET}@host:65536/mine", "port"),
        (f"postgresql://ann:{SECRET}@host/mine?unknown=1", "no URL that PostgreSQL understands"),
        (f"postgresql://ann:{SECRET}%zz@host/mine", "no URL that PostgreSQL understands"),
        (f"postgresql://ann:p@{SECRET}@host/mine", "percent-encode"),
        (f"postgresql://ann:1/{SECRET}@host/mine", "percent-encode"),
        (f"postgresql:/ann:{SECRET}@host/mine", "is not postgresql://"),
        (f"postgres://ann:{SECRET}@host/mine", "is neither sqlite"),
        (f"mysql://ann:{SECRET}@host/mine", "is neither sqlite"),
    ],
)
async def test_urls(url: str, problem: str) -> None:
    """What is wrong with a URL is said by the name of its part, before anything is connected."""
    error = await refused(url)
    assert isinstance(error, InvalidInput)
    assert error.field == "database"
    assert problem in error.problem


async def test_host_and_port(tmp_path: Path) -> None:
    """A host that is not known, a port or a socket where nobody listens: out of reach, and said which."""
    for place, problem in (
        ("@no-such-host.invalid/mine", "no host of this name"),
        ("@127.0.0.1:1/mine", "no server is there"),
        (f"@/mine?host={quote(str(tmp_path))}", "no server is there"),
    ):
        error = await refused(f"postgresql://ann:{SECRET}{place}")
        assert type(error) is Unavailable
        assert problem in error.problem


async def test_users(own_postgresql: LocalServer, base: str) -> None:
    """A wrong password, an unknown user, one whom the server does not let in: denied, and nothing is made."""
    for user in (f"ann:wrong-{SECRET}", f"nobody:{SECRET}", f"rejected:{SECRET}"):
        error = await refused(f"postgresql://{user}{base}")
        assert isinstance(error, PermissionDenied), error
        assert "user or password" in error.problem
    assert tables(own_postgresql) == []


async def test_missing_database(base: str) -> None:
    """A database that the server does not have is not made: a person creates it."""
    error = await refused(f"postgresql://ann:{SECRET}{base.replace('mine', 'theirs')}")
    assert isinstance(error, InvalidInput)
    assert "create it first" in error.problem


async def test_user_without_rights(own_postgresql: LocalServer, base: str) -> None:
    """A user who may not make tables is told so, and nothing is made; with the right everything opens."""
    url = f"postgresql://ann:{SECRET}{base}"
    own_postgresql.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database="mine")
    error = await refused(url)
    assert isinstance(error, PermissionDenied)
    assert "create and write tables" in error.problem
    assert tables(own_postgresql) == []
    own_postgresql.execute("GRANT CREATE ON SCHEMA public TO ann", database="mine")
    async with SqlStore.open(
        url, specs=ALL_TABLES, catalog=EventCatalog(ALL_EVENTS), ids=SequentialIds()
    ) as store:
        assert await store.ledger.read(store.events.last_position) == 0


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE TABLE accounts (id int)",
        "CREATE TABLE alembic_version (version_num text)",
        "CREATE SEQUENCE s",
    ],
)
async def test_database_of_another(own_postgresql: LocalServer, base: str, theirs: str) -> None:
    """The database of another application is refused, also one that is migrated as ours is, and unchanged."""
    own_postgresql.execute(theirs, database="mine")
    own_postgresql.execute("GRANT ALL ON SCHEMA public TO ann", database="mine")
    before = tables(own_postgresql)
    error = await refused(f"postgresql://ann:{SECRET}{base}")
    assert isinstance(error, InvalidInput)
    assert "another application" in error.problem
    assert tables(own_postgresql) == before != []


async def test_encoding(own_postgresql: LocalServer, base: str) -> None:
    """A database that can't hold every text is refused, and nothing is made in it."""
    own_postgresql.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    try:
        error = await refused(f"postgresql://headway{base.replace('mine', 'latin')}&password={SECRET}")
        assert isinstance(error, InvalidInput)
        assert "encoding LATIN1" in error.problem
        assert tables(own_postgresql, "latin") == []
    finally:
        own_postgresql.drop_database("latin")


async def test_read_only(own_postgresql: LocalServer, base: str) -> None:
    """A server that takes no writes, as a standby, is said to be read-only."""
    own_postgresql.execute("ALTER DATABASE mine SET default_transaction_read_only = on")
    error = await refused(f"postgresql://headway{base}")
    assert type(error) is Unavailable
    assert "read-only" in error.problem
    assert tables(own_postgresql) == []


async def test_views_cannot_write(own_postgresql: LocalServer, base: str) -> None:
    """The connections of views are refused by the server itself when they write."""
    async with SqlStore.open(
        f"postgresql://headway{base}", specs=ALL_TABLES, catalog=EventCatalog(ALL_EVENTS), ids=SequentialIds()
    ) as store:
        setting = await store.ledger.read(
            lambda tx: tx.connection.exec_driver_sql("SHOW transaction_read_only").scalar()  # type: ignore[attr-defined]  # looks inside
        )
        level = await store.ledger.transact(
            lambda tx: tx.connection.exec_driver_sql("SHOW transaction_isolation").scalar()  # type: ignore[attr-defined]  # looks inside
        )
    assert (setting, level) == ("on", "read committed")


async def test_time_of_the_database(own_postgresql: LocalServer, base: str) -> None:
    """Without a clock of its own the store's time is the server's, and stands still within a transaction."""
    async with SqlStore.open(
        f"postgresql://headway{base}", specs=ALL_TABLES, catalog=EventCatalog(ALL_EVENTS), ids=SequentialIds()
    ) as store:
        [(before,)] = own_postgresql.execute("SELECT clock_timestamp()")
        first, second = await store.ledger.transact(lambda tx: (tx.now(), tx.now()))
        seen = await store.ledger.read(lambda tx: (tx.now(), tx.now()))
        [(after,)] = own_postgresql.execute("SELECT clock_timestamp()")
    assert before < first == second < seen[0] == seen[1] < after  # type: ignore[operator]  # None would fail it


async def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra it is said how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "headway_sql.postgresql.database", None)
    with pytest.raises(InvalidInput, match=r"headway-sql\[postgresql\]"):
        opening.database_of("postgresql://host/mine")
