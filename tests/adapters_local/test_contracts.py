"""The adapters of a host keep the published contracts: git and processes have modules of their own."""

import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import attrs
import pytest

from headway_core.workspaces.ports import ScriptOrder
from headway_local import AgentProgram, ConfiguredAgents, LocalHost, RandomIds, ShellScripts, SystemClock
from headway_testing.contracts.agents import AgentsContract
from headway_testing.contracts.locks import HostLocksContract
from headway_testing.contracts.scripts import PATIENCE_S, ScriptBehaviour, ScriptsContract, ScriptStage
from headway_testing.contracts.time_and_ids import ClockContract, IdsContract

COMMANDS = {
    ScriptBehaviour.SUCCEEDS: "echo hello; echo wörld",
    ScriptBehaviour.FAILS: "echo no; exit 3",
    ScriptBehaviour.DIES: "kill -9 $$",
    ScriptBehaviour.WAITS: "echo here; sleep 60",
}


class TestSystemClock(ClockContract):
    """The contract, on the machine's time."""

    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()


class TestRandomIds(IdsContract):
    """The contract, on random ids."""

    @pytest.fixture
    def ids(self) -> RandomIds:
        return RandomIds()


class TestLocalHost(HostLocksContract):
    """The contract, on files of a data directory."""

    @pytest.fixture
    def locks(self, tmp_path: Path) -> LocalHost:
        return LocalHost(tmp_path / "data")

    @pytest.fixture
    def others(self, tmp_path: Path) -> LocalHost:
        return LocalHost(tmp_path / "data")


class TestConfiguredAgents(AgentsContract):
    """The contract, on programs."""

    @pytest.fixture
    def agents(self) -> ConfiguredAgents:
        programs = {
            self.installed: AgentProgram(command=(sys.executable,), model_option="--model"),
            self.missing: AgentProgram(command=("headway-no-such-program",)),
        }
        return ConfiguredAgents(programs)


@attrs.frozen
class ShellStage(ScriptStage):
    """Real scripts in a folder."""

    folder: Path
    living: Callable[[], list[int]]

    async def order(self, behaviour: ScriptBehaviour, *, timeout_s: float = PATIENCE_S) -> ScriptOrder:
        return ScriptOrder(
            workspace_id="w-1", command=COMMANDS[behaviour], cwd=str(self.folder), timeout_s=timeout_s
        )

    async def running(self) -> int:
        with anyio.move_on_after(PATIENCE_S):
            while self.living():  # noqa: ASYNC110  processes that end tell nobody
                await anyio.sleep(0.01)
        return len(self.living())


class TestShellScripts(ScriptsContract):
    """The contract, on real scripts."""

    @pytest.fixture
    def scripts(self) -> ShellScripts:
        return ShellScripts()

    @pytest.fixture
    def stage(self, tmp_path: Path, living: Callable[[], list[int]]) -> ShellStage:
        return ShellStage(tmp_path, living)
