"""GitHub's own answers, replayed in their order: nothing raises, nothing unexplained, no fact gets older.

The recordings are REST conversations of another program with github.com; a small translation here gives
their pull requests and reviews the shape of our GraphQL nodes. Checks go the way of our own REST.
"""

import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_core.pull_requests import Believed, Refused, believe, ci_status, newest_checks
from headway_core.pull_requests.check_rows import OUTCOMES, CheckRow
from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    CIStatus,
    GitHubState,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.pull_requests.ports import ChecksPart, ConversationPart, Observation, StatePart
from headway_core.settings.model import SettingsRecord
from headway_github import checks_from_rollup, mapping
from headway_github.reading import Node
from headway_github.rows import rest_run_row, rest_status_row
from headway_testing.clock import EPOCH

pytestmark = pytest.mark.lesson("S5")


def table(title: str, seen: Mapping[str, int]) -> str:
    """A table of what was seen, for people."""
    width = max(map(len, seen), default=0)
    return "\n".join([f"\n{title}", *(f"  {name:<{width}} {seen[name]:>5}" for name in sorted(seen))])


# Rollups


def rollups_in(value: Any) -> Iterator[list[Any]]:
    """Every list of check items in a document, also in JSON that is told as text (recorded bodies)."""
    if isinstance(value, str) and "statusCheckRollup" in value:
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        rollup = value.get("statusCheckRollup")
        contexts = rollup.get("contexts") if isinstance(rollup, dict) else None
        if isinstance(contexts, dict) and isinstance(contexts.get("nodes"), list):
            yield contexts["nodes"]
        elif isinstance(rollup, list):
            yield rollup
        for inner in value.values():
            yield from rollups_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rollups_in(inner)


@pytest.mark.lesson("S1", "S3")
def test_recorded_rollups(github_data: Path, capsys: Any) -> None:
    """Every check is one that a document has; UNKNOWN only by the table; superseded ones go."""
    seen: Counter[str] = Counter()
    for path in sorted((github_data / "rollups").glob("*.json")):
        found = list(rollups_in(json.loads(path.read_text())))
        seen["documents"] += 1
        seen["documents with checks" if any(found) else "documents without, or with counts alone"] += 1
        for items in found:
            checks = checks_from_rollup(items)
            names = {(item.get("name") or item.get("context") or "").strip() for item in items}
            assert {check.name for check in checks} <= names
            assert {name.casefold() for name in names} == {check.name.casefold() for check in checks}
            seen["rollups"] += 1
            seen["rows"] += len(items)
            seen["superseded rows"] += len(items) - len(checks)
            seen[f"rollup says {ci_status(checks)}"] += bool(checks)
            for check in checks:
                explained(check)
                seen[f"check {check.outcome.value}: {check.word}"] += 1
    assert seen["documents"] == 29
    assert seen["rollups"] >= 10
    assert seen["superseded rows"] > 0
    assert {"rollup says SUCCESS", "rollup says FAILURE", "rollup says PENDING"} <= set(seen)
    with capsys.disabled():
        sys.stdout.write(table("Recorded rollups", seen))


def explained(check: Check) -> None:
    """An outcome is UNKNOWN only by the table, and only for a word of GitHub's."""
    if check.outcome is CheckOutcome.UNKNOWN:
        assert OUTCOMES.get(check.word) is CheckOutcome.UNKNOWN, check


# Conversations


def as_node(pull: Mapping[str, Any]) -> Node:
    """A pull request of REST in the shape of our GraphQL node."""
    head, base, user = pull["head"], pull["base"], pull["user"]
    mergeable = {None: "UNKNOWN", True: "MERGEABLE", False: "CONFLICTING"}[pull.get("mergeable")]
    return Node(
        {
            "id": pull["node_id"],
            "number": pull["number"],
            "url": pull["html_url"],
            "title": pull["title"],
            "state": "MERGED" if pull["merged_at"] else pull["state"].upper(),
            "isDraft": pull["draft"],
            "reviewDecision": None,
            "mergeable": mergeable,
            "updatedAt": pull["updated_at"],
            "author": {"__typename": user["type"], "login": user["login"], "id": user["node_id"]},
            "authorAssociation": pull["author_association"],
            "viewerDidAuthor": False,
            "headRefName": head["ref"],
            "headRefOid": head["sha"],
            "headRef": {"target": {"oid": head["sha"]}},
            "headRepository": head["repo"] and {"nameWithOwner": head["repo"]["full_name"]},
            "baseRefName": base["ref"],
            "baseRefOid": base["sha"],
            "isInMergeQueue": False,
            "mergeQueueEntry": None,
        }
    )


