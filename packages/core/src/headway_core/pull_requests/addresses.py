"""Addresses of pull requests: as people give them, and as agents print them (hostile)."""

import re

from headway_core.kernel.errors import InvalidInput
from headway_core.projects.model import Project

_MOST = 3
_NUMBER = r"([1-9][0-9]{0,9})"


def pull_request_number(project: Project, address: str) -> int:
    """The number in an address of a pull request of the project's repository.

    `InvalidInput("url")` for any other: of another repository, with another scheme, with more in front.
    """
    found = _pattern(project).match(address.strip())
    if found is None:
        raise InvalidInput(
            "url", f"is no address of a pull request of {project.github_host}/{project.repository}"
        )
    return int(found[1])


def named_pull_requests(project: Project, text: str) -> tuple[int, ...]:
    """The pull requests of the project's repository that a text names by address: the last three, each once.

    Nothing but a hint: whoever wrote the text may name what they like.
    """
    named = [int(number) for number in _pattern(project).findall(text)]
    return tuple(reversed(list(dict.fromkeys(reversed(named)))[:_MOST]))


def _pattern(project: Project) -> re.Pattern[str]:
    host, repository = re.escape(project.github_host), re.escape(project.repository)
    return re.compile(rf"https?://{host}/{repository}/pull/{_NUMBER}(?![0-9])", re.IGNORECASE)
