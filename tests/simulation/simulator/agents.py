"""The agents of a world: they fix, fail, die, hang, forget to push, push late, and leave words behind."""

import json
from functools import partial
from typing import TYPE_CHECKING

import anyio

from headway_core.forge_actions.agent_output import PULL_REQUEST, REPLIES
from headway_core.processes import Exited, Launch, NeverStarted, RunId, Running, Unreadable, Vanished
from headway_core.pull_requests.model import ReviewThread
from simulator.machine import Machine, Worktree

if TYPE_CHECKING:
    from simulator.world import World

MOODS = (
    ("fails", 0.10),
    ("dies", 0.08),
    ("vanishes", 0.06),
    ("hangs", 0.05),
    ("does nothing", 0.06),
    ("does bad work", 0.10),
    ("forgets to push", 0.04),
    ("pushes late", 0.05),
    ("leaves files", 0.08),
    ("talks nonsense", 0.05),
    ("breaks the workflow", 0.08),
    ("forges its evidence", 0.05),
)
"""How agents go wrong, and how often, first one first; else they do what they were asked."""
HUNG_S = 400.0
FORGED = (Exited(exit_code=0), NeverStarted(), Vanished(), Unreadable(problem="exit is a pipe"))
"""What agents write into the evidence of their own runs, and go on."""


class Agents:
    """What executed agents do to the worktree and to the forge."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def work(self, machine: Machine, launch: Launch) -> None:
        """The life of one agent."""
        run = launch.run
        name = f"agent {run.subject}.{run.attempt}"
        world = self._world
        mood = next((mood for mood, often in MOODS if world.happens(f"{name} {mood}", often)), "works")
        if world.plan.cursed and world.stormy:
            mood = "dies"
        await anyio.sleep(world.luck.uniform(1, 8))
        if mood == "hangs":
            await anyio.sleep(HUNG_S)
        tree = machine.worktrees.get(launch.cwd)
        if not isinstance(machine.probes.get(run), Running) or tree is None:
            return
        if mood == "forges its evidence":
            machine.forged[run] = world.luck.choice(FORGED)
            await anyio.sleep(world.luck.uniform(10, 40))
        if mood in {"dies", "fails"}:
            machine.end(run, Exited(signal=9) if mood == "dies" else Exited(exit_code=1))
        elif mood == "vanishes":
            machine.end(run, Vanished())
        elif mood == "does nothing":
            machine.end(run, Exited(exit_code=0))
        else:
            self._edit(machine, tree, run, mood)
            await anyio.sleep(world.luck.random() * 2)
            machine.end(run, Exited(exit_code=0))

    def _edit(self, machine: Machine, tree: Worktree, run: RunId, mood: str) -> None:
        world = self._world
        if world.plan.bots and world.count("talk") % 2 == 0:
            self._speak(machine, tree, run, nonsense=False)  # it has nothing to change
            return
        piece = f"work-{world.count('work')}"
        world.work.append(piece)
        if mood == "leaves files":
            if world.happens(f"{piece} is hidden from git's status", 0.3):
                tree.hidden.add(piece)
            else:
                tree.dirty.add(piece)
                tree.broken = tree.broken or world.happens(f"{piece} lies where .git was deleted", 0.15)
            return
        tree.dirty.add(piece)
        if world.happens(f"{piece} comes with files that git ignores", 0.3):
            tree.ignored = ("build/",)
        self._commit(machine, tree, good=mood != "does bad work", broken=mood == "breaks the workflow")
        if mood == "pushes late":
            world.later(world.luck.uniform(3, 15), partial(world.github.push, tree.branch, tree.head))
        elif mood != "forgets to push":
            world.github.push(tree.branch, tree.head)
        self._speak(machine, tree, run, nonsense=mood == "talks nonsense")

    def _commit(self, machine: Machine, tree: Worktree, *, good: bool, broken: bool = False) -> None:
        """Everything that lies there, on top of what others pushed and of the base."""
        github = self._world.github
        there = github.branches.get(tree.branch)
        if there is not None and all(each.id != there for each in github.history(tree.head)):
            mine = {each.id for each in github.history(there)}
            for commit in [each for each in github.history(tree.head) if each.id not in mine][::-1]:
                there = github.commit(there, good=commit.good, work=commit.work).id
            tree.head = there
        made = github.commit(tree.head, good=good, work=tree.dirty, merged=github.moves, broken=broken)
        tree.head = machine.branches[tree.branch] = made.id
        tree.dirty.clear()

    def _speak(self, machine: Machine, tree: Worktree, run: RunId, *, nonsense: bool) -> None:
        pull = self._world.github.open_pull_of(tree.branch)
        if pull is None:
            words = {"title": "Do it", "body": "Done."}
            machine.said[run, PULL_REQUEST] = json.dumps(words).encode()
            return
        replies = [
            {"thread": each.thread.id, "text": "Done.", "resolve": not self._world.plan.bots}
            for each in pull.now.threads
            if not each.resolved and self._world.heeds(each.thread) and self._answers(each.thread)
        ]
        if replies or nonsense:
            said = json.dumps(replies).encode() if not nonsense else b'{"thread": 1}'
            machine.said[run, REPLIES] = said

    def _answers(self, thread: ReviewThread) -> bool:
        """Every other thread, where bots talk: to some of them nobody ever says a word."""
        return not self._world.plan.bots or thread.id.endswith(tuple("02468"))
