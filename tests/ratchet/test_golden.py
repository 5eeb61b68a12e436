"""The earlier system's decisions: where its rule is kept we agree, where not the reason has a name."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_core.pull_requests.model import CheckOutcome, CIStatus, GitHubState, Mergeability
from headway_core.ratchet.causes import causes_of, is_actionable, is_exhausted, remember
from headway_core.ratchet.decision import (
    Decision,
    Dispatch,
    FixerActive,
    RatchetFacts,
    Stalled,
    StallReason,
    Wait,
    decide,
)
from headway_core.ratchet.model import Cause, CauseKind, Handled
from headway_core.ratchet.trust import Trust
from headway_core.settings.model import ReviewTrigger, SettingsRecord
from headway_testing.clock import EPOCH
from headway_testing.conversations import OWNER, VIEWER, a_comment, a_review, a_thread, some_facts
from headway_testing.observations import a_check

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "ratchet_decision.json"
ROWS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
Row = Mapping[str, Any]
_OUTCOMES = {
    "FAILURE": CheckOutcome.FAILED,
    "SUCCESS": CheckOutcome.PASSED,
    "PENDING": CheckOutcome.PENDING,
    "UNKNOWN": CheckOutcome.UNKNOWN,
}


def _of(function: str) -> list[dict[str, Any]]:
    return [row for row in ROWS if row["fn"] == function]


# What to do


def _causes(given: Row) -> tuple[Cause, ...]:
    """A failed check, a conflict, a request for changes with words, a thread: what the row says there is."""
    facts = some_facts(
        checks=(a_check(outcome=_OUTCOMES[given["ciStatus"]]),),
        mergeability=Mergeability.CONFLICT if given["hasMergeConflict"] else Mergeability.CLEAN,
        reviews=(a_review("CHANGES_REQUESTED"),) if given["hasChangesRequested"] else (),
        threads=(a_thread(),) if given["reviewComments"] else (),
    )
    return causes_of(facts, Trust(settings=SettingsRecord()))


def _handled(given: Row, causes: tuple[Cause, ...]) -> tuple[Handled, ...]:
    """Their key stands for all causes at once: unchanged, a fixer had them; died, that often."""
    if given["keyChanged"]:
        return ()
    settled = given["fixerCheck"].removeprefix("settled_")
    if "DIED" not in {settled, given["dispatchOutcome"]}:
        return remember((), causes, died=False)
    known: tuple[Handled, ...] = ()
    for _ in range(_deaths(given)):
        known = remember(known, causes, died=True)
    return known


def _deaths(given: Row) -> int:
    """The first start, and each retry."""
    return int(given["retryCount"]) + 1


def _decision(row: Row) -> Decision:
    given = row["input"]
    causes = _causes(given)
    handled = _handled(given, causes)
    ci = CIStatus(given["ciStatus"])
    return decide(
        RatchetFacts(
            enabled=given["ratchetEnabled"],
            workspace_ready=True,
            state=GitHubState(given["prState"]),
            dispatch_live=given["fixerCheck"] == "active",
            fixer_session="s1" if given["fixerCheck"] == "active" else None,
            held_by=None,
            held_until=None,
            branch_mismatch=False,
            unpushed=False,
            dirty=False,
            other_commit=False,
            forward_refused=False,
            setup_warned=False,
            stopped=False,
            turn_in_flight=given["otherSessionWorking"],
            turn_hangs=False,
            view_stale=False,
            view_overdue=False,
            head_gone=False,
            in_merge_queue=False,
            quiet=True,
            quiet_time=None,
            ci=ci,
            checks_pending=ci is CIStatus.PENDING,
            checks_absent=False,
            checks_lacking=False,
            checks_cancelled=False,
            awaited_of_person=None,
            ci_overdue=False,
            conflict=given["hasMergeConflict"],
            act_on_first_failure=False,
            part_unknown=ci is CIStatus.UNKNOWN,
            part_overdue=False,
            review_outstanding=given["hasChangesRequested"],
            present=tuple(cause.id for cause in causes),
            actionable=tuple(cause.id for cause in causes if is_actionable(cause, handled)),
            backs_off=False,
            exhausted=tuple(cause.id for cause in causes if is_exhausted(cause, handled)),
            only_feedback=all(cause.kind is CauseKind.FEEDBACK for cause in causes),
            answered=False,
            budget_left=True,
            session_limit_reached=False,
            capacity_left=True,
            next_look=None,
            poll_at=EPOCH,
            poll_soon_at=EPOCH,
        )
    )


def _action(decision: Decision) -> tuple[str, bool]:
    """Ours in their words: what is done, and whether it says that it stalls."""
    match decision:
        case Dispatch():
            return "TRIGGER_FIXER", False
        case FixerActive():
            return "FIXER_ACTIVE", False
        case Stalled():
            return "WAITING", True
        case _:
            return "WAITING", False


def _expected(row: Row) -> tuple[str, bool]:
    return row["expected"]["action"]["type"], row["expected"]["marksDispatchStalled"]


def _three_starts(row: Row, ours: Decision) -> bool:
    """A cause is started three times; theirs was started once, and retried three times."""
    given = row["input"]
    died = "DIED" in {given["fixerCheck"].removeprefix("settled_"), given["dispatchOutcome"]}
    stalled = Stalled(reason=StallReason.RETRIES, recheck_at=None)
    return died and _deaths(given) == 3 and not given["keyChanged"] and ours == stalled


def _feedback_needs_no_checks(row: Row, ours: Decision) -> bool:
    """Unread checks block the CI cause alone: what a reviewer asks for, or a conflict, is fixed meanwhile."""
    return (
        row["input"]["ciStatus"] == "UNKNOWN" and bool(_causes(row["input"])) and not isinstance(ours, Wait)
    )


def _what_is_new(row: Row, ours: Decision) -> bool:
    """Activity without words to act on makes no cause: there is nothing that a fixer could be told."""
    return row["input"]["newReviewActivity"] and not _causes(row["input"]) and not isinstance(ours, Dispatch)


def _stalls_before_it_waits(row: Row, ours: Decision) -> bool:
    """Handled is said of causes: with none that is new, another session's turn would change nothing."""
    return row["input"]["otherSessionWorking"] and isinstance(ours, Stalled)


