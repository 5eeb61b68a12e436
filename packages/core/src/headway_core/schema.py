"""All tables and all event payloads of the product: what a store is opened with."""

from typing import Any

from headway_core import forge_actions, hosts, projects, pull_requests, ratchet, settings, workspaces
from headway_core.forge_actions.events import EVENTS as FORGE_ACTION_EVENTS
from headway_core.hosts.events import EVENTS as HOST_EVENTS
from headway_core.kernel.consumers import CONSUMER_POSITIONS
from headway_core.kernel.consumers import EVENTS as CONSUMER_EVENTS
from headway_core.kernel.tables import TableSpec
from headway_core.kernel.transactions import Payload
from headway_core.projects.events import EVENTS as PROJECT_EVENTS
from headway_core.pull_requests.events import EVENTS as PULL_REQUEST_EVENTS
from headway_core.ratchet.events import EVENTS as RATCHET_EVENTS
from headway_core.sessions.events import EVENTS as SESSION_EVENTS
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.settings.events import EVENTS as SETTINGS_EVENTS
from headway_core.workspaces.events import EVENTS as WORKSPACE_EVENTS

ALL_TABLES: tuple[TableSpec[Any], ...] = (
    CONSUMER_POSITIONS,
    hosts.HOSTS,
    hosts.HOSTS_SEEN,
    settings.SETTINGS,
    projects.PROJECTS,
    workspaces.WORKSPACES,
    workspaces.INIT_OUTPUT,
    workspaces.GIT_FACTS,
    SESSIONS,
    PROMPTS,
    SESSION_ACTIVITY,
    pull_requests.SNAPSHOTS,
    pull_requests.WATCHES,
    pull_requests.FORGE_BUDGETS,
    pull_requests.DELIVERIES,
    forge_actions.FORGE_ACTIONS,
    ratchet.RATCHETS,
    ratchet.DISPATCHES,
    ratchet.WAKES,
    ratchet.FIXER_SLOTS,
)

ALL_EVENTS: tuple[type[Payload], ...] = (
    *CONSUMER_EVENTS,
    *HOST_EVENTS,
    *SETTINGS_EVENTS,
    *PROJECT_EVENTS,
    *WORKSPACE_EVENTS,
    *SESSION_EVENTS,
    *PULL_REQUEST_EVENTS,
    *FORGE_ACTION_EVENTS,
    *RATCHET_EVENTS,
)
