"""The board: why each workspace stands where it stands. Pure projections, nothing stored."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.board.model import Column, StatusReason, WorkspaceView, column, status_reason
    from headway_core.board.problems import Problem, ProblemKind
    from headway_core.board.service import BoardService, BoardTables, Card, card
else:
    __getattr__ = lazy_exports(__name__, "model", "problems", "service")

__all__ = [
    "BoardService",
    "BoardTables",
    "Card",
    "Column",
    "Problem",
    "ProblemKind",
    "StatusReason",
    "WorkspaceView",
    "card",
    "column",
    "status_reason",
]
