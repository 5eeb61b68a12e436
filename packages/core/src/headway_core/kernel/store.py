"""A ledger with its tables, its log and its claims: what an adapter of a database is."""

from abc import ABC, abstractmethod
from typing import TypeVar

from headway_core.kernel.claims import Claims
from headway_core.kernel.events import EventLog, EventPruner
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec

R = TypeVar("R")


class Store(ABC):
    """A ledger with its tables. Only a container holds it; services get the ledger and their tables."""

    @property
    @abstractmethod
    def ledger(self) -> Ledger: ...

    @property
    @abstractmethod
    def events(self) -> EventLog: ...

    @property
    @abstractmethod
    def pruner(self) -> EventPruner:
        """The port that removes events, for the one service that keeps count of who has read them."""

    @abstractmethod
    def claims(self, kind: str) -> Claims:
        """The claims of one kind: for the one service that shares out this work."""

    @abstractmethod
    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        """The read port of a table. Never an `OwnedTable`."""

    @abstractmethod
    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        """The write port of a table: for its owner alone."""