def as_review(review: Mapping[str, Any]) -> Node:
    user = review["user"]
    return Node(
        {
            "id": review["node_id"],
            "state": review["state"],
            "body": review["body"],
            "submittedAt": review["submitted_at"],
            "author": {"__typename": user["type"], "login": user["login"], "id": user["node_id"]},
            "authorAssociation": review["author_association"],
            "viewerDidAuthor": False,
            "authorCanPushToRepository": True,
            "commit": {"oid": review["commit_id"]},
        }
    )


@attrs.define
class Known:
    """What is kept of one pull request."""

    snapshot: PullRequestSnapshot
    watch: PullRequestWatch
    state: StatePart


@attrs.define
class Story:
    """One recorded conversation, believed answer by answer."""

    seen: Counter[str]
    pulls: dict[str, Known] = attrs.field(factory=dict)
    rows: dict[str, dict[str, tuple[CheckRow, ...]]] = attrs.field(factory=dict)
    number: int = 0

    def tell(self, path: str, answer: Any) -> None:
        """One good answer to a GET."""
        if re.fullmatch(r"/pulls/\d+", path):
            self.pull(answer, whole=True)
        elif path == "/pulls":
            for pull in answer:
                self.pull(pull, whole=False)
        elif match := re.fullmatch(r"/commits/([0-9a-f]{40})/(check-runs|status)", path):
            self.checks(match[1], match[2], answer)
        elif match := re.fullmatch(r"/pulls/(\d+)/reviews", path):
            self.reviews(int(match[1]), answer)

    def pull(self, answer: Mapping[str, Any], *, whole: bool) -> None:
        node = as_node(answer)
        state = mapping.state_part(node)
        told = mapping.mergeability(node) if whole else None
        if told is Mergeability.UNKNOWN:
            assert answer["mergeable"] is None
        self.seen[f"mergeability {'not asked' if told is None else told.value}, {state.state}"] += 1
        if state.node_id not in self.pulls:
            snapshot = PullRequestSnapshot(workspace_id="w1", node_id=state.node_id)
            self.pulls[state.node_id] = Known(snapshot, PullRequestWatch(workspace_id="w1"), state)
        self.believe(state, mergeability=told)

    def checks(self, commit: str, kind: str, answer: Mapping[str, Any]) -> None:
        rows: list[CheckRow]
        if kind == "status":
            rows = [attrs.evolve(rest_status_row(Node(each)), commit=commit) for each in answer["statuses"]]
        else:
            rows = [rest_run_row(Node(each)) for each in answer["check_runs"]]
        self.seen[f"rows of {kind}"] += len(rows)
        lists = self.rows.setdefault(commit, {})
        lists[kind] = tuple(rows)
        checks = newest_checks(row for told in lists.values() for row in told)
        for check in checks:
            explained(check)
            self.seen[f"check {check.outcome.value}: {check.word}"] += 1
        self.seen[f"commit says {ci_status(checks)}"] += 1
        part = ChecksPart(commit=commit, checks=checks, required=None)
        for known in list(self.pulls.values()):
            if known.state.head.commit == commit:
                self.believe(known.state, checks=part)

    def reviews(self, number: int, answer: list[Mapping[str, Any]]) -> None:
        part = mapping.conversation([mapping.review(as_review(each)) for each in answer], [])
        for review in part.reviews:
            self.seen[f"review {review.state}"] += 1
        for known in list(self.pulls.values()):
            if known.state.number == number:
                self.believe(known.state, conversation=part)

    def believe(
        self,
        state: StatePart,
        *,
        checks: ChecksPart | None = None,
        conversation: ConversationPart | None = None,
        mergeability: Mergeability | None = None,
    ) -> None:
        known = self.pulls[state.node_id]
        self.number += 1
        now = EPOCH + timedelta(seconds=self.number)
        outcome = believe(
            known.snapshot,
            known.watch,
            Observation(state=state, checks=checks, conversation=conversation, mergeability=mergeability),
            number=self.number,
            began_at=now,
            now=now,
            settings=SettingsRecord(),
        )
        known.watch = outcome.watch
        match outcome:
            case Refused(reason=reason):
                self.seen[f"refused: {reason.value}"] += 1
            case Believed(snapshot=after, changed=changed):
                assert after.facts is not None
                if known.snapshot.facts is not None:
                    not_older(known.snapshot.facts, after.facts, mergeability)
                known.snapshot, known.state = after, state
                self.seen["believed, new facts" if changed else "believed, nothing new"] += 1


