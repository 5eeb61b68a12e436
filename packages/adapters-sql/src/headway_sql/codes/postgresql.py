"""PostgreSQL's SQLSTATEs as our errors (its manual, appendix A), and what libpq says while it connects."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from headway_core.kernel.errors import HeadwayError, Unavailable
from headway_sql.failures import AGAIN_S, SERVICE, Failure, busy, denied, refused, unavailable

_STARTING = unavailable("is starting, stopping or being restored", retry_after_s=AGAIN_S)
_UNREACHABLE = unavailable("can't be reached", retry_after_s=AGAIN_S)
_SLOW = unavailable("took too long over a statement", retry_after_s=AGAIN_S)
_CROWDED = unavailable("has no connection left: too many clients", retry_after_s=AGAIN_S)
_STRANGE = unavailable("has other tables than this Headway knows: it was changed by hand, or by another one")
_NO_LOGIN = denied("the server refuses this user or password")
_NO_DATABASE = refused("the server has no database of this name: create it first")

TRANSLATIONS: Mapping[str, Failure] = MappingProxyType(
    {
        "40001": busy("was written by others at the same time"),
        "40P01": busy("was locked by others the other way round"),
        "55P03": busy("is locked by another process"),
        "55006": busy("is used by another process"),
        "57014": _SLOW,
        "25P03": _SLOW,
        "25P04": _SLOW,
        "57P01": _STARTING,
        "57P02": _STARTING,
        "57P03": _STARTING,
        "57P04": _NO_DATABASE,
        "3D000": _NO_DATABASE,
        "08": _UNREACHABLE,
        "28": _NO_LOGIN,
        "25006": unavailable("can't be written: the server is read-only"),
        "42501": denied("this user may not do that: it needs the right to create and write tables"),
        "53300": _CROWDED,
        "53100": unavailable("can't be written: the disk is full"),
        "53": unavailable("has no memory or other resource left", retry_after_s=AGAIN_S),
        "58": unavailable("can't be read or written: the disk reports an error"),
        "XX001": unavailable("is damaged: restore it from a backup"),
        "XX002": unavailable("is damaged: restore it from a backup"),
        "42P01": _STRANGE,
        "42703": _STRANGE,
        "0A000": _STRANGE,
        "22003": refused("a number has more than 64 bits"),
        "22021": refused("a text has what is no Unicode"),
        "22P05": refused("a text has what the database's encoding lacks: it must be UTF8"),
        "54": refused("a value is larger than the database takes"),
        "23502": refused("a record lacks a value that its table needs"),
    }
)
"""By SQLSTATE, else by its class, the first two characters."""


def failure_of(sqlstate: str) -> Failure | None:
    """What a SQLSTATE means."""
    return TRANSLATIONS.get(sqlstate) or TRANSLATIONS.get(sqlstate[:2])


def ended_before(sqlstate: str | None) -> bool:
    """Whether the server had ended the transaction, which stood still for too long, before COMMIT came."""
    return sqlstate == "25P03"


_WHILE_CONNECTING: tuple[tuple[str, Failure], ...] = (
    (r"authentication failed|no password supplied|pg_hba\.conf|not permitted to log in", _NO_LOGIN),
    (r'role ".*" does not exist|permission denied', _NO_LOGIN),
    (r'database ".*" does not exist', _NO_DATABASE),
    (r"too many|remaining connection slots", _CROWDED),
    (r"the database system is|not currently accepting connections|shutting down", _STARTING),
    (r"failed to resolve host", unavailable("can't be reached: no host of this name is known")),
    (
        r"Connection refused|No such file or directory",
        unavailable("can't be reached: no server is there", retry_after_s=AGAIN_S),
    ),
    (r"timeout", unavailable("can't be reached: the server does not answer", retry_after_s=AGAIN_S)),
)
"""libpq gives no code while it connects, only words; what the server says there is mostly English."""

_WHERE = re.compile(r"^(connection (failed|is bad): )?(connection to server (at|on) .* failed: )?")


def while_connecting(words: str) -> HeadwayError:
    """Ours for what libpq says. It never says the password; the URL was checked for one in a wrong place."""
    for part, failure in _WHILE_CONNECTING:
        if re.search(part, words):
            return failure()
    sentence = _WHERE.sub("", " ".join(words.split()))
    return Unavailable(SERVICE, f"can't be reached: {sentence}", retry_after_s=AGAIN_S)
