"""The migrations make exactly the schema that the specs declare, in one transaction."""

import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.tables import Index
from headway_core.schema import ALL_EVENTS, ALL_TABLES
from headway_core.testing.clock import ManualClock, SequentialIds
from headway_core.testing.contracts.ledger.samples import NOTES
from headway_sql import SqlStore, metadata_of, migrating, revise
from headway_sql.sqlite.database import SqliteDatabase

METADATA = metadata_of(ALL_TABLES)
VERSION_TABLE = SqliteDatabase.version_table


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqlStore]:
    async with SqlStore.open(
        f"sqlite:///{path}",
        specs=ALL_TABLES,
        catalog=EventCatalog(ALL_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(),
    ) as store:
        yield store


@pytest.fixture
def migrated(path: Path) -> Iterator[Connection]:
    SqliteDatabase(f"sqlite:///{path}").prepare(METADATA, migrate=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def schema(connection: Connection) -> dict[str, set[str]]:
    """Each table or index with its parts in no order: columns that were added later come last.

    SQLite itself puts a name into quotes when it renames a table.
    """
    found = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    )
    # A table that was made anew by a migration has its name in quotes.
    return {
        name: {part.strip(' ()"\t').replace('"', "") for part in re.split("[,\n]", sql)} - {""}
        for name, sql in found
    }


def test_metadata_equals_migrations(migrated: Connection) -> None:
    """Alembic finds no difference between the migrated database and the specs."""
    assert compare_metadata(MigrationContext.configure(migrated), METADATA) == []


def test_schema_equals_migrations(migrated: Connection) -> None:
    """Nor does SQLite's own text of each table and index, conditions of partial indexes included."""
    with create_engine("sqlite://").connect() as fresh:
        METADATA.create_all(fresh)
        declared = schema(fresh)
    made = schema(migrated)
    assert made.pop(VERSION_TABLE)
    assert made == declared


def test_one_line_of_revisions(migrated: Connection) -> None:
    """The history is one line of numbers, and Alembic reads it as we do."""
    scripts = ScriptDirectory.from_config(migrating.config(migrated, METADATA, VERSION_TABLE))
    line = [revision.revision for revision in reversed(list(scripts.walk_revisions()))]
    assert line == migrating.known_revisions()
    assert scripts.get_heads() == [line[-1]]
    assert migrating.revision_of(migrated, VERSION_TABLE) == line[-1]


@pytest.mark.anyio
async def test_newer_database(path: Path) -> None:
    """The database of a newer Headway is refused by that name, unchanged."""
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
        before = list(other.iterdump())
    with pytest.raises(InvalidInput, match="newer Headway \\(schema 9999"):
        async with opened(path):
            pass
    with closing(sqlite3.connect(path)) as other:
        assert list(other.iterdump()) == before


@pytest.mark.lesson("B14")
@pytest.mark.anyio
async def test_broken_migration(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails on the way leaves nothing of itself, and can be run again."""

    def half_way(connection: Connection, metadata: object, version_table: str) -> None:
        METADATA.create_all(connection)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "upgrade", half_way)
        with pytest.raises(ZeroDivisionError):
            async with opened(path):
                pass
    with closing(sqlite3.connect(path)) as other:
        assert list(other.execute("SELECT name FROM sqlite_master")) == []
    async with opened(path) as store:
        assert await store.ledger.read(store.events.last_position) == 0


def test_unsafe_constants() -> None:
    """A constant of a partial index that is not a plain word is refused, instead of written into SQL."""
    index = Index(name="i", columns=("id",), only={"id": ("it's",)})
    with pytest.raises(ValueError, match="plain words"):
        metadata_of([attrs.evolve(NOTES, indexes=(index,))])


def test_revision_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's tool writes a first revision that makes the declared schema, and an empty next one
    when nothing differs.
    """
    folder = tmp_path / "migrations"
    shutil.copytree(migrating.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (migrating, revise):
        monkeypatch.setattr(module, "MIGRATIONS", folder)
    for written in folder.glob("versions/[0-9]*.py"):
        written.unlink()
    for number, what in (("0001", "first"), ("0002", "nothing new")):
        revise.revise(number, what)
    assert [file.name for file in sorted(folder.glob("versions/0*.py"))][-2:] == [
        "0001_first.py",
        "0002_nothing_new.py",
    ]
    text = (folder / "versions" / "0002_nothing_new.py").read_text()
    assert "op." not in text.partition("def upgrade")[2]
    with create_engine("sqlite://").connect() as made, create_engine("sqlite://").connect() as fresh:
        migrating.upgrade(made, METADATA, VERSION_TABLE)
        METADATA.create_all(fresh)
        assert compare_metadata(MigrationContext.configure(made), METADATA) == []
        assert {*schema(made)} == {*schema(fresh), VERSION_TABLE}
