"""Start-up scripts: they end with this process, and their output is handed over in chunks."""

import codecs
import math
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import Process

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.workspaces.ports import ScriptOrder, ScriptResult, Scripts
from headway_local.environment import allowed_environment
from headway_local.leashes import leashed

CHUNK_INTERVAL_S = 0.5
UNHEARD_LIMIT = 256 * 1024
"""Characters kept between two chunks: a script that prints faster loses its oldest output."""
CUT = "[output was cut here]\n"
ENDING_S = 10.0
"""How long the last words of a script that timed out are waited for; the leash gives it 2 s."""

Output = Callable[[str], Awaitable[None]]


class ShellScripts(Scripts):
    """Scripts by `sh -c`, with the allow-listed environment and `WORKSPACE_PATH`."""

    def __init__(self, *, chunk_interval_s: float = CHUNK_INTERVAL_S) -> None:
        self._interval_s = chunk_interval_s

    async def run(self, order: ScriptOrder, output: Output) -> ScriptResult:
        if "\0" in order.command:
            raise InvalidInput("command", "it holds a NUL")
        environment = {**allowed_environment(), "WORKSPACE_PATH": order.cwd}
        command = ["/bin/sh", "-c", order.command]
        try:
            async with leashed(command, cwd=order.cwd, environment=environment, merge_errors=True) as process:
                heard = _Heard(process)
                async with anyio.create_task_group() as group:
                    group.start_soon(heard.listen, order.timeout_s)
                    failure = await self._tell(heard, output)
                    group.cancel_scope.cancel()
        except OSError as error:
            raise Unavailable("script", error.strerror or "could not be started") from error
        if failure is not None:
            raise failure
        return heard.result

    async def _tell(self, heard: "_Heard", output: Output) -> Exception | None:
        """Hand over what was heard, never more often than the interval; the error of the one who listens."""
        last = -math.inf
        while True:
            await heard.something.wait()
            with anyio.move_on_after(self._interval_s):
                await heard.ended.wait()
            await anyio.sleep_until(last + self._interval_s)
            last = anyio.current_time()
            text = heard.take()
            if not text:
                return None
            try:
                await output(text)
            except Exception as error:  # noqa: BLE001 - raised by `run`, outside of the group
                return error


class _Heard:
    """What a script printed and was not handed over yet."""

    def __init__(self, process: Process) -> None:
        self.something = anyio.Event()
        """Set when there is text, or nothing more will come."""
        self.ended = anyio.Event()
        self.result = ScriptResult(timed_out=True)
        self._process = process
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = ""

    async def listen(self, timeout_s: float) -> None:
        try:
            with anyio.move_on_after(timeout_s):
                await self._read()
                code = await self._process.wait()
                self.result = ScriptResult(exit_code=code) if code >= 0 else ScriptResult(signal=-code)
                return
            assert self._process.stdin is not None, "the leash is a pipe"
            await self._process.stdin.aclose()
            with anyio.move_on_after(ENDING_S):
                await self._read()
        finally:
            self._add(self._decode(b"", True))  # noqa: FBT003 - the standard library's signature
            self.ended.set()
            self.something.set()

    async def _read(self) -> None:
        assert self._process.stdout is not None, "it was opened as a pipe"
        async for part in self._process.stdout:
            self._add(self._decode(part))

    def _add(self, text: str) -> None:
        self._text += text
        if len(self._text) > UNHEARD_LIMIT:
            self._text = CUT + self._text[-UNHEARD_LIMIT // 2 :]
        if text:
            self.something.set()

    def take(self) -> str:
        """Take what was printed; it is empty only when nothing more will come."""
        text, self._text = self._text, ""
        if not self.ended.is_set():
            self.something = anyio.Event()
        return text
