"""What every `Scripts` does. An adapter's test subclasses `ScriptsContract` and gives it scripts."""

import enum
from abc import ABC, abstractmethod
from typing import ClassVar

import anyio
import pytest

from headway_core.workspaces.ports import ScriptOrder, ScriptResult, Scripts
from headway_testing.contracts.suite import Capability, PortContract

PATIENCE_S = 20.0
QUICK_S = 0.2


class ScriptsCapability(Capability):
    """What an adapter may lack; the rest holds for each."""

    SIGNALS = enum.auto()
    """It tells the signal that ended a script."""


class ScriptBehaviour(enum.Enum):
    """What a script does."""

    SUCCEEDS = enum.auto()
    """Prints `hello`, then `wörld`, a line each, and ends with 0."""
    FAILS = enum.auto()
    """Prints `no` and ends with 3."""
    DIES = enum.auto()
    """Is ended by signal 9."""
    WAITS = enum.auto()
    """Prints `here` and runs until it is ended."""


class ScriptStage(ABC):
    """Where scripts run."""

    @abstractmethod
    async def order(self, behaviour: ScriptBehaviour, *, timeout_s: float = PATIENCE_S) -> ScriptOrder:
        """An order for a script that behaves so."""

    @abstractmethod
    async def running(self) -> int:
        """How many scripts run now, with what they started; what was just ended may be waited for."""


@pytest.mark.anyio
class ScriptsContract(PortContract):
    """Subclasses define the fixtures `scripts` (a `Scripts`) and `stage` (a `ScriptStage`)."""

    port = Scripts
    capabilities: ClassVar[frozenset[ScriptsCapability]] = frozenset(ScriptsCapability)

    @pytest.mark.parametrize(
        ("behaviour", "result", "text"),
        [
            (ScriptBehaviour.SUCCEEDS, ScriptResult(exit_code=0), "hello\nwörld\n"),
            (ScriptBehaviour.FAILS, ScriptResult(exit_code=3), "no\n"),
            (ScriptBehaviour.DIES, ScriptResult(signal=9), ""),
        ],
    )
    async def test_the_end_and_the_output_are_told(
        self,
        scripts: Scripts,
        stage: ScriptStage,
        behaviour: ScriptBehaviour,
        result: ScriptResult,
        text: str,
    ) -> None:
        """How a script ended is told, after all that it printed, in order and decoded."""
        if result.signal is not None:
            self.needs(ScriptsCapability.SIGNALS)
        heard = Heard()
        assert await scripts.run(await stage.order(behaviour), heard) == result
        assert heard.text == text

    async def test_a_script_that_takes_too_long_is_ended(self, scripts: Scripts, stage: ScriptStage) -> None:
        """At its time-out a script is ended with all that it started, whatever it printed until then."""
        heard = Heard()
        order = await stage.order(ScriptBehaviour.WAITS, timeout_s=QUICK_S)
        with anyio.fail_after(PATIENCE_S):
            assert await scripts.run(order, heard) == ScriptResult(timed_out=True)
        assert heard.text in ("", "here\n")
        assert await stage.running() == 0

    async def test_a_cancelled_script_is_ended(self, scripts: Scripts, stage: ScriptStage) -> None:
        """A cancelled call leaves nothing running."""
        order, heard = await stage.order(ScriptBehaviour.WAITS), Heard()
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as group:
                group.start_soon(scripts.run, order, heard)
                await heard.something.wait()
                group.cancel_scope.cancel()
        assert await stage.running() == 0

    async def test_an_error_of_who_listens_ends_the_script(
        self, scripts: Scripts, stage: ScriptStage
    ) -> None:
        """What the listener raises is raised by the call, and leaves nothing running."""

        async def refuse(_text: str) -> None:
            raise ZeroDivisionError

        with anyio.fail_after(PATIENCE_S), pytest.raises(ZeroDivisionError):
            await scripts.run(await stage.order(ScriptBehaviour.WAITS), refuse)
        assert await stage.running() == 0


class Heard:
    """Hears a script."""

    def __init__(self) -> None:
        self.text = ""
        self.something = anyio.Event()

    async def __call__(self, text: str) -> None:
        self.text += text
        self.something.set()