def _nothing_to_fix(row: Row, _: Decision) -> bool:
    """A fixer that died is followed by another only while there is a cause (R4)."""
    return not _causes(row["input"]) and _expected(row)[0] == "TRIGGER_FIXER"


def _active_fixer_first(row: Row, ours: Decision) -> bool:
    """A fixer at work is seen on every look at an open pull request, before its checks (R11)."""
    return row["input"]["fixerCheck"] == "active" and isinstance(ours, FixerActive)


def _one_transaction(row: Row, _: Decision) -> bool:
    """No fixer ends while it is looked at: closing and deciding are one transaction."""
    return bool(row["input"]["fixerCheck"] == "ended_concurrently")


DIFFERENCES: tuple[Callable[[Row, Decision], bool], ...] = (
    _three_starts,
    _feedback_needs_no_checks,
    _what_is_new,
    _stalls_before_it_waits,
    _nothing_to_fix,
    _active_fixer_first,
    _one_transaction,
)


@pytest.mark.lesson("R2", "R4", "R6", "R9")
def test_decisions_agree_with_the_golden_table_but_for_named_reasons() -> None:
    """Every row gives the old answer, or one difference with a name explains it."""
    rows = _of("decideRatchetAction")
    assert rows
    unexplained = [
        (row["name"], row["input"]["fixerCheck"], _expected(row), _decision(row))
        for row in rows
        if _action(_decision(row)) != _expected(row)
        and not any(reason(row, _decision(row)) for reason in DIFFERENCES)
    ]
    assert unexplained == []


@pytest.mark.parametrize("reason", DIFFERENCES, ids=lambda reason: reason.__name__)
def test_each_named_reason_explains_something(reason: Callable[[Row, Decision], bool]) -> None:
    """A reason that no row needs any more would hide the next defect."""
    assert [
        row
        for row in _of("decideRatchetAction")
        if _action(_decision(row)) != _expected(row) and reason(row, _decision(row))
    ]


# What a reviewer said last


def _latest(row: Row) -> int | None:
    """The latest mark of the feedback that is there, in milliseconds."""
    given = row["input"]
    modes = {"CHANGES_REQUESTED": ReviewTrigger.THREADS, "ALL_REVIEW_FEEDBACK": ReviewTrigger.ALL}
    trust = Trust(settings=SettingsRecord(review_trigger=modes[given["reviewTriggerMode"]]))
    reviews = tuple(
        a_review(
            each["state"],
            _author(each, given),
            id=f"R_{number}",
            body=each["body"],
            submitted_at=_time(each["submittedAt"]),
        )
        for number, each in enumerate(given["reviews"])
    )
    comments = [
        a_comment(_author(each, given), id=f"C_{number}", created_at=_time(each["updatedAt"]))
        for number, each in enumerate(given["inlineComments"])
    ]
    facts = some_facts(reviews=reviews, threads=(a_thread(*comments),) if comments else ())
    marks = [datetime.fromisoformat(item.mark) for cause in causes_of(facts, trust) for item in cause.items]
    return int(max(marks).timestamp() * 1000) if marks else None


def _author(said: Row, given: Row) -> Any:
    known = VIEWER if said["author"] == given["authenticatedUsername"] else OWNER
    return attrs.evolve(known, login=said["author"])


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _review_without_words(row: Row, ours: int | None) -> bool:
    """A review is a cause by its words or its threads: without either there is nothing to hand over."""
    given = row["input"]
    words = any(review["body"] for review in given["reviews"]) or given["inlineComments"]
    return ours is None and not words


def test_the_latest_feedback_agrees_with_the_golden_table_but_for_one_reason() -> None:
    """The mark of what is to be fixed is the time of its last word."""
    rows = _of("computeLatestReviewActivityAtMs")
    differing = [row for row in rows if _latest(row) != row["expected"]]
    assert differing
    assert [row["name"] for row in differing if not _review_without_words(row, _latest(row))] == []
    assert len(rows) - len(differing) >= 6


# What has no counterpart here

NO_COUNTERPART = {
    "computeDispatchSnapshotKey": "causes have ids, and items of their own, in the place of one key for all",
    "hasNewReviewActivitySinceLastDispatch": "each thread's last word is compared, not one cursor (R5)",
    "checkActiveFixerSession": "a dispatch names its session and is closed by that session's row",
    "triggerRatchetFixer": "the dispatch is recorded in the transaction that decides (R14, R33)",
    "recordSessionEnd outcome from process exit": "an end has its reason (R32), and no stop is a success",
}


def test_nothing_in_the_table_is_passed_over_unseen() -> None:
    """Each function of the old system is compared above, or has a reason to be absent."""
    compared = {"decideRatchetAction", "computeLatestReviewActivityAtMs"}
    assert {row["fn"] for row in ROWS} == compared | set(NO_COUNTERPART)
