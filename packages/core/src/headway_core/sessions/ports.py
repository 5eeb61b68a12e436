"""What the room asks of the machine: agents as commands, and processes that outlive their runner."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import attrs


class Agents(ABC):
    """The kinds of agents that this host can start."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The configured agents, sorted."""

    @abstractmethod
    def command(self, agent: str, model: str | None) -> tuple[str, ...]:
        """The argument list; the prompt comes on standard input.

        `InvalidInput("agent")` for one that is not configured, `Unavailable(agent)` when its program
        is not installed here.
        """

    @abstractmethod
    def environment(self, agent: str) -> Mapping[str, str]:
        """The variables that this agent's configuration gives it. Their values are secret: they are handed to
        the process, and neither stored nor told. `InvalidInput("agent")` for one that is not configured.
        """


@attrs.frozen(kw_only=True)
class Launch:
    """A process to be supervised: one attempt of one session."""

    session_id: str
    attempt: int
    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str] = attrs.field(repr=False)
    """What the agent gets beside the allow-listed variables of the host; it may hold secrets, which are on no
    disk. What the supervisor sets itself wins."""
    prompt: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Running:
    """The attempt's lock is held: its supervisor lives."""


@attrs.frozen(kw_only=True)
class Exited:
    """The exit file says how the agent ended: exactly one of the two, or `failed_to_start`."""

    exit_code: int | None = None
    signal: int | None = None
    failed_to_start: str | None = None
    """The program could not be executed: the operating system's reason."""


@attrs.frozen(kw_only=True)
class Vanished:
    """It was started, nobody holds its lock, and there is no exit file: its group was killed."""


@attrs.frozen(kw_only=True)
class NeverStarted:
    """It never started, and from now on never will: the attempt is closed."""


Probe = Running | Exited | Vanished | NeverStarted


@attrs.frozen(kw_only=True)
class OutputPart:
    """A part of what an agent printed, in whole characters."""

    text: str
    """Empty when no more was printed so far."""
    offset: int
    """How many bytes were printed before it."""
    next_offset: int
    """Where the part after it begins; `offset` again when it is empty."""
    left_out: int
    """How many bytes before it were printed, and are not kept because there were too many."""


class Supervisor(ABC):
    """Runs each attempt under a small program of ours that outlives the runner.

    In the folder of the attempt the program takes the lock and keeps it for life, creates `started`
    exclusively before it executes the agent, keeps a bounded part of its output in files and writes the exit
    atomically.
    """

    @abstractmethod
    async def start(self, launch: Launch) -> Probe:
        """Start the attempt and return what is then known: `Running` or `Exited` within seconds.

        Safe to repeat: an attempt that was started before is probed, not started twice. The agent finds
        `HEADWAY_OUT` (a folder for what it wants to say) in its environment.
        """

    @abstractmethod
    async def probe(self, session_id: str, attempt: int) -> Probe | None:
        """What is known of an attempt; closes nothing. None: no sign of a start yet."""

    @abstractmethod
    async def settle(self, session_id: str, attempt: int) -> Probe:
        """For recovery: what became of an attempt whose start has no outcome.

        Without a sign of a start it closes the attempt for good (`NeverStarted`); a vanished one's
        process group is killed.
        """

    @abstractmethod
    async def stop(self, session_id: str, attempt: int, *, grace_s: float = 10.0) -> Probe:
        """End the whole group: TERM, `grace_s`, KILL; returns how it ended. Safe to repeat."""

    @abstractmethod
    async def said(self, session_id: str, attempt: int, name: str, *, limit: int = 1_000_000) -> bytes | None:
        """A regular file that the agent left in `$HEADWAY_OUT`; None when there is none.

        `InvalidInput("name")` when it is larger than `limit` bytes or no regular file.
        """

    @abstractmethod
    async def output(self, session_id: str, attempt: int, *, limit: int = 65_536) -> str:
        """The last `limit` bytes of what the agent printed, decoded; empty when nothing."""

    @abstractmethod
    async def read_output(
        self, session_id: str, attempt: int, offset: int, *, limit: int = 65_536
    ) -> OutputPart | None:
        """What the agent printed from byte `offset` (0, or a `next_offset`) on, up to `limit` bytes.

        `limit` is at least 4, so that a character fits. Of long output the beginning and the end are kept:
        what lies between is skipped and counted. None when nothing is kept of this attempt here: it never
        began, ran elsewhere or was removed.
        """

    @abstractmethod
    async def kept(self) -> tuple[str, ...]:
        """The sessions of which anything is kept here, sorted."""

    @abstractmethod
    async def remove(self, session_id: str) -> None:
        """Remove everything that is kept of a session's attempts. Safe to repeat.

        `Conflict` while one of them runs, `Unavailable` when it can't be done.
        """
