"""The migrations make exactly the schema that the specs declare, in one transaction, with what is there."""

import functools
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import Phase, given, settings
from sqlalchemy import Connection, MetaData, Table, column, create_engine, inspect, select, table, text

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.tables import Index, TableSpec
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests.model import (
    SNAPSHOTS,
    WATCHES,
    FailureKind,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.schema import ALL_TABLES
from headway_core.workspaces.model import WORKSPACES, WorkspaceStatus
from headway_sql import SqlStore, metadata_of, migrating, revise
from headway_sql.database import Database
from headway_sql.failures import DatabaseBusy
from headway_sql.opening import database_of
from headway_sql.rows import Rows
from headway_sql.tables import SqlReader
from headway_sql.transactions import DatabaseClock, SqlReadTransaction
from headway_testing.clock import EPOCH, ManualClock, SequentialIds
from headway_testing.contracts.ledger.samples import NOTES
from headway_testing.conversations import some_facts
from headway_testing.records import a_project, a_workspace
from headway_testing.strategies import records

METADATA = metadata_of(ALL_TABLES)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    async with SqlStore.open(
        url, specs=ALL_TABLES, catalog=EventCatalog(ALL_EVENTS), clock=ManualClock(), ids=SequentialIds()
    ) as store:
        yield store


@pytest.fixture
def database(url: str) -> Database:
    return database_of(url)


@pytest.fixture
def connection(database: Database, path: Path) -> Iterator[Connection]:
    """A connection to an empty database."""
    path.touch()
    engine = database.writer_engine()
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def migrated(database: Database) -> Iterator[Connection]:
    database.prepare(METADATA, migrate=True)
    engine = database.writer_engine()
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def sqlite_schema(connection: Connection) -> dict[str, set[str]]:
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


def postgresql_schema(connection: Connection) -> set[tuple[object, ...]]:
    """Each column with its type and collation, and each index as the server words it."""
    columns = connection.exec_driver_sql(
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    indexes = connection.exec_driver_sql(
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    )
    return {tuple(row) for row in (*columns, *indexes)}


def test_metadata_equals_migrations(database: Database, migrated: Connection) -> None:
    """Alembic finds no difference between the migrated database and the specs."""
    context = MigrationContext.configure(migrated, opts={"version_table": database.version_table})
    assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_schema_equals_migrations(database: Database, migrated: Connection) -> None:
    """Nor does SQLite's own text of each table and index, conditions of partial indexes included."""
    with create_engine("sqlite://").connect() as fresh:
        METADATA.create_all(fresh)
        declared = sqlite_schema(fresh)
    made = sqlite_schema(migrated)
    assert made.pop(database.version_table)
    assert made == declared


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_postgresql_schema_equals_migrations(database: Database, migrated: Connection) -> None:
    """Nor do PostgreSQL's own words about each column and index, collations and conditions included."""
    made = {row for row in postgresql_schema(migrated) if row[0] != database.version_table}
    migrated.exec_driver_sql("DROP SCHEMA public CASCADE")
    migrated.exec_driver_sql("CREATE SCHEMA public")
    METADATA.create_all(migrated)
    assert made == postgresql_schema(migrated)
    assert ("workspaces", "id", "character varying", "C", "NO", None) in made


def test_one_line_of_revisions(database: Database, migrated: Connection) -> None:
    """The history is one line of numbers, and Alembic reads it as we do."""
    config = migrating.config(migrated, METADATA, database.version_table)
    scripts = ScriptDirectory.from_config(config)
    line = [revision.revision for revision in reversed(list(scripts.walk_revisions()))]
    assert line == migrating.known_revisions()
    assert scripts.get_heads() == [line[-1]]
    assert migrating.revision_of(migrated, database.version_table) == line[-1]


def test_a_stored_failure_is_parted_into_its_kind_and_its_sentence(
    database: Database, connection: Connection
) -> None:
    """What was told in one text is in two columns; a sentence may hold what parts it, and most have none."""
    database.begin(connection)
    migrating.upgrade(connection, METADATA, database.version_table, "0010")
    older = MetaData()
    older.reflect(connection)
    told = {"w1": "forbidden: GitHub says: no", "w2": None, "w3": "rate_limited: secondary"}
    for workspace_id, problem in told.items():
        watch = PullRequestWatch(workspace_id=workspace_id, problem=problem)
        insert(connection, older.tables[WATCHES.name], WATCHES, watch)
    migrating.upgrade(connection, METADATA, database.version_table)
    tx = SqlReadTransaction(connection, DatabaseClock(database, ManualClock()))
    table = SqlReader(WATCHES, METADATA.tables[WATCHES.name])
    found = [table.get(tx, workspace_id) for workspace_id in told]
    assert [(watch.failure, watch.problem) for watch in found if watch is not None] == [
        (FailureKind.FORBIDDEN, "GitHub says: no"),
        (None, None),
        (FailureKind.RATE_LIMITED, "secondary"),
    ]
    connection.rollback()


def test_claims_of_two_clones_are_the_older_live_workspaces(
    database: Database, connection: Connection
) -> None:
    """Two workspaces share branch, issue and pull request: the younger one has none of them, and is told
    whose they are. An archived one, though older, keeps its facts and claims nothing; another host's ids are
    its own.
    """
    database.begin(connection)
    migrating.upgrade(connection, METADATA, database.version_table, "0014")
    older = MetaData()
    older.reflect(connection)
    projects = [
        a_project(),
        a_project(id="p2", slug="two", repo_path="/two", github_owner="Octo"),
        a_project(id="p3", slug="three", repo_path="/three", github_host="git.example"),
    ]
    for project in projects:
        insert(connection, older.tables[PROJECTS.name], PROJECTS, project)
    workspaces = {
        "gone": ("p1", WorkspaceStatus.ARCHIVED, 0),
        "first": ("p2", WorkspaceStatus.READY, 1),
        "second": ("p1", WorkspaceStatus.READY, 2),
        "elsewhere": ("p3", WorkspaceStatus.READY, 3),
    }
    for workspace_id, (project_id, status, minute) in workspaces.items():
        live = status is WorkspaceStatus.READY
        workspace = a_workspace(
            workspace_id,
            project_id=project_id,
            status=status,
            created_at=EPOCH + timedelta(minutes=minute),
            branch_claim=f"{project_id}:headway/fix-login" if live else None,
            issue_claim=f"{project_id}:7" if live else None,
        )
        insert(connection, older.tables[WORKSPACES.name], WORKSPACES, workspace)
        facts = attrs.evolve(some_facts(), node_id="PR_7", number=7)
        snapshot = PullRequestSnapshot(workspace_id=workspace_id, node_id="PR_7", number=7, facts=facts)
        insert(connection, older.tables[SNAPSHOTS.name], SNAPSHOTS, snapshot)
        watch = PullRequestWatch(workspace_id=workspace_id, fetch_began_at=EPOCH)
        insert(connection, older.tables[WATCHES.name], WATCHES, watch)
    migrating.upgrade(connection, METADATA, database.version_table)
    tx = SqlReadTransaction(connection, DatabaseClock(database, ManualClock()))
    rows = {each: stored(tx, WORKSPACES, each) for each in workspaces}
    assert {each: (row.branch_claim, row.issue_claim) for each, row in rows.items()} == {
        "gone": (None, None),
        "first": ("github.com/octo/demo:headway/fix-login", "github.com/octo/demo:7"),
        "second": (None, None),
        "elsewhere": ("git.example/octo/demo:headway/fix-login", "git.example/octo/demo:7"),
    }
    pulls = {each: stored(tx, SNAPSHOTS, each) for each in workspaces}
    assert {each: (row.node_id, row.claim, row.taken_by) for each, row in pulls.items()} == {
        "gone": ("PR_7", None, None),
        "first": ("PR_7", "github.com:PR_7", None),
        "second": (None, None, "first"),
        "elsewhere": ("PR_7", "git.example:PR_7", None),
    }
    second = pulls["second"]
    assert (second.facts, second.number, second.taken) == (None, None, 7)
    assert stored(tx, WATCHES, "second").fetch_began_at is None
    assert stored(tx, WATCHES, "first").fetch_began_at == EPOCH
    connection.rollback()


def stored(tx: SqlReadTransaction, spec: TableSpec[Any], key: str) -> Any:
    return SqlReader(spec, METADATA.tables[spec.name]).get(tx, key)


@functools.cache
def examples(spec: TableSpec[Any]) -> list[Any]:
    """Some records of a table, as the newest code has them: from a plain one to what the types allow."""
    found: list[Any] = []

    @settings(max_examples=4, phases=[Phase.generate], database=None, derandomize=True, deadline=None)
    @given(records(spec.record))
    def collect(record: Any) -> None:
        found.append(record)

    collect()
    return found


@pytest.mark.parametrize("revision", migrating.known_revisions()[:-1])
def test_from_every_revision(revision: str, database: Database, connection: Connection) -> None:
    """What was stored under an older revision is there after the migrations, in every table: what the older
    one had of it is the same, and the rest is such that the record can be read.
    """
    database.begin(connection)
    migrating.upgrade(connection, METADATA, database.version_table, revision)
    older = MetaData()
    older.reflect(connection)
    specs = [spec for spec in ALL_TABLES if spec.name in older.tables]
    assert specs
    for nth in range(4):
        with connection.begin_nested() as half_way:
            stored = {spec.name: examples(spec)[nth % len(examples(spec))] for spec in specs}
            had = {
                spec.name: insert(connection, older.tables[spec.name], spec, stored[spec.name])
                for spec in specs
            }
            migrating.upgrade(connection, METADATA, database.version_table)
            tx = SqlReadTransaction(connection, DatabaseClock(database, ManualClock()))
            for spec in specs:
                compare(tx, spec, stored[spec.name], had[spec.name])
            newest = migrating.known_revisions()[-1]
            assert migrating.revision_of(connection, database.version_table) == newest
            half_way.rollback()
    connection.rollback()


def insert(connection: Connection, older: Table, spec: TableSpec[Any], record: Any) -> set[str]:
    """Store as much of a record as the older table had columns for; which those are."""
    known = {name: value for name, value in Rows(spec).encode(record).items() if name in older.columns}
    row = dict(known)
    for kept in older.columns:
        if not kept.nullable and row.get(kept.name) is None:
            row[kept.name] = {int: 0, bool: False}.get(kept.type.python_type, "[]")
    connection.execute(older.insert(), row)
    return {name for name, value in known.items() if row[name] == value}


_MADE_ANEW = {("workspaces", "branch_claim"), ("workspaces", "issue_claim")}
"""By revision 0015, which says of what repository they are."""


def compare(tx: SqlReadTransaction, spec: TableSpec[Any], record: Any, had: set[str]) -> None:
    found = SqlReader(spec, METADATA.tables[spec.name]).get(tx, *spec.key_of(record))
    assert found is not None
    for kept in spec.columns():
        if kept.name in had and (spec.name, kept.name) not in _MADE_ANEW:
            assert getattr(found, kept.name) == getattr(record, kept.name), (spec.name, kept.name)


def dump(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    names = inspect(connection).get_table_names()
    found = {
        name: [tuple(row) for row in connection.execute(select(text("*")).select_from(table(name)))]
        for name in names
    }
    connection.rollback()
    return found


@pytest.mark.anyio
async def test_newer_database(url: str, database: Database, migrated: Connection) -> None:
    """The database of a newer Headway is refused by that name, unchanged."""
    migrated.execute(table(database.version_table, column("version_num")).update().values(version_num="9999"))
    migrated.commit()
    before = dump(migrated)
    with pytest.raises(InvalidInput, match="newer Headway \\(schema 9999"):
        async with opened(url):
            pass
    assert dump(migrated) == before
    assert before[database.version_table] == [("9999",)]


@pytest.mark.lesson("B14")
@pytest.mark.anyio
@pytest.mark.parametrize("kept", ["none", "0001"])
async def test_broken_migration(
    url: str, database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """A migration that fails on the way leaves what was there, and can be run again."""
    connection.rollback()
    if kept != "none":
        database.prepare(metadata_of([]), migrate=False)  # signed
        database.begin(connection)
        inspect(connection).clear_cache()
        for name in inspect(connection).get_table_names():
            connection.exec_driver_sql(f'DROP TABLE "{name}"')
        migrating.upgrade(connection, METADATA, database.version_table, kept)
        connection.commit()
    before = dump(connection)
    upgrade = migrating.upgrade

    def half_way(*arguments: Any) -> None:
        upgrade(*arguments)
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "upgrade", half_way)
        with pytest.raises(ZeroDivisionError):
            async with opened(url):
                pass
    assert dump(connection) == before
    async with opened(url) as store:
        assert await store.ledger.read(store.events.last_position) == 0


@pytest.mark.anyio
async def test_not_at_once(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several that open an old database at once one migrates it, and the others wait for that."""
    upgrade, inside, runs = migrating.upgrade, threading.Lock(), []

    def watched(*arguments: Any) -> None:
        assert inside.acquire(blocking=False), "two migrate at once"
        try:
            upgrade(*arguments)
            time.sleep(0.1)  # noqa: TID251  on a thread, as a slow migration
            runs.append(1)
        finally:
            inside.release()

    monkeypatch.setattr(migrating, "upgrade", watched)

    def prepare(_: int) -> None:
        while True:
            try:
                return database.prepare(METADATA, migrate=True)
            except DatabaseBusy:  # as `patiently` has it
                continue

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(prepare, range(4)))
    assert len(runs) == 1
    async with opened(url) as store:
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
        migrating.upgrade(made, METADATA, revise.VERSION_TABLE)
        METADATA.create_all(fresh)
        assert compare_metadata(MigrationContext.configure(made), METADATA) == []
        assert {*sqlite_schema(made)} == {*sqlite_schema(fresh), revise.VERSION_TABLE}
