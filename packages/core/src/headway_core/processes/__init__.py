"""Processes that outlive whoever started them: what is started, how it is known, and what became of it.

Nothing is stored here: the evidence of a run is with its host, and whoever started it keeps the record.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.processes.model import (
        Contradictory,
        Ended,
        Exited,
        Launch,
        NeverStarted,
        OutputPart,
        Probe,
        RunId,
        Running,
        Unreadable,
        Vanished,
        began,
    )
    from headway_core.processes.ports import Supervisor
else:
    __getattr__ = lazy_exports(__name__, "model", "ports")

__all__ = [
    "Contradictory",
    "Ended",
    "Exited",
    "Launch",
    "NeverStarted",
    "OutputPart",
    "Probe",
    "RunId",
    "Running",
    "Supervisor",
    "Unreadable",
    "Vanished",
    "began",
]
