"""The wiring of the board, which reads and owns nothing."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import board
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import singleton

if TYPE_CHECKING:
    from headway_core.settings.steps import SettingsSteps


class BoardContainer(containers.DeclarativeContainer):
    """Cards of workspaces."""

    store = providers.Dependency(instance_of=Store)
    settings: "providers.Dependency[SettingsSteps]" = providers.Dependency()
    read_hosts = providers.Dependency(instance_of=ReadTable)
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_sessions = providers.Dependency(instance_of=ReadTable)
    read_prompts = providers.Dependency(instance_of=ReadTable)
    read_activity = providers.Dependency(instance_of=ReadTable)
    read_snapshots = providers.Dependency(instance_of=ReadTable)
    read_watches = providers.Dependency(instance_of=ReadTable)
    read_budgets = providers.Dependency(instance_of=ReadTable)
    read_ratchets = providers.Dependency(instance_of=ReadTable)
    read_actions = providers.Dependency(instance_of=ReadTable)

    tables = singleton(
        lambda: board.BoardTables,
        hosts=read_hosts,
        projects=read_projects,
        workspaces=read_workspaces,
        snapshots=read_snapshots,
        watches=read_watches,
        ratchets=read_ratchets,
        actions=read_actions,
        sessions=read_sessions,
        activity=read_activity,
        prompts=read_prompts,
        budgets=read_budgets,
    )
    service = singleton(
        lambda: board.BoardService, ledger=store.provided.ledger, settings=settings, tables=tables
    )
