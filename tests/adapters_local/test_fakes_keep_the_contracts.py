"""The fakes of the machine keep the contracts that the real adapters keep."""

import posixpath

import attrs
import pytest

from headway_core.sessions.ports import Exited, Launch, Probe, Running
from headway_testing.contracts.supervisor import Behaviour, Stage, SupervisorContract
from headway_testing.contracts.worktrees import Place, WorktreesContract
from headway_testing.fakes import FakeGit, FakeProcesses, FakeSupervisor, FakeWorktrees


@attrs.frozen
class FakePlace(Place):
    """A repository that is not there."""

    git: FakeGit

    async def add_branch(self, name: str) -> None:
        self.git.branches[self.repo_path].add(name)

    async def write(self, worktree: str, name: str) -> None:
        self.git.worktrees[worktree].dirty = True

    async def write_ignored(self, worktree: str, name: str) -> None:
        self.git.worktrees[worktree].ignored = (name,)


class TestFakeWorktrees(WorktreesContract):
    """The contract, on a fake disk."""

    @pytest.fixture
    def place(self) -> FakePlace:
        git = FakeGit()
        git.add_repository("/repo")
        return FakePlace("/repo", "/worktrees", "/elsewhere", git)

    @pytest.fixture
    def worktrees(self, place: FakePlace) -> FakeWorktrees:
        assert posixpath.isabs(place.base_path)
        return FakeWorktrees(place.git)


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

    async def launch(self, behaviour: Behaviour, *, session_id: str = "s-1", attempt: int = 1) -> Launch:
        self.processes.outcomes.append(ENDS[behaviour])
        if behaviour is Behaviour.SPEAKS:
            self.processes.files[session_id, attempt, "replies.json"] = b"hello"
            self.processes.files[session_id, attempt, "output"] = b"done\n"
        return Launch(session_id=session_id, attempt=attempt, argv=("x",), cwd="/", environment={}, prompt="")

    async def executions(self) -> int:
        return len(self.processes.executed)


class TestFakeSupervisor(SupervisorContract):
    """The contract, on fake processes."""

    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage(FakeProcesses())

    @pytest.fixture
    def supervisor(self, stage: FakeStage) -> FakeSupervisor:
        return FakeSupervisor(stage.processes)
