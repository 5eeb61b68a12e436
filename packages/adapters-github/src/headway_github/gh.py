"""GraphQL by the `gh` program: its own login, its own proxy and certificates, nothing on its command line."""

import os
import re
import subprocess
from collections.abc import Mapping

import anyio
import anyio.abc

from headway_core.kernel.errors import InvalidInput
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import RawAnswer, SendFailed, their_time
from headway_github.budgets import Budgets
from headway_github.graphql_transport import GraphQLTransport
from headway_github.limits import Limits

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?")
_NOT_LOGGED_IN = 4
"""The exit code of gh that has no token for the host."""
_CHATTY = frozenset({"GH_DEBUG", "DEBUG", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_HOST", "GH_PAGER"})
"""Variables that would change what gh prints or whom it asks."""


class GhGraphQL(GraphQLTransport):
    """Runs `gh api graphql --include --input -`: one process a document, the document on standard input.

    `token`: given to gh in its environment; None: gh uses its own login. `environment`: what gh
    inherits, by default ours (`GH_CONFIG_DIR`, proxies, certificates).
    """

    def __init__(
        self,
        host: str,
        budgets: Budgets,
        *,
        token: str | None = None,
        limits: Limits | None = None,
        program: str = "gh",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(budgets)
        if not _HOST.fullmatch(host):
            raise InvalidInput("github_api_url", "names no host that gh can be told")
        self._limits = limits or Limits()
        self._command = [program, "api", "graphql", "--hostname", host, "--include", "--input", "-"]
        self._environment = _environment(os.environ if environment is None else environment, host, token)

    async def _post(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        cap = self._limits.answer_bytes
        try:
            # Debian's gh reads and writes nothing else; its words on stderr are outside text.
            process = await anyio.open_process(
                self._command,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        except OSError:
            return SendFailed(kind=FailureKind.FORBIDDEN, problem="the program gh is not installed")
        async with process:
            try:
                with anyio.fail_after(self._limits.answer_s):
                    async with anyio.create_task_group() as group:
                        group.start_soon(_write, process, content)
                        printed = await _read(process, cap)
                    if len(printed) <= cap:
                        await process.wait()
            except TimeoutError:
                return SendFailed(
                    kind=FailureKind.UNAVAILABLE, problem="gh did not answer in time", too_big=not changes
                )
            finally:
                if process.returncode is None:
                    process.kill()
        return _answer(printed, process.returncode or 0, cap)


def _environment(base: Mapping[str, str], host: str, token: str | None) -> dict[str, str]:
    kept = {name: value for name, value in base.items() if name not in _CHATTY}
    kept |= {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    if token is not None:
        cloud = host in ("github.com", "github.localhost") or host.endswith(".ghe.com")
        kept["GH_TOKEN" if cloud else "GH_ENTERPRISE_TOKEN"] = token
    return kept


async def _write(process: anyio.abc.Process, content: bytes) -> None:
    assert process.stdin is not None
    try:
        await process.stdin.send(content)
        await process.stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # it ended without reading: its exit code tells why


async def _read(process: anyio.abc.Process, cap: int) -> bytes:
    """What it prints, at most a chunk more than `cap`."""
    assert process.stdout is not None
    printed = bytearray()
    async for chunk in process.stdout:
        printed += chunk
        if len(printed) > cap:
            process.kill()
            break
    return bytes(printed)


def _answer(printed: bytes, code: int, cap: int) -> RawAnswer | SendFailed:
    """The response that gh printed: also beside exit code 1, which it gives to partial data."""
    if len(printed) > cap:
        problem = f"the answer is larger than {cap} bytes"
        return SendFailed(kind=FailureKind.NONSENSE, problem=problem, too_big=True)
    head, end, body = _split(printed)
    status = _STATUS.fullmatch(head[0]) if head and end else None
    if status is not None:
        headers = dict(_header(line) for line in head[1:])
        return RawAnswer(status=int(status[1]), headers=headers, body=body, at=their_time(headers))
    if code == _NOT_LOGGED_IN:
        return SendFailed(kind=FailureKind.FORBIDDEN, problem="gh has no login here: run gh auth login")
    if code:
        return SendFailed(kind=FailureKind.UNAVAILABLE, problem=f"gh got no answer (exit code {code})")
    return SendFailed(kind=FailureKind.NONSENSE, problem="gh printed no response")


def _split(printed: bytes) -> tuple[list[bytes], bytes, bytes]:
    """Lines of the head, whether it ended, and the body."""
    found = re.search(rb"\r?\n\r?\n", printed)
    if found is None:
        return [], b"", b""
    return re.split(rb"\r?\n", printed[: found.start()]), found[0], printed[found.end() :]


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("utf-8", "replace").partition(":")
    return name.strip().lower(), value.strip()
