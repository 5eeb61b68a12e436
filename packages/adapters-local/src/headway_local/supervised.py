"""The small program that processes run under. Standard library only: it must be running within milliseconds.

    supervised.py attempt OUTPUT_LIMIT FOLDER PROMPT CWD PROGRAM [ARGUMENT…]
    supervised.py leash PATIENCE LOCK CWD PROGRAM [ARGUMENT…]

`attempt` is one run of a process, such as an agent, and outlives whoever asked for it. The caller waits for a
parent that ends as soon as the outcome of the start is on disk. In the folder of the run, of which the
program is not told, it holds `lock` for life; links `started` (who it is, and by what its processes are
known) into place, once and for ever, before it executes the program with the file PROMPT as its standard
input; writes what the program prints, at most OUTPUT_LIMIT bytes of it (`Output`); and renames `exit` into
place when nothing of the program is left. On TERM it ends the program: TERM, the seconds in `stop`, KILL.

`leash` runs a program that ends with whoever holds the other end of standard input: when that closes,
whatever the reason, it has PATIENCE seconds to end by itself, then TERM, 2 seconds, KILL. It ends as the
program ended: same exit code, same signal. It holds the file LOCK, unless that is empty, until nothing of
the program is left, so that a successor of whoever was killed can wait for that.

In both, the program gets a parent-death signal, so that it ends with this one; and this one is the
reaper of all its descendants, so that none survives the program by leaving its group or session.
Files are lines of a key, a space and a value.
"""

# Importing pathlib would double the time of the start.
# ruff: noqa: PTH100, PTH120, PTH208
import contextlib
import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `collections.abc` would cost a third of the start
    from collections.abc import Callable
if TYPE_CHECKING or __package__:
    from headway_local.supervised_files import (
        LOCK_PATIENCE_S,
        ON_LINUX,
        PARENT,
        claim,
        enter_cgroup,
        identity,
        leave_cgroup,
        open_regular,
        pid_namespace,
        read_small,
        stat_fields,
        take_lock,
        write_file,
    )
    from headway_local.supervised_output import Output
else:  # run by its path: what lies beside it, which no environment gives another meaning
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    from supervised_files import (
        LOCK_PATIENCE_S,
        ON_LINUX,
        PARENT,
        claim,
        enter_cgroup,
        identity,
        leave_cgroup,
        open_regular,
        pid_namespace,
        read_small,
        stat_fields,
        take_lock,
        write_file,
    )
    from supervised_output import Output

LEFTOVER_GRACE_S = 2.0
"""How long what the program left behind, or a leashed program, may take to end on TERM."""
STOP_GRACE_S = 10.0
"""The same for a stopped attempt, when `stop` does not say."""
LONGEST_GRACE_S = 3600.0
KILL_AGAIN_S = 0.05
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CANNOT_EXECUTE = 127


class CannotStartError(Exception):
    """The program could not be executed; the operating system's reason."""


def prctl(option: int, value: int) -> None:
    if ON_LINUX and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def spawn(cwd: str, command: "list[str]", standard_in: int, output: "int | None", umask: int) -> int:
    """Execute the program in a group of its own and return its pid; `CannotStartError` when that fails."""
    failure, report = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        step = "prepare"
        try:
            os.setpgid(0, 0)
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the signal was arranged
                os._exit(CANNOT_EXECUTE)
            for inherited in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                signal.signal(inherited, signal.SIG_DFL)
            os.umask(umask)
            os.dup2(standard_in, 0)
            if output is not None:
                os.dup2(output, 1)
                os.dup2(output, 2)
            step = f"enter {cwd}"
            os.chdir(cwd)
            step = f"execute {command[0]}"
            os.execvp(command[0], command)  # noqa: S606 - an argument list, no shell
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            os.write(report, f"cannot {step}: {reason}".encode("utf-8", "surrogateescape"))
        finally:
            os._exit(CANNOT_EXECUTE)
    os.close(report)
    said = b""
    while part := os.read(failure, 4096):
        said += part
    os.close(failure)
    if said:
        os.waitpid(child, 0)
        raise CannotStartError(said.decode("utf-8", "surrogateescape"))
    return child


def children() -> "list[int]":
    """The living or unreaped children of this process (Linux; elsewhere none is adopted)."""
    found = []
    me = str(os.getpid())
    for name in os.listdir("/proc") if ON_LINUX else ():
        if name.isdigit():
            try:
                if stat_fields(name)[PARENT] == me:
                    found.append(int(name))
            except OSError:
                continue  # ended meanwhile
    return found


