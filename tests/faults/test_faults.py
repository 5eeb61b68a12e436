"""The fault injection in short, and that it would see what it looks for. `nox -s faults` is the long one."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from faulty_world import Fault
from in_memory import InMemory
from witness import Wrong

from headway_core.pull_requests import outcome_steps, reconciliation
from headway_core.pull_requests.reconciliation import RefusalReason

pytestmark = pytest.mark.anyio


@pytest.mark.lesson("S18", "R23", "S5")
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_fault_makes_a_fact_false_older_or_gone(seed: int) -> None:
    """Every cycle is compared with the world's past; when the faults stop, all is true."""
    rehearsal = InMemory(seed, run_twice=True)
    await rehearsal.live(600, calm_every=200)
    figures = rehearsal.figures
    assert figures.facts > 100
    assert {fault.value for fault in Fault} - figures.faults.keys() <= {Fault.DEATH.value, Fault.SLOW.value}
    assert figures.outcomes["Superseded: unconfirmed"] > 0
    assert len(figures.calm_s) == 3


def _believes_any_order(*arguments: Any) -> RefusalReason | None:
    reason = _refusal(*arguments)
    return None if reason is RefusalReason.OLDER_UPDATED_AT else reason


def _clears(merged: Any) -> Callable[..., Any]:
    def clears(known: Any, observation: Any) -> Any:
        return merged(None, observation)

    return clears


_refusal, _merged = reconciliation._refusal, reconciliation._merged
DEFECTS: dict[str, tuple[Any, str, Any]] = {
    "nothing waits for confirmation": (reconciliation, "staleness", lambda *_, **__: None),
    "an older updatedAt is believed": (reconciliation, "_refusal", _believes_any_order),
    "what was not read is cleared": (reconciliation, "_merged", _clears(_merged)),
    "mergeability has an order": (reconciliation, "unordered_mergeability", lambda *_, **__: False),
    "a record that lags its branch is believed": (reconciliation, "lags_its_branch", lambda *_: False),
    "who failed is not asked again": (
        outcome_steps,
        "due_after_failure",
        lambda watch, *_: attrs.evolve(watch, due_at=None),
    ),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("defect", DEFECTS)
async def test_a_planted_defect_is_found(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees each of the ways in which belief could go wrong."""
    module, name, planted = DEFECTS[defect]
    monkeypatch.setattr(module, name, planted)
    with pytest.raises(Wrong):
        await _many()


async def _many() -> None:
    for seed in range(1, 21):
        await InMemory(seed).live(1500, calm_every=300)
