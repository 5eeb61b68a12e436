"""Repositories, and the people who may do something in them."""

from collections.abc import Mapping

import attrs

from headway_sandbox.commands.branches import PushView
from headway_sandbox.commands.checks import RunView, StatusView
from headway_sandbox.commands.conversation import IssueView
from headway_sandbox.commands.pulls import PullView
from headway_sandbox.records import Association, Permission


@attrs.frozen(kw_only=True)
class UserView:
    """An account and what it may do."""

    login: str
    token: str
    node_id: str
    permissions: Mapping[str, Permission]  # by "owner/name"


@attrs.frozen(kw_only=True)
class RepositoryView:
    """A repository with everything in it."""

    name: str  # owner/name
    origin: str
    default_branch: str
    branches: Mapping[str, str]
    pulls: tuple[PullView, ...]
    issues: tuple[IssueView, ...]
    runs: tuple[RunView, ...]
    statuses: tuple[StatusView, ...]
    pushes: tuple[PushView, ...]


@attrs.frozen(kw_only=True)
class UserSpec:
    """A user to create. Without `token` one is generated; without `association` it follows."""

    login: str
    permission: Permission = Permission.WRITE
    token: str | None = None
    association: Association | None = None
    bot: bool = False
    fine_grained: bool = False  # its token may not read checks by GraphQL, only by REST


@attrs.frozen(kw_only=True)
class CreateRepository:
    """Serve a bare repository. Known already with the same origin: its settings are kept."""

    owner: str
    name: str
    origin: str  # absolute path of a bare git repository
    default_branch: str = "main"
    users: tuple[UserSpec, ...] = ()
    test_command: tuple[str, ...] = ()  # empty: no CI
    ci_env: Mapping[str, str] = attrs.field(factory=dict)
    ci_on_push: bool = False
    ci_timeout: float = 300.0  # seconds
    required_checks: tuple[str, ...] = ()
    required_apps: Mapping[str, str] = attrs.field(factory=dict)  # the app that a check is pinned to
    required_approvals: int = 0
    requires_resolution: bool = False
    requires_up_to_date: bool = False
    ruleset: bool = False
    mergeable_delay: float = 0.0  # seconds of UNKNOWN after the read that follows a change
    mergeable_by_rest: bool = False  # only a read by REST starts the trial merge


@attrs.frozen(kw_only=True)
class ChangeRepository:
    """Change settings; None leaves as it is."""

    repository: str = ""
    test_command: tuple[str, ...] | None = None
    ci_env: Mapping[str, str] | None = None
    ci_on_push: bool | None = None
    ci_timeout: float | None = None
    required_checks: tuple[str, ...] | None = None
    required_apps: Mapping[str, str] | None = None
    required_approvals: int | None = None
    requires_resolution: bool | None = None
    requires_up_to_date: bool | None = None
    ruleset: bool | None = None
    mergeable_delay: float | None = None
    mergeable_by_rest: bool | None = None


@attrs.frozen(kw_only=True)
class RenameRepository:
    """Rename or transfer a repository; its former name redirects. Empty: stays as it is."""

    name: str = ""
    owner: str = ""
    repository: str = ""


@attrs.frozen(kw_only=True)
class CreateUser:
    """Create a user, or give a known one another permission."""

    user: UserSpec
    repository: str = ""
