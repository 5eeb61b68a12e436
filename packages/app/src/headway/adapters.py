"""Ports of an application's own, in place of those that Headway brings."""

import typing

import attrs

from headway_core.api import (
    Agents,
    ForgeHosts,
    ForgeReader,
    ForgeWriter,
    HostLocks,
    InvalidInput,
    IssueReader,
    Scripts,
    Supervisor,
    WebhookDecoder,
    Worktrees,
)


@attrs.frozen(kw_only=True)
class Adapters:
    """What `headway.open` takes in place of its own adapters. None: its own.

    `InvalidInput` names the field whose value does not implement its port.
    """

    forge: ForgeReader | None = None
    """Reads pull requests; by default from GitHub."""
    forge_writer: ForgeWriter | None = None
    """Replies, comments and opens pull requests; by default at GitHub."""
    forge_hosts: ForgeHosts | None = None
    """Of which hosts the forge is; by default that of GitHub's API, and any beside a `forge` of one's own."""
    issues: IssueReader | None = None
    """Reads issues, and says which addresses are theirs; by default GitHub's."""
    webhook_decoder: WebhookDecoder | None = None
    """Checks and reads what `hw.webhooks` receives; by default GitHub's deliveries."""
    agents: Agents | None = None
    """The kinds of agents; by default the programs of `Config.agents`."""
    supervisor: Supervisor | None = None
    """Runs agents so that they outlive a runner; by default as processes of this machine."""
    worktrees: Worktrees | None = None
    """Makes and removes worktrees; by default with git."""
    scripts: Scripts | None = None
    """Runs start-up scripts; by default with a shell."""
    locks: HostLocks | None = None
    """Who this host is, and that nobody else acts; by default files of the data directory."""

    def __attrs_post_init__(self) -> None:
        for name, hint in typing.get_type_hints(type(self)).items():
            port, _ = typing.get_args(hint)
            given = getattr(self, name)
            if given is not None and not isinstance(given, port):
                raise InvalidInput(f"adapters.{name}", f"a {type(given).__name__} is no {port.__name__}")

    def given(self) -> dict[str, object]:
        """Those that are there, by the names of their ports in core."""
        fields = attrs.fields_dict(type(self))
        return {name: port for name in fields if (port := getattr(self, name)) is not None}
