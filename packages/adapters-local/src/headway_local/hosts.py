"""This host: its id, and the locks that die with the process that holds them."""

import fcntl
import os
import platform
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_local.data_directory import ID, host_id, private_folder


class LocalHost(HostLocks):
    """Locks by `flock` in `<data_dir>/locks`, the id in `<data_dir>/host-id`.

    Nothing is touched before the first use. The data directory is the owner's alone (0700), and on a
    local disk; its id is its own (`data_directory`).
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._host_id: str | None = None

    @property
    def host_id(self) -> str:
        if self._host_id is None:
            private_folder(self._data_dir)
            self._host_id = host_id(self._data_dir)
        return self._host_id

    @property
    def host_name(self) -> str:
        return platform.node() or "unnamed"

    def runner(self) -> AbstractAsyncContextManager[bool]:
        return self._held("runner")

    def workspace(self, workspace_id: str) -> AbstractAsyncContextManager[bool]:
        if not ID.fullmatch(workspace_id):
            raise InvalidInput("workspace_id", f"{workspace_id!r} is no id")
        return self._held(f"workspace-{workspace_id}")

    @asynccontextmanager
    async def _held(self, name: str) -> AsyncIterator[bool]:
        for folder in (self._data_dir, self._data_dir / "locks"):
            private_folder(folder)
        with _locked(self._data_dir / "locks" / f"{name}.lock") as held:
            yield held


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock, or say at once that somebody does, this process included.

    A descriptor of its own for each holder: `flock` belongs to the opened file, not to the process. The
    file stays: removing a lock file would let two processes hold two files of one name.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable("data directory", f"{path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            # Said, not left to closing: a child between fork and exec has the same open file for a moment.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)
