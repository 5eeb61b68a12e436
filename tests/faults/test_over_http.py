"""The rehearsal of faults over real HTTP, in short: `nox -s faults -- --over-http` is the long one."""

from pathlib import Path
from typing import Any

import pytest
from over_http import a_season
from witness import Wrong

from headway_core.pull_requests import reconciliation

pytestmark = pytest.mark.anyio


@pytest.mark.lesson("S5", "S18")
async def test_no_fault_over_http_makes_a_fact_false_older_or_gone(
    tmp_path: Path, anyio_backend: str
) -> None:
    """The adapter and the sandbox too: cut answers, torn pages, limits, renames, signed deliveries."""
    async with a_season(tmp_path, seed=1 if anyio_backend == "asyncio" else 2) as season:
        await season.live(75, calm_every=25)
    figures = season.figures
    assert figures.facts > 30
    assert figures.faults.total() > 20
    assert figures.hooks["forged"] > 0
    assert len(figures.calm_s) == 3


_merged = reconciliation._merged


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_defect_is_found_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When what was not read is cleared, the comparison sees it here as it does in memory."""

    def clears(_: Any, observation: Any) -> Any:
        return _merged(None, observation)

    monkeypatch.setattr(reconciliation, "_merged", clears)
    async with a_season(tmp_path, seed=1) as season:
        with pytest.raises(Wrong):
            await season.live(300, calm_every=50)
