"""A farm: many workspaces with one cause each, real hosts that work on them, and whoever kills these.

Everything is real: `headway up` in processes of its own, git, agents under supervisors, and the sandbox
with its CI in GitHub's place. The agents tell a log what they do, so that what was done can be counted.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import attrs
from processes import kill

from headway import Manual, ResumeBranch
from headway.config import Config
from headway_core.api import Headway
from headway_core.board import Card, StatusReason
from headway_core.ratchet import DispatchStatus
from headway_core.settings import SettingsRecord
from headway_local.agents import AgentProgram
from headway_sandbox import Permission, Remark, ReviewState, SandboxProcess, UserSpec, create, launch
from headway_sandbox.commands import PullView

OWNER, NAME = "acme", "farm"
AUTHOR, REVIEWER = "ada", "grace"
KINDS = ("ci", "conflict", "ci", "feedback", "manual")
"""What a workspace has to fix, in turn. A manual one has an agent that writes what fails first."""
STANDSTILL_S = 10.0
"""Who has made no progress for so long is killed again."""
AGENT = Path(__file__).with_name("farm_agent.sh")
ENDS = {"feedback": StatusReason.AWAITING_REVIEW}
"""Where a kind ends, if not ready to merge: its reviewer has asked for changes, and got an answer."""


def _quick(settings: SettingsRecord) -> SettingsRecord:
    """A farm does not wait as long as real life does."""
    return attrs.evolve(
        settings,
        default_agent="farm",
        ratchet_default=True,
        quiet_time_s=1,
        cadence_hot_s=3,
        cadence_settled_s=10,
        discovery_s=5,
        capacity_project=8,
    )


@attrs.define(kw_only=True)
class Host:
    """A data directory, and the runner on it, dead or alive."""

    folder: Path
    environment: dict[str, str]
    runner: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        self.starts += 1
        with self.folder.with_suffix(".log").open("ab") as errors:
            self.runner = subprocess.Popen(
                [sys.executable, "-m", "headway", "up", "--json"],
                cwd=self.folder.parent,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL to the runner alone: its agents and their supervisors go on."""
        assert self.runner is not None
        self.runner.kill()
        self.runner.wait()

    def stop(self) -> None:
        """As a person stops it; what does not stop in time is a defect."""
        assert self.runner is not None
        self.runner.send_signal(signal.SIGINT)
        assert self.runner.wait(30) == 0, self.told()

    def told(self) -> str:
        return self.folder.with_suffix(".log").read_text()[-3000:]


