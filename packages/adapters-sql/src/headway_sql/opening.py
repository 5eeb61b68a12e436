"""Which kind of database a URL names."""

from headway_core.kernel.errors import InvalidInput
from headway_sql.database import Database
from headway_sql.sqlite.database import SqliteDatabase


def database_of(url: str) -> Database:
    """The database of `sqlite:///<path>` or `postgresql://…`; `InvalidInput("database")` for another URL."""
    match url.partition(":")[0]:
        case "sqlite":
            return SqliteDatabase(url)
        case "postgresql":
            try:
                from headway_sql.postgresql.database import PostgresqlDatabase  # noqa: PLC0415  psycopg is an extra
            except ImportError:
                problem = "PostgreSQL needs its driver: pip install 'headway-sql[postgresql]'"
                raise InvalidInput("database", problem) from None
            return PostgresqlDatabase(url)
        case _:
            raise InvalidInput("database", "is neither sqlite:///<path> nor postgresql://<host>/<name>")
