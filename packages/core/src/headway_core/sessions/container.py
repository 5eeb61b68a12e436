"""The wiring of the sessions."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import sessions
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.processes import Supervisor
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.sessions.ports import Agents

if TYPE_CHECKING:
    from headway_core.settings.steps import SettingsSteps
    from headway_core.workspaces.steps import WorkspaceSteps


class SessionsContainer(containers.DeclarativeContainer):
    """Sessions of agents, their activity and the outbox of prompts."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    agents = providers.Dependency(instance_of=Agents)
    supervisor = providers.Dependency(instance_of=Supervisor)
    settings: "providers.Dependency[SettingsSteps]" = providers.Dependency()
    workspaces: "providers.Dependency[WorkspaceSteps]" = providers.Dependency()
    read_hosts = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    read_sessions = reader(store, SESSIONS)
    read_prompts = reader(store, PROMPTS)
    read_activity = reader(store, SESSION_ACTIVITY)
    write_sessions = writer(store, SESSIONS)
    write_prompts = writer(store, PROMPTS)
    write_activity = writer(store, SESSION_ACTIVITY)

    prompt_steps = singleton(lambda: sessions.PromptSteps, write_prompts)
    steps = singleton(
        lambda: sessions.SessionSteps,
        sessions=write_sessions,
        prompts=prompt_steps,
        activity=write_activity,
        workspaces=workspaces,
        settings=settings,
    )
    fixer_steps = singleton(lambda: sessions.FixerSteps, steps, read_hosts)
    service = singleton(lambda: sessions.SessionService, ledger, steps, prompt_steps)
    fixers = singleton(lambda: sessions.FixerSessionService, ledger, fixer_steps, steps)
    executor = singleton(
        lambda: sessions.SessionExecutor,
        ledger=ledger,
        sessions=steps,
        session_rows=read_sessions,
        prompts=prompt_steps,
        supervisor=supervisor,
        agents=agents,
        locks=locks,
    )
    output = singleton(
        lambda: sessions.SessionOutput,
        ledger=ledger,
        sessions=read_sessions,
        workspaces=read_workspaces,
        hosts=read_hosts,
        supervisor=supervisor,
        locks=locks,
    )
    duty = singleton(lambda: sessions.SessionDuty, executor)
    files_duty = singleton(
        lambda: sessions.SessionFilesDuty,
        ledger=ledger,
        sessions=read_sessions,
        workspaces=read_workspaces,
        supervisor=supervisor,
    )
