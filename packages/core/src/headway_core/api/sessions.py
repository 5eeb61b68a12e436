"""Sessions: conversations with agents in a workspace, and their prompts."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from headway_core.processes.model import OutputPart
from headway_core.sessions.model import LimitReached, Prompt, Session

if TYPE_CHECKING:
    from headway_core.sessions.output import SessionOutput
    from headway_core.sessions.ports import Agents
    from headway_core.sessions.service import SessionService
    from headway_core.settings.service import SettingsService


class Sessions:
    """Everything that is asked of sessions: `hw.sessions`. Fixers are acquired by `hw.fixers`."""

    def __init__(
        self,
        *,
        sessions: "SessionService",
        output: "SessionOutput",
        settings: "SettingsService",
        agents: "Agents",
    ) -> None:
        self._sessions = sessions
        self._output = output
        self._settings = settings
        self._agents = agents

    async def list(self, workspace_id: str) -> list[Session]:
        """List the sessions of a workspace.

        Args:
            workspace_id: The workspace's id.

        Returns:
            All of them, oldest first; nothing for an unknown workspace.
        """
        return await self._sessions.list(workspace_id)

    async def get(self, session_id: str) -> Session:
        """Look at one session.

        Args:
            session_id: Its id.

        Returns:
            The session as it is stored.

        Raises:
            NotFound: There is none with this id.
        """
        return await self._sessions.get(session_id)

    async def prompts(self, session_id: str) -> Sequence[Prompt]:
        """List what a session was asked, or is to be asked.

        Args:
            session_id: The session's id.

        Returns:
            Its prompts, oldest first; nothing for an unknown session.
        """
        return await self._sessions.prompts(session_id)

    async def start_chat(
        self,
        workspace_id: str,
        prompt: str | None,
        agent: str | None = None,
        model: str | None = None,
        *,
        actor: str = "headway",
    ) -> Session | LimitReached:
        """Have an agent work on a prompt as soon as the workspace is READY.

        The session is stored at once, in IDLE; the runner of the workspace's host starts it.

        Args:
            workspace_id: The workspace's id.
            prompt: What the agent is asked to do; None: the session stays IDLE.
            agent: The agent's name; None: as the settings say.
            model: The model's name; None: the one that this agent last had in the workspace, else as the
                settings say, else the agent's own default.
            actor: Who asks, as the events tell it.

        Returns:
            The session; `LimitReached` when the workspace has as many live sessions as it may
            (`session_limit`): nothing was created then.

        Raises:
            NotFound: There is no such workspace.
            Conflict: The workspace is being archived, or is archived.
            InvalidInput: `prompt` is blank or too long.
        """
        return await self._sessions.start_chat(workspace_id, prompt, agent, model, actor=actor)

    async def stop(self, session_id: str, *, actor: str = "headway") -> Session:
        """Have a session end; the runner of its host ends its processes. One that is over stays as it is.

        Args:
            session_id: The session's id.
            actor: Who asks, as the events tell it.

        Returns:
            The session as it is now stored: STOPPING while its agent may run.

        Raises:
            NotFound: There is none with this id.
        """
        return await self._sessions.stop(session_id, actor=actor)

    async def output(self, session_id: str, offset: int = 0, *, limit: int = 65_536) -> OutputPart:
        """Read a part of what a session's agent printed, on its host, while it runs or afterwards.

        Of long output (more than 64 MiB each time that the agent is started) the beginning and the end are
        kept. All of it goes 30 days after the workspace was archived.

        Args:
            session_id: The session's id.
            offset: The byte of the output to begin at: 0, or the `next_offset` of the part before.
            limit: How many bytes to read at most, 4 to 1,000,000.

        Returns:
            Text in whole characters, and where the part after it begins. It is empty when no more was
            printed so far.

        Raises:
            NotFound: There is no such session, or what it printed is not kept any more.
            Unavailable: It is kept on another host, which the error names.
            InvalidInput: `offset` or `limit` can't be.
        """
        return await self._output.read(session_id, offset, limit=limit)

    async def follow_output(self, session_id: str, offset: int = 0) -> AsyncGenerator[OutputPart, None]:
        """Follow what a session's agent prints, on its host, until the session has ended.

        An idle session is waited for. Close the generator when you leave it early (`contextlib.aclosing`).

        Args:
            session_id: The session's id.
            offset: The byte of the output to begin at: 0, or the `next_offset` of a part.

        Yields:
            One part after the other, none of them empty; `left_out` counts what is not kept before it.

        Raises:
            NotFound: There is no such session, or what it printed is not kept any more.
            Unavailable: It is kept on another host, which the error names.
            InvalidInput: `offset` can't be.
        """
        async with aclosing(self._output.follow(session_id, offset)) as parts:
            async for part in parts:
                yield part

    def agents(self) -> tuple[str, ...]:
        """Name the agents that are configured on this host, as its configuration is now.

        Returns:
            Their names, sorted.

        Raises:
            InvalidInput: The configuration can't be read any more; the error says where.
        """
        return self._agents.names()

    async def expect_agent(self, agent: str | None = None, model: str | None = None) -> None:
        """Find out now, and not when the runner comes to it, whether an agent can be started on this host.

        Args:
            agent: The agent's name; None: the default of the settings.
            model: The model's name; None: as the settings say.

        Raises:
            InvalidInput: `agent` is not configured here, or `model` is no name of a model.
            Unavailable: The agent's program is not installed here.
        """
        settings = await self._settings.get()
        name = agent or settings.default_agent
        self._agents.command(name, model or settings.models.get(name))
