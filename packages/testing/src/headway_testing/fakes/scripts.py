"""Start-up scripts that are told what they print and how they end."""

from collections.abc import Awaitable, Callable

import anyio

from headway_core.kernel.errors import HeadwayError
from headway_core.workspaces.ports import ScriptOrder, ScriptResult, Scripts
from headway_testing.crash_points import Point, no_point


class FakeScripts(Scripts):
    """Scripts that print `says` and end with `result`, after `gate` is set (when there is one)."""

    def __init__(self, point: Point = no_point) -> None:
        self.point = point
        self.says: tuple[str, ...] = ()
        self.result = ScriptResult(exit_code=0)
        self.refusal: HeadwayError | None = None
        self.gate: anyio.Event | None = None
        self.began = anyio.Event()
        """Set when the first script has begun."""
        self.runs: list[ScriptOrder] = []
        self.running = 0
        self.cancelled = 0

    async def run(self, order: ScriptOrder, output: Callable[[str], Awaitable[None]]) -> ScriptResult:
        await self.point("before run")
        self.runs.append(order)
        self.running += 1
        try:
            self.began.set()
            if self.refusal is not None:
                raise self.refusal
            for text in self.says:
                await output(text)
            await self._wait()
        finally:
            self.running -= 1
        await self.point("after run")
        return self.result

    async def _wait(self) -> None:
        try:
            if self.gate is not None:
                await self.gate.wait()
        except BaseException:
            self.cancelled += 1
            raise
