"""The failures of a database that both kinds share, and how their tables of codes are written."""

from collections.abc import Callable

from headway_core.kernel.errors import HeadwayError, InvalidInput, PermissionDenied, Unavailable

SERVICE = "database"
AGAIN_S = 1.0
"""When to come again after a failure that passes by itself."""

Failure = Callable[[], HeadwayError]


class DatabaseBusy(Unavailable):
    """Other writers are in the way, longer than one wait. The ledger tries again before a caller sees it."""

    def __init__(self, problem: str = "is locked by another process") -> None:
        super().__init__(SERVICE, problem, retry_after_s=AGAIN_S)


class Lost(Unavailable):
    """The connection died before COMMIT, so that nothing is stored. The ledger tries again on a new one."""

    def __init__(self) -> None:
        super().__init__(SERVICE, "broke off the connection", retry_after_s=AGAIN_S)


def busy(problem: str) -> Failure:
    return lambda: DatabaseBusy(problem)


def unavailable(problem: str, *, retry_after_s: float | None = None) -> Failure:
    return lambda: Unavailable(SERVICE, problem, retry_after_s=retry_after_s)


def refused(problem: str) -> Failure:
    return lambda: InvalidInput(SERVICE, problem)


def denied(problem: str) -> Failure:
    return lambda: PermissionDenied(SERVICE, problem)
