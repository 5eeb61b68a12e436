"""Bringing a database up to date: checked first, then changed in one transaction.

`python -m headway_sql.migrating WHAT` writes the next revision from the difference between the
migrations and the specs, for developers.
"""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from headway_core.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest revision: a database that has it is opened without a look at the migrations."""


def bring_up_to_date(engine: Engine, metadata: MetaData, *, migrate: bool) -> None:
    """Make or migrate the tables. `InvalidInput("database")` for what is not ours, or is newer."""
    with engine.connect() as connection:
        if migrate and _revision(connection) == HEAD:
            return
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # two processes do not migrate at once
        if not migrate:
            metadata.create_all(connection)
        elif _revision(connection) != HEAD:
            upgrade(connection, metadata)
        connection.commit()


def _revision(connection: Connection) -> str | None:
    """The revision of the database, None for an empty one."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise InvalidInput("database", "is a database of another application")
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return found[0] if found else None


def upgrade(connection: Connection, metadata: MetaData, revision: str = "head") -> None:
    """Run the migrations on this connection, inside its transaction."""
    from alembic import command  # noqa: PLC0415  slow to import, and seldom needed
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(config(connection, metadata), revision)
    except CommandError as error:
        raise InvalidInput("database", f"was written by a newer Headway, or by none: {error}") from error


def config(connection: Connection, metadata: MetaData) -> "Config":
    """Alembic's configuration, in code."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    made.attributes["metadata"] = metadata
    return made


def _write_revision(what: str) -> None:
    from alembic import command  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415

    from headway_core.schema import ALL_TABLES  # noqa: PLC0415
    from headway_sql.metadata import metadata_of  # noqa: PLC0415

    metadata = metadata_of(ALL_TABLES)
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/empty.db")
        with engine.connect() as connection:
            known = len(list(Path(__file__).parent.joinpath("migrations", "versions").glob("0*.py")))
            if known:
                upgrade(connection, metadata)
            command.revision(
                config(connection, metadata), message=what, autogenerate=True, rev_id=f"{known + 1:04d}"
            )


if __name__ == "__main__":
    _write_revision(" ".join(sys.argv[1:]))
