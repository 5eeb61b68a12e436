"""The ports to a machine, as one process of it has them: git, scripts and supervisors."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from headway_core.kernel.errors import Unavailable
from headway_core.processes import Launch, OutputPart, Probe, RunId, Supervisor
from headway_core.projects.ports import Repository
from headway_core.workspaces.ports import (
    BranchCheckout,
    BroughtBack,
    Preserved,
    PutAway,
    PutAwayOrder,
    ScriptOrder,
    ScriptResult,
    Scripts,
    Standing,
    StrayWorktree,
    WorktreeOrder,
    WorktreeOutcome,
    Worktrees,
    WorktreeState,
)
from headway_testing.fakes.worktrees import expect_nothing_lost, without_creating
from simulator.machine import Worktree

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation

HANGS_S = 400.0
"""For how long the files of a run hang: longer than an action on it may take."""
START_PATIENCE_S = 3.0
"""For how long a supervisor is waited for."""


class WorldWorktrees(Worktrees):
    """Git on the disk of the machine."""

    def __init__(self, process: "Incarnation") -> None:
        self._process = process
        self._world = process.world
        self._machine = process.machine

    async def repository(self, path: str) -> Repository:
        async with self._process.effect("repository"):
            return Repository(
                path=path,
                default_branch="main",
                origin_url=f"https://olga:{self._world.secret}@github.com/octo/demo.git",
            )

    async def main_path(self, path: str) -> str:
        return path

    async def repair(self, path: str) -> None:
        """Nobody moves a repository in this world."""

    async def on_origin(self, repo_path: str, branch: str) -> bool | None:
        return branch in self._world.github.branches

    async def has_commit(self, repo_path: str, branch: str) -> bool:
        return self._commit_of(branch) is not None

    async def branches_below(self, repo_path: str, prefix: str) -> frozenset[str]:
        return frozenset(name for name in self._machine.branches if name.startswith(f"{prefix}/"))

    async def in_the_way(self, repo_path: str, branch: str) -> str | None:
        return None  # nobody calls a branch so in this world

    async def valid_branch_name(self, name: str) -> bool:
        return bool(name) and not name.startswith("-") and " " not in name

    async def find_branch(self, repo_path: str, branch: str) -> BranchCheckout | None:
        async with self._process.effect("find_branch"):
            if self._commit_of(branch) is None:
                return None
            return BranchCheckout(checked_out_at=self._checked_out_at(repo_path, branch))

    def _commit_of(self, branch: str) -> str | None:
        return self._machine.branches.get(branch) or self._world.github.branches.get(branch)

    def _checked_out_at(self, repo_path: str, branch: str) -> str | None:
        """Each clone has worktrees of its own, in the folder of its project."""
        if branch == "main":
            return repo_path
        folder = f"/{repo_path.rpartition('/')[2]}/"
        trees = self._machine.worktrees.items()
        found = [path for path, tree in trees if tree.branch == branch and folder in path]
        return found[0] if found else None

    async def create(self, order: WorktreeOrder) -> WorktreeOutcome:
        async with self._process.effect("create worktree", order.workspace_id, takes_s=1.0):
            stands = self._machine.worktrees.get(order.path)
            known = self._commit_of(order.branch)
            answered = without_creating(
                order,
                stands_on=stands.branch if stands is not None else None,
                exists=known is not None,
                checked_out_at=self._checked_out_at(order.repo_path, order.branch),
            )
            if answered is not None:
                return answered
            commit = known or self._world.github.branches["main"]
            self._machine.branches[order.branch] = commit
            self._machine.worktrees[order.path] = Worktree(branch=order.branch, head=commit)
            name = f"git dies after it made worktree {self._world.count('worktree')}"
            if self._world.happens(name, 0.05):
                raise Unavailable("git", "it died")
            return WorktreeOutcome.CREATED

    async def state(self, repo_path: str, path: str, base_branch: str) -> WorktreeState | None:
        async with self._process.effect("state of worktree"):
            tree = self._machine.worktrees.get(path)
            if tree is None or tree.broken:
                return None
            return WorktreeState(
                branch=tree.branch,
                head=tree.head,
                dirty=bool(tree.dirty),
                unpushed=self._unpushed(tree),
                ignored=tree.ignored,
                changes=",".join(sorted(tree.dirty)) or None,
            )

    async def fast_forward(self, path: str, branch: str, commit: str) -> bool:
        async with self._process.effect("fast-forward", self._of(path)):
            tree = self._machine.worktrees.get(path)
            if tree is None or tree.branch != branch or tree.dirty:
                return False
            if all(each.id != tree.head for each in self._world.github.history(commit)):
                return False
            tree.head = self._machine.branches[branch] = commit
            return True

    def _of(self, path: str) -> str | None:
        """The workspace that a folder is called by; None for one that somebody else made."""
        ids: list[str] = [row.id for row in self._world.rows("workspaces")]
        return next((each for each in ids if path.endswith(f"-{each}")), None)

    def _holds_work(self, tree: Worktree) -> bool:
        return bool(tree.dirty or tree.ignored or tree.hidden or tree.broken) or self._unpushed(tree) > 0

    def _unpushed(self, tree: Worktree) -> int:
        github = self._world.github
        there = {commit.id for tip in github.branches.values() for commit in github.history(tip)}
        return sum(1 for commit in github.history(tree.head) if commit.id not in there)

    async def standing(self, repo_path: str, path: str) -> Standing:
        async with self._process.effect("standing", takes_s=0.01):
            tree = self._machine.worktrees.get(path)
            if tree is None:
                return Standing.MISSING
            return Standing.BROKEN if tree.broken else Standing.STANDS

    async def put_away(self, order: PutAwayOrder) -> PutAway:
        async with self._process.effect("put away", order.workspace_id):
            tree = self._machine.worktrees.get(order.path)
            if tree is not None:
                hidden = bool(tree.hidden or tree.broken)
                lose = order.lose_ignored or hidden
                expect_nothing_lost(order.path, dirty=False, ignored=() if lose else tree.ignored)
                if hidden:
                    await self._keep_whole(order, tree)
                elif tree.dirty:
                    await self._save(order, tree)
                if not hidden:
                    self._world.watcher.removes(self._process, order.workspace_id, tree)
                del self._machine.worktrees[order.path]
            return PutAway(kept=tuple(self._machine.kept.get(order.workspace_id, ())))

    async def _keep_whole(self, order: PutAwayOrder, tree: Worktree) -> None:
        """The folder goes to another place, with everything in it."""
        self._machine.folders.setdefault(order.workspace_id, set()).update(tree.dirty | tree.hidden)
        self._machine.kept.setdefault(order.workspace_id, []).append("folder")

    async def _save(self, order: PutAwayOrder, tree: Worktree) -> None:
        """The branch takes up a commit of the files; a process may die before the folder goes."""
        saved = self._world.github.commit(tree.head, good=False, work=tree.dirty)
        tree.head = self._machine.branches[tree.branch] = saved.id
        tree.dirty.clear()
        self._machine.kept.setdefault(order.workspace_id, []).append(f"refs/heads/{tree.branch}")
        await self._process.point("within put away")

    async def preserved(self, repo_path: str, base_path: str) -> tuple[Preserved, ...]:
        async with self._process.effect("preserved"):
            return tuple(
                Preserved(workspace_id=owner, places=("folder",), size=1, since=self._world.at())
                for owner in sorted(self._machine.folders)
            )

    async def bring_back(self, repo_path: str, base_path: str, path: str, workspace_id: str) -> BroughtBack:
        async with self._process.effect("bring back"):
            kept = self._machine.folders.get(workspace_id, set())
            self._machine.worktrees[path].dirty |= kept
            return BroughtBack(told=("folder",) if kept else ())

    async def make_preserved_branch(
        self, repo_path: str, base_path: str, branch: str, workspace_id: str
    ) -> bool:
        return False  # nobody deletes a branch in this world

    async def drop_preserved(self, repo_path: str, base_path: str, workspace_id: str) -> None:
        async with self._process.effect("drop"):
            self._machine.folders.pop(workspace_id, None)

    async def remove(self, repo_path: str, base_path: str, path: str, *, lose_ignored: bool) -> None:
        workspace_id = self._of(path)
        if workspace_id is None:
            self._world.violated("E1 only its own is removed", f"{self._process.name}: {path}")
            return
        async with self._process.effect("remove worktree", workspace_id):
            tree = self._machine.worktrees.get(path)
            if tree is None:
                return
            holds = bool(tree.dirty or tree.hidden or tree.broken)
            expect_nothing_lost(path, dirty=holds, ignored=() if lose_ignored else tree.ignored)
            self._world.watcher.removes(self._process, workspace_id, tree)
            del self._machine.worktrees[path]

    async def strays(
        self, repo_path: str, base_path: str, known: frozenset[str]
    ) -> tuple[StrayWorktree, ...]:
        async with self._process.effect("strays"):
            return tuple(
                StrayWorktree(path=path, owner=self._of(path), holds_work=self._holds_work(tree))
                for path, tree in sorted(self._machine.worktrees.items())
                if path not in known and path.startswith(f"{base_path}/")
            )


class WorldScripts(Scripts):
    """Start-up scripts; a script's group dies with the process that runs it."""

    def __init__(self, process: "Incarnation") -> None:
        self._process = process

    async def run(self, order: ScriptOrder, output: Callable[[str], Awaitable[None]]) -> ScriptResult:
        async with self._process.effect("run script", order.workspace_id):
            world = self._process.world
            await output("make: entering\n")
            await anyio.sleep(world.luck.random() * 5)
            await output("make: leaving\n")
            fails = world.happens(f"script {world.count('script')} fails", 0.1)
            return ScriptResult(exit_code=2 if fails else 0)


