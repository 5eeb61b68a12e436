"""What SQLite and PostgreSQL do not do alike. All the rest of this package is shared."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

import attrs
from sqlalchemy import Connection, Engine, MetaData, Table
from sqlalchemy.exc import IntegrityError

from headway_core.kernel.tables import TableSpec

PRIMARY_KEY = "primary key"
"""What `clash` calls the key of every table."""


@attrs.frozen(kw_only=True)
class Watcher:
    """What a database needs to tell of the commits of other processes."""

    on_writer: Callable[[Callable[[Connection], Any]], Awaitable[Any]]
    """Runs a function on a connection that writes, between units of work."""
    awaited: Callable[[], bool]
    """Whether anybody waits for a change."""
    wake: Callable[[], None]
    """Called after a commit of another process that wrote events."""
    begun: Callable[[], None]
    """Called once, when nothing is missed from now on."""


class Locks(ABC):
    """Holds what others may write at the same time, until the transaction ends."""

    @abstractmethod
    def workspaces(self, connection: Connection, ids: Sequence[str]) -> None:
        """Hold these, in the order given; also those that are not there yet."""

    @abstractmethod
    def name(self, connection: Connection, name: str) -> None:
        """Hold a name: of a row that is not there."""


class Database(ABC):
    """One database of one kind. Nothing here is awaited but `watch`: it is called on worker threads."""

    writers: ClassVar[int]
    """Connections that write at the same time."""
    readers: ClassVar[int]
    dialect: ClassVar[str]
    """SQLAlchemy's name of the kind."""
    version_table: ClassVar[str]
    """Where the revision of the schema is kept."""

    @abstractmethod
    def prepare(self, metadata: MetaData, *, migrate: bool) -> None:
        """Leave it there, ours and up to date. What is refused is left as it is.

        `InvalidInput("database")`, `PermissionDenied("database")` and `Unavailable("database")` say why;
        `DatabaseBusy` also while another process prepares it: then it is to be called again.
        """

    @abstractmethod
    def writer_engine(self) -> Engine:
        """Makes connections that write, without a pool."""

    @abstractmethod
    def reader_engine(self) -> Engine:
        """A pool of `readers` connections that can't write."""

    @abstractmethod
    def begin(self, connection: Connection) -> None:
        """Begin a unit of work that writes."""

    @abstractmethod
    def begin_view(self, connection: Connection) -> None:
        """Begin a view of one moment."""

    @abstractmethod
    def now(self, connection: Connection) -> datetime:
        """The database's own time."""

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT: each dialect has a class of its own."""

    @abstractmethod
    def clash(self, spec: TableSpec[Any], error: IntegrityError) -> str | None:
        """The unique index that refused a row, or `PRIMARY_KEY`; None when it was something else."""

    @abstractmethod
    def locks(self, workspaces: Table | None) -> Locks | None:
        """How to hold things; None where one writes at a time. `workspaces` is the table of them."""

    @abstractmethod
    def before_events(self, connection: Connection) -> None:
        """Make the order of positions that of the commits: called before the last statement."""

    @abstractmethod
    async def watch(self, watcher: Watcher) -> None:
        """Tell of the commits of other processes until cancelled. What fails once it has begun is tried
        again, and raises nothing: polling is the safety net.
        """
