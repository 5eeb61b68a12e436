"""Real hosts over many workspaces, killed at random moments: one dispatch a cause, nothing is lost."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from farm import Farm, a_farm
from processes import expect_no_process, kill, processes_of

import headway
from headway_core.api import Headway
from headway_core.ratchet import DispatchStatus
from headway_core.sessions import PromptStatus, Purpose

FIXES = {"ci": "fix", "manual": "fix", "conflict": "merge", "feedback": "answer"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """For one farm; whatever a failed test leaves running is ended."""
    yield tmp_path
    for pid, _ in processes_of(tmp_path):
        kill(pid)


async def _run(farm: Farm, *, hosts: int, kills: int, limit_s: float) -> None:
    seed = int(os.environ.get("HEADWAY_KILL_SEED") or random.randrange(1_000_000))
    began = time.monotonic()
    farm.build(hosts)
    async with headway.open(config=farm.first) as hw:
        await farm.populate(hw)
        for host in farm.hosts:
            host.start()
        killed = await farm.kill_at_random(random.Random(seed), kills)
        await farm.until_done(hw, limit_s)
        for host in farm.hosts:
            await anyio.to_thread.run_sync(host.stop)
        await _expect_the_end(farm, hw)
    assert farm.sandbox is not None
    await anyio.to_thread.run_sync(farm.sandbox.stop)
    expect_no_process(farm.folder)
    print(  # noqa: T201  the figures are to be seen
        f"\n{len(farm.kinds)} workspaces on {hosts} host(s), {killed['runner']} runners and"
        f" {killed['sandbox']} sandboxes killed (seed {seed}), {killed['amid']} amid the work:"
        f" {time.monotonic() - began:.0f} s, {sum(farm.told().values()) // 2} agents,"
        f" {sum(farm.pushes().values())} pushes, {sum(host.starts for host in farm.hosts)} runners started"
    )
    assert killed["amid"] >= kills // 2, "most kills came when everything was done"


async def _expect_the_end(farm: Farm, hw: Headway) -> None:
    """Dispatches, prompts, agents, pushes, words and worktrees, each counted where it is."""
    workspaces = await hw.workspaces.list()
    assert sorted(workspace.branch for workspace in workspaces) == sorted(farm.kinds)
    for workspace in workspaces:
        kind = farm.kinds[workspace.branch]
        explained = await hw.ratchet.explain(workspace.id)
        (dispatch,) = explained.dispatches
        assert dispatch.status is DispatchStatus.COMPLETED
        assert len(dispatch.causes) == 1
        sessions = await hw.sessions.list(workspace.id)
        purposes = [Purpose.CHAT, Purpose.FIXER] if kind == "manual" else [Purpose.FIXER]
        assert [session.purpose for session in sessions] == purposes
        assert all(session.ended_well for session in sessions)
        for session in sessions:
            assert [p.status for p in await hw.sessions.prompts(session.id)] == [PromptStatus.DELIVERED]
    assert farm.told() == _expected_words(farm)
    assert farm.pushes() == Counter({b: 1 + (kind == "manual") for b, kind in farm.kinds.items()})
    assert farm.worktrees() == sorted(str(workspace.worktree_path) for workspace in workspaces)
    folders = {path.parent for path in map(Path, farm.worktrees())}
    assert sorted(str(path) for folder in folders for path in folder.iterdir()) == farm.worktrees()
    pulls = await farm.pulls()
    assert sorted(pull.head for pull in pulls) == sorted(farm.kinds)
    for pull in pulls:
        talk = [len(thread.comments) for thread in pull.threads]
        assert talk == ([2] if farm.kinds[pull.head] == "feedback" else [])


def _expected_words(farm: Farm) -> Counter[tuple[str, str]]:
    words: Counter[tuple[str, str]] = Counter()
    for branch, kind in farm.kinds.items():
        tasks = ["begin", "fix"] if kind == "manual" else [FIXES[kind]]
        words.update((f"{when}-{task}", branch) for task in tasks for when in ("begin", "end"))
    return words


@pytest.mark.lesson("F13", "L4", "L5", "R33")
def test_a_few_workspaces_and_kills(folder: Path) -> None:
    """Each kind of cause, the runner and the sandbox killed while they are fixed."""
    anyio.run(lambda: _run(a_farm(folder, 5), hosts=1, kills=4, limit_s=60))


@pytest.mark.kills
@pytest.mark.timeout(1500)
@pytest.mark.lesson("F13", "L4", "L5", "R33")
def test_a_hundred_workspaces_on_one_host(folder: Path) -> None:
    """Forty kills of a runner on SQLite and of the sandbox."""
    anyio.run(lambda: _run(a_farm(folder, 100), hosts=1, kills=40, limit_s=900))


@pytest.mark.kills
@pytest.mark.timeout(1500)
@pytest.mark.lesson("F13", "L4", "L5", "R33")
def test_a_hundred_workspaces_on_four_hosts(folder: Path, postgresql_url: str) -> None:
    """Forty kills of four runners on one PostgreSQL, each with a data directory of its own."""
    farm = a_farm(folder, 100, database=postgresql_url)
    anyio.run(lambda: _run(farm, hosts=4, kills=40, limit_s=900))
