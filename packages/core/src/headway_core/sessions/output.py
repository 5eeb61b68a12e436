"""What agents print: read in parts, and followed."""

from collections.abc import AsyncGenerator

import anyio

from headway_core.hosts.model import Host
from headway_core.kernel.errors import InvalidInput, NotFound, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.processes import Contradictory, Exited, OutputPart, Supervisor, Unreadable, Vanished
from headway_core.sessions.model import Session
from headway_core.workspaces.model import Workspace

LEAST_BYTES = 4
MOST_BYTES = 1_000_000
"""A part of the output has at least room for a character, and fits in memory many times over."""
FOLLOWED_BYTES = 65_536
FOLLOW_INTERVAL_S = 0.25


class SessionOutput:
    """Reads what the newest attempt of a session printed, on the host where it ran."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sessions: ReadTable[Session],
        workspaces: ReadTable[Workspace],
        hosts: ReadTable[Host],
        supervisor: Supervisor,
        locks: HostLocks,
        follow_interval_s: float = FOLLOW_INTERVAL_S,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._workspaces = workspaces
        self._hosts = hosts
        self._supervisor = supervisor
        self._locks = locks
        self._follow_interval_s = follow_interval_s

    async def read(self, session_id: str, offset: int = 0, *, limit: int = FOLLOWED_BYTES) -> OutputPart:
        """What was printed from byte `offset` (0, or a `next_offset`) on, up to `limit` bytes.

        The part is empty when no more was printed so far. `NotFound` for an unknown session, and when what
        it printed is not kept any more; `Unavailable` on another host than the one that has it;
        `InvalidInput` names `offset` or `limit`.
        """
        if offset < 0:
            raise InvalidInput("offset", "is negative")
        if not LEAST_BYTES <= limit <= MOST_BYTES:
            raise InvalidInput("limit", f"is not between {LEAST_BYTES} and {MOST_BYTES}")
        return await self._read(await self._ledger.read(lambda tx: self._here(tx, session_id)), offset, limit)

    async def follow(self, session_id: str, offset: int = 0) -> AsyncGenerator[OutputPart, None]:
        """Every part from byte `offset` on, until the session has ended and all was read.

        A session that is idle is waited for; one that is started again meanwhile is followed from its new
        beginning. Errors are those of `read`.
        """
        if offset < 0:
            raise InvalidInput("offset", "is negative")
        attempt: int | None = None
        while True:
            session = await self._ledger.read(lambda tx: self._here(tx, session_id))
            if attempt not in {None, session.attempt}:
                offset = 0
            attempt = session.attempt
            ended = await self._has_ended(session)  # asked first: what it said before it ended is read below
            part = await self._read(session, offset, FOLLOWED_BYTES)
            offset = part.next_offset
            if part.text or part.left_out:
                yield part
            elif ended:
                return
            else:
                await anyio.sleep(self._follow_interval_s)

    async def _has_ended(self, session: Session) -> bool:
        """Whether it has ended: by its record, or by its files when no runner is there to record it."""
        if not session.is_live:
            return True
        over = Exited | Vanished | Unreadable | Contradictory
        return isinstance(await self._supervisor.probe(session.run), over)

    async def _read(self, session: Session, offset: int, limit: int) -> OutputPart:
        part = await self._supervisor.read_output(session.run, offset, limit=limit)
        if part is not None:
            return part
        if not session.is_live and session.started_at is not None:
            raise NotFound("kept output of session", session.id)
        return OutputPart(text="", offset=offset, next_offset=offset, left_out=0)

    def _here(self, tx: ReadTransaction, session_id: str) -> Session:
        session = self._sessions.get(tx, session_id)
        if session is None:
            raise NotFound("session", session_id)
        workspace = self._workspaces.get(tx, session.workspace_id)
        host_id = None if workspace is None else workspace.host_id
        if host_id not in {None, self._locks.host_id}:
            host = self._hosts.get(tx, host_id)
            name = host_id if host is None else f"{host.name} ({host_id})"
            raise Unavailable(
                "output", f"what session {session_id} printed is kept on host {name}: ask there"
            )
        return session
