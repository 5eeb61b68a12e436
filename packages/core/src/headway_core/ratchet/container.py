"""The wiring of the ratchet."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import ratchet
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.ratchet.model import DISPATCHES, FIXER_SLOTS, RATCHETS, WAKES
from headway_core.workspaces.ports import Worktrees

if TYPE_CHECKING:
    from headway_core.pull_requests.steps import PullRequestSteps
    from headway_core.sessions.fixer_steps import FixerSteps
    from headway_core.sessions.steps import SessionSteps
    from headway_core.settings.steps import SettingsSteps
    from headway_core.workspaces.git_reader import GitReader
    from headway_core.workspaces.steps import WorkspaceSteps


class RatchetContainer(containers.DeclarativeContainer):
    """Switches, dispatches and decisions."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    git_reader: "providers.Dependency[GitReader]" = providers.Dependency()
    settings: "providers.Dependency[SettingsSteps]" = providers.Dependency()
    workspaces: "providers.Dependency[WorkspaceSteps]" = providers.Dependency()
    sessions: "providers.Dependency[SessionSteps]" = providers.Dependency()
    fixers: "providers.Dependency[FixerSteps]" = providers.Dependency()
    pull_requests: "providers.Dependency[PullRequestSteps]" = providers.Dependency()
    read_hosts = providers.Dependency(instance_of=ReadTable)
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_git_facts = providers.Dependency(instance_of=ReadTable)
    read_sessions = providers.Dependency(instance_of=ReadTable)
    read_activity = providers.Dependency(instance_of=ReadTable)
    read_snapshots = providers.Dependency(instance_of=ReadTable)
    read_watches = providers.Dependency(instance_of=ReadTable)
    read_actions = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    read_ratchets = reader(store, RATCHETS)
    read_dispatches = reader(store, DISPATCHES)
    read_wakes = reader(store, WAKES)
    write_ratchets = writer(store, RATCHETS)
    write_dispatches = writer(store, DISPATCHES)
    write_wakes = writer(store, WAKES)
    write_fixer_slots = writer(store, FIXER_SLOTS)

    tables = singleton(
        lambda: ratchet.RatchetTables,
        hosts=read_hosts,
        workspaces=read_workspaces,
        projects=read_projects,
        git_facts=read_git_facts,
        snapshots=read_snapshots,
        watches=read_watches,
        sessions=read_sessions,
        activity=read_activity,
        actions=read_actions,
        ratchets=read_ratchets,
        dispatches=read_dispatches,
    )
    dispatches = singleton(
        lambda: ratchet.DispatchSteps, dispatches=write_dispatches, tables=tables, sessions=sessions
    )
    steps = singleton(
        lambda: ratchet.RatchetSteps,
        ratchets=write_ratchets,
        wakes=write_wakes,
        slots=write_fixer_slots,
        tables=tables,
        settings=settings,
        dispatches=dispatches,
        fixers=fixers,
        pull_requests=pull_requests,
    )
    service = singleton(lambda: ratchet.RatchetService, ledger, steps)
    worktree_facts = singleton(
        lambda: ratchet.WorktreeFacts,
        ledger=ledger,
        git_reader=git_reader,
        worktrees=worktrees,
        workspaces=workspaces,
        settings=settings,
        tables=tables,
        locks=locks,
    )
    consumer = singleton(lambda: ratchet.RatchetConsumer, steps)
    duty = singleton(
        lambda: ratchet.RatchetDuty,
        ledger=ledger,
        ratchet=service,
        settings=settings,
        tables=tables,
        wakes=read_wakes,
        worktree_facts=worktree_facts,
        locks=locks,
    )
