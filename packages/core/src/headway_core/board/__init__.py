"""The board: why each workspace stands where it stands. Pure projections, nothing stored."""

from headway_core.board.model import Column, StatusReason, WorkspaceView, column, status_reason
from headway_core.board.service import BoardService, Card, card

__all__ = [
    "BoardService",
    "Card",
    "Column",
    "StatusReason",
    "WorkspaceView",
    "card",
    "column",
    "status_reason",
]
