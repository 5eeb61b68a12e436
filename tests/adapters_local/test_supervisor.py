"""Attempts of sessions, as real processes."""
# ruff: noqa: ASYNC240 - the files of a test block nobody

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import attrs
import psutil
import pytest

from headway_core.kernel.errors import InvalidInput
from headway_core.processes import Exited, Launch, NeverStarted, RunId, Running, Vanished
from headway_core.sessions import run_of
from headway_local import LocalSupervisor
from headway_local.evidence import evidence, is_supervisor
from headway_local.leashes import PROGRAM
from headway_testing.contracts.supervisor import RUN, Behaviour, Stage, SupervisorContract, until_ended

from .conftest import processes_of

Until = Callable[[Callable[[], bool]], None]
Living = Callable[[], list[int]]
pytestmark = pytest.mark.anyio

EXECUTED = 'echo "$HEADWAY_OUT" >> executions; '
SCRIPTS = {
    Behaviour.SUCCEEDS: "exit 0",
    Behaviour.FAILS: "exit 3",
    Behaviour.DIES: "kill -9 $$",
    Behaviour.WAITS: "setsid sleep 61 & exec sleep 60",
    Behaviour.SPEAKS: 'printf hello > "$HEADWAY_OUT/replies.json"; echo done',
}


@attrs.frozen
class RealStage(Stage):
    """Shell scripts in a folder."""

    folder: Path

    def shell(self, script: str, *, run: RunId = RUN, prompt: str = "") -> Launch:
        return Launch(
            run=run,
            argv=("sh", "-c", EXECUTED + script),
            cwd=str(self.folder),
            environment={},
            standard_input=prompt,
        )

    async def launch(self, behaviour: Behaviour, *, run: RunId = RUN) -> Launch:
        launch = self.shell(SCRIPTS.get(behaviour, ""), run=run)
        if behaviour is Behaviour.MISSING:
            return attrs.evolve(launch, argv=("headway-no-such-program",))
        return launch

    async def executions(self) -> int:
        log = self.folder / "executions"
        return len(log.read_text().splitlines()) if log.exists() else 0

    async def living(self) -> int:
        return len(processes_of(self.folder.parent))

    async def orphan(self, run: RunId) -> None:
        folder = self.folder.parent / "data" / str(run)
        started = evidence(folder).started
        assert started is not None
        os.kill(started.pid, signal.SIGKILL)
        while is_supervisor(started, folder):  # noqa: ASYNC110 - a process that dies tells nobody
            await anyio.sleep(0.005)

    async def forge(self, run: RunId) -> None:
        (self.folder.parent / "data" / str(run) / "exit").write_text("exit_code 0\n")


@pytest.fixture
def stage(tmp_path: Path) -> RealStage:
    folder = tmp_path / "worktree"
    folder.mkdir()
    return RealStage(folder)


@pytest.fixture
def supervisor(tmp_path: Path) -> LocalSupervisor:
    return LocalSupervisor(tmp_path / "data")


def told(supervisor: LocalSupervisor, run: RunId = RUN) -> Path:
    """The folder that the agent is told of."""
    return supervisor.folder(run).parents[2] / "agent-files" / str(run)


def supervisor_pid(supervisor: LocalSupervisor, attempt: int = 1) -> int:
    started = (supervisor.folder(run_of("s-1", attempt)) / "started").read_text()
    return int(started.split()[1])


def has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class TestLocalSupervisor(SupervisorContract):
    """The contract, on real processes."""


