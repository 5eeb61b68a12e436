"""The database file: made private, recognised, and refused with nothing written."""

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from headway_core.kernel.errors import HeadwayError, InvalidInput, Unavailable
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.tables import TableSpec
from headway_core.schema import ALL_TABLES
from headway_sql import SqlStore, patience
from headway_sql.sqlite.filesystems import refuse_network_file_system
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.samples import NOTES, Note

pytestmark = pytest.mark.anyio

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def refused(url: str, *, specs: tuple[TableSpec[Any], ...] = ()) -> HeadwayError:
    with pytest.raises(HeadwayError) as raised:
        async with SqlStore.open(
            url, specs=specs, catalog=EventCatalog(()), clock=ManualClock(), ids=SequentialIds()
        ):
            pytest.fail("opened")
    return raised.value


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


async def test_private(path: Path, opening: Opening) -> None:
    """The file and what SQLite keeps beside it are for their owner alone, whatever the umask."""
    mask = os.umask(0)
    try:
        async with opening() as store:
            await store.ledger.transact(
                lambda tx: store.writer(NOTES).add(tx, Note(topic="t", number=1, text="x"))
            )
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(mask)
    assert modes == {"headway.db": 0o600, "headway.db-wal": 0o600, "headway.db-shm": 0o600}


async def test_reopened(opening: Opening) -> None:
    """What was committed is there after the store was closed and opened again."""
    note = Note(topic="t", number=1, text="x")
    async with opening() as store:
        await store.ledger.transact(lambda tx: store.writer(NOTES).add(tx, note))
    async with opening() as store:
        assert await store.ledger.read(lambda tx: store.reader(NOTES).get(tx, "t", 1)) == note


async def test_settings_of_connections(path: Path, opening: Opening) -> None:
    """Write-ahead log; the writer syncs each commit; readers are refused by SQLite itself."""
    async with opening() as store:
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)

        def pragma(tx: object, name: str) -> object:
            return tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # type: ignore[attr-defined]  # looks inside

        assert await store.ledger.transact(lambda tx: pragma(tx, "synchronous")) == 2
        assert await store.ledger.transact(lambda tx: pragma(tx, "query_only")) == 0
        assert await store.ledger.read(lambda tx: pragma(tx, "query_only")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "headway.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x.db?mode=ro",
        "sqlite:///a\0b",
        "mysql://host/headway",
    ],
)
async def test_urls(url: str) -> None:
    """Anything but the URL of a file is refused, by the name of the field."""
    error = await refused(url)
    assert isinstance(error, InvalidInput)
    assert error.field == "database"


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE accounts (id INTEGER)")


def foreign_with_alembic(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        other.execute("INSERT INTO alembic_version VALUES ('0001')")
        other.commit()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (foreign, "another application"),
        (foreign_with_alembic, "another application"),
        (lambda path: path.write_text("Dear diary"), "another kind"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00"), "another application"),
    ],
    ids=["tables", "another's migrations", "text", "cut short"],
)
async def test_foreign_file(path: Path, make: Callable[[Path], object], problem: str) -> None:
    """A file of somebody else is refused, and not a byte of its folder changes."""
    make(path)
    before = contents(path.parent)
    error = await refused(f"sqlite:///{path}")
    assert isinstance(error, InvalidInput)
    assert problem in str(error)
    assert contents(path.parent) == before


async def test_folders(tmp_path: Path) -> None:
    """A folder in the file's place, or a missing one around it, is refused, and nothing is made."""
    assert "is a folder" in str(await refused(f"sqlite:///{tmp_path}"))
    assert "does not exist" in str(await refused(f"sqlite:///{tmp_path}/missing/headway.db"))
    assert contents(tmp_path) == {}


async def test_path_that_cannot_be_opened(tmp_path: Path) -> None:
    """What the operating system refuses is `Unavailable`, with its reason."""
    error = await refused(f"sqlite:///{tmp_path}/{'x' * 300}")
    assert isinstance(error, Unavailable)
    assert "File name too long" in str(error)


@pytest.mark.parametrize(
    ("kind", "accepted"), [("ext4", True), ("nfs4", False), ("cifs", False), ("fuse.sshfs", False)]
)
def test_network_file_systems(tmp_path: Path, kind: str, accepted: bool) -> None:
    """SQLite on a network file system is refused: its locks do not hold there."""
    share = tmp_path / "my share" / "deep"
    share.mkdir(parents=True)
    mounts = tmp_path / "mounts"
    escaped = str(share.parent).replace(" ", "\\040")
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nserver:/x {escaped} {kind} rw 0 0\n")
    if accepted:
        refuse_network_file_system(share / "headway.db", mounts)
    else:
        with pytest.raises(InvalidInput, match=f"network file system \\({kind}\\)"):
            refuse_network_file_system(share / "headway.db", mounts)
    refuse_network_file_system(tmp_path / "headway.db", mounts)


def test_unknown_mounts(tmp_path: Path) -> None:
    """Where the mounts are not told, nothing is refused."""
    refuse_network_file_system(tmp_path / "headway.db", tmp_path / "no such file")


async def test_opened_at_once(path: Path, opening: Opening) -> None:
    """Several that open a missing file at once all get it, with one set of tables."""

    async def visit(number: int) -> None:
        async with opening() as store:
            note = Note(topic="t", number=number, text=f"{number}")
            await store.ledger.transact(lambda tx: store.writer(NOTES).add(tx, note))

    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(visit, number)
    async with opening() as store:
        found = await store.ledger.read(lambda tx: store.reader(NOTES).query(tx, NOTES.queries[0], topic="t"))
    assert len(found) == 6


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A small file system of its own; where nobody may mount one, the test is left out and says so."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount a file system here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


async def test_read_only_file_system(tmp_path: Path, path: Path, opening: Opening) -> None:
    """On a file system that takes no writes neither a new nor a known file is opened, and it is said why."""
    folder = tmp_path / "small"
    with mounted(folder, "size=1m"):
        async with opening():
            pass
        shutil.copy(path, folder / "known.db")
        remount_read_only(folder)
        for name in ("known.db", "new.db"):
            error = await refused(f"sqlite:///{folder}/{name}")
            assert type(error) is Unavailable
            assert "Read-only file system" in str(error)
        assert [file.name for file in folder.iterdir()] == ["known.db"]


async def test_full_file_system(tmp_path: Path, path: Path) -> None:
    """On a full file system opening fails by that name and leaves no tables; with room it succeeds."""
    folder = tmp_path / "small"
    with mounted(folder, "size=400k"):
        ballast = folder / "ballast"
        ballast.write_bytes(b"x" * 380_000)
        error = await refused(f"sqlite:///{folder}/new.db", specs=ALL_TABLES)
        assert type(error) is Unavailable
        assert "disk is full" in str(error)
        ballast.unlink()
        async with SqlStore.open(
            f"sqlite:///{folder}/new.db",
            specs=SAMPLE_TABLES,
            catalog=EventCatalog(SAMPLE_EVENTS),
            clock=ManualClock(),
            ids=SequentialIds(),
            migrate=False,
        ) as store:
            assert await store.ledger.read(store.events.last_position) == 0


async def test_locked_at_start(path: Path, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another process holds is waited for; when patience ends it is said to be locked."""
    async with opening():
        pass
    monkeypatch.setattr(patience, "PATIENCE_S", 0.1)
    before = contents(path.parent)["headway.db"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        error = await refused(f"sqlite:///{path}")
        assert isinstance(error, Unavailable)
        assert "locked by another process" in str(error)
    assert contents(path.parent)["headway.db"] == before
