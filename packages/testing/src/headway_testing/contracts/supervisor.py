"""What every `Supervisor` does. An adapter's test subclasses `SupervisorContract` and gives it agents."""

import enum
from abc import ABC, abstractmethod
from typing import ClassVar

import anyio
import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput
from headway_core.processes import (
    Contradictory,
    Exited,
    Launch,
    NeverStarted,
    Probe,
    RunId,
    Running,
    Supervisor,
    Vanished,
)
from headway_testing.contracts.suite import Capability, PortContract

PATIENCE_S = 10.0
AT_ONCE = 5


class SupervisorCapability(Capability):
    """What a supervisor may lack; the rest holds for each."""

    SIGNALS = enum.auto()
    """It tells the signal that ended an agent, and ends one by TERM."""
    MISSING_PROGRAMS = enum.auto()
    """It tells an agent that could not be executed from one that failed."""
    FILES = enum.auto()
    """Agents can leave files in `$HEADWAY_OUT`."""
    OUTPUT = enum.auto()
    """It keeps what agents print."""
    ORPHANS = enum.auto()
    """What an agent started can outlive the one who supervises it."""
    FORGERY = enum.auto()
    """An agent can write where the evidence of its run is kept."""


RUN = RunId(kind="sessions", subject="s-1", attempt=1)
AGAIN = attrs.evolve(RUN, attempt=2)
OTHER = attrs.evolve(RUN, subject="s-2")
OF_ANOTHER_KIND = attrs.evolve(RUN, kind="run_scripts")
STRANGE = attrs.evolve(RUN, subject="s-9")
"""One that nobody starts."""


class Behaviour(enum.Enum):
    """What an agent does."""

    SUCCEEDS = enum.auto()
    """Ends with 0."""
    FAILS = enum.auto()
    """Ends with 3."""
    DIES = enum.auto()
    """Is ended by signal 9."""
    WAITS = enum.auto()
    """Runs until it is ended, and ends on TERM."""
    SPEAKS = enum.auto()
    """Writes `hello` to `$HEADWAY_OUT/replies.json`, prints `done` and ends with 0."""
    MISSING = enum.auto()
    """Can't be executed."""


class Stage(ABC):
    """Where agents perform."""

    @abstractmethod
    async def launch(self, behaviour: Behaviour, *, run: RunId = RUN) -> Launch:
        """What starts an agent that behaves so."""

    @abstractmethod
    async def executions(self) -> int:
        """How many agents were ever executed."""

    async def living(self) -> int:
        """How many processes of agents live. For ORPHANS and FORGERY."""
        raise NotImplementedError

    async def orphan(self, run: RunId) -> None:
        """Kill the one who supervises this run, and nothing of what its agent started. For ORPHANS."""
        raise NotImplementedError

    async def forge(self, run: RunId) -> None:
        """Have the evidence say that this run, which goes on, ended with 0. For FORGERY."""
        raise NotImplementedError


