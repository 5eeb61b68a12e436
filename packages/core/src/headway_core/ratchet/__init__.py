"""The automation that moves a pull request forward, and only when there is a cause; it explains itself."""

from headway_core.ratchet.decision import Decision, RatchetFacts, decide
from headway_core.ratchet.duty import RatchetConsumer, RatchetDuty, WorktreeFacts
from headway_core.ratchet.explain import Explanation, sentence
from headway_core.ratchet.model import (
    DISPATCHES,
    FIXER_SLOTS,
    RATCHETS,
    WAKES,
    Cause,
    CauseKind,
    DispatchStatus,
    FixerDispatch,
    Ratchet,
    RatchetWake,
    kind_of,
)
from headway_core.ratchet.service import RatchetService
from headway_core.ratchet.state import RatchetState, ratchet_state

__all__ = [
    "DISPATCHES",
    "FIXER_SLOTS",
    "RATCHETS",
    "WAKES",
    "Cause",
    "CauseKind",
    "Decision",
    "DispatchStatus",
    "Explanation",
    "FixerDispatch",
    "Ratchet",
    "RatchetConsumer",
    "RatchetDuty",
    "RatchetFacts",
    "RatchetService",
    "RatchetState",
    "RatchetWake",
    "WorktreeFacts",
    "decide",
    "kind_of",
    "ratchet_state",
    "sentence",
]
