"""Hosts and the locks that die with their process.

The database says who should act; an operating-system lock says that nobody else is acting (law 4).
"""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager


class HostLocks(ABC):
    """Locks of one host, held by the process and released by its death."""

    @property
    @abstractmethod
    def host_id(self) -> str:
        """The random id of this host's data directory."""

    @property
    @abstractmethod
    def host_name(self) -> str:
        """What this machine calls itself: for people."""

    @abstractmethod
    def runner(self) -> AbstractAsyncContextManager[bool]:
        """Be the runner of this host and database: True, or at once False when another process is."""

    @abstractmethod
    def workspace(self, workspace_id: str) -> AbstractAsyncContextManager[bool]:
        """Be the one who acts on a workspace: True, or at once False when somebody is acting."""
