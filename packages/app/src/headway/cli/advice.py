"""What a person can do about an error."""

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
_FIELDS = {
    "base": "--base names another branch; a repository without a commit needs its first",
    "branch_prefix": "headway settings set branch_prefix NAME sets another",
    "database": "HEADWAY_DATABASE or config.toml names another: docs/configuration.md",
    "default_agent": "agents are configured in config.toml: docs/agents.md",
    "agent": "agents are configured in config.toml: docs/agents.md",
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
_SERVICES = {
    "github": "gh auth status tells whether the token is good; GITHUB_TOKEN gives another one",
}


def advice(error: BaseException) -> str | None:
    """What can be done now, in words for standard error; None when the error says it all."""
    match error:
        case NotFound(kind=kind):
            return _LISTS.get(kind)
        case InvalidInput(field=field):
            return _FIELDS.get(field)
        case RetriesUsed():
            return f"archive it, and {_AGAIN}"
        case IllegalTransition(kind="workspace", from_status=status):
            return _INSTEAD.get(WorkspaceStatus(status))
        case Conflict(kind="runner"):
            return "headway host list tells when it was last seen"
        case PermissionDenied(service=service) | Unavailable(service=service):
            return _SERVICES.get(service)
        case HeadwayError() | _:
            return None
