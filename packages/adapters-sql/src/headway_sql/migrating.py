"""Bringing a database up to date, inside the transaction of whoever opens it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, inspect, text

from headway_core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"


def known_revisions() -> list[str]:
    """The revisions that this version of the code has, oldest first: the history is one line of numbers."""
    return sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*.py"))


def is_up_to_date(connection: Connection) -> bool:
    """Whether there is nothing to do; asked without the right to write."""
    return revision_of(connection) == known_revisions()[-1]


def bring_up_to_date(connection: Connection, metadata: MetaData, *, migrate: bool = True) -> None:
    """Make or migrate the tables. `InvalidInput("database")` when a newer Headway wrote them."""
    if not migrate:
        metadata.create_all(connection)
        return
    stored, known = revision_of(connection), known_revisions()
    if stored is not None and stored not in known:
        raise InvalidInput("database", f"was written by a newer Headway (schema {stored}, not {known[-1]})")
    if stored != known[-1]:
        upgrade(connection, metadata)


def revision_of(connection: Connection) -> str | None:
    """The revision of the database, None for an empty one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant


def upgrade(connection: Connection, metadata: MetaData) -> None:
    """Run the migrations on this connection, inside its transaction."""
    from alembic import command  # noqa: PLC0415  slow to import, and seldom needed

    command.upgrade(config(connection, metadata), "head")


def config(connection: Connection, metadata: MetaData) -> "Config":
    """Alembic's configuration, in code."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    made.attributes["metadata"] = metadata
    return made
