"""Headway with a forge of one's own, in memory: no network, no git, no process. As a test would have it.

python examples/embed_in_memory.py
"""

from collections.abc import Sequence
from tempfile import TemporaryDirectory

import anyio

import headway as h
from headway_testing.fakes import FakeAgents, FakeGit, FakeProcesses, FakeSupervisor, FakeWorktrees
from headway_testing.observations import a_candidate, a_check, an_observation


class Forge(h.ForgeReader):
    """It has one pull request, of whatever branch. Its check passes as soon as an agent has run."""

    def __init__(self, processes: FakeProcesses) -> None:
        self.processes, self.branch = processes, ""

    async def of_branches(
        self, project: h.Project, branches: Sequence[str]
    ) -> dict[str, tuple[h.Candidate, ...] | h.FetchFailed]:
        self.branch = branches[0]
        found = a_candidate(1, head_repository=project.repository, created_at=project.created_at)
        return {self.branch: (found,)}

    async def resolve(self, project: h.Project, number: int) -> str | h.FetchFailed:
        return f"PR_{number}"

    async def observe(
        self, project: h.Project, node_ids: Sequence[str]
    ) -> dict[str, h.Observation | h.FetchFailed]:
        fixed = bool(self.processes.executed)
        commit, outcome = ("b" * 40, h.CheckOutcome.PASSED) if fixed else ("a" * 40, h.CheckOutcome.FAILED)
        head = h.Head(ref=self.branch, commit=commit, repository=project.repository, tip=commit)
        check = a_check(outcome=outcome, run_id=commit)
        return dict.fromkeys(node_ids, an_observation("PR_1", commit=commit, head=head, checks=(check,)))


async def main() -> None:
    git, processes = FakeGit(), FakeProcesses(outcomes=[h.Exited(exit_code=0)])  # its one agent ends well
    git.add_repository("/src/demo", origin_url="https://git.example/acme/demo.git")
    forge, supervisor = Forge(processes), FakeSupervisor(processes)
    own = h.Adapters(forge=forge, supervisor=supervisor, worktrees=FakeWorktrees(git), agents=FakeAgents())
    with TemporaryDirectory() as folder:
        async with h.open(f"{folder}/test.db", adapters=own) as hw, hw.running():
            await hw.settings.change(quiet_time_s=0, cadence_hot_s=1)
            project = await hw.projects.register("/src/demo")
            await hw.workspaces.create(h.Manual(project_id=project.id, name="Fix login", ratchet=True))
            async for (card,) in hw.board.views():
                print(card.status_reason, card.ratchet_state, flush=True)
                if card.status_reason is h.StatusReason.READY_TO_MERGE:
                    why = await hw.ratchet.explain(card.view.workspace.id)
                    print(*(f"{each.status}: {each.causes[0].id}" for each in why.dispatches))
                    break


anyio.run(main)
