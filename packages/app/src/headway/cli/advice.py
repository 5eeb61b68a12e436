"""What a person can do about an error."""

import re

from headway_core.api import (
    Conflict,
    HeadwayError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    PermissionDenied,
    RetriesUsed,
    Unavailable,
    WorkspaceStatus,
)

_LISTS = {
    "workspace": "headway workspace list tells the live ones, with --archived all",
    "project": "headway project list tells them; headway init registers the repository of the present folder",
    "session": "headway workspace show WORKSPACE tells its sessions",
    "host": "headway host list tells them",
    "pull request": "headway pr show WORKSPACE tells what is attached",
}
_AGENTS = 'config.toml configures agents: under [agents.NAME] stands command = ["PROGRAM"]'
_FIELDS = {
    "base": "--base names another branch; a repository without a commit needs its first",
    "branch_prefix": "headway settings set branch_prefix NAME sets another",
    "database": "HEADWAY_DATABASE, or database in config.toml, names another",
    "default_agent": _AGENTS,
    "agent": _AGENTS,
    "default_branch": "git branch --all lists the branches that there are",
    "github": "--github owner/name says which repository on GitHub it is",
    "path": "name a folder of a git repository that has a branch checked out; git init makes one",
    "resume": "git branch --all lists the branches that there are; --branch NAME makes a new one",
}
_AGAIN = "create another workspace of its branch: headway workspace create --resume BRANCH"
_INSTEAD = {
    WorkspaceStatus.NEW: "its provisioning has not begun; headway up provisions it",
    WorkspaceStatus.PROVISIONING: "its provisioning goes on; headway workspace cancel ends it",
    WorkspaceStatus.READY: "its provisioning succeeded, so there is nothing to repeat or to cancel; "
    "headway session start has an agent work in it, headway workspace archive puts it away",
    WorkspaceStatus.FAILED: "its provisioning failed; headway workspace retry repeats it",
    WorkspaceStatus.ARCHIVING: "it is being archived",
    WorkspaceStatus.ARCHIVED: f"it is archived; {_AGAIN}",
}
"""What a workspace in each status allows instead of what was asked."""
_INSTEAD_OF_SESSIONS = {
    f"it is {status}": _INSTEAD[status] for status in (WorkspaceStatus.ARCHIVING, WorkspaceStatus.ARCHIVED)
}
"""By what is said of a workspace in which no session can start."""
_REFUSED = {
    "github": "gh auth status tells whether the token is good; GITHUB_TOKEN gives another one",
}
"""By service, when it knows us and says no."""
_AWAY = {
    "github": "headway up tries it again by itself; if it stays away, look whether github_api_url is right",
}
"""By service, when it can't be reached or is not usable now."""
_ANOTHER_AGENT = f"headway settings set default_agent NAME chooses another agent; {_AGENTS}"
_NOT_INSTALLED = re.compile(r"its program .* is not installed")
_CHECKED_OUT = (
    "have that folder on another branch (git switch), or begin a new one from it: "
    "headway workspace create --name NAME --base BRANCH"
)
_ELSEWHERE = re.compile(r"(it )?is checked out at ")


def advice(error: BaseException) -> str | None:
    """What can be done now, in words for standard error; None when the error says it all."""
    match error:
        case NotFound(kind=kind):
            return _LISTS.get(kind)
        case InvalidInput(problem="no such setting"):
            return "headway settings show lists them"
        case InvalidInput(field=field):
            return _FIELDS.get(field)
        case RetriesUsed():
            return f"archive it, and {_AGAIN}"
        case IllegalTransition(kind="workspace", from_status=status):
            return _INSTEAD.get(WorkspaceStatus(status))
        case Conflict(kind="runner"):
            return "headway host list tells when it was last seen"
        case Conflict(kind="workspace", problem=problem):
            return _INSTEAD_OF_SESSIONS.get(problem)
        case Conflict(kind="branch", problem=problem) if _ELSEWHERE.match(problem):
            return _CHECKED_OUT
        case PermissionDenied(service=service):
            return _REFUSED.get(service)
        case Unavailable(problem=problem) if _NOT_INSTALLED.fullmatch(problem):
            return _ANOTHER_AGENT
        case Unavailable(service=service):
            return _AWAY.get(service)
        case HeadwayError() | _:
            return None
