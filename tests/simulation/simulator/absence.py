"""A check that is gone is no success: what a head lacks that the one before it had."""

from headway_core.pull_requests.model import PullRequestFacts, PullRequestSnapshot
from headway_core.ratchet.decision import Ready
from headway_core.ratchet.model import RatchetRecord
from simulator.rows import Problem
from simulator.store import Change, Commit
from simulator.world import World


class Absence:
    """Remembers the checks of each head that was known, as long as its pull request is the same."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[str, str, frozenset[str]]] = {}
        self._now: dict[str, tuple[str, str, frozenset[str]]] = {}

    def seen(self, _world: World, change: Change, _commit: Commit) -> Problem:
        """The checks of the head, when they were read whole; those of the one before are kept."""
        snapshot: PullRequestSnapshot = change.after
        facts: PullRequestFacts | None = snapshot.facts
        if facts is None or not facts.checks_complete:
            return None
        workspace_id, names = snapshot.workspace_id, frozenset(check.name for check in facts.checks)
        known = self._now.get(workspace_id)
        if known is not None and known[:2] != (facts.node_id, facts.head.commit):
            self._before[workspace_id] = known
        self._now[workspace_id] = (facts.node_id, facts.head.commit, names)
        return None

    def decided(self, world: World, change: Change, _commit: Commit) -> Problem:
        """Ready, with no job of the workflow, where the head before had them."""
        record: RatchetRecord = change.after
        before, now = (known.get(record.workspace_id) for known in (self._before, self._now))
        if not isinstance(record.decision, Ready) or before is None or now is None:
            return None
        facts = world.row("pull_requests", record.workspace_id).facts
        if facts is None or (facts.node_id, facts.head.commit) != now[:2] or before[0] != now[0]:
            return None
        gone = before[2] - now[2]
        return (
            f"workspace {record.workspace_id}: ready, without {sorted(gone)}" if gone - {"ci.yml"} else None
        )
