"""Agents that write the evidence of their own runs, and what outlives a supervisor: with real processes."""
# ruff: noqa: ASYNC220, ASYNC221, ASYNC240 - the files and commands of a test block nobody

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import attrs
import psutil
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.processes import (
    Contradictory,
    Exited,
    Launch,
    NeverStarted,
    Probe,
    RunId,
    Running,
    Unreadable,
    Vanished,
)
from headway_core.sessions import run_of
from headway_local import LocalSupervisor
from headway_local.evidence import evidence, is_supervisor
from headway_local.folders import in_use, mark_unfinished, marker_of
from headway_local.supervised_files import read_small
from headway_testing.contracts.supervisor import RUN, until_ended

T = TypeVar("T")
Until = Callable[[Callable[[], bool]], None]
Living = Callable[[], list[int]]
pytestmark = pytest.mark.anyio

NEXT = run_of("s-1", 2)
HOLD_LOCK = "import fcntl, time; f = open('lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX); time.sleep(60)"
AT_WORK = {
    "an exit that is none": "echo exit_code many > exit",
    "an exit of a number too large": "echo exit_code 99999999999999999999999 > exit",
    "an exit of two kinds": "printf 'exit_code 0\\nsignal 9\\n' > exit",
    "an exit without a word": ": > exit",
    "an exit of bytes": "head -c 100 /dev/urandom > exit",
    "an exit without an end": "yes 'exit_code 0' | head -c 3000000 > exit",
    "an exit that succeeded": "echo exit_code 0 > exit",
    "a pipe as exit": "mkfifo exit",
    "a folder as exit": "mkdir exit; touch exit/x",
    "a link as exit": "ln -s /etc/passwd exit",
    "a link to nothing as exit": "ln -s nothing exit",
    "a link to itself as exit": "ln -s exit exit",
    "closed": "rm started; echo closed yes > started",
    "closed, and the lock is gone": "rm started lock; echo closed yes > started",
    "started is garbage": "rm started; head -c 100 /dev/urandom > started",
    "started names another": "sed -i 's/^pid .*/pid 1/' started",
    "started is of another boot": "sed -i 's/^boot_id .*/boot_id 1/' started",
    "a pipe as started": "rm started; mkfifo started",
    "a folder as started": "rm started; mkdir started",
    "the lock is gone": "rm lock",
    "another lock": "rm lock; touch lock",
    "a pipe as lock": "rm lock; mkfifo lock",
    "a folder as lock": "rm lock; mkdir lock",
    "nothing is left": "rm -f *",
    "the folder is gone": "cd ..; rm -rf 1",
    "the folder is elsewhere": "cd ..; mv 1 elsewhere",
    "the folder is a file": "cd ..; rm -rf 1; touch 1",
    "the folder is another's": "cd ..; mv 1 elsewhere; cp -a elsewhere 1; rm 1/lock; touch 1/lock",
}
"""What an agent does to its evidence, in its folder, before it goes on with its work."""
HARMLESS = {
    "started is gone": "rm started",
    "no grace": "mkdir stop",
    "a pipe as grace": "mkfifo stop",
    "endless grace": "echo inf > stop",
    "no grace at all": "echo nan > stop",
    "a pipe as output": "mkfifo output",
    "a folder as output": "mkdir output; touch output/x",
    "a link as output": "ln -s /etc/passwd output",
    "a link to nothing as output": "ln -s nothing output",
    "outputs that are none": "touch output.x output.-1 output.99999999999999999999; mkdir output.7",
}
"""What leaves it plain that the agent runs."""


