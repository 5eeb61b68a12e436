"""The locks of a host, in a set that its processes share."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from headway_core.kernel.hosts import HostLocks


class FakeLocks(HostLocks):
    """Locks of one host. Processes of it share `held`; leaving the block, by death too, releases."""

    def __init__(self, host_id: str = "host-1", held: set[str] | None = None) -> None:
        self._host_id = host_id
        self.held: set[str] = set() if held is None else held

    @property
    def host_id(self) -> str:
        return self._host_id

    @property
    def host_name(self) -> str:
        return f"machine of {self._host_id}"

    def runner(self) -> AbstractAsyncContextManager[bool]:
        return self._lock("runner")

    def workspace(self, workspace_id: str) -> AbstractAsyncContextManager[bool]:
        return self._lock(f"workspace {workspace_id}")

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[bool]:
        if name in self.held:
            yield False
            return
        self.held.add(name)
        try:
            yield True
        finally:
            self.held.discard(name)
