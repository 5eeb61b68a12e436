"""The published suites find what is wrong: each planted defect breaks the test that is about it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any

import attrs
import pytest

from headway_core.forge_actions.model import Order
from headway_core.forge_actions.ports import Written
from headway_core.operations.ports import Issue
from headway_core.processes import Launch, NeverStarted, Probe, RunId
from headway_core.projects.model import Project
from headway_core.pull_requests.ports import Candidate, FetchFailed, Observation
from headway_core.workspaces.ports import ScriptOrder, ScriptResult
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.agents import AgentsContract
from headway_testing.contracts.forge import ForgeReaderContract
from headway_testing.contracts.forge_writer import ForgeWriterContract
from headway_testing.contracts.issues import IssueReaderContract
from headway_testing.contracts.locks import LOCKS, HostLocksContract
from headway_testing.contracts.scripts import ScriptBehaviour, ScriptsContract
from headway_testing.contracts.supervisor import SupervisorContract
from headway_testing.contracts.time_and_ids import ClockContract, IdsContract
from headway_testing.contracts.webhooks import WebhookDecoderContract
from headway_testing.contracts.worktrees import WorktreesContract
from headway_testing.fakes import (
    FakeAgents,
    FakeForgeReader,
    FakeForgeWriter,
    FakeGit,
    FakeIssueReader,
    FakeLocks,
    FakeProcesses,
    FakeScripts,
    FakeSupervisor,
    FakeWebhookDecoder,
    FakeWorktrees,
)

from .test_fakes import FakeScriptStage, FakeStage, FakeWorktreeStage
from .test_fakes_of_forges import ScriptedDeliveries, ScriptedStage

pytestmark = pytest.mark.anyio


class LocalTime(ManualClock):
    def now(self) -> datetime:
        return super().now().replace(tzinfo=None)


class FewIds(SequentialIds):
    def new(self) -> str:
        return super().new()[:8]


class OpenLocks(FakeLocks):
    def runner(self) -> AbstractAsyncContextManager[bool]:
        return nullcontext(True)


class Unsorted(FakeAgents):
    def names(self) -> tuple[str, ...]:
        return super().names()[::-1]


class Deaf(FakeScripts):
    async def run(self, order: ScriptOrder, output: Callable[[str], Awaitable[None]]) -> ScriptResult:
        async def nobody(_: str) -> None:
            pass

        return await super().run(order, nobody)


class Twice(FakeSupervisor):
    async def start(self, launch: Launch) -> Probe:
        self.processes.executed.append(launch)
        return await super().start(launch)


class Reopened(FakeSupervisor):
    async def settle(self, run: RunId) -> Probe:
        return NeverStarted()


class Gullible(FakeSupervisor):
    async def settle(self, run: RunId) -> Probe:
        return self.processes.forged.get(run) or await super().settle(run)


class Beside(FakeSupervisor):
    async def start(self, launch: Launch) -> Probe:
        return await super().start(attrs.evolve(launch, after=()))


class Careless(FakeWorktrees):
    async def remove(self, repo_path: str, base_path: str, path: str, *, lose_ignored: bool) -> None:
        self.git.worktrees[path].dirty = False
        await super().remove(repo_path, base_path, path, lose_ignored=lose_ignored)


class Credulous(FakeIssueReader):
    async def read(self, project: Project, number: int) -> Issue:
        return attrs.evolve(await super().read(project, number), trusted=True)


class Silent(FakeForgeReader):
    """Leaves out what it does not know."""

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        return {key: found for key, found in self.observations.items() if key in node_ids}


class Everywhere(FakeForgeReader):
    """Finds the pull requests of each branch on every branch."""

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        return dict.fromkeys(branches, next(iter(self.candidates.values()), ()))


class Forgetful(FakeForgeWriter):
    """Finds the effects of others as its own."""

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        marks = [its_mark for _, its_mark in self.effects.done]
        return await super().find(project, order, marks[-1] if marks else mark)


class Trusting(FakeWebhookDecoder):
    def decode(self, headers: Any, body: bytes) -> Any:
        return super().decode({"X-Signature": "right"}, body.strip())


def reader(kind: type[FakeForgeReader]) -> tuple[FakeForgeReader, ScriptedStage]:
    forge = kind()
    return forge, ScriptedStage(forge=forge)


async def scripts_are_heard() -> None:
    scripts = Deaf()
    result = ScriptResult(exit_code=0)
    await ScriptsContract().test_the_end_and_the_output_are_told(
        scripts, FakeScriptStage(scripts), ScriptBehaviour.SUCCEEDS, result, "hello\nwörld\n"
    )


async def a_writer_knows_its_own() -> None:
    stage = ScriptedStage()
    await ForgeWriterContract().test_a_comment_is_found_by_its_mark(Forgetful(stage.effects), stage)


async def a_decoder_checks_signatures() -> None:
    decoder = Trusting()
    WebhookDecoderContract().test_the_body_is_signed(decoder, ScriptedDeliveries(decoder))


async def a_supervisor_starts_once() -> None:
    stage = FakeStage(FakeProcesses())
    await SupervisorContract().test_started_twice_is_executed_once(Twice(stage.processes), stage)


async def a_supervisor_closes_for_good() -> None:
    stage = FakeStage(FakeProcesses())
    await SupervisorContract().test_an_attempt_that_never_started_is_closed(Reopened(stage.processes), stage)


async def a_supervisor_believes_no_agent() -> None:
    stage = FakeStage(FakeProcesses())
    await SupervisorContract().test_what_is_forged_is_not_believed(Gullible(stage.processes), stage)


async def a_supervisor_looks_who_lives() -> None:
    stage = FakeStage(FakeProcesses())
    await SupervisorContract().test_nothing_is_executed_beside_what_is_over(Beside(stage.processes), stage)


async def work_is_kept() -> None:
    git = FakeGit()
    git.add_repository("/repo")
    stage = FakeWorktreeStage("/repo", "/worktrees", "/elsewhere", git)
    await WorktreesContract().test_uncommitted_work_is_never_removed(Careless(git), stage)


async def strangers_are_told() -> None:
    issues = Credulous()
    stage = ScriptedStage(issues=issues)
    await IssueReaderContract().test_a_strangers_words_are_not_trusted(issues, stage)


DEFECTS: dict[str, Callable[[], Awaitable[None]]] = {
    "a clock without a zone": lambda: ClockContract().test_time_is_aware_and_utc(LocalTime()),
    "ids that come again": lambda: IdsContract().test_no_id_is_given_twice(FewIds()),
    "a lock with two holders": lambda: HostLocksContract().test_a_lock_has_one_holder(
        OpenLocks(), OpenLocks(), LOCKS["runner"]
    ),
    "agents in no order": lambda: AgentsContract().test_agents_are_named_in_order(
        Unsorted("installed", "missing")
    ),
    "output that nobody hears": scripts_are_heard,
    "an agent that is executed twice": a_supervisor_starts_once,
    "an attempt that is closed and starts": a_supervisor_closes_for_good,
    "an end that an agent wrote itself": a_supervisor_believes_no_agent,
    "an agent beside what lives of another": a_supervisor_looks_who_lives,
    "work that is lost": work_is_kept,
    "a stranger who is trusted": strangers_are_told,
    "a question without an answer": lambda: ForgeReaderContract().test_one_that_is_missing_hurts_no_other(
        *reader(Silent)
    ),
    "a pull request of every branch": lambda: (
        ForgeReaderContract().test_a_pull_request_is_found_by_its_branch(*reader(Everywhere))
    ),
    "somebody else's effect": a_writer_knows_its_own,
    "a body that nobody signed": a_decoder_checks_signatures,
}


@pytest.mark.parametrize("defect", DEFECTS)
async def test_a_planted_defect_is_found(defect: str) -> None:
    """The test of the suite fails: by its assertion, by an error that did not come, or by one that did."""
    with pytest.raises((AssertionError, LookupError, pytest.fail.Exception)):
        await DEFECTS[defect]()
