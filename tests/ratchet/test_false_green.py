"""A fixer that breaks the workflow file: no checks, no success, no progress; over the whole of core."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from headway_core.processes import Exited
from headway_core.pull_requests import CheckRunRow, CheckSuiteRow, newest_checks
from headway_core.pull_requests.model import Check, CheckOutcome
from headway_core.ratchet.decision import Decision, Dispatch, Ready, Stalled, StallReason, Wait, WaitReason
from headway_testing.clock import EPOCH
from headway_testing.observations import a_check

pytestmark = pytest.mark.anyio

B, C = "c" * 40, "d" * 40
TEST = a_check("test", CheckOutcome.FAILED)
CLA = a_check("cla", identity="status:license/cla", run_id="x")
EMPTY_SUITE = newest_checks(
    [
        CheckSuiteRow(
            number=5,
            name=".github/workflows/ci.yml",
            status="COMPLETED",
            conclusion="STARTUP_FAILURE",
            app="github-actions",
            workflow="1",
            event="push",
        )
    ]
)


def _plain(decision: Decision) -> Decision:
    return attrs.evolve(decision, recheck_at=None)


async def _fixed(harness: Any, *after: Check) -> Decision:
    """A fixer for a failing test pushes a head with these checks."""
    await harness.workspace()
    assert isinstance(await harness.judge(checks=(TEST, CLA)), Dispatch)
    await harness.end(Exited(exit_code=0, signal=None))
    await harness.check()
    harness.clock.advance(10)
    found: Decision = await harness.judge(checks=after, commit=B, updated_at=EPOCH + timedelta(hours=1))
    return found


@pytest.mark.parametrize("after", [(), (CLA,)], ids=["no checks", "a foreign status"])
async def test_a_head_without_checks_is_not_ready(harness: Any, after: tuple[Check, ...]) -> None:
    """They are waited for until the limit of CI; then people are told, and the budget was not refilled."""
    assert _plain(await _fixed(harness, *after)) == Wait(reason=WaitReason.UNKNOWN, recheck_at=None)
    harness.clock.advance(1800)
    assert _plain(await harness.judge(checks=after, commit=B, updated_at=EPOCH + timedelta(hours=1))) == Wait(
        reason=WaitReason.UNKNOWN, recheck_at=None
    )
    harness.clock.advance(1800)
    assert _plain(
        await harness.judge(checks=after, commit=B, updated_at=EPOCH + timedelta(hours=1))
    ) == Stalled(reason=StallReason.CHECKS_MISSING, recheck_at=None)
    assert (await harness.record()).since_progress == 1


@pytest.mark.parametrize("more", [(), (CLA,)], ids=["alone", "beside a foreign status"])
async def test_a_workflow_that_could_not_start_is_a_failure(harness: Any, more: tuple[Check, ...]) -> None:
    """Its suite has no runs, and is a check of its own: another fixer gets it, from the same budget."""
    assert _plain(await _fixed(harness, *EMPTY_SUITE, *more)) == Dispatch(cause_ids=("CI",))
    assert (await harness.record()).since_progress == 2


async def test_the_file_mended_the_head_is_ready(harness: Any) -> None:
    """The suite without runs was of the broken file: nobody expects it of the next head."""
    await _fixed(harness, *EMPTY_SUITE, CLA)
    await harness.end(Exited(exit_code=0, signal=None))
    await harness.check()
    harness.clock.advance(10)
    checks = (a_check("test", run_id="9"), CLA)
    decision = await harness.judge(checks=checks, commit=C, updated_at=EPOCH + timedelta(hours=2))
    assert isinstance(decision, Ready)
    assert (await harness.record()).since_progress == 0


async def test_a_report_that_a_newer_suite_lacks_keeps_it_from_ready(harness: Any) -> None:
    """The label's run repeats the job, and not the report that failed."""
    rows = [
        CheckRunRow(name="test", status="COMPLETED", conclusion="SUCCESS", number=1, suite=1, workflow="1"),
        CheckRunRow(name="junit", status="COMPLETED", conclusion="FAILURE", number=2, suite=1, workflow="1"),
        CheckRunRow(name="test", status="COMPLETED", conclusion="SUCCESS", number=3, suite=2, workflow="1"),
    ]
    await harness.workspace()
    assert isinstance(await harness.judge(checks=newest_checks(rows)), Dispatch)