@attrs.frozen
class Attack:
    """An agent that is told where its evidence lies, and a supervisor of it."""

    supervisor: LocalSupervisor
    worktree: Path

    def launch(self, script: str, *, run: RunId = RUN, after: tuple[RunId, ...] = ()) -> Launch:
        return Launch(
            run=run,
            argv=("sh", "-c", f'echo "$PPID" >> "{self.worktree}/executions"; {script}'),
            cwd=str(self.worktree),
            environment={"EVIDENCE": str(self.supervisor.folder(run))},
            standard_input="",
            after=after,
        )

    async def begin(self, script: str) -> None:
        """Start an agent that does this, and wait until it says `ready`."""
        assert await self.supervisor.start(self.launch(script)) is not None
        with anyio.fail_after(10):
            while not (self.worktree / "ready").exists():  # noqa: ASYNC110 - another process's file
                await anyio.sleep(0.005)

    def kill_supervisor(self, until: Until) -> None:
        """Kill it alone, as the kernel does when memory is short."""
        started = evidence(self.supervisor.folder(RUN)).started
        assert started is not None
        os.kill(started.pid, signal.SIGKILL)
        until(lambda: not is_supervisor(started, self.supervisor.folder(RUN)))

    @property
    def executions(self) -> int:
        return len((self.worktree / "executions").read_text().split())


@pytest.fixture
def attack(tmp_path: Path) -> Attack:
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    return Attack(LocalSupervisor(tmp_path / "data"), worktree)


async def soon(asked: Awaitable[T]) -> T:
    """What is told within the patience that a round may have."""
    with anyio.fail_after(8):
        return await asked


async def test_the_agent_is_told_of_no_evidence(attack: Attack) -> None:
    """Nothing around what its environment and its standard input name is evidence; writing there harms
    nobody.
    """
    script = (
        "env | sort; readlink /proc/self/fd/0; cd $HEADWAY_OUT/..; "
        'for name in exit started lock stop output; do echo "exit_code many" > $name; done; '
        "touch $HEADWAY_OUT/ready; echo done; exit 7"
    )
    await attack.supervisor.start(attack.launch(script))
    assert await until_ended(attack.supervisor) == Exited(exit_code=7)
    assert await attack.supervisor.settle(RUN) == Exited(exit_code=7)
    text = await attack.supervisor.output(RUN)
    assert text.endswith("done\n")
    evidence_folder = str(attack.supervisor.folder(RUN))
    told = [line for line in text.splitlines() if evidence_folder in line]
    assert told == [f"EVIDENCE={evidence_folder}"]


@pytest.mark.lesson("F7")
@pytest.mark.recovers("contradictory")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("tampering", AT_WORK.values(), ids=AT_WORK)
async def test_an_agent_that_forges_its_evidence_is_ended_and_told(
    attack: Attack, living: Living, until: Until, tampering: str
) -> None:
    """Whatever it writes while it works: no look hangs or fails, nothing starts beside it, and it ends as
    what it is, contradictory, for good.
    """
    work = "trap '' TERM; (setsid sleep 61 &) ; touch ready; while :; do sleep 0.05; done"
    await attack.begin(f'cd "$EVIDENCE"; {tampering}; cd "{attack.worktree}"; {work}')
    await soon(attack.supervisor.probe(RUN))
    await soon(attack.supervisor.output(RUN))
    found = await soon(attack.supervisor.settle(RUN))
    assert isinstance(found, Contradictory), found
    assert found.problem
    until(lambda: not living())
    assert await soon(attack.supervisor.stop(RUN)) is not None
    assert await soon(attack.supervisor.start(attack.launch("exit 0", run=NEXT, after=(RUN,)))) is not None
    assert await until_ended(attack.supervisor, NEXT) == Exited(exit_code=0)
    assert attack.executions == 2


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("tampering", HARMLESS.values(), ids=HARMLESS)
async def test_what_an_agent_puts_beside_its_evidence_changes_nothing(attack: Attack, tampering: str) -> None:
    """It runs on, its output is read, and it is stopped within its grace."""
    work = "touch ready; echo hello; exec sleep 60"
    await attack.begin(f'cd "$EVIDENCE"; {tampering}; cd "{attack.worktree}"; {work}')
    assert await soon(attack.supervisor.settle(RUN)) == Running()
    with anyio.fail_after(5):
        while await attack.supervisor.output(RUN) != "hello\n":  # noqa: ASYNC110 - another process's file
            await anyio.sleep(0.01)
    part = await attack.supervisor.read_output(RUN, 0)
    assert part is not None
    assert part.text == "hello\n"
    with anyio.fail_after(5):
        assert await attack.supervisor.stop(RUN) == Exited(signal=15)
    await attack.supervisor.remove("sessions", "s-1")


