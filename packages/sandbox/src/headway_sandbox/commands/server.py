"""The server itself: all that it holds, its clock and its faults."""

import attrs

from headway_sandbox.commands.repositories import RepositoryView, UserView
from headway_sandbox.records import FaultKind


@attrs.frozen(kw_only=True)
class FaultView:
    """A fault and how many answers it will still spoil."""

    kind: FaultKind
    remaining: int
    operation: str | None


@attrs.frozen(kw_only=True)
class WorldState:
    """Everything, for assertions."""

    instance: str
    users: tuple[UserView, ...]
    repositories: tuple[RepositoryView, ...]
    faults: tuple[FaultView, ...]


@attrs.frozen(kw_only=True)
class Health:
    """Who answers."""

    instance: str
    pid: int


@attrs.frozen(kw_only=True)
class Done:
    """Nothing more to say."""


@attrs.frozen(kw_only=True)
class AddFault:
    """Spoil the next `count` answers (of one GraphQL operation, of REST: `rest`, or of any)."""

    kind: FaultKind
    count: int = 1
    seconds: float = 0.0
    operation: str | None = None
    applied: bool = False  # a mutation takes effect although its answer is lost


@attrs.frozen(kw_only=True)
class LackFields:
    """Be an older Enterprise Server, whose schema lacks these: `Type.field`. Empty: it lacks nothing."""

    fields: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ClearFaults:
    """Forget all faults."""


@attrs.frozen(kw_only=True)
class SetClock:
    """Let the world's time stand at a moment; None: it is the machine's again."""

    at: float | None  # seconds since the epoch
