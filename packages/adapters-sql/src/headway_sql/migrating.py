"""Bringing a database up to date, inside the transaction of whoever opens it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from headway_core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def known_revisions() -> list[str]:
    """The revisions that this version of the code has, oldest first: the history is one line of numbers."""
    return sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*.py"))


def is_up_to_date(connection: Connection, version_table: str) -> bool:
    """Whether there is nothing to do; asked without the right to write."""
    return revision_of(connection, version_table) == known_revisions()[-1]


def bring_up_to_date(
    connection: Connection, metadata: MetaData, version_table: str, *, migrate: bool = True
) -> None:
    """Make or migrate the tables. `InvalidInput("database")` when a newer Headway wrote them."""
    if not migrate:
        metadata.create_all(connection)
        _versions(version_table).create(connection, checkfirst=True)
        return
    stored, known = revision_of(connection, version_table), known_revisions()
    if stored is not None and stored not in known:
        raise InvalidInput("database", f"was written by a newer Headway (schema {stored}, not {known[-1]})")
    if stored != known[-1]:
        upgrade(connection, metadata, version_table)


def revision_of(connection: Connection, version_table: str) -> str | None:
    """The revision of the database, None for an empty one."""
    if not inspect(connection).has_table(version_table):
        return None
    return connection.execute(select(_versions(version_table).c.version_num)).scalar()


def upgrade(connection: Connection, metadata: MetaData, version_table: str, to: str = "head") -> None:
    """Run the migrations on this connection, inside its transaction."""
    from alembic import command  # noqa: PLC0415  slow to import, and seldom needed

    command.upgrade(config(connection, metadata, version_table), to)


def config(connection: Connection, metadata: MetaData, version_table: str) -> "Config":
    """Alembic's configuration, in code."""
    from alembic.config import Config  # noqa: PLC0415  slow, and seldom needed

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    made.attributes["metadata"] = metadata
    made.attributes["version_table"] = version_table
    return made


def _versions(name: str) -> Table:
    """Alembic's own table, as it makes it."""
    return Table(name, MetaData(), Column("version_num", String(32), primary_key=True))
