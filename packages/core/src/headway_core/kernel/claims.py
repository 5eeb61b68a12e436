"""Claims: who of all processes does a thing now, for as long as a lease lasts.

A claim is taken in a transaction, and its token grows with every taking of the same key, for ever: who
comes back late finds a newer token and is fenced off. It shares out work whose repetition does no harm
(reading a forge). An effect that must not happen twice needs the lock of the operating system too.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import attrs

from headway_core.kernel.tables import Lock, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction

RELEASED = datetime(1970, 1, 1, tzinfo=UTC)
"""The expiry of a claim that was given back: the row stays, so that its token never starts again."""


@attrs.frozen(kw_only=True)
class Claim:
    """One taking of one key."""

    kind: str
    """What is claimed: each kind has keys of its own."""
    key: str
    holder: str
    """Who took it, as they named themselves."""
    token: int
    """1 for the first taking of the key; grows with every further one."""
    expires_at: datetime
    """From then on anybody may take it."""


CLAIMS = TableSpec(name="claims", record=Claim, key=("kind", "key"), lock=Lock.APPEND)
"""Kept by the ledger itself, as the log of events is."""


class Claims(ABC):
    """The claims of one kind. Given to the one service that shares out this work (law 1).

    Time is the ledger's (`tx.now()`). Where rows can be locked, they are taken in the order of their keys
    and held to the end of the transaction; they come after the locks of workspaces.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @abstractmethod
    def acquire(
        self, tx: Transaction, keys: Iterable[str], *, holder: str, lease: timedelta
    ) -> Mapping[str, Claim]:
        """Take those of the keys that are free: never taken, given back or expired. The claims taken, by key.

        A key that is held is left out, also when it is held under the same name: a claim is no
        re-entrant lock. `ValueError` when the lease is not longer than nothing.
        """

    @abstractmethod
    def renew(self, tx: Transaction, claims: Iterable[Claim], *, lease: timedelta) -> Mapping[str, Claim]:
        """Hold on to claims for another `lease` from now. Those that were lost or expired are left out."""

    @abstractmethod
    def fence(self, tx: Transaction, claim: Claim) -> bool:
        """Whether nobody has taken the key since, and nobody can before this transaction ends.

        In the transaction that stores the outcome; on False the outcome is a late one, not to be stored.
        A claim that has expired and that nobody wanted still passes; one that was given back does not.
        """

    @abstractmethod
    def release(self, tx: Transaction, claims: Iterable[Claim]) -> None:
        """Give back what is still ours; nothing happens to a key that somebody else took since."""

    @abstractmethod
    def release_all(self, tx: Transaction, holder: str) -> int:
        """Give back all claims that are held under this name, for the successor of a holder that died. How
        many they were.
        """

    @abstractmethod
    def held(self, tx: ReadTransaction, keys: Iterable[str]) -> Mapping[str, Claim]:
        """The unexpired claims of these keys, by key. For a look: what follows from it is not fenced."""


def expiry(tx: ReadTransaction, lease: timedelta) -> datetime:
    """When a claim that is taken now expires; used by ledgers."""
    if lease <= timedelta(0):
        raise ValueError(f"a lease of {lease} is over before it begins")
    return tx.now() + lease