class Family:
    """The program and everything that it left behind."""

    def __init__(self, output: "Output | None" = None) -> None:
        self._output = output
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.program = 0
        self.status: int | None = None
        """The wait status of the program; None while it runs."""
        self._asked_to_stop = False
        self._told: set[int] = set()
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for asking in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(asking, self._ask_to_stop)

    def watch(
        self,
        program: int,
        grace_s: "Callable[[], float]",
        leash: "int | None" = None,
        patience_s: float = 0.0,
    ) -> int:
        """Sleep until all have ended, because they wanted or were asked to; the program's wait status.

        They are asked by a signal, or `patience_s` after the leash's other end was closed; who
        still lives `grace_s` later is killed.
        """
        self.program = program
        ask = kill = None  # when
        ended = False
        while self._reap():
            now = time.monotonic()
            if self.status is not None:
                if not ended:
                    ended, kill = True, now + LEFTOVER_GRACE_S
                self._tell(signal.SIGTERM)  # at each wake-up: whose parent has ended is adopted only then
            if self._asked_to_stop or (ask is not None and now >= ask):
                self._asked_to_stop, ask = False, None
                kill = min(now + grace_s(), now + grace_s() if kill is None else kill)
                self._tell(signal.SIGTERM)
            if kill is not None and now >= kill:
                self._tell(signal.SIGKILL)
                kill = now + KILL_AGAIN_S
            next_time = min((moment for moment in (ask, kill) if moment is not None), default=None)
            if self._sleep(None if next_time is None else next_time - now, leash):
                leash = None
                ask = time.monotonic() + patience_s
        assert self.status is not None, "no child is left, so the program was reaped"
        return self.status

    def _ask_to_stop(self, *_: object) -> None:
        self._asked_to_stop = True

    def _reap(self) -> bool:
        """Collect who has ended; False when nobody is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.program:
                self.status = status

    def _tell(self, what: int) -> None:
        """Signal the group while its number is surely ours; later what was adopted, each once.

        A child that was not reaped keeps its pid, so nobody else is ever hit.
        """
        if self.status is None:
            with contextlib.suppress(OSError):
                os.killpg(self.program, what)
            if what != signal.SIGKILL:
                return
        for child in children():
            if what == signal.SIGKILL or child not in self._told:
                self._told.add(child)
                with contextlib.suppress(OSError):
                    os.kill(child, what)

    def _sleep(self, wait_s: "float | None", leash: "int | None") -> bool:
        """Wait for a signal, the leash or the time, and keep what is printed meanwhile.

        True when the leash's other end was closed.
        """
        until = None if wait_s is None else time.monotonic() + wait_s
        while True:
            sources = [source for source in (self._woken, leash) if source is not None]
            printed = [] if self._output is None else [self._output.source]
            left = None if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([*sources, *printed], [], [], left)
            if self._output is not None and self._output.source in ready and not self._output.take():
                self._output = None  # whoever could print has closed it
            if self._woken in ready:
                os.read(self._woken, 4096)
            if any(source in ready for source in sources) or (
                until is not None and time.monotonic() >= until
            ):
                return leash is not None and leash in ready and not os.read(leash, 4096)


def ordered_grace_s() -> float:
    """What whoever stops the attempt wrote before the signal."""
    try:
        grace_s = float(read_small("stop"))
    except (OSError, ValueError):
        return STOP_GRACE_S
    return grace_s if 0.0 <= grace_s <= LONGEST_GRACE_S else STOP_GRACE_S


def attempt(limit: int, folder: str, prompt: str, cwd: str, command: "list[str]") -> None:
    started, starting = os.pipe()
    if os.fork() != 0:
        os.close(starting)
        os.read(started, 1)  # returns when the other has let go of its end
        return
    os.close(started)
    os.setsid()
    os.chdir(folder)
    umask = os.umask(0o077)
    output = Output(limit)
    family = Family(output)
    if not take_lock():
        return
    cgroup = enter_cgroup()
    signs = f"output {os.fstat(output.source).st_ino}\ncwd {os.fsencode(cwd).hex()}\n"
    signs += f"pid_namespace {pid_namespace()}\n" + (f"cgroup {cgroup}\n" if cgroup else "")
    if claim(identity(os.getpid()) + signs):
        try:
            standard_in = open_regular(prompt)
            program = spawn(cwd, command, standard_in, output.sink, umask)
        except (OSError, CannotStartError) as error:
            how = f"failed_to_start {error}"
        else:
            for handed in (standard_in, output.sink, starting):
                os.close(handed)
            code = os.waitstatus_to_exitcode(family.watch(program, ordered_grace_s))
            output.take_rest()
            how = f"signal {-code}" if code < 0 else f"exit_code {code}"
        write_file("exit", f"{how}\n")
    if cgroup:
        leave_cgroup(cgroup)


def lock_patiently(descriptor: int) -> None:
    """Lock it. Whoever was killed meanwhile may need a moment to let go: its program ends first."""
    give_up = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise
            select.select([], [], [], 0.01)
        else:
            return


def leash(patience_s: float, lock: str, cwd: str, command: "list[str]") -> None:
    family = Family()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        if lock:
            lock_patiently(os.open(lock, os.O_RDWR))
        # Only now, with the lock in hand: who was killed by now may have a successor that saw no lock.
        if select.select([0], [], [], 0.0)[0] and not os.read(0, 1):
            os._exit(CANNOT_EXECUTE)
        program = spawn(cwd, command, nothing, None, umask=os.umask(0o022))
    except (OSError, CannotStartError) as error:
        sys.stderr.write(
            f"{error}\n" if isinstance(error, CannotStartError) else f"cannot hold {lock}: {error}\n"
        )
        sys.stderr.flush()
        os._exit(CANNOT_EXECUTE)
    status = family.watch(program, lambda: LEFTOVER_GRACE_S, leash=0, patience_s=patience_s)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the program left a core if it was to be
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def main(mode: str, *words: str) -> None:
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # above all no lock of the runner's
    if mode == "attempt":
        limit, folder, prompt, cwd, *command = words
        attempt(int(limit), folder, prompt, cwd, command)
    else:
        patience_s, lock, cwd, *command = words
        leash(float(patience_s), lock, cwd, command)


if __name__ == "__main__":
    main(*sys.argv[1:])
