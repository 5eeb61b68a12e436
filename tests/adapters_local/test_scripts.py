"""Start-up scripts, as real processes."""
# ruff: noqa: ASYNC220 - the files and processes of a test block nobody

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import attrs
import pytest

from headway_core.kernel.errors import HeadwayError
from headway_core.workspaces.ports import ScriptOrder, ScriptResult
from headway_local import ShellScripts

Until = Callable[[Callable[[], bool]], None]
Living = Callable[[], list[int]]
pytestmark = pytest.mark.anyio


@attrs.define
class Listener:
    """Hears a script, and when."""

    chunks: list[str] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)

    async def __call__(self, text: str) -> None:
        self.chunks.append(text)
        self.times.append(anyio.current_time())

    @property
    def text(self) -> str:
        return "".join(self.chunks)


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., ScriptOrder]:
    def make(command: str, timeout_s: float = 20.0) -> ScriptOrder:
        return ScriptOrder(workspace_id="w-1", command=command, cwd=str(tmp_path), timeout_s=timeout_s)

    return make


Order = Callable[..., ScriptOrder]


@pytest.mark.lesson("L14", "X6")
@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("true", ScriptResult(exit_code=0)),
        ("exit 3", ScriptResult(exit_code=3)),
        ("kill -9 $$", ScriptResult(signal=9)),
        ("kill -15 $$", ScriptResult(signal=15)),
        ("headway-no-such-command 2>/dev/null", ScriptResult(exit_code=127)),
    ],
)
async def test_the_end_is_told(order: Order, command: str, result: ScriptResult) -> None:
    """A script's exit code or signal is its result, never an exception."""
    assert await ShellScripts().run(order(command), Listener()) == result


async def test_output_comes_in_chunks(order: Order) -> None:
    """All that is printed arrives, in order, both streams, in chunks at least 500 ms apart."""
    listener = Listener()
    await ShellScripts().run(
        order("for i in 1 2 3 4 5 6; do echo $i; echo e$i >&2; sleep 0.2; done"), listener
    )
    assert listener.text.split() == [word for i in range(1, 7) for word in (str(i), f"e{i}")]
    assert 2 <= len(listener.chunks) <= 4
    gaps = [after - before for before, after in zip(listener.times, listener.times[1:], strict=False)]
    assert min(gaps) >= 0.499


async def test_characters_are_never_split(order: Order, tmp_path: Path) -> None:
    """A character whose bytes arrive apart is one character; bytes that are none are marked."""
    listener = Listener()
    (tmp_path / "say").write_text("printf '\\303'; sleep 0.05; printf '\\251|\\377|\\303'")
    await ShellScripts(chunk_interval_s=0.01).run(order("sh say"), listener)
    assert listener.text == "é|\ufffd|\ufffd"


async def test_a_flood_is_cut_and_bounded(order: Order) -> None:
    """A script that prints without end costs no memory: the newest is kept, and the cut is told."""
    listener = Listener()
    await ShellScripts().run(order("yes 0123456789 | head -c 5000000; echo last"), listener)
    assert sum(map(len, listener.chunks)) < 2_000_000
    assert "[output was cut here]" in listener.text
    assert listener.text.endswith("last\n")


@pytest.mark.lesson("X8", "L11")
async def test_a_time_out_ends_the_family(order: Order, living: Living) -> None:
    """At the time-out the script, its group, and what left the group, have ended; its words are kept."""
    listener = Listener()
    command = "echo begun; sleep 61 & setsid sleep 62 & trap 'echo bye; exit 0' TERM; wait"
    result = await ShellScripts().run(order(command, timeout_s=0.3), listener)
    assert result == ScriptResult(timed_out=True)
    assert listener.text == "begun\nbye\n"
    assert living() == []


async def test_a_background_process_ends_with_its_script(order: Order, living: Living) -> None:
    """A script that leaves a daemon holding its output neither hangs the call nor leaves the daemon."""
    with anyio.fail_after(5):
        result = await ShellScripts().run(order("(setsid sleep 61 &) ; sleep 62 & exit 0"), Listener())
    assert result == ScriptResult(exit_code=0)
    assert living() == []


async def test_cancellation_ends_the_family(order: Order, living: Living, tmp_path: Path) -> None:
    """A cancelled call returns only when nothing of the script is left."""
    with anyio.move_on_after(0.3) as scope:
        await ShellScripts().run(order("touch begun; sleep 61 & setsid sleep 62 & wait"), Listener())
    assert scope.cancelled_caught
    assert (tmp_path / "begun").exists()
    assert living() == []


async def test_an_error_of_the_listener_is_raised(order: Order, living: Living) -> None:
    """When the output can't be stored, the script ends and the error is told as it is."""

    async def full(_text: str) -> None:
        raise HeadwayError

    with pytest.raises(HeadwayError):
        await ShellScripts(chunk_interval_s=0.01).run(order("echo x; sleep 61"), full)
    assert living() == []


async def test_secrets_of_the_runner_stay_there(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script gets the allow-listed environment and knows its workspace."""
    monkeypatch.setenv("GITHUB_TOKEN", "hush-hush")
    listener = Listener()
    made = order("env")
    await ShellScripts().run(made, listener)
    assert "hush-hush" not in listener.text
    assert f"WORKSPACE_PATH={made.cwd}\n" in listener.text


async def test_a_missing_folder_is_told(order: Order) -> None:
    """A script whose folder is gone fails and says why."""
    listener = Listener()
    result = await ShellScripts().run(attrs.evolve(order("true"), cwd="/headway/nowhere"), listener)
    assert result == ScriptResult(exit_code=127)
    assert "cannot enter /headway/nowhere" in listener.text


RUN = """
import sys, anyio
from headway_core.workspaces.ports import ScriptOrder
from headway_local import ShellScripts

async def main():
    async def output(text): print(text, flush=True)
    order = ScriptOrder(workspace_id="w", command=sys.argv[2], cwd=sys.argv[1], timeout_s=60)
    await ShellScripts(chunk_interval_s=0.01).run(order, output)
anyio.run(main)
"""


@pytest.mark.recovers("script")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_killed_runner_takes_its_script_along(tmp_path: Path, living: Living, until: Until) -> None:
    """SIGKILL to the runner: the script and its children end."""
    command = "sleep 61 & setsid sleep 62 & echo begun; wait"
    runner = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path), command], stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == "begun\n"
    os.kill(runner.pid, signal.SIGKILL)
    runner.communicate()
    until(lambda: not living())
