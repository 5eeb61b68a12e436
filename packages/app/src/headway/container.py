"""The composition root: the only place that knows core and every adapter."""

from collections.abc import Mapping

from dependency_injector import providers

from headway.config import Config
from headway_core.container import CoreContainer
from headway_core.kernel.store import Store
from headway_core.projects.ports import AnyHost
from headway_github.container import GitHubContainer
from headway_local.container import LocalContainer


class AppContainer:
    """Core with the adapters of one machine.

    Three containers side by side, and none within another: what is nested is copied once more at each level.
    """

    def __init__(self, *, config: Config, store: Store) -> None:
        self.local = LocalContainer(
            data_dir=config.data_dir,
            programs=config.agents,
            read_programs_again=config.read_agents_again,
            lfs_repositories=config.lfs_repositories,
        )
        self.github = GitHubContainer(
            api_url=config.github_api_url,
            token=config.github_token,
            transport=config.github_transport,
            webhook_secrets=config.webhook_secrets,
        )
        self.core = CoreContainer(
            store=store,
            locks=self.local.host,
            worktrees=self.local.worktrees,
            scripts=self.local.scripts,
            agents=self.local.agents,
            supervisor=self.local.supervisor,
            forge=self.github.pull_requests,
            forge_hosts=self.github.hosts,
            forge_writer=self.github.writer,
            webhook_decoder=self.github.webhooks,
            issues=self.github.issues,
            worktrees_root=config.worktrees_root,
        )


def wired(config: Config, store: Store, ports: Mapping[str, object]) -> AppContainer:
    """The container, with these ports of an application's own in place of those of the adapters."""
    container = AppContainer(config=config, store=store)
    if "forge" in ports:  # whoever reads another forge has repositories of other hosts
        ports = {"forge_hosts": AnyHost(), **ports}
    container.core.override_providers(**{name: providers.Object(port) for name, port in ports.items()})
    return container
