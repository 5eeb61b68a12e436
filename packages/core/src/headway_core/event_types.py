"""All event payloads of the product, for the catalog of a store."""

from headway_core.forge_actions.events import EVENTS as FORGE_ACTION_EVENTS
from headway_core.hosts.events import EVENTS as HOST_EVENTS
from headway_core.kernel.consumers import EVENTS as CONSUMER_EVENTS
from headway_core.kernel.transactions import Payload
from headway_core.projects.events import EVENTS as PROJECT_EVENTS
from headway_core.pull_requests.events import EVENTS as PULL_REQUEST_EVENTS
from headway_core.ratchet.events import EVENTS as RATCHET_EVENTS
from headway_core.sessions.events import EVENTS as SESSION_EVENTS
from headway_core.settings.events import EVENTS as SETTINGS_EVENTS
from headway_core.workspaces.events import EVENTS as WORKSPACE_EVENTS

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
