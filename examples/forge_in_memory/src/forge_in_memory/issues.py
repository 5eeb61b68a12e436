"""Reads its issues for Headway, whose addresses are the forge's own."""

import re

from forge_in_memory.forge import COLLABORATORS, MemoryForge
from headway_core.api import Issue, IssueAddress, IssueReader, NotFound, Project

ADDRESS = re.compile(r"memory://(?P<repository>[\w.-]+/[\w.-]+)/issues/(?P<number>[1-9][0-9]{0,8})", re.ASCII)


class MemoryIssueReader(IssueReader):
    """Everybody may open issues; those of collaborators may be quoted to agents."""

    def __init__(self, forge: MemoryForge) -> None:
        self._forge = forge

    def address_of(self, project: Project, number: int) -> str:
        return f"memory://{project.repository}/issues/{number}"

    def issue_at(self, project: Project, url: str) -> IssueAddress | None:
        named = ADDRESS.fullmatch(url)
        if named is None or named["repository"] != project.repository:
            return None
        return IssueAddress(number=int(named["number"]), url=url)

    async def read(self, project: Project, number: int) -> Issue:
        found = self._forge.issues.get(number)
        if found is None or project.repository != self._forge.project.repository:
            raise NotFound("issue", f"{project.repository}#{number}")
        return Issue(
            number=number,
            url=self.address_of(project, number),
            title=found.title,
            body=found.body,
            author=found.author,
            trusted=found.author in COLLABORATORS,
        )
