"""Facts of pull requests, people and their words, for tests of whoever judges them."""

from datetime import datetime, timedelta
from typing import Any

from headway_core.pull_requests.model import (
    Author,
    Base,
    GitHubState,
    Head,
    Mergeability,
    PullRequestFacts,
    Review,
    ReviewThread,
    ThreadComment,
)
from headway_testing.clock import EPOCH
from headway_testing.observations import a_check

OWNER = Author(login="olga", node_id="U_olga", association="OWNER", can_push=True)
STRANGER = Author(login="sam", node_id="U_sam", association="NONE", can_push=False)
BOT = Author(login="helper[bot]", node_id="B_helper", is_bot=True, association="MEMBER")
VIEWER = Author(login="olga", node_id="U_olga", association="OWNER", can_push=True, is_viewer=True)


def at(minutes: float) -> datetime:
    return EPOCH + timedelta(minutes=minutes)


def a_comment(author: Author = OWNER, body: str = "Please rename", **changes: object) -> ThreadComment:
    fields: dict[str, Any] = {"id": "C_1", "author": author, "body": body, "created_at": at(1)}
    return ThreadComment(**fields | changes)


def a_thread(*comments: ThreadComment, thread_id: str = "T_1") -> ReviewThread:
    said = comments or (a_comment(),)
    return ReviewThread(id=thread_id, path="src/login.py", line=3, outdated=False, comments=said)


def a_review(state: str, author: Author = OWNER, **changes: object) -> Review:
    fields: dict[str, Any] = {
        "id": f"R_{state}",
        "author": author,
        "state": state,
        "body": "Not like this",
        "submitted_at": at(1),
    }
    return Review(**fields | changes)


def some_facts(**changes: object) -> PullRequestFacts:
    """Green, clean, open, read whole; `changes` are fields."""
    fields: dict[str, Any] = {
        "node_id": "PR_1",
        "number": 7,
        "url": "https://github.com/octo/demo/pull/7",
        "title": "Fix login",
        "author": OWNER,
        "state": GitHubState.OPEN,
        "draft": False,
        "review_decision": None,
        "decision_source": None,
        "head": Head(ref="headway/fix-login", commit="a" * 40, repository="octo/demo", tip="a" * 40),
        "base": Base(ref="main", commit="b" * 40),
        "updated_at": EPOCH,
        "merge_queue": None,
        "mergeability": Mergeability.CLEAN,
        "checks": (a_check(),),
        "checks_complete": True,
        "required": (),
        "reviews": (),
        "threads": (),
        "conversation_complete": True,
    }
    return PullRequestFacts(**fields | changes)
