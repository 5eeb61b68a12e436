"""Forge actions: what people have done at the forge, each thing once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway_core.forge_actions.model import ForgeAction

if TYPE_CHECKING:
    from headway_core.forge_actions.service import ForgeActionService


class ForgeActions:
    """Everything that people ask the forge for: `hw.forge_actions`.

    Each is an intent: it is stored at once, and the runner of the workspace's host carries it out.
    """

    def __init__(self, *, actions: "ForgeActionService") -> None:
        self._actions = actions

    async def reply(
        self, workspace_id: str, thread_id: str, body: str, *, actor: str = "headway"
    ) -> ForgeAction:
        """Answer an unresolved review thread of the workspace's open pull request.

        Args:
            workspace_id: The workspace's id.
            thread_id: The id of a thread, as its card on the board tells it.
            body: The answer, in the forge's markdown.
            actor: Who asks, as the events tell it.

        Returns:
            The intent, PENDING.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `thread_id` is no unresolved thread, `body` is blank or too long, or
                `workspace_id`: the workspace has no open pull request.
        """
        return await self._actions.reply(workspace_id, thread_id, body, actor=actor)

    async def resolve(self, workspace_id: str, thread_id: str, *, actor: str = "headway") -> ForgeAction:
        """Resolve an unresolved review thread of the workspace's open pull request.

        Args:
            workspace_id: The workspace's id.
            thread_id: The id of a thread, as its card on the board tells it.
            actor: Who asks, as the events tell it.

        Returns:
            The intent, PENDING.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `thread_id` is no unresolved thread, or `workspace_id`: the workspace has no open
                pull request.
        """
        return await self._actions.resolve(workspace_id, thread_id, actor=actor)

    async def comment(self, workspace_id: str, body: str, *, actor: str = "headway") -> ForgeAction:
        """Comment on the conversation of the workspace's open pull request.

        Args:
            workspace_id: The workspace's id.
            body: The comment, in the forge's markdown.
            actor: Who asks, as the events tell it.

        Returns:
            The intent, PENDING.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `body` is blank or too long, or `workspace_id`: the workspace has no open pull
                request.
        """
        return await self._actions.comment(workspace_id, body, actor=actor)

    async def request_review(
        self, workspace_id: str, reviewers: Sequence[str], *, actor: str = "headway"
    ) -> ForgeAction:
        """Ask people to review the workspace's open pull request.

        Args:
            workspace_id: The workspace's id.
            reviewers: Their logins, at least one.
            actor: Who asks, as the events tell it.

        Returns:
            The intent, PENDING.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `reviewers` are none, too many or no logins, or `workspace_id`: the workspace has
                no open pull request.
        """
        return await self._actions.request_review(workspace_id, reviewers, actor=actor)

    async def list(self, workspace_id: str) -> list[ForgeAction]:
        """List what people and agents ever asked for in a workspace, and what became of it.

        Args:
            workspace_id: The workspace's id.

        Returns:
            All of it, oldest first; nothing for an unknown workspace.
        """
        return await self._actions.of_workspace(workspace_id)
