"""Headway for as long as a web application lives: the `lifespan` of Starlette, FastAPI and their like."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import headway


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[Mapping[str, headway.Headway]]:
    """Open Headway and be this host's runner; requests find it as `request.state.hw`."""
    async with headway.open("sqlite:///headway.db") as hw, hw.running():
        yield {"hw": hw}
