"""`headway.open`: Headway as a library, in one `async with`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from headway.config import Config, database_url
from headway.container import wired
from headway_core.api import Headway, InvalidInput, Payload
from headway_core.kernel.events import EventCatalog
from headway_core.schema import ALL_TABLES
from headway_local.data_directory import private_folder
from headway_local.system import RandomIds
from headway_sql import SqlStore

if TYPE_CHECKING:
    from headway.adapters import Adapters


@asynccontextmanager
async def open(  # noqa: A001  `headway.open` is the name
    database: str | None = None, *, config: Config | None = None, adapters: "Adapters | None" = None
) -> AsyncIterator[Headway]:
    """Open Headway on a database; starts nothing. One of `database` and `config` is enough.

    Args:
        database: `sqlite:///` and a path, and everything else is then kept beside it, in `<file>.d`; or
            `postgresql://user:password@host:port/name`, and this host's things are in the data directory of
            the command. None: as `config` says.
        config: Everything, the database too. None: the defaults.
        adapters: Ports of an application's own, for as long as it is open. None: Headway's.

    Yields:
        An open Headway, until the block ends.

    Raises:
        TypeError: Neither a database nor a config is given.
        InvalidInput: `database` is no address of one, the file is a database of another application or of a
            newer Headway, or `adapters` are none. Nothing is written then.
        PermissionDenied: The database's server refuses the user or the password.
        Unavailable: The database or the data directory can't be used now.
    """
    own = _given(adapters)
    if config is None:
        if database is None:
            raise TypeError("open takes a database or a config")
        config = Config.beside(database)
    async with AsyncExitStack() as stack:
        url = database_url(config.database)
        private_folder(config.data_dir)
        store = await stack.enter_async_context(
            SqlStore.open(
                url,
                specs=ALL_TABLES,
                catalog=EventCatalog(_all_events),
                ids=RandomIds(),
            )
        )
        container = wired(config, store, own)
        await stack.enter_async_context(container.github.connection())
        yield container.core.api()


def _given(adapters: "Adapters | None") -> dict[str, object]:
    if adapters is None:
        return {}
    from headway.adapters import Adapters  # noqa: PLC0415  of every port, and few applications bring any

    if not isinstance(adapters, Adapters):
        raise InvalidInput("adapters", f"a {type(adapters).__name__} is no headway.Adapters")
    return adapters.given()


def _all_events() -> tuple[type[Payload], ...]:
    from headway_core.event_types import ALL_EVENTS  # noqa: PLC0415  of every room, and few commands read any

    return ALL_EVENTS
