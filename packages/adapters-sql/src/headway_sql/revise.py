"""For developers: `python -m headway_sql.revise 0002 "add the colour of a project"`.

Writes the revision with this number from the difference between the migrations before it and the
tables of `headway_core.schema`. A revision that was never released is written anew: the file with this
number is removed first. Read what it wrote, and run `ruff format` on it.
"""

import sys

from sqlalchemy import create_engine

from headway_core.schema import ALL_TABLES
from headway_sql.metadata import metadata_of
from headway_sql.migrating import MIGRATIONS, config, known_revisions, upgrade

VERSION_TABLE = "alembic_version"


def revise(number: str, what: str) -> None:
    """Write revision `number`, called `what`."""
    from alembic import command  # noqa: PLC0415  as in the migrations

    for unreleased in MIGRATIONS.glob(f"versions/{number}_*.py"):
        unreleased.unlink()
    metadata = metadata_of(ALL_TABLES)
    with create_engine("sqlite://").connect() as connection:
        if known_revisions():
            upgrade(connection, metadata, VERSION_TABLE)
        command.revision(
            config(connection, metadata, VERSION_TABLE), message=what, autogenerate=True, rev_id=number
        )


if __name__ == "__main__":
    revise(sys.argv[1], sys.argv[2])