async def test_prompt_comes_on_standard_input(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """The prompt is read from a file of the owner's alone; text of any script and size arrives whole."""
    prompt = "Fix the büg: 直して\n" * 10_000
    await supervisor.start(stage.shell("cat > prompt.txt", prompt=prompt))
    assert await until_ended(supervisor) == Exited(exit_code=0)
    assert (stage.folder / "prompt.txt").read_text() == prompt
    folders = (supervisor.folder(RUN), told(supervisor))
    paths = [path for folder in folders for path in (folder, *folder.iterdir())]
    modes = {path.name: path.stat().st_mode & 0o777 for path in paths}
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
    assert modes["prompt"] == 0o600


async def test_environment_is_what_was_allowed(
    supervisor: LocalSupervisor, stage: RealStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret of the runner reaches an agent; what the launch says does, and never instead of ours."""
    for name in (
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "HEADWAY_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PYTHONPATH",
        "LC_KEY",
    ):
        monkeypatch.setenv(name, "secret")
    given = {
        "LC_TIME": "C",
        "SSH_AUTH_SOCK": "/run/agent",
        "https_proxy": "http://proxy:3128",
        "NO_PROXY": "localhost",
        "SSL_CERT_FILE": "/etc/ours.pem",
        "NODE_EXTRA_CA_CERTS": "/etc/ours.pem",
        "GIT_SSL_CAINFO": "/etc/ours.pem",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    launch = attrs.evolve(
        stage.shell(""), argv=(sys.executable, "-c", "import os; print(dict(os.environ))"),
        environment={"API_KEY": "given", "HEADWAY_OUT": "/elsewhere", "GIT_CONFIG_GLOBAL": "/elsewhere"},
    )  # fmt: skip
    await supervisor.start(launch)
    await until_ended(supervisor)
    folder = told(supervisor)
    text = await supervisor.output(RUN)
    assert "secret" not in text
    for name, value in {
        **given,
        "API_KEY": "given",
        "GH_CONFIG_DIR": str(folder / "gh"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "HEADWAY_OUT": str(folder / "out"),
        "GIT_TERMINAL_PROMPT": "0",
    }.items():
        assert f"'{name}': '{value}'" in text


async def test_an_agents_variables_are_on_no_disk(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """While it runs and afterwards, no file of the attempt holds the value of a variable."""
    launch = attrs.evolve(
        stage.shell('test "$API_KEY" = hush-hush || exit 9; exec sleep 60'),
        environment={"API_KEY": "hush-hush"},
    )
    assert await supervisor.start(launch) == Running()
    for _ in range(2):
        files = [path for path in supervisor.folder(RUN).parents[2].rglob("*") if path.is_file()]
        assert len(files) > 3
        assert [path.name for path in files if b"hush-hush" in path.read_bytes()] == []
        assert await supervisor.stop(RUN) == Exited(signal=15)


async def test_agents_git_knows_the_person_and_no_credentials(
    supervisor: LocalSupervisor, stage: RealStage
) -> None:
    """The agent commits in the person's name; the person's credential helper is out of its reach."""
    await supervisor.start(
        stage.shell("git config user.name; git config user.email; git config credential.helper || echo none")
    )
    await until_ended(supervisor)
    assert (await supervisor.output(RUN)).split("\n") == ["Ada Lovelace", "ada@example.org", "none", ""]


async def test_the_reason_of_a_failed_start_is_told(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """A missing program, a file that is no program and a missing folder each say what is wrong."""
    (stage.folder / "text").write_text("not a program")
    launch = stage.shell("")
    reasons = []
    for attempt, changed in enumerate(
        (
            attrs.evolve(launch, argv=("headway-nothing",)),
            attrs.evolve(launch, argv=("./text",)),
            attrs.evolve(launch, cwd=str(stage.folder / "gone")),
        )
    ):
        found = await supervisor.start(attrs.evolve(changed, run=run_of("s-1", attempt)))
        assert isinstance(found, Exited)
        reasons.append(found.failed_to_start)
    assert reasons == [
        "cannot execute headway-nothing: No such file or directory",
        "cannot execute ./text: Permission denied",
        f"cannot enter {stage.folder / 'gone'}: No such file or directory",
    ]


@pytest.mark.lesson("X8")
async def test_nothing_outlives_the_agent(
    supervisor: LocalSupervisor, stage: RealStage, living: Living, until: Until
) -> None:
    """When the agent ends, what it left running ends too: in its group, in a session of its own, orphaned."""
    script = "sleep 61 & setsid sleep 62 & (setsid sh -c 'sleep 63 & sleep 64' &) ; sleep 0.1; exit 5"
    await supervisor.start(stage.shell(script))
    assert await until_ended(supervisor) == Exited(exit_code=5)
    until(lambda: not living())


@pytest.mark.lesson("X8")
async def test_stop_ends_the_whole_family(
    supervisor: LocalSupervisor, stage: RealStage, living: Living, until: Until
) -> None:
    """An agent that does not listen, and its deaf children, are killed when the grace is over."""
    deaf = "trap '' TERM; (trap '' TERM; setsid sleep 61) & touch ready; while :; do sleep 0.05; done"
    await supervisor.start(stage.shell(deaf))
    until((stage.folder / "ready").exists)
    started = anyio.current_time()
    assert await supervisor.stop(RUN, grace_s=0.2) == Exited(signal=9)
    assert 0.15 < anyio.current_time() - started < 3.0
    assert living() == []


async def test_an_agent_may_end_its_own_way(
    supervisor: LocalSupervisor, stage: RealStage, until: Until
) -> None:
    """An agent that ends on TERM with a code of its own is told with that code."""
    await supervisor.start(stage.shell("trap 'exit 7' TERM; touch ready; while :; do sleep 0.01; done"))
    until((stage.folder / "ready").exists)
    assert await supervisor.stop(RUN) == Exited(exit_code=7)


async def test_a_killed_supervisor_takes_its_agent_along(
    supervisor: LocalSupervisor, stage: RealStage, living: Living, until: Until
) -> None:
    """SIGKILL to the supervisor: the agent dies by its parent-death signal, `settle` kills the rest."""
    await supervisor.start(
        stage.shell("echo $$ > agent; sleep 61 & setsid sleep 62 & env -i sleep 63 & touch ready; wait")
    )
    until((stage.folder / "ready").exists)
    agent = int((stage.folder / "agent").read_text())
    os.kill(supervisor_pid(supervisor), signal.SIGKILL)
    until(lambda: has_ended(agent))
    assert await supervisor.settle(RUN) == Vanished()
    assert living() == []
    assert await supervisor.start(stage.shell("")) == Vanished()
    assert await supervisor.stop(RUN) == Vanished()
    assert await stage.executions() == 1


async def test_a_stopped_supervisor_is_killed_in_the_end(
    supervisor: LocalSupervisor, stage: RealStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor that does not answer does not keep its agent alive."""
    monkeypatch.setattr("headway_local.supervisor.STOP_MARGIN_S", 0.3)
    await supervisor.start(await stage.launch(Behaviour.WAITS))
    os.kill(supervisor_pid(supervisor), signal.SIGSTOP)
    assert await supervisor.stop(RUN, grace_s=0.0) == Vanished()


async def test_leftovers_of_others_are_left_alone(
    supervisor: LocalSupervisor, stage: RealStage, until: Until
) -> None:
    """Settling one attempt touches no other attempt, whatever number its own processes had."""
    await supervisor.start(await stage.launch(Behaviour.WAITS, run=run_of("s-1", 2)))
    await supervisor.start(await stage.launch(Behaviour.WAITS))
    os.kill(supervisor_pid(supervisor), signal.SIGKILL)
    until(lambda: has_ended(supervisor_pid(supervisor)))
    # The number of the dead supervisor is, so it seems, another's now.
    started = supervisor.folder(RUN) / "started"
    other = supervisor_pid(supervisor, 2)
    started.write_text(started.read_text().replace(started.read_text().split()[1], str(other), 1))
    assert await supervisor.settle(RUN) == Vanished()
    assert await supervisor.probe(run_of("s-1", 2)) == Running()
    await supervisor.stop(run_of("s-1", 2))


async def test_no_lock_of_the_runner_is_inherited(
    supervisor: LocalSupervisor, stage: RealStage, tmp_path: Path
) -> None:
    """The supervisor and its agent hold files of the attempt and nothing of the runner's."""
    with (tmp_path / "runner.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        await supervisor.start(await stage.launch(Behaviour.WAITS))
    program = psutil.Process(supervisor_pid(supervisor))
    for process in (program, *program.children()):
        names = {str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert str(tmp_path / "runner.lock") not in names
        folders = (str(supervisor.folder(RUN)), str(told(supervisor)))
        assert {
            name for name in names if name.startswith(str(tmp_path)) and not name.startswith(folders)
        } == set()
        assert os.getsid(process.pid) == program.pid
    await supervisor.stop(RUN)


async def test_an_idle_supervisor_costs_nothing(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """While its agent works, the supervisor sleeps: it does not wake a single time."""
    await supervisor.start(await stage.launch(Behaviour.WAITS))
    switches = Path(f"/proc/{supervisor_pid(supervisor)}/status")

    def woken() -> str:
        return next(line for line in switches.read_text().splitlines() if line.startswith("voluntary"))

    await anyio.sleep(0.1)
    before = woken()
    await anyio.sleep(0.3)
    assert woken() == before
    await supervisor.stop(RUN)


@pytest.mark.parametrize("name", ["../exit", "/etc/passwd", "", ".", "..", "a/b", "-x", ".hidden", "a\0b"])
async def test_only_plain_names_are_read(supervisor: LocalSupervisor, name: str) -> None:
    """A name that leads out of the folder is refused before anything is opened."""
    with pytest.raises(InvalidInput, match="name"):
        await supervisor.said(RUN, name)


async def test_what_an_agent_leaves_is_hostile(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """A link, a pipe, a folder and a device are no answer, and nothing waits for them."""
    await supervisor.start(
        stage.shell(
            'cd "$HEADWAY_OUT"; ln -s /etc/passwd link; mkfifo pipe; mkdir folder; '
            "cd ..; mv out x; ln -s x out"
        )
    )
    await until_ended(supervisor)
    assert await supervisor.said(RUN, "link") is None  # `out` itself is a link
    out = told(supervisor) / "out"
    out.unlink()
    (out.parent / "x").rename(out)
    for name in ("link", "pipe", "folder"):
        with anyio.fail_after(2), pytest.raises(InvalidInput, match="name"):
            await supervisor.said(RUN, name)


async def test_output_is_its_last_part(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """Both streams are kept in order; a tail never begins inside a character."""
    await supervisor.start(stage.shell("printf 'ééé'; printf 'ñ!' >&2"))
    await until_ended(supervisor)
    assert await supervisor.output(RUN) == "éééñ!"
    assert [await supervisor.output(RUN, limit=limit) for limit in (1, 2, 3, 4)] == [
        "!",
        "!",
        "ñ!",
        "ñ!",
    ]


@pytest.mark.parametrize(
    "run",
    [
        *(run_of(subject, 1) for subject in ("../x", "", "a/b", "a" * 41)),
        run_of("s", -1),
        *(RunId(kind=kind, subject="s", attempt=1) for kind in ("..", "", "a/b", "a" * 41, "host-id")),
    ],
    ids=repr,
)
async def test_ids_are_checked(supervisor: LocalSupervisor, run: RunId) -> None:
    """What is no id never becomes part of a path."""
    for act in (supervisor.probe, supervisor.settle, supervisor.stop, supervisor.output):
        with pytest.raises(InvalidInput):
            await act(run)
    if run.attempt > 0:
        with pytest.raises(InvalidInput):
            await supervisor.remove(run.kind, run.subject)


async def test_the_folder_of_an_agent_is_where_it_always_was(
    supervisor: LocalSupervisor, tmp_path: Path
) -> None:
    """Agents outlive their runner and its version: the next one looks for them at the same path."""
    assert supervisor.folder(run_of("0b5e", 3)) == tmp_path / "data" / "sessions" / "0b5e" / "3"


@pytest.mark.lesson("F7")
async def test_starts_at_once_execute_once(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """Many starts and settlements of one attempt at the same time: at most one agent, and all agree."""
    launch = await stage.launch(Behaviour.WAITS)
    found = []

    async def start() -> None:
        found.append(await supervisor.start(launch))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(start)
    assert found == [Running()] * 5
    assert await stage.executions() == 1
    await supervisor.stop(RUN)


async def test_a_late_supervisor_finds_the_attempt_closed(
    supervisor: LocalSupervisor, stage: RealStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed while the program was on its way: the program ends without executing anything."""
    real = anyio.run_process

    async def closing_first(*words: object, **options: object) -> object:
        assert await supervisor.settle(RUN) == NeverStarted()
        return await real(*words, **options)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr("headway_local.supervisor.anyio.run_process", closing_first)
    assert await supervisor.start(await stage.launch(Behaviour.SUCCEEDS)) == NeverStarted()
    assert await stage.executions() == 0


async def test_looking_is_not_holding(supervisor: LocalSupervisor, stage: RealStage) -> None:
    """Probes at the same time never take each other for a living supervisor."""
    await supervisor.settle(RUN)
    (supervisor.folder(RUN) / "lock").touch()
    found = set()

    async def look() -> None:
        for _ in range(20):
            found.add(await supervisor.probe(RUN))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(look)
    assert found == {NeverStarted()}


def test_the_program_is_small() -> None:
    """It starts without `site`, and imports nothing of Headway and nothing that takes its time."""
    command = [sys.executable, "-I", "-S", "-X", "importtime", PROGRAM, "leash", "0", "", "/", "true"]
    done = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, check=False)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "supervised_files" in imported
    assert {name for name in imported if name.startswith("headway")} == set()
    assert imported.isdisjoint({"site", "typing", "pathlib", "collections.abc", "subprocess"})


def test_importing_leaves_the_path_alone() -> None:
    """Whoever imports the adapter finds no other module by a name of its modules, such as `git`."""
    script = "import sys; path = list(sys.path); import headway_local.git, headway_local.supervised_output\n"
    script += "assert sys.path == path, sys.path; assert 'supervised_files' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
