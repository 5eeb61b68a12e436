"""The fakes of a machine keep the contracts that the real adapters keep."""

import posixpath

import anyio
import attrs
import pytest

from headway_core.processes import Exited, Launch, Probe, RunId, Running, Vanished
from headway_core.workspaces.ports import ScriptOrder, ScriptResult
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.agents import AgentsContract
from headway_testing.contracts.forge_hosts import ForgeHostsContract
from headway_testing.contracts.locks import HostLocksContract
from headway_testing.contracts.scripts import PATIENCE_S, ScriptBehaviour, ScriptsContract, ScriptStage
from headway_testing.contracts.supervisor import RUN, Behaviour, Stage, SupervisorContract
from headway_testing.contracts.time_and_ids import ClockContract, IdsContract
from headway_testing.contracts.worktrees import WorktreesContract, WorktreeStage
from headway_testing.fakes import (
    FakeAgents,
    FakeForgeHosts,
    FakeGit,
    FakeLocks,
    FakeProcesses,
    FakeScripts,
    FakeSupervisor,
    FakeWorktrees,
)


@attrs.frozen
class FakeWorktreeStage(WorktreeStage):
    """A repository that is not there."""

    git: FakeGit

    async def add_branch(self, name: str) -> None:
        self.git.branches[self.repo_path].add(name)

    async def write(self, worktree: str, name: str) -> None:
        self.git.worktrees[worktree].dirty = True

    async def take_git_away(self, worktree: str) -> None:
        self.git.worktrees[worktree].broken = True

    async def write_ignored(self, worktree: str, name: str) -> None:
        self.git.worktrees[worktree].ignored = (name,)


class TestFakeWorktrees(WorktreesContract):
    """The contract, on a fake disk."""

    @pytest.fixture
    def stage(self) -> FakeWorktreeStage:
        git = FakeGit()
        git.add_repository("/repo")
        return FakeWorktreeStage("/repo", "/worktrees", "/elsewhere", git)

    @pytest.fixture
    def worktrees(self, stage: FakeWorktreeStage) -> FakeWorktrees:
        assert posixpath.isabs(stage.base_path)
        return FakeWorktrees(stage.git)


ENDS: dict[Behaviour, Probe] = {
    Behaviour.SUCCEEDS: Exited(exit_code=0),
    Behaviour.FAILS: Exited(exit_code=3),
    Behaviour.DIES: Exited(signal=9),
    Behaviour.WAITS: Running(),
    Behaviour.SPEAKS: Exited(exit_code=0),
    Behaviour.MISSING: Exited(failed_to_start="no such program"),
}


@attrs.frozen
class FakeStage(Stage):
    """Agents that are not there."""

    processes: FakeProcesses

    async def launch(self, behaviour: Behaviour, *, run: RunId = RUN) -> Launch:
        self.processes.outcomes.append(ENDS[behaviour])
        if behaviour is Behaviour.SPEAKS:
            self.processes.files[run, "replies.json"] = b"hello"
            self.processes.files[run, "output"] = b"done\n"
        return Launch(run=run, argv=("x",), cwd="/", environment={}, standard_input="")

    async def executions(self) -> int:
        return len(self.processes.executed)

    async def living(self) -> int:
        return len(self.processes.running) + len(self.processes.orphans)

    async def orphan(self, run: RunId) -> None:
        self.processes.end(run.subject, Vanished())

    async def forge(self, run: RunId) -> None:
        self.processes.forged[run] = Exited(exit_code=0)


class TestFakeSupervisor(SupervisorContract):
    """The contract, on fake processes."""

    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage(FakeProcesses())

    @pytest.fixture
    def supervisor(self, stage: FakeStage) -> FakeSupervisor:
        return FakeSupervisor(stage.processes)


class TestManualClock(ClockContract):
    """The contract, on a time that stands."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()


class TestSequentialIds(IdsContract):
    """The contract, on numbers."""

    @pytest.fixture
    def ids(self) -> SequentialIds:
        return SequentialIds()


class TestFakeForgeHosts(ForgeHostsContract):
    """The contract, of one host."""

    @pytest.fixture
    def hosts(self) -> FakeForgeHosts:
        return FakeForgeHosts()

    @pytest.fixture
    def served(self) -> str:
        return "github.com"


class TestFakeLocks(HostLocksContract):
    """The contract, on a set that processes share."""

    @pytest.fixture
    def locks(self) -> FakeLocks:
        return FakeLocks()

    @pytest.fixture
    def others(self, locks: FakeLocks) -> FakeLocks:
        return FakeLocks(held=locks.held)


class TestFakeAgents(AgentsContract):
    """The contract, on names."""

    @pytest.fixture
    def agents(self) -> FakeAgents:
        return FakeAgents(self.installed, self.missing, missing=(self.missing,))


SCRIPTS = {
    ScriptBehaviour.SUCCEEDS: (("hello\n", "wörld\n"), ScriptResult(exit_code=0)),
    ScriptBehaviour.FAILS: (("no\n",), ScriptResult(exit_code=3)),
    ScriptBehaviour.DIES: ((), ScriptResult(signal=9)),
    ScriptBehaviour.WAITS: (("here\n",), ScriptResult(timed_out=True)),
}


@attrs.frozen
class FakeScriptStage(ScriptStage):
    """Scripts that are not there; one that waits does so until its time is over or it is cancelled."""

    scripts: FakeScripts

    async def order(self, behaviour: ScriptBehaviour, *, timeout_s: float = PATIENCE_S) -> ScriptOrder:
        self.scripts.says, self.scripts.result = SCRIPTS[behaviour]
        if behaviour is ScriptBehaviour.WAITS and timeout_s == PATIENCE_S:
            self.scripts.gate = anyio.Event()
        return ScriptOrder(workspace_id="w-1", command="x", cwd="/", timeout_s=timeout_s)

    async def running(self) -> int:
        return self.scripts.running


class TestFakeScripts(ScriptsContract):
    """The contract, on scripts that are told what they do."""

    @pytest.fixture
    def scripts(self) -> FakeScripts:
        return FakeScripts()

    @pytest.fixture
    def stage(self, scripts: FakeScripts) -> FakeScriptStage:
        return FakeScriptStage(scripts)
