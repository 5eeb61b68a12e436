from headway.adapters import Adapters as Adapters
from headway.config import Config as Config
from headway.opening import open as open  # noqa: A004  `headway.open` is the name
from headway_core.api import *  # noqa: F403  all that the face has
from headway_local.agents import AgentProgram as AgentProgram