async def until_ended(supervisor: Supervisor, run: RunId = RUN) -> Probe | None:
    """Wait until the attempt does not run any more; what is known of it then."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            found = await supervisor.probe(run)
            if not isinstance(found, Running):
                return found
            await anyio.sleep(0.005)


@pytest.mark.anyio
class SupervisorContract(PortContract):
    """Subclasses define the fixtures `supervisor` (a `Supervisor`) and `stage` (a `Stage`)."""

    port = Supervisor
    capabilities: ClassVar[frozenset[SupervisorCapability]] = frozenset(SupervisorCapability)

    @pytest.mark.parametrize(
        ("behaviour", "ended"),
        [
            (Behaviour.SUCCEEDS, Exited(exit_code=0)),
            (Behaviour.FAILS, Exited(exit_code=3)),
            (Behaviour.DIES, Exited(signal=9)),
        ],
    )
    async def test_the_exit_is_told(
        self, supervisor: Supervisor, stage: Stage, behaviour: Behaviour, ended: Exited
    ) -> None:
        """How an agent ended is told as it was at its end, by whoever asks and whenever."""
        if ended.signal is not None:
            self.needs(SupervisorCapability.SIGNALS)
        first = await supervisor.start(await stage.launch(behaviour))
        assert isinstance(first, Running | Exited)
        assert await until_ended(supervisor) == ended
        assert await supervisor.settle(RUN) == ended
        assert await supervisor.stop(RUN) == ended

    async def test_a_program_that_is_missing_is_told(self, supervisor: Supervisor, stage: Stage) -> None:
        """An agent that can't be executed has ended, with the reason."""
        self.needs(SupervisorCapability.MISSING_PROGRAMS)
        found = await supervisor.start(await stage.launch(Behaviour.MISSING))
        assert isinstance(found, Exited)
        assert (found.exit_code, found.signal) == (None, None)
        assert found.failed_to_start

    async def test_started_twice_is_executed_once(self, supervisor: Supervisor, stage: Stage) -> None:
        """A start that is repeated, at once and after the end, tells what became of the first one."""
        launch, told = await stage.launch(Behaviour.SUCCEEDS), list[Probe]()

        async def start() -> None:
            told.append(await supervisor.start(launch))

        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(start)
        ended = await until_ended(supervisor)
        assert ended == Exited(exit_code=0)
        assert all(each in (Running(), ended) for each in told)
        assert await supervisor.start(launch) == ended
        assert await stage.executions() == 1

    async def test_started_while_it_runs_it_goes_on(self, supervisor: Supervisor, stage: Stage) -> None:
        """A start that is repeated while the agent runs says that it runs; stopped, it stays ended."""
        launch = await stage.launch(Behaviour.WAITS)
        assert await supervisor.start(launch) == Running()
        assert await supervisor.start(launch) == Running()
        ended = await supervisor.stop(RUN)
        assert await supervisor.start(launch) == ended
        assert await stage.executions() <= 1  # it may have been ended before it did anything

    async def test_an_attempt_that_never_started_is_closed(
        self, supervisor: Supervisor, stage: Stage
    ) -> None:
        """`settle` without a sign of a start closes the attempt for good; the next attempt is free."""
        assert await supervisor.probe(RUN) is None
        assert await supervisor.settle(RUN) == NeverStarted()
        assert await supervisor.start(await stage.launch(Behaviour.SUCCEEDS)) == NeverStarted()
        assert await supervisor.probe(RUN) == NeverStarted()
        assert await stage.executions() == 0

    async def test_probing_closes_nothing(self, supervisor: Supervisor, stage: Stage) -> None:
        """An attempt that was only looked at can still be started."""
        assert await supervisor.probe(RUN) is None
        await supervisor.start(await stage.launch(Behaviour.SUCCEEDS))
        assert await until_ended(supervisor) == Exited(exit_code=0)

    async def test_stop_ends_what_runs(self, supervisor: Supervisor, stage: Stage) -> None:
        """A stopped agent has ended, by TERM when it listens; stopping again tells the same."""
        await supervisor.start(await stage.launch(Behaviour.WAITS))
        assert await supervisor.settle(RUN) == Running()
        ended = await supervisor.stop(RUN)
        assert isinstance(ended, Exited)
        assert ended == Exited(signal=15) or SupervisorCapability.SIGNALS not in self.capabilities
        assert await supervisor.stop(RUN) == ended

    async def test_stopping_what_never_started_closes_it(self, supervisor: Supervisor, stage: Stage) -> None:
        """A stop before the start wins: nothing runs afterwards (X5)."""
        assert await supervisor.stop(RUN) == NeverStarted()
        assert await supervisor.start(await stage.launch(Behaviour.SUCCEEDS)) == NeverStarted()
        assert await stage.executions() == 0

    async def test_nothing_of_an_end_lives(self, supervisor: Supervisor, stage: Stage) -> None:
        """Of an attempt whose supervisor died nothing lives when that was told."""
        self.needs(SupervisorCapability.ORPHANS)
        await supervisor.start(await stage.launch(Behaviour.WAITS))
        await stage.orphan(RUN)
        assert isinstance(await supervisor.settle(RUN), Vanished | Contradictory)
        assert await stage.living() == 0

    async def test_nothing_is_executed_beside_what_is_over(
        self, supervisor: Supervisor, stage: Stage
    ) -> None:
        """What lives of the runs before it is ended, before an agent is executed."""
        self.needs(SupervisorCapability.ORPHANS)
        await supervisor.start(await stage.launch(Behaviour.WAITS))
        await stage.orphan(RUN)
        launch = await stage.launch(Behaviour.SUCCEEDS, run=AGAIN)
        assert isinstance(await supervisor.start(attrs.evolve(launch, after=(RUN,))), Running | Exited)
        assert await until_ended(supervisor, AGAIN) == Exited(exit_code=0)
        assert await supervisor.settle(AGAIN) == Exited(exit_code=0)
        assert await stage.living() == 0

    async def test_what_is_forged_is_not_believed(self, supervisor: Supervisor, stage: Stage) -> None:
        """An end that an agent writes of itself ends it, is told as a contradiction, and stays so."""
        self.needs(SupervisorCapability.FORGERY)
        await supervisor.start(await stage.launch(Behaviour.WAITS))
        await stage.forge(RUN)
        found = await supervisor.settle(RUN)
        assert isinstance(found, Contradictory)
        assert found.began
        assert await stage.living() == 0
        assert await supervisor.settle(RUN) == found
        assert await supervisor.start(await stage.launch(Behaviour.SUCCEEDS)) == found

    async def test_attempts_are_apart(self, supervisor: Supervisor, stage: Stage) -> None:
        """The end of one attempt says nothing of another attempt or session."""
        await supervisor.start(await stage.launch(Behaviour.WAITS, run=AGAIN))
        await supervisor.start(await stage.launch(Behaviour.FAILS))
        await supervisor.start(await stage.launch(Behaviour.SUCCEEDS, run=OTHER))
        assert await until_ended(supervisor, RUN) == Exited(exit_code=3)
        assert await until_ended(supervisor, OTHER) == Exited(exit_code=0)
        assert await supervisor.probe(AGAIN) == Running()
        await supervisor.stop(AGAIN)

    async def test_kinds_are_apart(self, supervisor: Supervisor, stage: Stage) -> None:
        """A run of another kind is another run, whatever it is a run of."""
        await supervisor.start(await stage.launch(Behaviour.SUCCEEDS))
        await until_ended(supervisor)
        assert await supervisor.probe(OF_ANOTHER_KIND) is None
        await supervisor.start(await stage.launch(Behaviour.FAILS, run=OF_ANOTHER_KIND))
        assert await until_ended(supervisor, OF_ANOTHER_KIND) == Exited(exit_code=3)
        assert await supervisor.probe(RUN) == Exited(exit_code=0)

    async def test_what_the_agent_leaves_is_read(self, supervisor: Supervisor, stage: Stage) -> None:
        """A file in `$HEADWAY_OUT` is read up to its limit; what is not there is None."""
        self.needs(SupervisorCapability.FILES)
        await supervisor.start(await stage.launch(Behaviour.SPEAKS))
        await until_ended(supervisor)
        assert await supervisor.said(RUN, "replies.json") == b"hello"
        assert await supervisor.said(RUN, "replies.json", limit=5) == b"hello"
        assert await supervisor.said(RUN, "other.json") is None
        assert await supervisor.said(STRANGE, "replies.json") is None
        with pytest.raises(InvalidInput) as refused:
            await supervisor.said(RUN, "replies.json", limit=4)
        assert refused.value.field == "name"

    async def test_what_the_agent_prints_is_kept(self, supervisor: Supervisor, stage: Stage) -> None:
        """Output can be read after the end; of an attempt that never was it is empty."""
        self.needs(SupervisorCapability.OUTPUT)
        await supervisor.start(await stage.launch(Behaviour.SPEAKS))
        await until_ended(supervisor)
        assert (await supervisor.output(RUN)).strip() == "done"
        assert await supervisor.output(STRANGE) == ""

    async def test_output_is_read_in_parts(self, supervisor: Supervisor, stage: Stage) -> None:
        """From any offset told, up to a limit, until a part is empty; None where nothing is kept."""
        self.needs(SupervisorCapability.OUTPUT)
        await supervisor.start(await stage.launch(Behaviour.SPEAKS))
        await until_ended(supervisor)
        offset, text = 0, ""
        while (part := await supervisor.read_output(RUN, offset, limit=4)) is not None and part.text:
            assert (part.offset, part.left_out) == (offset, 0)
            assert part.next_offset == offset + len(part.text.encode()) <= offset + 4
            offset, text = part.next_offset, text + part.text
        assert text.strip() == "done"
        assert part is not None
        assert part.next_offset == offset
        assert await supervisor.read_output(AGAIN, 0) is None
        assert await supervisor.read_output(STRANGE, 0) is None

    async def test_what_is_kept_of_a_subject_is_removed(self, supervisor: Supervisor, stage: Stage) -> None:
        """All of its runs, and of no other subject or kind; never while one runs."""
        self.needs(SupervisorCapability.OUTPUT)
        await supervisor.start(await stage.launch(Behaviour.SPEAKS))
        await until_ended(supervisor)
        await supervisor.start(await stage.launch(Behaviour.WAITS, run=AGAIN))
        await supervisor.start(await stage.launch(Behaviour.SPEAKS, run=OTHER))
        await supervisor.start(await stage.launch(Behaviour.SPEAKS, run=OF_ANOTHER_KIND))
        await until_ended(supervisor, OTHER)
        await until_ended(supervisor, OF_ANOTHER_KIND)
        assert await supervisor.kept(RUN.kind) == ("s-1", "s-2")
        with pytest.raises(Conflict):
            await supervisor.remove(RUN.kind, "s-1")
        assert await supervisor.output(RUN) != ""
        await supervisor.stop(AGAIN)
        await supervisor.remove(RUN.kind, "s-1")
        await supervisor.remove(RUN.kind, "s-1")
        assert await supervisor.kept(RUN.kind) == ("s-2",)
        assert await supervisor.kept(OF_ANOTHER_KIND.kind) == ("s-1",)
        assert await supervisor.read_output(RUN, 0) is None
        assert await supervisor.read_output(OTHER, 0) is not None
        assert await supervisor.read_output(OF_ANOTHER_KIND, 0) is not None
