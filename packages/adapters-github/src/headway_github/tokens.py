"""Where the token comes from. It is never in a `repr`, a log or an error."""

import subprocess
from abc import ABC, abstractmethod

import anyio

from headway_core.kernel.errors import PermissionDenied

_GH_DEADLINE_S = 10.0


class Tokens(ABC):
    """Gives the token of the one host that this adapter speaks to."""

    @abstractmethod
    async def token(self) -> str:
        """The token. `PermissionDenied("github", …)` says what to do when there is none."""

    @abstractmethod
    def refused(self) -> None:
        """GitHub refused the last one: look for another next time."""


class GivenToken(Tokens):
    """A token from the settings or the environment."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        if not self._token.isascii() or not self._token.isprintable() or " " in self._token:
            raise PermissionDenied("github", "GITHUB_TOKEN is no token: it holds characters that none has")
        return self._token

    def refused(self) -> None:
        """It stays what it is."""


class GhToken(Tokens):
    """What `gh auth token` says of one host; asked once, and again after a refusal.

    The host is always named: without it gh tells the token of github.com, which no other host may get.
    """

    def __init__(self, host: str, program: str = "gh") -> None:
        self._host = host
        self._program = program
        self._token: str | None = None

    async def token(self) -> str:
        if self._token is None:
            self._token = await self._ask()
        return self._token

    def refused(self) -> None:
        self._token = None

    async def _ask(self) -> str:
        missing = PermissionDenied("github", "no token: set GITHUB_TOKEN or run gh auth login")
        try:
            with anyio.fail_after(_GH_DEADLINE_S):
                done = await anyio.run_process(
                    [self._program, "auth", "token", "--hostname", self._host],
                    check=False,
                    stdin=subprocess.DEVNULL,
                )
        except (OSError, TimeoutError):
            raise missing from None
        token = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode != 0 or not token or not token.isascii() or not token.isprintable():
            raise missing
        return token


def tokens(given: str | None, host: str) -> Tokens:
    """The source: a given token, else the `gh` command for this host."""
    return GivenToken(given.strip()) if given and given.strip() else GhToken(host)
