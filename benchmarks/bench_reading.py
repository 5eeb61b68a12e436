"""Twenty pull requests out of one answer of GitHub: processor time, and the ratio to parsing its JSON.

Each has 30 checks, 10 reviews and 10 threads of 3 comments. The answer comes from memory, so that only
the adapter is measured: judging, mapping, the newest of each check. The baseline is `json.loads` of the
same bytes, in the same run.

    python benchmarks/bench_reading.py [readings]
"""

import json
import sys
import time
from collections.abc import Mapping
from statistics import median

import anyio

from headway_core.pull_requests.ports import Observation
from headway_github.answers import GraphQL, GraphQLAnswer, SendFailed, read_answer
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.detail import DETAILS_A_CALL
from headway_github.documents import Document
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.tokens import GivenToken
from headway_testing.clock import EPOCH
from headway_testing.records import a_project

BATCHES = 5
LIMIT = 12.0
"""The ratio not to be exceeded."""
HEAD, NOON = "a" * 40, "2026-01-01T12:00:00Z"


class FromMemory(GraphQL):
    """Answers every reading with the same bytes."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies

    async def send(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        return read_answer(200, {}, self._bodies[document.name], EPOCH)


def connection(nodes: list[dict[str, object]]) -> dict[str, object]:
    page = {"hasNextPage": False, "endCursor": None}
    return {"totalCount": len(nodes), "pageInfo": page, "nodes": nodes}


def words(author: str) -> dict[str, object]:
    return {
        "body": "Please add a test for this. " * 10,
        "lastEditedAt": None,
        "author": {"__typename": "User", "login": author, "id": f"U_{author}"},
        "authorAssociation": "MEMBER",
        "viewerDidAuthor": False,
    }


def a_run(n: int) -> dict[str, object]:
    workflow = {"databaseId": n, "event": "pull_request", "workflow": {"databaseId": n % 5, "name": "CI"}}
    return {
        "__typename": "CheckRun",
        "id": f"CR_{n}",
        "databaseId": n,
        "name": f"job {n}",
        "status": "COMPLETED",
        "conclusion": "SUCCESS",
        "startedAt": NOON,
        "completedAt": NOON,
        "detailsUrl": f"https://github.com/octo/demo/actions/runs/5/job/{n}",
        "title": "12 passed",
        "summary": "All is well. " * 20,
        "checkSuite": {"databaseId": n % 5, "app": {"slug": "github-actions"}, "workflowRun": workflow},
    }


def a_review(n: int) -> dict[str, object]:
    own = {"id": f"R{n}", "state": "COMMENTED", "submittedAt": NOON, "authorCanPushToRepository": True}
    return {**words(f"user{n}"), **own, "commit": {"oid": HEAD}}


def a_thread(n: int) -> dict[str, object]:
    own = {"createdAt": NOON, "isMinimized": False, "state": "SUBMITTED", "url": None}
    review = {"id": f"R{n}", "authorCanPushToRepository": True}
    said = [{**words("bob"), **own, "id": f"C{n}.{m}", "pullRequestReview": review} for m in range(3)]
    place = {"isResolved": n % 2 == 0, "isOutdated": False, "path": "src/login.py", "line": n}
    return {"id": f"T{n}", **place, "comments": connection(said)}


def a_pull_request(n: int) -> dict[str, object]:
    return {
        "__typename": "PullRequest",
        "id": f"PR_{n}",
        "number": n,
        "url": f"https://github.com/octo/demo/pull/{n}",
        "title": "Fix login",
        "state": "OPEN",
        "isDraft": False,
        "reviewDecision": None,
        "mergeable": "MERGEABLE",
        "updatedAt": NOON,
        **words("alice"),
        "headRefName": "fix",
        "headRefOid": HEAD,
        "headRef": {"target": {"oid": HEAD}},
        "headRepository": {"nameWithOwner": "octo/demo"},
        "baseRefName": "main",
        "baseRefOid": "b" * 40,
        "isInMergeQueue": False,
        "mergeQueueEntry": None,
        "checks": {
            "id": f"SCR_{n}",
            "commit": {"oid": HEAD},
            "contexts": connection([a_run(m) for m in range(30)]),
        },
        "reviews": connection([a_review(m) for m in range(10)]),
        "reviewThreads": connection([a_thread(m) for m in range(10)]),
    }


async def main(times: int) -> int:
    numbers = range(DETAILS_A_CALL)
    rules = {"ref": {"branchProtectionRule": None, "refUpdateRule": None, "rules": connection([])}}
    body = json.dumps({"data": {"nodes": [a_pull_request(n) for n in numbers]}}).encode()
    required = json.dumps({"data": {"repository": rules}}).encode()
    token, budgets = GivenToken("none"), Budgets()
    rest = Rest(HttpConnection("https://api.github.com", token), token, budgets)
    reader = GitHubPullRequests(FromMemory({"Detail": body, "Required": required}), rest, budgets)
    project = a_project()
    ids = [f"PR_{n}" for n in numbers]
    parsed, read = [], []
    for _ in range(BATCHES):
        began = time.process_time()
        for _ in range(times):
            json.loads(body)
        parsed.append((time.process_time() - began) / times)
        began = time.process_time()
        for _ in range(times):
            seen = await reader.observe(project, ids)
            assert all(isinstance(each, Observation) and not each.problems for each in seen.values())
        read.append((time.process_time() - began) / times)
    base, full = median(parsed) * 1e3, median(read) * 1e3
    print(
        f"{len(ids)} pull requests, {len(body) // 1024} KiB: read {full:.1f} ms, "
        f"json.loads {base:.1f} ms, ratio {full / base:.1f}  (at most {LIMIT:.0f})"
        f"  {'TOO SLOW' if full / base > LIMIT else 'ok'}"
    )
    return int(full / base > LIMIT)


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 10))
