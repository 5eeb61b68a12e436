"""What every test shares: both anyio backends and the marks of the lessons."""

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every asynchronous test runs on asyncio and on Trio."""
    return str(request.param)
