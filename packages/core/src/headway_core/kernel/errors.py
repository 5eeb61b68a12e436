"""The one hierarchy of errors.

HeadwayError
├── InvalidInput        what a caller gave is not acceptable; names the field
├── NotFound            no such thing
│   └── EventsPruned    the events after this position are not kept any more
├── Conflict            somebody else was first, or the record read is stale
├── IllegalTransition   the table of a state machine has no such row
├── RetriesUsed         the limit of attempts is reached
├── PermissionDenied    the other side knows us, and says no
└── Unavailable         the other side can't be reached or is not usable now
    └── OutcomeUnknown  the connection died at COMMIT: it may or may not have happened

Expected outcomes (a fixer already active, a limit reached) are typed results, never exceptions.
Errors carry facts as attributes and build their own message; none carries a secret.
"""


class HeadwayError(Exception):
    """The root: everything that Headway raises on purpose."""


class InvalidInput(HeadwayError):
    """A value that a caller gave is not acceptable. Nothing was changed."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class NotFound(HeadwayError):
    """There is no `kind` with this `key`."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key!r}")
        self.kind = kind
        self.key = key


class EventsPruned(NotFound):
    """Events after `position` were removed, up to `pruned_up_to`: who follows the log has missed some."""

    def __init__(self, position: int, pruned_up_to: int) -> None:
        super().__init__("event after position", str(position))
        self.position = position
        self.pruned_up_to = pruned_up_to


class Conflict(HeadwayError):
    """Somebody else was first: a stale record, a claimed branch, a taken name."""

    def __init__(self, kind: str, key: str, problem: str) -> None:
        super().__init__(f"{kind} {key!r}: {problem}")
        self.kind = kind
        self.key = key
        self.problem = problem


class IllegalTransition(HeadwayError):
    """The state machine of `kind` has no transition `from_status` → `to_status`."""

    def __init__(self, kind: str, key: str, from_status: str, to_status: str) -> None:
        super().__init__(f"{kind} {key!r}: no transition {from_status} -> {to_status}")
        self.kind = kind
        self.key = key
        self.from_status = from_status
        self.to_status = to_status


class RetriesUsed(HeadwayError):
    """All `limit` retries of `kind` `key` are used."""

    def __init__(self, kind: str, key: str, limit: int) -> None:
        super().__init__(f"{kind} {key!r}: all {limit} retries are used")
        self.kind = kind
        self.key = key
        self.limit = limit


class PermissionDenied(HeadwayError):
    """`service` refuses: the token is missing, expired or may not do this."""

    def __init__(self, service: str, problem: str) -> None:
        super().__init__(f"{service}: {problem}")
        self.service = service
        self.problem = problem


class Unavailable(HeadwayError):
    """`service` can't be used now; again after `retry_after_s`, None when nobody knows."""

    def __init__(self, service: str, problem: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{service}: {problem}")
        self.service = service
        self.problem = problem
        self.retry_after_s = retry_after_s


class OutcomeUnknown(Unavailable):
    """The connection died at COMMIT. Never retried by the ledger: the work may have happened."""


class UniqueClash(Conflict):
    """A unique index refused a row. The ledger rolls back and runs the work once more, so that a
    query inside the work can name the outcome; seen by callers only when the second run clashes too.
    """

    def __init__(self, table: str, index: str) -> None:
        super().__init__(table, index, "a unique index refuses the row")
        self.table = table
        self.index = index
