"""`headway-sandbox serve --state FILE [--port N] [--detach]`."""

import argparse
import os
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Run the command line; exit code 3 means that a server runs on the file already."""
    parser = argparse.ArgumentParser(prog="headway-sandbox", description="A stateful GitHub on loopback.")
    serve = parser.add_subparsers(required=True).add_parser("serve", help="serve a state file")
    serve.add_argument("--state", type=Path, required=True, help="SQLite file; created when absent")
    serve.add_argument("--port", type=int, help="instead of the stored or a free one")
    serve.add_argument("--detach", action="store_true", help="leave the terminal and the parent behind")
    options = parser.parse_args(argv)
    state = options.state.resolve()
    if options.detach:
        _detach(state)
    # After the fork: the child must be small, and --help quick.
    from headway_sandbox.errors import SandboxError, StateInUse  # noqa: PLC0415 (see above)
    from headway_sandbox.server import serve as run  # noqa: PLC0415 (see above)

    try:
        run(state, port=options.port, announced=_hush if options.detach else _go_on)
    except StateInUse as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line)
        return 3
    except SandboxError as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command line)
        return 1
    return 0


def _detach(state: Path) -> None:
    """Become a child of init in a session of its own; standard output stays, errors go to the log."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir(state.parent)  # keep no folder of the parent busy
    log = os.open(f"{state}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def _hush() -> None:
    """Let go of standard output, or whoever reads the announcement waits for its end for ever."""
    os.dup2(2, 1)


def _go_on() -> None:
    """Keep standard output."""


if __name__ == "__main__":
    sys.exit(main())
