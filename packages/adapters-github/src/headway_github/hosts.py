"""Which projects' repositories are at the API that is configured: no other's are read or written there.

A repository of the same name on another host is another repository, whoever owns it there.
"""

from urllib.parse import urlsplit

from headway_core.kernel.errors import PermissionDenied
from headway_core.projects.model import Project
from headway_core.projects.ports import ForgeHosts
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_github.budgets import host_of

_GITHUB = "github.com"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class GitHubHosts(ForgeHosts):
    """The host of the API. One on this machine, as the sandbox is, stands in for github.com too."""

    def __init__(self, api_url: str) -> None:
        self._host = host_of(api_url).lower()
        here = self._host in _LOOPBACK
        self._served = frozenset({self._host, _GITHUB, *_LOOPBACK}) if here else frozenset({self._host})

    def refusal(self, host: str) -> str | None:
        parts = urlsplit(f"//{host}")  # the port is that of the web pages, or of the API
        if not {"@", "/"} & {*host} and (parts.hostname or "").lower() in self._served:
            return None
        return (
            f"the repository is on {host}, and GitHub is read at {self._host}: one of the same name there is "
            "another one (github_api_url, or --host when that is another name of the same host)"
        )

    def unread(self, project: Project) -> FetchFailed | None:
        """Why nothing of the project is read; None: it is."""
        problem = self.refusal(project.github_host)
        return None if problem is None else FetchFailed(kind=FailureKind.FORBIDDEN, problem=problem)

    def expect(self, project: Project) -> None:
        """`PermissionDenied` for a project of another host."""
        if (problem := self.refusal(project.github_host)) is not None:
            raise PermissionDenied("github", problem)
