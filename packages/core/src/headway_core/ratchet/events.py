"""What the ratchet did, as facts."""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from headway_core.kernel.events import Upcasts
from headway_core.ratchet.decision import Decision
from headway_core.ratchet.model import Cause, DispatchStatus, Hold


def _recheck_at_renamed(data: Mapping[str, object]) -> Mapping[str, object]:
    """`recheck_at` of a decision was called `look_again_at`."""

    def renamed(decision: object) -> object:
        if not isinstance(decision, Mapping) or "look_again_at" not in decision:
            return decision
        rest = {name: value for name, value in decision.items() if name != "look_again_at"}
        return {**rest, "recheck_at": decision["look_again_at"]}

    return {**data, "decision": renamed(data["decision"]), "before": renamed(data["before"])}


@attrs.frozen(kw_only=True)
class RatchetSwitched:
    """It was switched on or off; off clears everything that was remembered (R34)."""

    event: ClassVar[str] = "ratchet.switched"
    version: ClassVar[int] = 1

    enabled: bool


@attrs.frozen(kw_only=True)
class RatchetHeld:
    """A person holds it, or let it go (`hold` None)."""

    event: ClassVar[str] = "ratchet.held"
    version: ClassVar[int] = 1

    hold: Hold | None


@attrs.frozen(kw_only=True)
class RatchetDecided:
    """The decision changed."""

    event: ClassVar[str] = "ratchet.decided"
    version: ClassVar[int] = 2
    upcasts: ClassVar[Upcasts] = {1: _recheck_at_renamed}

    decision: Decision
    before: Decision | None
    facts_digest: str | None
    """None: there were none to look at, it was switched off."""
    reason: str
    """A sentence for people."""


@attrs.frozen(kw_only=True)
class DispatchChanged:
    """A dispatch began, or its status changed: exactly one event a change (R21)."""

    event: ClassVar[str] = "ratchet.dispatch_changed"
    version: ClassVar[int] = 1

    dispatch_id: str
    session_id: str
    node_id: str
    causes: tuple[Cause, ...]
    status: DispatchStatus
    attempts: int
    reason: str | None


EVENTS = (RatchetSwitched, RatchetHeld, RatchetDecided, DispatchChanged)