class WorldSupervisor(Supervisor):
    """The attempts of the machine."""

    def __init__(self, process: "Incarnation") -> None:
        self._process = process
        self._world = process.world
        self._machine = process.machine

    def _of(self, run: RunId) -> str:
        return self._world.workspace_of_session(run.subject)

    async def _answers(self, run: RunId) -> None:
        """Wait for as long as the files of a run answer nobody: of this one, and of no other."""
        machine, world = self._machine, self._world
        if run.subject not in machine.hung:
            hangs = world.happens(f"files of {run.subject} hang", 0.02)
            machine.hung[run.subject] = world.seconds() + HANGS_S if hangs else 0.0
        while machine.hung[run.subject] > world.seconds():
            await anyio.sleep(1.0)
            await self._process.expect_alive()

    async def start(self, launch: Launch) -> Probe:
        await self._answers(launch.run)
        async with self._process.effect("start", self._of(launch.run)):
            if launch.run not in self._machine.probes and launch.run not in self._machine.on_their_way:
                for run in launch.after:
                    if run in self._machine.running or run in self._machine.orphans:
                        self._machine.stop(run)
                self._machine.launch(launch)
            await self._process.point("within start")
            waited = 0.0
            while launch.run not in self._machine.probes:
                if waited >= START_PATIENCE_S:
                    raise Unavailable("supervisor", "it does not come up")
                await anyio.sleep(0.1)
                await self._process.expect_alive()
                waited += 0.1
            return self._machine.probes[launch.run]

    async def probe(self, run: RunId) -> Probe | None:
        await self._answers(run)
        async with self._process.effect("probe", takes_s=0.01):
            return self._machine.glance(run)

    async def settle(self, run: RunId) -> Probe:
        await self._answers(run)
        async with self._process.effect("settle", self._of(run)):
            return self._machine.settle(run)

    async def stop(self, run: RunId, *, grace_s: float = 10.0) -> Probe:
        await self._answers(run)
        async with self._process.effect("stop", self._of(run), takes_s=2.0):
            return self._machine.stop(run)

    async def said(self, run: RunId, name: str, *, limit: int = 1_000_000) -> bytes | None:
        async with self._process.effect("said"):
            return self._machine.said.get((run, name))

    async def output(self, run: RunId, *, limit: int = 65_536) -> str:
        async with self._process.effect("output"):
            return ""

    async def read_output(self, run: RunId, offset: int, *, limit: int = 65_536) -> OutputPart | None:
        async with self._process.effect("read_output"):
            return None

    async def kept(self, kind: str) -> tuple[str, ...]:
        async with self._process.effect("kept"):
            return ()  # nobody here lives for as long as files are kept

    async def remove(self, kind: str, subject: str) -> None:
        async with self._process.effect("remove"):
            raise AssertionError("nothing is kept")