ENDED = {name: AT_WORK[name] for name in AT_WORK if " as " in name or name.startswith(("an exit", "started"))}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("tampering", ENDED.values(), ids=ENDED)
async def test_what_is_forged_before_an_end_is_a_typed_end(
    attack: Attack, living: Living, tampering: str
) -> None:
    """An agent that ends leaves the truth, or what can't be read; never an error, and the same at each
    look.
    """
    await attack.supervisor.start(attack.launch(f'cd "$EVIDENCE"; {tampering}; exit 3'))
    found = await soon(until_ended(attack.supervisor))
    settled = await soon(attack.supervisor.settle(RUN))
    assert isinstance(settled, Exited | Unreadable | Vanished), (found, settled)
    if isinstance(settled, Exited):
        assert settled == Exited(exit_code=3)
    assert await soon(attack.supervisor.settle(RUN)) == settled
    assert await soon(attack.supervisor.stop(RUN)) == settled
    assert living() == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("name", [name for name in AT_WORK if "exit" in name and "number" not in name])
async def test_evidence_that_was_written_over_afterwards_is_typed(attack: Attack, name: str) -> None:
    """Of a run that is over long since, each kind of damage is an end."""
    await attack.supervisor.start(attack.launch("exit 3"))
    await until_ended(attack.supervisor)
    folder = attack.supervisor.folder(RUN)
    (folder / "exit").unlink()
    subprocess.run(["sh", "-c", AT_WORK[name]], cwd=folder, check=True)
    looks: list[Callable[[RunId], Awaitable[Probe | None]]] = [
        attack.supervisor.probe,
        attack.supervisor.settle,
        attack.supervisor.stop,
    ]
    for look in looks:
        found = await soon(look(RUN))
        if name.endswith("succeeded"):
            assert found == Exited(exit_code=0)
        else:
            assert isinstance(found, Unreadable)
        assert "many" not in str(found)


LEFT = {
    "a group of its own": "setsid sleep 61 &",
    "without its variables": "env -u HEADWAY_OUT -u GH_CONFIG_DIR -u GIT_CONFIG_GLOBAL sleep 61 &",
    "a session of its own, without variables": "env -i setsid sleep 61 &",
    "elsewhere, without variables": "(cd /; env -i setsid sleep 61 &);",
    "a daemon": "env -i setsid sh -c 'sleep 61 & sleep 62 & wait' > /dev/null 2>&1 < /dev/null &",
    "deaf": "(trap '' TERM INT HUP; exec setsid sleep 61) &",
}


@pytest.mark.recovers("orphans")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
async def test_nothing_starts_while_something_of_a_killed_supervisor_lives(
    attack: Attack, living: Living, until: Until, left: str
) -> None:
    """However its agent's child hides, it is killed or named before the next one is executed."""
    await attack.begin(f"{left} sleep 0.1; touch ready; wait; sleep 60")
    assert living() != []
    attack.kill_supervisor(until)
    found = await soon(attack.supervisor.settle(RUN))
    assert isinstance(found, Vanished | Contradictory)
    if isinstance(found, Vanished):
        until(lambda: not living())
    assert await attack.supervisor.start(attack.launch("exit 0", run=NEXT, after=(RUN,))) is not None
    assert await until_ended(attack.supervisor, NEXT) == Exited(exit_code=0)
    assert await attack.supervisor.settle(NEXT) == Exited(exit_code=0)
    assert living() == []


