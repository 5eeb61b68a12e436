"""Addresses of issues at GitHub: as people give them (hostile), and in their plain form. Pure."""

import re
from urllib.parse import urlsplit

from headway_core.operations.ports import IssueAddress
from headway_core.projects.model import Project

_NUMBER = r"/([1-9][0-9]{0,9})"


def issue_address(project: Project, number: int) -> str:
    """The plain address of an issue of the project's repository."""
    return f"https://{project.github_host}/{project.repository}/issues/{number}"


def issue_at(project: Project, url: str) -> IssueAddress | None:
    """The issue of the project's repository that an address names; None for any other."""
    try:
        parts = urlsplit(url) if url.isprintable() else urlsplit("")
        there = (parts.netloc.lower(), parts.path.rstrip("/").lower())
    except ValueError:  # a bracket that does not close
        return None
    issues = f"/{project.repository}/issues"
    number = re.fullmatch(re.escape(issues.lower()) + _NUMBER, there[1])
    # The sandbox and a GitHub on loopback speak http.
    if number is None or there[0] != project.github_host.lower() or parts.scheme not in {"https", "http"}:
        return None
    plain = f"{parts.scheme}://{project.github_host}{issues}/{number[1]}"
    return IssueAddress(number=int(number[1]), url=plain)
