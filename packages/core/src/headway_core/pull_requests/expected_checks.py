"""Which checks the next head should have: those of the head before it. Absence is no success. Pure.

A workflow file that is broken, renamed or filtered away starts nothing, and what was red would be green.
"""

from collections.abc import Iterable

from headway_core.pull_requests.check_records import ExpectedCheck
from headway_core.pull_requests.check_rows import SKIPPED
from headway_core.pull_requests.ci import is_suite, lacking
from headway_core.pull_requests.model import Check, PullRequestSnapshot

_STARTED_OTHERWISE = frozenset(
    {
        "workflow_dispatch",
        "repository_dispatch",
        "schedule",
        "issues",
        "issue_comment",
        "discussion_comment",
        "pull_request_review",
        "pull_request_review_comment",
        "merge_group",
    }
)
"""Events that people, times or queues cause: a push starts no run of theirs."""
_NOT_EXPANDED = "${{"
"""A job of a matrix that never began has its template for a name."""
EXPECTED_AT_MOST = 500


def expected_of_next_head(snapshot: PullRequestSnapshot) -> tuple[ExpectedCheck, ...]:
    """What is expected of a head that replaces that of the snapshot, by identity.

    What the former head lacked itself is still expected, unless it was waited for until the limit, which
    people were told: then a head without it is what there is.
    """
    facts = snapshot.facts
    if facts is None:
        return ()
    if not facts.checks_complete:
        return snapshot.expected
    carried = () if snapshot.ci_overdue else lacking(snapshot)
    found = {each.identity: each for each in (*carried, *_repeated(facts.checks))}
    return tuple(found[identity] for identity in sorted(found))[:EXPECTED_AT_MOST]


def _repeated(checks: Iterable[Check]) -> Iterable[ExpectedCheck]:
    """Those that every push starts, and that did not stand aside: a skipped one checks nothing."""
    for check in checks:
        kind, _, rest = check.identity.partition(":")
        event = rest.split("/")[2] if kind == "run" else ""
        if (
            not is_suite(check)
            and event not in _STARTED_OTHERWISE
            and check.word != SKIPPED
            and _NOT_EXPANDED not in check.name
        ):
            yield ExpectedCheck(identity=check.identity, name=check.name)
