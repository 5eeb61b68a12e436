"""The composition root: the only place that knows core and every adapter."""

from collections.abc import Mapping

from dependency_injector import containers, providers

from headway.config import Config
from headway_core.container import CoreContainer
from headway_core.kernel.store import Store
from headway_github.container import GitHubContainer
from headway_local.container import LocalContainer


class AppContainer(containers.DeclarativeContainer):
    """Core with the adapters of one machine."""

    config = providers.Dependency(instance_of=Config)
    store = providers.Dependency(instance_of=Store)

    local = providers.Container(
        LocalContainer,
        data_dir=config.provided.data_dir,
        programs=config.provided.agents,
        read_programs_again=config.provided.read_agents_again,
    )
    github = providers.Container(
        GitHubContainer,
        api_url=config.provided.github_api_url,
        token=config.provided.github_token,
        transport=config.provided.github_transport,
        webhook_secrets=config.provided.webhook_secrets,
    )
    core = providers.Container(
        CoreContainer,
        store=store,
        locks=local.host,
        worktrees=local.worktrees,
        scripts=local.scripts,
        agents=local.agents,
        supervisor=local.supervisor,
        forge=github.pull_requests,
        forge_writer=github.writer,
        webhook_decoder=github.webhooks,
        issues=github.issues,
        worktrees_root=providers.Factory(
            lambda data_dir: str(data_dir / "worktrees"), config.provided.data_dir
        ),
    )


def wired(config: Config, store: Store, ports: Mapping[str, object]) -> AppContainer:
    """The container, with these ports of an application's own in place of those of the adapters."""
    container = AppContainer(config=config, store=store)
    container.core.override_providers(**{name: providers.Object(port) for name, port in ports.items()})
    return container
