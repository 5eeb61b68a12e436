"""Issues that are set by a test."""

import anyio.lowlevel

from headway_core.kernel.errors import HeadwayError, NotFound
from headway_core.operations.ports import Issue, IssueAddress, IssueReader
from headway_core.projects.model import Project


class FakeIssueReader(IssueReader):
    """The issues of `issues`, by number; an error there is raised."""

    def __init__(self) -> None:
        self.issues: dict[int, Issue | HeadwayError] = {}
        self.reads = 0

    def address_of(self, project: Project, number: int) -> str:
        return f"https://{project.github_host}/{project.repository}/issues/{number}"

    def issue_at(self, project: Project, url: str) -> IssueAddress | None:
        number = url.removeprefix(self.address_of(project, 0).removesuffix("0"))
        if not (number.isascii() and number.isdigit()) or url != self.address_of(project, int(number)):
            return None
        return IssueAddress(number=int(number), url=url)

    async def read(self, project: Project, number: int) -> Issue:
        self.reads += 1
        await anyio.lowlevel.checkpoint()
        found = self.issues.get(number, NotFound("issue", f"{project.repository}#{number}"))
        if isinstance(found, HeadwayError):
            raise found
        return found
