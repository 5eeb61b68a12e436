"""What the sandbox refuses, in the words and shapes GitHub uses.

SandboxError
+-- NotFound         GraphQL type NOT_FOUND,     control HTTP 404
+-- Forbidden        GraphQL type FORBIDDEN,     control HTTP 403
+-- Unprocessable    GraphQL type UNPROCESSABLE, control HTTP 422
+-- StateInUse       another server holds the state file
+-- ServerFailed     a launched server did not come up
+-- CommandRefused   the client's view of a refused control command
"""

from pathlib import Path
from typing import ClassVar


class SandboxError(Exception):
    """Root of every error that this package raises on purpose."""

    graphql_type: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500


class NotFound(SandboxError):
    """Nothing with that name exists, or the viewer may not know that it does."""

    graphql_type = "NOT_FOUND"
    http_status = 404


class Forbidden(SandboxError):
    """The user may see the thing but not do this to it."""

    graphql_type = "FORBIDDEN"
    http_status = 403


class Unprocessable(SandboxError):
    """The request is understood and makes no sense in the present state."""

    graphql_type = "UNPROCESSABLE"
    http_status = 422


class StateInUse(SandboxError):
    """Another server process holds the lock of this state file."""

    def __init__(self, state_file: Path) -> None:
        """Name the state file whose lock is held."""
        super().__init__(f"another sandbox server runs on {state_file}")
        self.state_file = state_file


class ServerFailed(SandboxError):
    """A launched server ended or stayed silent; `log` is the tail of its log file."""

    def __init__(self, reason: str, *, log: str) -> None:
        """Say why, and carry the tail of the log."""
        super().__init__(f"{reason}\n{log}" if log else reason)
        self.log = log


class CommandRefused(SandboxError):
    """The control API answered `status` with `message` instead of doing the command."""

    def __init__(self, command: str, *, status: int, message: str) -> None:
        """Name the command and what the server said."""
        super().__init__(f"{command}: {status} {message}")
        self.command = command
        self.status = status
        self.message = message
