"""The supervisor of one's own does what every supervisor must: the suite of its port says so."""

from pathlib import Path

import attrs
import pytest

from headway import Launch, RunId
from headway_testing.contracts.supervisor import (
    RUN,
    Behaviour,
    Stage,
    SupervisorCapability,
    SupervisorContract,
)
from low_priority import LowPrioritySupervisor

SCRIPTS = {
    Behaviour.SUCCEEDS: "exit 0",
    Behaviour.FAILS: "exit 3",
    Behaviour.DIES: "kill -9 $$",
    Behaviour.WAITS: "exec sleep 60",
    Behaviour.SPEAKS: 'printf hello > "$HEADWAY_OUT/replies.json"; echo done',
}


@attrs.frozen
class ShellStage(Stage):
    """Agents that are shell scripts, each of which leaves a line when it is executed."""

    folder: Path

    async def launch(self, behaviour: Behaviour, *, run: RunId = RUN) -> Launch:
        script = f"echo executed >> executions; {SCRIPTS.get(behaviour, '')}"
        argv = ("/bin/sh", "-c", script)
        return Launch(run=run, argv=argv, cwd=str(self.folder), environment={}, standard_input="")

    async def executions(self) -> int:
        log = self.folder / "executions"
        return len(log.read_text().splitlines()) if log.exists() else 0


class TestLowPrioritySupervisor(SupervisorContract):
    """`nice` is there when the agent's program is not, so that this looks like a failure; and the stage kills
    no supervisors and forges nothing.
    """

    capabilities = frozenset(SupervisorCapability) - {
        SupervisorCapability.MISSING_PROGRAMS,
        SupervisorCapability.ORPHANS,
        SupervisorCapability.FORGERY,
    }

    @pytest.fixture
    def stage(self, tmp_path: Path) -> ShellStage:
        return ShellStage(tmp_path)

    @pytest.fixture
    def supervisor(self, tmp_path: Path) -> LowPrioritySupervisor:
        return LowPrioritySupervisor(tmp_path / "data")
