"""What every `HostLocks` does. Nothing of it is optional."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import anyio
import pytest

from headway_core.kernel.hosts import HostLocks
from headway_testing.contracts.suite import PortContract

Lock = Callable[[HostLocks], AbstractAsyncContextManager[bool]]

LOCKS: dict[str, Lock] = {
    "runner": lambda locks: locks.runner(),
    "workspace": lambda locks: locks.workspace("w-1"),
}
each_lock = pytest.mark.parametrize("lock", list(LOCKS.values()), ids=list(LOCKS))


@pytest.mark.anyio
class HostLocksContract(PortContract):
    """Subclasses define the fixtures `locks` and `others`, both `HostLocks`: the latter are those of another
    process of the same host.
    """

    port = HostLocks

    async def test_the_host_has_an_id_and_a_name(self, locks: HostLocks, others: HostLocks) -> None:
        """Every process of the host tells the same id, which fits into a key, and a name for people."""
        assert re.fullmatch(r"[0-9a-zA-Z-]{1,40}", locks.host_id)
        assert locks.host_id == others.host_id
        assert locks.host_name

    @each_lock
    async def test_a_lock_has_one_holder(self, locks: HostLocks, others: HostLocks, lock: Lock) -> None:
        """Who asks for what is held is told no at once, in the same process and in another."""
        async with lock(locks) as first, lock(locks) as second, lock(others) as third:
            assert (first, second, third) == (True, False, False)

    @each_lock
    async def test_who_was_refused_releases_nothing(
        self, locks: HostLocks, others: HostLocks, lock: Lock
    ) -> None:
        """Leaving a refused block leaves the lock with its holder; the holder's leaving frees it."""
        async with lock(locks) as first:
            assert first
            async with lock(others):
                pass
            async with lock(others) as still:
                assert not still
        async with lock(others) as after:
            assert after

    @each_lock
    async def test_a_lock_is_free_however_its_block_ends(
        self, locks: HostLocks, others: HostLocks, lock: Lock
    ) -> None:
        """An error and a cancellation release as the end of the block does."""
        with pytest.raises(ZeroDivisionError):
            async with lock(locks):
                raise ZeroDivisionError
        with anyio.CancelScope() as scope:
            async with lock(locks) as again:
                assert again
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        async with lock(others) as free:
            assert free

    async def test_locks_are_apart(self, locks: HostLocks) -> None:
        """The runner's lock and those of workspaces say nothing of each other."""
        async with locks.runner() as runner, locks.workspace("w-1") as one, locks.workspace("w-2") as two:
            assert (runner, one, two) == (True, True, True)
