"""The automation that moves a pull request forward, and only when there is a cause; it explains itself."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.ratchet.consumers import RatchetConsumer
    from headway_core.ratchet.decision import Decision, RatchetFacts, decide
    from headway_core.ratchet.dispatches import DispatchSteps
    from headway_core.ratchet.duty import RatchetDuty
    from headway_core.ratchet.explain import Explanation
    from headway_core.ratchet.failures import AgentFailure
    from headway_core.ratchet.model import (
        DISPATCHES,
        FIXER_SLOTS,
        RATCHETS,
        WAKES,
        Cause,
        CauseKind,
        DispatchStatus,
        FixerDispatch,
        RatchetRecord,
        RatchetWake,
        kind_of,
    )
    from headway_core.ratchet.sentences import sentence
    from headway_core.ratchet.service import RatchetService
    from headway_core.ratchet.state import RatchetState, ratchet_state
    from headway_core.ratchet.steps import RatchetSteps
    from headway_core.ratchet.tables import RatchetTables
    from headway_core.ratchet.worktree_facts import WorktreeFacts
else:
    __getattr__ = lazy_exports(
        __name__,
        "model",
        "state",
        "sentences",
        "failures",
        "decision",
        "tables",
        "explain",
        "steps",
        "dispatches",
        "service",
        "consumers",
        "duty",
        "worktree_facts",
    )

__all__ = [
    "DISPATCHES",
    "FIXER_SLOTS",
    "RATCHETS",
    "WAKES",
    "AgentFailure",
    "Cause",
    "CauseKind",
    "Decision",
    "DispatchStatus",
    "DispatchSteps",
    "Explanation",
    "FixerDispatch",
    "RatchetConsumer",
    "RatchetDuty",
    "RatchetFacts",
    "RatchetRecord",
    "RatchetService",
    "RatchetState",
    "RatchetSteps",
    "RatchetTables",
    "RatchetWake",
    "WorktreeFacts",
    "decide",
    "kind_of",
    "ratchet_state",
    "sentence",
]
