"""Issues that are set by a test."""

import anyio.lowlevel

from headway_core.kernel.errors import HeadwayError, NotFound
from headway_core.operations.ports import Issue, IssueReader
from headway_core.projects.model import Project


class FakeIssueReader(IssueReader):
    """The issues of `issues`, by number; an error there is raised."""

    def __init__(self) -> None:
        self.issues: dict[int, Issue | HeadwayError] = {}
        self.reads = 0

    async def read(self, project: Project, number: int) -> Issue:
        self.reads += 1
        await anyio.lowlevel.checkpoint()
        found = self.issues.get(number, NotFound("issue", f"{project.repository}#{number}"))
        if isinstance(found, HeadwayError):
            raise found
        return found