def not_older(before: PullRequestFacts, after: PullRequestFacts, told: Mergeability | None) -> None:
    """No fact of an earlier time took the place of a later one; what was not told is not cleared."""
    assert after.updated_at >= before.updated_at
    assert before.state is not GitHubState.MERGED or after.state is GitHubState.MERGED
    same = (before.head.commit, before.base.commit) == (after.head.commit, after.base.commit)
    if told is None and same:
        assert after.mergeability is before.mergeability
    if before.head.commit != after.head.commit or not before.checks_complete:
        return  # checks of another head
    runs = {check.identity: check for check in after.checks}
    for check in before.checks:
        assert check.identity in runs
        later = runs[check.identity]
        if check.run_id.isdigit():
            assert int(later.run_id) >= int(check.run_id)
        if later.run_id == check.run_id and check.outcome is not CheckOutcome.PENDING:
            assert later.outcome is not CheckOutcome.PENDING


def test_recorded_conversations(github_data: Path, capsys: Any) -> None:
    """Every answer of 58 conversations, in their order, through the normaliser and the rules of belief."""
    seen: Counter[str] = Counter()
    for said in conversations(github_data, seen):
        story = Story(seen)
        for where, answer in said:
            story.tell(where, answer)
        seen["pull requests"] += len(story.pulls)
    assert seen["conversations"] == 58
    assert seen["pull requests"] > 100
    assert seen["believed, new facts"] > 400
    assert {CIStatus.SUCCESS, CIStatus.FAILURE} <= {
        status for status in CIStatus if seen[f"commit says {status}"]
    }
    with capsys.disabled():
        sys.stdout.write(table("Recorded conversations", seen) + "\n")


def conversations(data: Path, seen: Counter[str]) -> Iterator[list[tuple[str, Any]]]:
    """The good answers to reads of each recorded conversation, with the path below the repository."""
    for path in sorted((data / "recordings").glob("*.jsonl.gz")):
        seen["conversations"] += 1
        answers = []
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                said = json.loads(line)
                seen["requests"] += 1
                where = re.sub(r"^https?://[^/]+/repos/[^/]+/[^/]+", "", said["uri"]).partition("?")[0]
                if said["method"] == "GET" and said["status"] == 200:
                    answers.append((where, said["json"]))
        yield answers


@pytest.mark.lesson("S18")
@pytest.mark.parametrize("seed", range(5))
def test_conversations_with_a_lagging_replica(github_data: Path, seed: int) -> None:
    """Each read of a pull request may give what an earlier one gave: it is refused, and clears nothing.

    `updatedAt` never falls, and what is kept in the end is what is kept without the lag.
    """
    chance, seen = random.Random(seed), Counter[str]()
    for said in conversations(github_data, seen):
        straight, lagging = Story(Counter()), Story(seen)
        former: dict[str, list[Any]] = {}
        for where, answer in said:
            straight.tell(where, answer)
            if re.fullmatch(r"/pulls/\d+", where):
                earlier = former.setdefault(where, [])
                if earlier and chance.random() < 0.5:
                    lagging.tell(where, chance.choice(earlier))
                earlier.append(answer)
            lagging.tell(where, answer)
        for node_id, known in straight.pulls.items():
            other = lagging.pulls[node_id].snapshot.facts
            assert known.snapshot.facts is not None
            assert other is not None
            assert other.updated_at == known.snapshot.facts.updated_at
            assert (other.state, other.head) == (known.snapshot.facts.state, known.snapshot.facts.head)
    assert seen["refused: older_updated_at"] > 20