async def test_what_works_in_the_worktree_on_is_named(
    attack: Attack, living: Living, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any other sign, a process that began during the run and works in its folder is a person's to
    judge: it is named, and lives on.
    """
    monkeypatch.setattr("headway_local.survivors._members", lambda _: set())  # as where there are no cgroups
    await attack.begin(
        "env -i setsid sleep 61 > /dev/null 2>&1 < /dev/null & sleep 0.1; touch ready; sleep 60"
    )
    attack.kill_supervisor(until)
    found = await soon(attack.supervisor.settle(RUN))
    (left,) = living()
    assert found == Contradictory(
        problem=f"its supervisor died, and process {left} (sleep) works in its folder on"
    )
    assert await attack.supervisor.settle(RUN) == found
    psutil.Process(left).kill()


@pytest.mark.recovers("earlier")
async def test_nothing_is_executed_beside_what_is_over_and_lives(attack: Attack, living: Living) -> None:
    """A run that is stored as over, and lives, is ended first."""
    await attack.begin("touch ready; sleep 60")
    assert await attack.supervisor.start(attack.launch("exit 0", run=NEXT, after=(RUN,))) is not None
    assert await until_ended(attack.supervisor, NEXT) == Exited(exit_code=0)
    assert await attack.supervisor.settle(NEXT) == Exited(exit_code=0)
    assert living() == []


async def test_nothing_is_executed_beside_what_can_not_be_ended(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is closed for good, and who is in its way is named."""
    await attack.begin("touch ready; sleep 60")
    with monkeypatch.context() as unkillable:
        unkillable.setattr("headway_local.survivors.TRIES", 2)
        unkillable.setattr(psutil.Process, "kill", lambda _: None)
        found = await attack.supervisor.start(attack.launch("exit 0", run=NEXT, after=(RUN,)))
    assert isinstance(found, Contradictory)
    assert not found.began
    assert "of an earlier start can't be ended" in found.problem
    assert await attack.supervisor.start(attack.launch("exit 0", run=NEXT)) == found
    assert attack.executions == 1
    await attack.supervisor.stop(RUN)


async def test_an_end_is_no_end_while_something_can_not_be_killed(
    attack: Attack, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`settle` says so, and tells who it is."""
    await attack.begin("setsid sleep 60 & sleep 0.1; touch ready; wait")
    attack.kill_supervisor(until)
    with monkeypatch.context() as unkillable:
        unkillable.setattr("headway_local.survivors.TRIES", 2)
        unkillable.setattr(psutil.Process, "kill", lambda _: None)
        with pytest.raises(Unavailable, match=r"process \d+ \(sleep\) can't be ended"):
            await attack.supervisor.settle(RUN)
    assert await attack.supervisor.settle(RUN) == Vanished()


async def test_a_forged_pid_is_never_signalled(attack: Attack, living: Living) -> None:
    """Who `started` names is signalled only if it is the supervisor of this very run."""
    victim = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        started = Path("/proc", str(victim.pid), "stat").read_text().rpartition(")")[2].split()[19]
        forged = (
            f"sed -i -e 's/^pid .*/pid {victim.pid}/' -e 's/^start_time .*/start_time {started}/' started"
        )
        await attack.begin(f'cd "$EVIDENCE"; {forged}; cd -; touch ready; sleep 60')
        assert isinstance(await attack.supervisor.stop(RUN), Contradictory)
        assert victim.poll() is None
        assert living() == []
    finally:
        victim.kill()
        victim.wait()


async def test_another_holder_of_the_lock_is_no_supervisor(
    attack: Attack, living: Living, until: Until
) -> None:
    """A child that holds the lock after the supervisor's death does not pass for a run that goes on."""
    holder = f'cd "$EVIDENCE"; mv lock aside; setsid {sys.executable} -c "{HOLD_LOCK}" & '
    await attack.begin(f"({holder}); sleep 0.5; touch ready; sleep 60")
    attack.kill_supervisor(until)
    assert isinstance(await soon(attack.supervisor.settle(RUN)), Contradictory)
    assert living() == []


async def test_a_data_directory_may_be_renamed_while_agents_run(
    attack: Attack, tmp_path: Path, living: Living
) -> None:
    """Its supervisor is known by the folder in which it stands: it is adopted, and stopped."""
    await attack.begin("touch ready; exec sleep 60")
    (tmp_path / "data").rename(tmp_path / "renamed")
    supervisor = LocalSupervisor(tmp_path / "renamed")
    assert await supervisor.probe(RUN) == Running()
    assert await supervisor.settle(RUN) == Running()
    assert await supervisor.stop(RUN) == Exited(signal=15)
    assert living() == []


async def test_a_run_in_another_container_is_known_by_its_lock(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose pids mean something elsewhere is neither contradictory nor signalled: who holds the lock runs."""
    await attack.begin("touch ready; exec sleep 60")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("headway_local.evidence.pid_namespace", lambda: 1)
        elsewhere.setattr("headway_local.verdicts.ON_LINUX", True)
        assert await attack.supervisor.probe(RUN) == Running()
        assert await attack.supervisor.settle(RUN) == Running()
    assert await attack.supervisor.stop(RUN) == Exited(signal=15)


async def test_a_run_of_an_older_version_is_adopted(
    attack: Attack, tmp_path: Path, living: Living, until: Until
) -> None:
    """Its folder of evidence holds what it was told of too: it runs, says, is stopped, and leaves nothing."""
    program = tmp_path / "older" / "supervised.py"
    program.parent.mkdir()
    program.write_text(OLDER)
    folder = attack.supervisor.folder(RUN)
    (folder / "out").mkdir(parents=True)
    script = "printf hello > $HEADWAY_OUT/replies.json; setsid sleep 61 & touch ready; sleep 62"
    words = [sys.executable, "-I", "-S", str(program), "attempt", "1000", str(folder), str(attack.worktree)]
    subprocess.run(
        [*words, "sh", "-c", script],
        env={"PATH": os.environ["PATH"], "HEADWAY_OUT": str(folder / "out")},
        check=True,
    )
    until((attack.worktree / "ready").exists)
    assert await attack.supervisor.probe(RUN) == Running()
    assert await attack.supervisor.settle(RUN) == Running()
    assert await attack.supervisor.start(attack.launch("exit 0")) == Running()
    assert await attack.supervisor.said(RUN, "replies.json") == b"hello"
    attack.kill_supervisor(until)
    assert await attack.supervisor.settle(RUN) == Vanished()
    assert living() == []


OLDER = """
import fcntl, os, sys
_, mode, limit, folder, cwd, *command = sys.argv
if os.fork():
    sys.exit()
os.setsid()
os.chdir(folder)
lock = os.open("lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
stat = open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
open("started", "w").write(f"pid {os.getpid()}\\nstart_time {stat[19]}\\nboot_id {boot}\\n")
if os.fork() == 0:
    os.chdir(cwd)
    os.execvp(command[0], command)
os.wait()
"""


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "device", "large", "gone"])
def test_small_files_are_read_without_waiting(tmp_path: Path, kind: str) -> None:
    """What is no small regular file is an error at once."""
    path = tmp_path / "file"
    make: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to("/etc/passwd"),
        "device": lambda: path.symlink_to("/dev/zero"),
        "large": lambda: path.write_bytes(b"x" * 100_000),
        "gone": lambda: None,
    }
    make[kind]()
    with pytest.raises(OSError, match=r"\w") as refused:
        read_small(str(path))
    assert isinstance(refused.value, FileNotFoundError) == (kind == "gone")


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_the_marker_of_a_worktree_hangs_nobody(tmp_path: Path, kind: str) -> None:
    """Whatever an agent puts in its place beside its worktree: nobody waits for it, and it is no lock."""
    marker = marker_of(tmp_path / "tree")
    make: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(marker),
        "folder": marker.mkdir,
        "link": lambda: marker.symlink_to("x"),
    }
    make[kind]()
    assert not in_use(marker)
    with pytest.raises(Unavailable, match="cannot make"):
        mark_unfinished(tmp_path / "tree")


async def test_what_never_started_stays_so(attack: Attack) -> None:
    """A closed run in whose folder an agent of another one writes is closed, or can't be read."""
    assert await attack.supervisor.settle(RUN) == NeverStarted()
    os.mkfifo(attack.supervisor.folder(RUN) / "exit")
    assert isinstance(await soon(attack.supervisor.start(attack.launch("exit 0"))), Unreadable)
    assert not (attack.worktree / "executions").exists()
