"""A run of a process: what names it, what starts it, and what can be found of it."""

from collections.abc import Mapping
from typing import assert_never

import attrs


@attrs.frozen(kw_only=True)
class RunId:
    """One start of one thing that runs. Never used again: what is found of it is of this start alone."""

    kind: str
    """What runs, as its room calls it: `sessions` for agents. Of `a-z` and `_`; kinds are kept apart."""
    subject: str
    """The id of what runs: a session's."""
    attempt: int
    """Which of its starts, from 0."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject}/{self.attempt}"


@attrs.frozen(kw_only=True)
class Launch:
    """A process to be supervised."""

    run: RunId
    """Which run this is."""
    argv: tuple[str, ...]
    """The program, as an absolute path, and its arguments."""
    cwd: str
    """The folder in which it is started."""
    environment: Mapping[str, str] = attrs.field(repr=False)
    """What the process gets beside the allow-listed variables of the host; it may hold secrets, which are on
    no disk. What the supervisor sets itself wins."""
    standard_input: str = attrs.field(repr=False)
    """All that it can read there: an agent's prompt."""
    after: tuple[RunId, ...] = ()
    """Earlier runs in the same folder, which are over as far as is stored: nothing is executed while a
    process of theirs lives."""


@attrs.frozen(kw_only=True)
class Running:
    """The run's lock is held: its supervisor lives."""


@attrs.frozen(kw_only=True)
class Exited:
    """The exit file says how the process ended: exactly one of the two, or `failed_to_start`."""

    exit_code: int | None = None
    """The process's exit code; None when a signal ended it."""
    signal: int | None = None
    """The signal that ended it; None when none did."""
    failed_to_start: str | None = None
    """The program could not be executed: the operating system's reason."""


@attrs.frozen(kw_only=True)
class Vanished:
    """It was started, nobody holds its lock, and there is no exit file: its group was killed."""


@attrs.frozen(kw_only=True)
class Unreadable:
    """It began, nothing of it lives, and what its supervisor wrote of its end can't be read."""

    problem: str
    """What can't be read, and why: a sentence for people, without text from outside."""


@attrs.frozen(kw_only=True)
class Contradictory:
    """What is found of it can't all be true, such as the exit of what runs on: a person has to look.

    From `probe` it may still run; everywhere else nothing of it lives any more, but what `problem` names.
    """

    problem: str
    """What contradicts what: a sentence for people, without text from outside."""
    began: bool = True
    """Whether the process itself may have come to run."""


@attrs.frozen(kw_only=True)
class NeverStarted:
    """It never started, and from now on never will: the run is closed."""


@attrs.frozen(kw_only=True)
class OutputPart:
    """A part of what a process printed, in whole characters."""

    text: str
    """Empty when no more was printed so far."""
    offset: int
    """How many bytes were printed before it."""
    next_offset: int
    """Where the part after it begins; `offset` again when it is empty."""
    left_out: int
    """How many bytes before it were printed, and are not kept because there were too many."""


Ended = Exited | Vanished | Unreadable | Contradictory | NeverStarted
"""A run that is over."""

Probe = Running | Ended


def began(found: Ended) -> bool:
    """Whether the process came to run, as far as can be told: its supervisor got to executing it."""
    match found:
        case Exited():
            return found.failed_to_start is None
        case Vanished() | Unreadable():
            return True
        case Contradictory():
            return found.began
        case NeverStarted():
            return False
        case _:
            assert_never(found)
