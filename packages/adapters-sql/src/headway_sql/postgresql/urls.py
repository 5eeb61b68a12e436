"""The URL of a PostgreSQL database, checked before anything is connected. No error holds a part of it."""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from headway_core.kernel.errors import InvalidInput

DEFAULTS = {
    "application_name": "headway",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""libpq's parameters, unless the URL says otherwise."""

_LAST_PORT = 65535


def parameters_of(url: str) -> dict[str, str]:
    """What libpq connects with. `InvalidInput("database")` for what is no URL of a database on a server."""
    if not url.startswith("postgresql://"):
        raise InvalidInput("database", "is not postgresql://user:password@host:port/name")
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except (ProgrammingError, UnicodeError):
        problem = "is no URL that PostgreSQL understands: postgresql://user:password@host:port/name"
        raise InvalidInput("database", problem) from None  # the driver's words hold parts of it
    if any("@" in given.get(part, "") for part in ("host", "port", "dbname")):  # part of a password, perhaps
        raise InvalidInput("database", "has an @ in a wrong place: percent-encode it in user and password")
    ports = given.get("port", "5432").split(",")
    if not all(port.isdecimal() and 0 < int(port) <= _LAST_PORT for port in ports):
        raise InvalidInput("database", "has a port that is no number from 1 to 65535")
    if not given.get("dbname"):
        raise InvalidInput("database", "names no database: postgresql://user:password@host:port/name")
    return {**DEFAULTS, **given}