@attrs.define(kw_only=True)
class Farm:
    """The world, its hosts, and what is counted in the end."""

    folder: Path
    database: str
    kinds: dict[str, str]
    """What each branch has to fix."""
    hosts: list[Host] = attrs.field(factory=list)
    sandbox: SandboxProcess | None = None

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def log(self) -> Path:
        return self.folder / "agents.log"

    @property
    def state_file(self) -> Path:
        return self.folder / "sandbox.sqlite"

    @property
    def first(self) -> Config:
        """What this process opens to look at the farm; it runs nothing."""
        assert self.sandbox is not None
        return Config(
            data_dir=self.hosts[0].folder,
            database=self.database,
            github_api_url=self.sandbox.url,
            github_token=self.hosts[0].environment["GITHUB_TOKEN"],
            agents={"farm": AgentProgram(command=self.agent)},
        )

    @property
    def agent(self) -> tuple[str, ...]:
        return ("sh", str(AGENT), str(self.log))

    # Building it

    def build(self, hosts: int) -> None:
        """Origin, repository, GitHub, and the folders of the hosts."""
        _git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        _git(self.origin, "config", "core.logAllRefUpdates", "always")
        branches = [branch for branch, kind in self.kinds.items() if kind != "manual"]
        history = "".join(_history({branch: self.kinds[branch] for branch in branches}))
        _git(self.origin, "fast-import", "--quiet", text=history)
        _git(self.folder, "clone", "--quiet", str(self.origin), str(self.repository))
        world = create(
            self.state_file,
            owner=OWNER,
            name=NAME,
            origin=self.origin,
            users=(
                UserSpec(login=AUTHOR, permission=Permission.WRITE),
                UserSpec(login=REVIEWER, permission=Permission.WRITE),
            ),
            test_command=("sh", "check.sh"),
        )
        self.sandbox = launch(self.state_file)
        words = ", ".join(f'"{word}"' for word in self.agent)
        for number in range(hosts):
            folder = self.folder / f"host{number}"
            folder.mkdir(mode=0o700)
            folder.joinpath("config.toml").write_text(f"[agents.farm]\ncommand = [{words}]\n")
            environment = {
                **os.environ,
                "HEADWAY_DATA": str(folder),
                "HEADWAY_DATABASE": self.database,
                "HEADWAY_GITHUB_API_URL": world.url,
                "GITHUB_TOKEN": world.tokens[AUTHOR],
                "GIT_CONFIG_GLOBAL": os.devnull,
            }
            self.hosts.append(Host(folder=folder, environment=environment))

    async def populate(self, hw: Headway) -> None:
        """Pull requests with what is wrong about them, and a workspace for each."""
        assert self.sandbox is not None
        await hw.settings.change(_quick)
        project = await hw.projects.register(str(self.repository), github=f"{OWNER}/{NAME}")
        async with self.sandbox.control() as control:
            for branch, kind in self.kinds.items():
                if kind == "manual":
                    continue
                pull = await control.open_pull_request(AUTHOR, branch, branch, key=branch)
                if kind == "feedback":
                    remark = Remark(path="state", line=1, body="Say it in the file asked.")
                    state = ReviewState.CHANGES_REQUESTED
                    await control.review(REVIEWER, pull.number, state, threads=(remark,), key=f"r {branch}")
        for branch, kind in self.kinds.items():
            if kind == "manual":
                await hw.workspaces.create(
                    Manual(project_id=project.id, name=branch, branch=branch, initial_prompt="Begin.")
                )
            else:
                await hw.workspaces.create(ResumeBranch(project_id=project.id, branch=branch))

    # Watching it

    async def undone(self, hw: Headway) -> list[Card]:
        """Those that are not at the end of their kind yet, or whose fixer is not."""
        left = []
        for card in await hw.board.cards():
            workspace = card.view.workspace
            reason = ENDS.get(self.kinds[workspace.branch], StatusReason.READY_TO_MERGE)
            explained = await hw.ratchet.explain(workspace.id) if card.status_reason is reason else None
            if explained is None or not any(
                dispatch.status is DispatchStatus.COMPLETED for dispatch in explained.dispatches
            ):
                left.append(card)
        return left

    async def explain(self, hw: Headway, cards: list[Card]) -> str:
        """Why these do not move."""
        lines = []
        for card in cards[:10]:
            why = await hw.ratchet.explain(card.view.workspace.id)
            statuses = [dispatch.status.value for dispatch in why.dispatches]
            lines.append(
                f"{card.view.workspace.branch}: {card.status_reason}, {why.why}, {statuses},"
                f" {why.problem}, {card.view.workspace.error}"
            )
        return "\n".join([f"{len(cards)} are not done", *lines])

    async def until_done(self, hw: Headway, seconds: float) -> None:
        """Wait for all of them, and for what agents said; who does not come to its end says why."""
        with anyio.move_on_after(seconds):
            while await self.undone(hw) or await self.unanswered():
                with anyio.move_on_after(1):  # other processes change it
                    await hw.changes().wait()
            return
        raise AssertionError(f"{await self.explain(hw, await self.undone(hw))}\n{await self.unanswered()}")

    async def unanswered(self) -> list[str]:
        """The branches whose reviewer has no answer."""
        pulls = await self.pulls()
        return [pull.head for pull in pulls if any(len(thread.comments) < 2 for thread in pull.threads)]

    # Killing

    async def kill_at_random(self, dice: random.Random, kills: int) -> Counter[str]:
        """That many kills, each at a random point of its share of the work, and what was killed starts again.

        `amid` counts those that came while agents still had work to do. A host that makes no progress is
        killed all the same.
        """
        killed: Counter[str] = Counter()
        for number in range(kills):
            point = (number + dice.random()) / kills
            with anyio.move_on_after(STANDSTILL_S):
                while self.progress() < point:  # noqa: ASYNC110  others do it
                    await anyio.sleep(0.02)
            await anyio.sleep(dice.uniform(0.0, 0.5))
            killed["amid"] += self.progress() < 1
            victim = dice.choice([*self.hosts, *self.hosts, None])
            if victim is None:
                killed["sandbox"] += 1
                await self._kill_sandbox(dice)
            else:
                killed["runner"] += 1
                await anyio.to_thread.run_sync(victim.kill)
                await anyio.sleep(dice.uniform(0.0, 0.5))
                victim.start()
        return killed

    async def _kill_sandbox(self, dice: random.Random) -> None:
        assert self.sandbox is not None
        kill(self.sandbox.pid)
        await anyio.sleep(dice.uniform(0.0, 0.5))
        self.sandbox = await anyio.to_thread.run_sync(launch, self.state_file)

    def progress(self) -> float:
        """How much of the work is done, from 0 to 1: worktrees made, agents that began and that ended."""
        made = len(list(self.folder.glob("host*/worktrees/*/*")))
        manual = list(self.kinds.values()).count("manual")
        return (made + sum(self.told().values())) / (3 * len(self.kinds) + 2 * manual)

    # What is left

    def worktrees(self) -> list[str]:
        """What git knows beside the main worktree."""
        listed = _git(self.repository, "worktree", "list", "--porcelain")
        paths = [line.partition(" ")[2] for line in listed.splitlines() if line.startswith("worktree ")]
        return sorted(path for path in paths if path != str(self.repository))

    def pushes(self) -> Counter[str]:
        """How often agents pushed each branch to the origin."""
        counted: Counter[str] = Counter()
        for branch, kind in self.kinds.items():
            log = self.origin / "logs" / "refs" / "heads" / branch
            counted[branch] = len(log.read_text().splitlines()) - (kind != "manual")
        return counted

    def told(self) -> Counter[tuple[str, str]]:
        """What the agents told: (what, branch)."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        words = [line.split() for line in lines]
        return Counter((what, branch) for what, _, branch in words)

    async def pulls(self) -> list[PullView]:
        assert self.sandbox is not None
        async with self.sandbox.control() as control:
            return list((await control.state()).repositories[0].pulls)


def a_farm(folder: Path, workspaces: int, *, database: str | None = None) -> Farm:
    """So many workspaces, of each kind in turn; on SQLite unless a database is given."""
    kinds = {f"work/{n:03}": KINDS[n % len(KINDS)] for n in range(workspaces)}
    database = database or f"sqlite:///{folder / 'farm.db'}"
    return Farm(folder=folder, database=database, kinds=kinds)


def _history(branches: dict[str, str]) -> Iterator[str]:
    """A stream for fast-import: main, and one commit a branch with what its kind needs."""
    yield _commit("main", "Begin", {"check.sh": "! grep broken state\n", "state": "sound\n", "shared": "1\n"})
    for branch, kind in branches.items():
        wrong = {"ci": {"state": "broken\n"}, "conflict": {"shared": f"{branch}\n"}}
        files = wrong.get(kind, {"notes": f"{branch}\n"})
        yield _commit(branch, f"Work on {branch}", files)
    yield _commit("main", "Go on", {"shared": "2\n"})


def _commit(branch: str, message: str, files: dict[str, str]) -> str:
    parts = [f"commit refs/heads/{branch}\n", "committer Ada <ada@localhost> 1760000000 +0000\n"]
    parts.append(f"data {len(message)}\n{message}\n")
    if branch != "main":
        parts.append("from refs/heads/main\n")
    for name, text in files.items():
        parts.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    return "".join(parts)


def _git(folder: Path, *arguments: str, text: str | None = None) -> str:
    return subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
        check=True,
        capture_output=True,
        input=text,
        text=True,
    ).stdout
