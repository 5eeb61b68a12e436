"""All tables and all event payloads of the product: what a store is opened with."""

from typing import Any

from headway_core.kernel.consumers import CONSUMER_POSITIONS
from headway_core.kernel.events import Payload
from headway_core.kernel.tables import TableSpec
from headway_core.projects.model import PROJECTS
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.settings.model import SETTINGS
from headway_core.workspaces.model import GIT_FACTS, INIT_OUTPUT, WORKSPACES

ALL_TABLES: tuple[TableSpec[Any], ...] = (
    CONSUMER_POSITIONS,
    SETTINGS,
    PROJECTS,
    WORKSPACES,
    INIT_OUTPUT,
    GIT_FACTS,
    SESSIONS,
    PROMPTS,
    SESSION_ACTIVITY,
)

ALL_EVENTS: tuple[type[Payload], ...] = ()
