"""A ledger of one's own: everything is kept in memory, and gone with the process.

    python examples/own_ledger.py REPOSITORY OWNER/NAME

A ledger is no port of `headway.Adapters`, because everything stands on it: it is given to the container.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

import headway
from headway.container import AppContainer
from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_local import RandomIds, SystemClock


@asynccontextmanager
async def opened(folder: str) -> AsyncIterator[headway.Headway]:
    """What `headway.open` does, with another store. Worktrees and sessions are kept in the folder."""
    store = MemoryStore(clock=SystemClock(), ids=RandomIds(), catalog=EventCatalog(ALL_EVENTS))
    config = headway.Config(data_dir=Path(folder), database="in memory")
    container = AppContainer(config=config, store=store)
    async with container.github.connection():
        yield container.core.api()


async def main(repository: str, github: str) -> None:
    """Have a workspace provisioned, and forget it."""
    with TemporaryDirectory() as folder:
        async with opened(folder) as hw, hw.running():
            project = await hw.projects.register(repository, github=github)
            await hw.workspaces.create(headway.Manual(project_id=project.id, name="Look around"))
            async for (card,) in hw.board.views():
                print(card.status_reason, flush=True)
                if card.view.workspace.status is headway.WorkspaceStatus.READY:
                    break


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
