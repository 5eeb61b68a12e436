"""What is asked of the machine: processes that outlive their runner."""

from abc import ABC, abstractmethod

from headway_core.processes.model import Launch, OutputPart, Probe, RunId


class Supervisor(ABC):
    """Runs each process under a small program of ours that outlives the runner.

    In the folder of the run the program takes the lock and keeps it for life, creates `started`
    exclusively before it executes the process, keeps a bounded part of its output in files and writes the
    exit atomically.

    The process is of the same user, so it may write any of that itself. Whatever it wrote, each method
    answers soon, and with one of these types: what can't be read is `Unreadable`, what can't all be true
    `Contradictory`.
    """

    @abstractmethod
    async def start(self, launch: Launch) -> Probe:
        """Start the run and return what is then known: `Running` or `Exited` within seconds.

        Safe to repeat: a run that was started before is settled, not started twice. The process finds
        `HEADWAY_OUT` (a folder for what it wants to say, and with nothing that tells of the run) in its
        environment.

        While a process of `launch.after` lives nothing is executed: it is ended first, and where that can't
        be the run is closed (`Contradictory`, not begun).
        """

    @abstractmethod
    async def probe(self, run: RunId) -> Probe | None:
        """What is known of a run, at a glance; closes and ends nothing. None: no sign of a start yet."""

    @abstractmethod
    async def settle(self, run: RunId) -> Probe:
        """For recovery: what became of a run whose start has no outcome.

        Without a sign of a start it closes the run for good (`NeverStarted`). Of an end nothing lives any
        more: what was left is killed, known by more than one sign (its lock, the tree of processes, what they
        inherited). `Unavailable` when something can't be killed.
        """

    @abstractmethod
    async def stop(self, run: RunId, *, grace_s: float = 10.0) -> Probe:
        """End the whole group: TERM, `grace_s`, KILL; returns how it ended. Safe to repeat."""

    @abstractmethod
    async def said(self, run: RunId, name: str, *, limit: int = 1_000_000) -> bytes | None:
        """A regular file that the process left in `$HEADWAY_OUT`; None when there is none.

        `InvalidInput("name")` when it is larger than `limit` bytes or no regular file.
        """

    @abstractmethod
    async def output(self, run: RunId, *, limit: int = 65_536) -> str:
        """The last `limit` bytes of what the process printed, decoded; empty when nothing."""

    @abstractmethod
    async def read_output(self, run: RunId, offset: int, *, limit: int = 65_536) -> OutputPart | None:
        """What the process printed from byte `offset` (0, or a `next_offset`) on, up to `limit` bytes.

        `limit` is at least 4, so that a character fits. Of long output the beginning and the end are kept:
        what lies between is skipped and counted. None when nothing is kept of this run here: it never
        began, ran elsewhere or was removed.
        """

    @abstractmethod
    async def kept(self, kind: str) -> tuple[str, ...]:
        """The subjects of a kind of whose runs anything is kept here, sorted."""

    @abstractmethod
    async def remove(self, kind: str, subject: str) -> None:
        """Remove everything that is kept of a subject's runs. Safe to repeat.

        `Conflict` while one of them runs, `Unavailable` when it can't be done.
        """
