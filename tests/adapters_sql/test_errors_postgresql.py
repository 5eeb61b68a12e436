"""Every error of PostgreSQL is one of ours, by the table, and names the database."""

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from headway_core.kernel.errors import (
    HeadwayError,
    InvalidInput,
    OutcomeUnknown,
    PermissionDenied,
    Unavailable,
)
from headway_sql.codes.postgresql import TRANSLATIONS, while_connecting
from headway_sql.errors import committing, translated, translating
from headway_sql.failures import DatabaseBusy, Lost

EXPECTED: dict[str, tuple[type[HeadwayError], str]] = {
    "40001": (DatabaseBusy, "written by others"),
    "40P01": (DatabaseBusy, "locked by others"),
    "55P03": (DatabaseBusy, "locked by another process"),
    "55006": (DatabaseBusy, "used by another process"),
    "57014": (Unavailable, "too long"),
    "25P03": (Unavailable, "too long"),
    "25P04": (Unavailable, "too long"),
    "57P01": (Unavailable, "stopping"),
    "57P02": (Unavailable, "stopping"),
    "57P03": (Unavailable, "starting"),
    "57P04": (InvalidInput, "no database of this name"),
    "3D000": (InvalidInput, "no database of this name"),
    "08006": (Unavailable, "reached"),
    "08P01": (Unavailable, "reached"),
    "28000": (PermissionDenied, "user or password"),
    "28P01": (PermissionDenied, "user or password"),
    "25006": (Unavailable, "read-only"),
    "42501": (PermissionDenied, "may not"),
    "53300": (Unavailable, "too many clients"),
    "53100": (Unavailable, "disk is full"),
    "53200": (Unavailable, "no memory"),
    "58030": (Unavailable, "disk reports an error"),
    "XX001": (Unavailable, "damaged"),
    "XX002": (Unavailable, "damaged"),
    "42P01": (Unavailable, "other tables"),
    "42703": (Unavailable, "other tables"),
    "0A000": (Unavailable, "other tables"),
    "22003": (InvalidInput, "64 bits"),
    "22021": (InvalidInput, "no Unicode"),
    "22P05": (InvalidInput, "UTF8"),
    "54000": (InvalidInput, "larger"),
    "23502": (InvalidInput, "lacks a value"),
    "XX000": (Unavailable, "SQLSTATE XX000"),
    "22012": (Unavailable, "SQLSTATE 22012"),
}


def driver_error(sqlstate: str, *, lost: bool = False) -> OperationalError:
    driver = psycopg.errors.lookup(sqlstate)("secret text of the driver")
    return OperationalError("SELECT", {}, driver, connection_invalidated=lost)


@pytest.mark.parametrize("sqlstate", sorted(EXPECTED))
def test_table(sqlstate: str) -> None:
    """Each SQLSTATE has its class and its words; without a row of its own it follows its class."""
    kind, words = EXPECTED[sqlstate]
    with pytest.raises(HeadwayError) as raised, translating():
        raise driver_error(sqlstate)
    assert type(raised.value) is kind
    assert words in str(raised.value)
    assert str(raised.value).startswith("database: ")
    assert "secret" not in str(raised.value)


def test_table_is_tried_whole() -> None:
    """No row of the table is without its expectation."""
    tried = {code if code in TRANSLATIONS else code[:2] for code in EXPECTED}
    assert tried >= set(TRANSLATIONS)


def test_unknown_error() -> None:
    """An error without a code is named by its class."""
    assert str(translated(psycopg.InterfaceError("secret"))) == "database: failed: InterfaceError"


def test_lost_connection() -> None:
    """A connection that died before COMMIT is to be tried again; at COMMIT nobody knows the outcome."""
    with pytest.raises(Lost), translating():
        raise driver_error("57P01", lost=True)
    with pytest.raises(OutcomeUnknown) as raised, translating(), committing():
        raise driver_error("57P01", lost=True)
    assert not isinstance(raised.value, Lost)
    with pytest.raises(DatabaseBusy), translating(), committing():
        raise driver_error("40001")


WORDS: list[tuple[str, type[HeadwayError], str]] = [
    ('FATAL:  password authentication failed for user "a"', PermissionDenied, "user or password"),
    ("fe_sendauth: no password supplied", PermissionDenied, "user or password"),
    ('FATAL:  no pg_hba.conf entry for host "::1", user "a"', PermissionDenied, "user or password"),
    ('FATAL:  role "a" does not exist', PermissionDenied, "user or password"),
    ('FATAL:  role "a" is not permitted to log in', PermissionDenied, "user or password"),
    ('FATAL:  permission denied for database "b"', PermissionDenied, "user or password"),
    ('FATAL:  database "b" does not exist', InvalidInput, "no database of this name"),
    ('FATAL:  too many connections for database "b"', Unavailable, "too many"),
    ("FATAL:  sorry, too many clients already", Unavailable, "too many"),
    ("FATAL:  remaining connection slots are reserved", Unavailable, "too many"),
    ("FATAL:  the database system is starting up", Unavailable, "starting"),
    ('FATAL:  database "b" is not currently accepting connections', Unavailable, "starting"),
    ("failed to resolve host 'h': [Errno -2] Name or service not known", Unavailable, "no host"),
    ("Connection refused\n\tIs the server running on that host?", Unavailable, "no server"),
    (
        'connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory',
        Unavailable,
        "no s",
    ),
    ("connection timeout expired", Unavailable, "does not answer"),
    (
        'connection failed: connection to server at "h", port 1 failed: server does not support SSL,\n but',
        Unavailable,
        "can't be reached: server does not support SSL, but",
    ),
]


@pytest.mark.parametrize(("words", "kind", "ours"), WORDS, ids=[words[:45] for words, _, _ in WORDS])
def test_while_connecting(words: str, kind: type[HeadwayError], ours: str) -> None:
    """While it connects the driver has words only, and each of them has its class."""
    error = while_connecting(words)
    assert type(error) is kind
    assert ours in str(error)
