"""What the ratchet did, as facts."""

from collections.abc import Mapping
from typing import ClassVar

import attrs

from headway_core.kernel.conversion import TAG
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


def _quiet_time_told(data: Mapping[str, object]) -> Mapping[str, object]:
    """A `Wait` told nothing of the quiet time."""

    def told(decision: object) -> object:
        if not isinstance(decision, Mapping) or decision.get(TAG) != "Wait":
            return decision
        return {**decision, "quiet_time": None}

    return {**data, "decision": told(data["decision"]), "before": told(data["before"])}


@attrs.frozen(kw_only=True)
class RatchetSwitched:
    """The ratchet of a workspace was switched on or off; both forget what was handled and counted."""

    event: ClassVar[str] = "ratchet.switched"
    version: ClassVar[int] = 1

    enabled: bool
    """Whether it is on now."""


@attrs.frozen(kw_only=True)
class RatchetHeld:
    """The ratchet of a workspace was held, or released."""

    event: ClassVar[str] = "ratchet.held"
    version: ClassVar[int] = 1

    hold: Hold | None
    """The hold; None when it was released."""


@attrs.frozen(kw_only=True)
class RatchetDecided:
    """The ratchet came to another decision."""

    event: ClassVar[str] = "ratchet.decided"
    version: ClassVar[int] = 3
    upcasts: ClassVar[Upcasts] = {1: _recheck_at_renamed, 2: _quiet_time_told}

    decision: Decision
    """The decision."""
    before: Decision | None
    """The decision before; None for the first."""
    facts_digest: str | None
    """SHA-256 over the facts that led to it; None when it was switched off."""
    reason: str
    """Why, as a sentence for people."""


@attrs.frozen(kw_only=True)
class DispatchChanged:
    """A fixer was dispatched, or the status of a dispatch changed."""

    event: ClassVar[str] = "ratchet.dispatch_changed"
    version: ClassVar[int] = 1

    dispatch_id: str
    """The dispatch."""
    session_id: str
    """The fixer's session."""
    node_id: str
    """The forge's id of the pull request."""
    causes: tuple[Cause, ...]
    """What the fixer is to fix."""
    status: DispatchStatus
    """What became of it."""
    attempts: int
    """The attempt of its session."""
    reason: str | None
    """Why it ended, for people; None while it has not."""


EVENTS = (RatchetSwitched, RatchetHeld, RatchetDecided, DispatchChanged)
