"""This host: its id, and the locks that die with the process that holds them."""

import fcntl
import os
import platform
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.kernel.hosts import HostLocks

_ID = re.compile(r"[0-9a-zA-Z-]{1,40}")


class LocalHost(HostLocks):
    """Locks by `flock` in `<data_dir>/locks`, the id in `<data_dir>/host-id`.

    Nothing is touched before the first use. The data directory is the owner's alone (0700), and on a
    local disk.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._host_id: str | None = None

    @property
    def host_id(self) -> str:
        if self._host_id is None:
            self._host_id = _agreed_id(self._folder(self._data_dir) / "host-id")
        return self._host_id

    @property
    def host_name(self) -> str:
        return platform.node() or "unnamed"

    def runner(self) -> AbstractAsyncContextManager[bool]:
        return self._held("runner")

    def workspace(self, workspace_id: str) -> AbstractAsyncContextManager[bool]:
        if not _ID.fullmatch(workspace_id):
            raise InvalidInput("workspace_id", f"{workspace_id!r} is no id")
        return self._held(f"workspace-{workspace_id}")

    @asynccontextmanager
    async def _held(self, name: str) -> AsyncIterator[bool]:
        self._folder(self._data_dir)
        with _locked(self._folder(self._data_dir / "locks") / f"{name}.lock") as held:
            yield held

    def _folder(self, folder: Path) -> Path:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable("data directory", f"{folder}: {error.strerror}") from error
        return folder


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


def _agreed_id(path: Path) -> str:
    """The id in the file, made by whichever process came first: it gets its name when it is complete."""
    if not path.exists():
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")  # noqa: TID251 - a file name
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, f"{uuid.uuid4()}\n".encode())  # noqa: TID251 - before any port exists
            os.fsync(descriptor)
            path.hardlink_to(part)
        except FileExistsError:
            pass
        finally:
            os.close(descriptor)
            part.unlink()
    host_id = path.read_text(encoding="ascii", errors="replace").strip()
    if not _ID.fullmatch(host_id):
        raise Unavailable("host", f"{path} is damaged: it holds no id")
    return host_id
