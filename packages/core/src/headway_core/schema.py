"""All tables of the product: what a store is opened with."""

from typing import Any

from headway_core import forge_actions, hosts, projects, pull_requests, ratchet, settings, workspaces
from headway_core.kernel.consumers import CONSUMER_POSITIONS
from headway_core.kernel.tables import TableSpec
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS

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
