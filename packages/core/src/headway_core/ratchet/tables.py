"""What the ratchet reads to decide: the read ports of the other rooms and of its own."""

import attrs

from headway_core.forge_actions.model import ForgeAction
from headway_core.hosts import Host
from headway_core.kernel.tables import ReadTable
from headway_core.projects.model import Project
from headway_core.pull_requests.model import PullRequestSnapshot, PullRequestWatch
from headway_core.ratchet.model import FixerDispatch, RatchetRecord
from headway_core.sessions.model import Session, SessionActivity
from headway_core.workspaces.model import GitFacts, Workspace


@attrs.frozen(kw_only=True)
class RatchetTables:
    """What the ratchet reads of the other rooms and of its own."""

    hosts: ReadTable[Host]
    workspaces: ReadTable[Workspace]
    projects: ReadTable[Project]
    git_facts: ReadTable[GitFacts]
    snapshots: ReadTable[PullRequestSnapshot]
    watches: ReadTable[PullRequestWatch]
    sessions: ReadTable[Session]
    activity: ReadTable[SessionActivity]
    actions: ReadTable[ForgeAction]
    ratchets: ReadTable[RatchetRecord]
    dispatches: ReadTable[FixerDispatch]
