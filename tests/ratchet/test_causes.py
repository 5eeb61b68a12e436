"""What there is to fix, what was handled, and whose words count."""

from typing import Any

import attrs
import pytest

from headway_core.pull_requests import CheckRunRow, ci_status, newest_checks, outcome_of
from headway_core.pull_requests.check_rows import OUTCOMES
from headway_core.pull_requests.model import (
    Author,
    CheckOutcome,
    CIStatus,
    Head,
    Mergeability,
    PullRequestFacts,
    Review,
)
from headway_core.ratchet.causes import (
    causes_of,
    forget_conflict,
    forget_oldest,
    is_actionable,
    is_exhausted,
    remember,
    with_items,
)
from headway_core.ratchet.model import DEATH_LIMIT, REMEMBERED, Cause, CauseItem, CauseKind, Handled
from headway_core.ratchet.trust import Trust
from headway_core.settings.model import CIScope, OwnAccount, ReviewTrigger, SettingsRecord
from headway_testing.conversations import (
    BOT,
    OWNER,
    STRANGER,
    VIEWER,
    a_comment,
    a_review,
    a_thread,
    at,
    some_facts,
)
from headway_testing.observations import a_check

TRUST = Trust(settings=SettingsRecord())
MARKED = "Done.\n<!-- headway:id-000001 -->"


def _ids(facts: PullRequestFacts, trust: Trust = TRUST) -> list[str]:
    return [cause.id for cause in causes_of(facts, trust)]


def _failing(run_id: str, name: str = "test", word: str = "FAILURE") -> PullRequestFacts:
    return some_facts(checks=(a_check(name, CheckOutcome.FAILED, run_id=run_id, word=word),))


def _conflicting(commit: str) -> PullRequestFacts:
    head = Head(ref="headway/fix-login", commit=commit, repository="octo/demo", tip=commit)
    return some_facts(mergeability=Mergeability.CONFLICT, head=head)


def _handled(facts: PullRequestFacts, trust: Trust = TRUST, *, deaths: int = 0) -> tuple[Handled, ...]:
    """What is remembered after fixers for all causes: `deaths` died, or one came to its end."""
    known: tuple[Handled, ...] = ()
    for _ in range(deaths or 1):
        known = remember(known, causes_of(facts, trust), died=bool(deaths))
    return known


def _actionable(facts: PullRequestFacts, handled: tuple[Handled, ...], trust: Trust = TRUST) -> list[str]:
    return [cause.id for cause in causes_of(facts, trust) if is_actionable(cause, handled)]


# Which causes there are


def test_causes_come_in_the_order_of_work() -> None:
    """CI first, then the conflict, then feedback in GitHub's order."""
    facts = some_facts(
        checks=(a_check(outcome=CheckOutcome.FAILED),),
        mergeability=Mergeability.CONFLICT,
        threads=(a_thread(thread_id="T_2"), a_thread(thread_id="T_1")),
        reviews=(a_review("CHANGES_REQUESTED"),),
    )
    assert _ids(facts) == ["CI", "CONFLICT", "FEEDBACK:T_2", "FEEDBACK:T_1", "FEEDBACK:R_CHANGES_REQUESTED"]


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": (a_check(outcome=CheckOutcome.FAILED),), "checks_complete": False},
        {"threads": (a_thread(),), "conversation_complete": False},
        {"reviews": (a_review("CHANGES_REQUESTED"),), "conversation_complete": False},
        {"mergeability": Mergeability.UNKNOWN},
    ],
)
def test_a_part_that_was_not_read_gives_no_cause(changes: dict[str, Any]) -> None:
    """Each cause is judged on its own part of the view alone."""
    assert _ids(some_facts(**changes)) == []


def test_an_unread_part_blocks_its_own_cause_only() -> None:
    """A conflict is a cause though the checks were not read."""
    facts = attrs.evolve(_conflicting("c" * 40), checks_complete=False, conversation_complete=False)
    assert _ids(facts) == ["CONFLICT"]


def test_only_counted_checks_make_a_cause() -> None:
    """With the scope of required checks, another one's failure is nobody's work."""
    facts = some_facts(
        checks=(a_check("lint", CheckOutcome.FAILED), a_check("test", required=True)), required=("test",)
    )
    assert _ids(facts) == ["CI"]
    assert _ids(facts, Trust(settings=SettingsRecord(ci_scope=CIScope.REQUIRED))) == []


@pytest.mark.lesson("R13")
@pytest.mark.parametrize("word", [*OUTCOMES, "NEVER_SEEN"])
def test_every_word_of_failure_makes_an_item_and_no_other(word: str) -> None:
    """From the normaliser's table to the cause: what fails the checks is what its items name.

    But for what was cancelled, which no commit mends.
    """
    row = CheckRunRow(name="test", status="COMPLETED", conclusion=word, app="ci", number=1)
    checks = newest_checks([row])
    (check,) = checks
    causes = causes_of(some_facts(checks=checks), TRUST)
    fails = ci_status(checks) is CIStatus.FAILURE
    assert fails is (outcome_of(word) is CheckOutcome.FAILED)
    assert [cause.items for cause in causes] == (
        [(CauseItem(key=check.identity, mark=check.run_id),)] if fails and word != "CANCELLED" else []
    )


# What was handled


@pytest.mark.lesson("R1")
def test_a_new_run_of_a_failing_check_is_actionable_and_the_same_run_never() -> None:
    """Handled is said of a run, not of a state."""
    handled = _handled(_failing("1"))
    assert _actionable(_failing("1"), handled) == []
    assert _actionable(_failing("2"), handled) == ["CI"]


def test_one_new_failure_among_handled_ones_is_carried_alone() -> None:
    """The cause is actionable, and the dispatch carries only what no fixer has had."""
    handled = _handled(_failing("1"))
    both = some_facts(checks=(*_failing("1").checks, *_failing("9", "lint").checks))
    (cause,) = causes_of(both, TRUST)
    assert is_actionable(cause, handled)
    assert [item.mark for item in with_items(cause, handled).items] == ["9"]


@pytest.mark.lesson("R5", "R6")
def test_a_death_can_be_retried_up_to_the_limit() -> None:
    """Deaths count for each item: actionable before the limit, exhausted at it."""
    facts = _failing("1")
    (cause,) = causes_of(facts, TRUST)
    for deaths in range(1, DEATH_LIMIT):
        assert is_actionable(cause, _handled(facts, deaths=deaths))
        assert not is_exhausted(cause, _handled(facts, deaths=deaths))
    spent = _handled(facts, deaths=DEATH_LIMIT)
    assert not is_actionable(cause, spent)
    assert is_exhausted(cause, spent)
    assert spent == (Handled(cause_id="CI", item=cause.items[0], done=False, deaths=DEATH_LIMIT),)
    assert _actionable(_failing("2"), spent) == ["CI"]


@pytest.mark.lesson("R6")
def test_what_is_exhausted_is_not_carried_again() -> None:
    """A new failure beside one whose fixers died too often goes alone, so that no item has a fourth start."""
    spent = _handled(_failing("1"), deaths=DEATH_LIMIT)
    both = some_facts(checks=(*_failing("1").checks, *_failing("9", "lint").checks))
    (cause,) = causes_of(both, TRUST)
    assert [item.mark for item in with_items(cause, spent).items] == ["9"]


@pytest.mark.lesson("R6")
def test_deleting_a_threads_last_word_gives_no_further_starts() -> None:
    """The deaths of fixers that had the later words count for the earlier ones too."""
    first, second = a_comment(), a_comment(id="C_2", created_at=at(5))
    handled = _handled(some_facts(threads=(a_thread(first),)), deaths=1)
    (long,) = causes_of(some_facts(threads=(a_thread(first, second),)), TRUST)
    for _ in range(DEATH_LIMIT - 1):
        handled = remember(handled, (long,), died=True)
    assert is_actionable(long, handled)
    assert _actionable(some_facts(threads=(a_thread(first),)), handled) == []


def test_a_fixer_that_came_to_its_end_is_done_whatever_died_before() -> None:
    """COMPLETED marks handled, pushed or not: done is not exhausted."""
    facts = _failing("1")
    (cause,) = causes_of(facts, TRUST)
    handled = remember(_handled(facts, deaths=2), (cause,), died=False)
    assert not is_actionable(cause, handled)
    assert not is_exhausted(cause, handled)


def _ran(marks: range, *, key: str = "k") -> Cause:
    items = tuple(CauseItem(key=f"{key}{mark}", mark=str(mark)) for mark in marks)
    return Cause(id="CI", kind=CauseKind.CI, items=items)


def test_what_is_remembered_has_a_bound() -> None:
    """Of what is not present any more, the newest are kept."""
    handled = remember((), (_ran(range(REMEMBERED + 5)),), died=False)
    kept = forget_oldest(handled, ())
    assert [known.item.mark for known in kept] == [str(n) for n in range(5, REMEMBERED + 5)]


def test_what_is_present_is_never_forgotten() -> None:
    """Whatever their number: a handled item of the view is not dispatched again (I6)."""
    many = _ran(range(2 * REMEMBERED))
    handled = remember(remember((), (many,), died=False), (_ran(range(9), key="old"),), died=False)
    kept = forget_oldest(handled, (many,))
    assert not is_actionable(many, kept)
    assert len(kept) == len(handled)


def test_a_conflict_is_handled_for_a_head_and_forgotten_by_a_clean_view() -> None:
    """The same head is no new cause, another one is; after a clean view the next conflict is new."""
    handled = _handled(_conflicting("c" * 40))
    assert _actionable(_conflicting("c" * 40), handled) == []
    assert _actionable(_conflicting("d" * 40), handled) == ["CONFLICT"]
    assert _actionable(_conflicting("c" * 40), forget_conflict(handled)) == ["CONFLICT"]


def test_a_base_that_moves_on_is_no_new_conflict() -> None:
    """The base's commit is no part of the mark."""
    facts = _conflicting("c" * 40)
    moved = attrs.evolve(facts, base=attrs.evolve(facts.base, commit="e" * 40))
    assert _actionable(moved, _handled(facts)) == []


# Feedback


@pytest.mark.lesson("R26")
def test_only_later_words_make_a_thread_actionable_again() -> None:
    """Resolving, deleting or minimising makes no cause; a later comment or edit does."""
    first, second = a_comment(), a_comment(id="C_2", created_at=at(5))
    handled = _handled(some_facts(threads=(a_thread(first, second),)))

    def again(*comments: Any) -> list[str]:
        return _actionable(some_facts(threads=(a_thread(*comments),)), handled)

    assert again(first, second) == []
    assert again(first) == []
    assert again(first, attrs.evolve(second, minimized=True)) == []
    assert again(first, second, a_comment(id="C_3", created_at=at(6))) == ["FEEDBACK:T_1"]
    assert again(attrs.evolve(first, edited_at=at(6)), second) == ["FEEDBACK:T_1"]
    assert _actionable(some_facts(), handled) == []


def test_marks_compare_as_times_in_any_zone() -> None:
    """Fractions of a second and zones do not disturb the order of marks."""
    handled = _handled(some_facts(threads=(a_thread(a_comment(created_at=at(5))),)))
    later = a_comment(id="C_2", created_at=at(5.00001))
    assert _actionable(some_facts(threads=(a_thread(later),)), handled) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R25")
def test_an_approval_ends_its_authors_threads_until_he_writes_again() -> None:
    """Approved after the last trusted words: no cause. Words after the approval: a cause."""
    approved = (a_review("APPROVED", submitted_at=at(5)),)
    late = a_comment(id="C_2", created_at=at(6))
    assert _ids(some_facts(threads=(a_thread(),), reviews=approved)) == []
    assert _ids(some_facts(threads=(a_thread(a_comment(), late),), reviews=approved)) == ["FEEDBACK:T_1"]
    other = attrs.evolve(OWNER, login="oscar", node_id="U_oscar")
    others = (a_review("APPROVED", author=other, submitted_at=at(5)),)
    assert _ids(some_facts(threads=(a_thread(),), reviews=others)) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R25")
def test_an_approval_ends_its_own_authors_words_alone() -> None:
    """Two people ask in one thread; the one who approves has no more to say, the other still waits."""
    other = attrs.evolve(OWNER, login="Oscar", node_id="U_oscar")
    thread = a_thread(a_comment(other, created_at=at(2)), a_comment(id="C_2", created_at=at(3)))

    def marks(*reviews: Review) -> list[str]:
        causes = causes_of(some_facts(threads=(thread,), reviews=reviews), TRUST)
        return [item.mark for cause in causes for item in cause.items]

    olga = a_review("APPROVED", id="R_1", submitted_at=at(5))
    oscar = a_review("APPROVED", attrs.evolve(other, login="OSCAR"), id="R_2", submitted_at=at(5))
    assert marks() == [at(3).isoformat(timespec="microseconds")]
    assert marks(olga) == [at(2).isoformat(timespec="microseconds")]
    assert marks(olga, oscar) == []
    taken_back = a_review("CHANGES_REQUESTED", id="R_3", submitted_at=at(6), body="", thread_count=1)
    assert marks(olga, oscar, taken_back) == [at(3).isoformat(timespec="microseconds")]


@pytest.mark.lesson("R25")
@pytest.mark.parametrize(
    ("later", "present"),
    [("APPROVED", False), ("DISMISSED", False), ("COMMENTED", True), ("CHANGES_REQUESTED", True)],
)
def test_a_request_for_changes_is_superseded_by_an_opinion_alone(later: str, *, present: bool) -> None:
    """A later approval or dismissal ends it; a comment neither ends nor revives it."""
    request = a_review("CHANGES_REQUESTED")
    after = a_review(later, id="R_2", submitted_at=at(2))
    assert ("FEEDBACK:R_CHANGES_REQUESTED" in _ids(some_facts(reviews=(request, after)))) is present
    talk = a_review("COMMENTED", id="R_3", submitted_at=at(3))
    assert ("FEEDBACK:R_CHANGES_REQUESTED" in _ids(some_facts(reviews=(request, after, talk)))) is present


@pytest.mark.lesson("R25")
@pytest.mark.parametrize(
    ("changes", "trigger", "present"),
    [
        ({}, ReviewTrigger.THREADS, True),
        ({"state": "COMMENTED"}, ReviewTrigger.THREADS, False),
        ({"state": "COMMENTED"}, ReviewTrigger.ALL, True),
        ({"state": "APPROVED"}, ReviewTrigger.ALL, False),
        ({"body": " \n"}, ReviewTrigger.ALL, False),
        ({"thread_count": 2}, ReviewTrigger.THREADS, True),
        ({"thread_count": 2, "state": "COMMENTED"}, ReviewTrigger.ALL, True),
        ({"submitted_at": None}, ReviewTrigger.ALL, False),
        ({"author": STRANGER}, ReviewTrigger.ALL, False),
    ],
)
def test_a_review_is_a_cause_by_its_body(
    changes: dict[str, Any], trigger: ReviewTrigger, *, present: bool
) -> None:
    """Only with words, of somebody who counts, threads or not; the setting widens it."""
    review = attrs.evolve(a_review("CHANGES_REQUESTED"), **changes)
    found = _ids(some_facts(reviews=(review,)), Trust(settings=SettingsRecord(review_trigger=trigger)))
    assert bool(found) is present


# Trust


@pytest.mark.parametrize(
    ("author", "trusted"),
    [
        (OWNER, True),
        (STRANGER, False),
        (attrs.evolve(STRANGER, association="MEMBER"), False),
        (attrs.evolve(STRANGER, can_push=None, association="MEMBER"), True),
        (attrs.evolve(STRANGER, can_push=None, association="CONTRIBUTOR"), False),
        (BOT, False),
        (attrs.evolve(BOT, can_push=True), True),
    ],
)
def test_who_can_push_is_trusted_else_the_association_of_people(author: Author, *, trusted: bool) -> None:
    """GitHub's word on the right to push goes before the association; a bot's association is none."""
    assert TRUST.trusts(author) is trusted
    assert bool(_ids(some_facts(threads=(a_thread(a_comment(author)),)))) is trusted


@pytest.mark.parametrize("listed", ["sam", "SAM", "U_sam"])
def test_the_list_trusts_by_login_and_by_node_id(listed: str) -> None:
    """Who is on the list is heard; GitHub's logins have no case."""
    assert Trust(settings=SettingsRecord(trusted=(listed,))).trusts(STRANGER)
    assert not Trust(settings=SettingsRecord(trusted=("x" + listed,))).trusts(STRANGER)


@pytest.mark.lesson("R3")
def test_what_our_account_marked_is_never_feedback() -> None:
    """What Headway posted carries its mark; a mark of another account is somebody's words."""
    assert _ids(some_facts(threads=(a_thread(a_comment(VIEWER, MARKED)),))) == []
    assert _ids(some_facts(threads=(a_thread(a_comment(OWNER, MARKED)),))) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R3")
def test_own_words_count_but_for_what_was_written_during_a_turn() -> None:
    """A solo developer's own review counts; what the account wrote while an agent ran does not."""
    facts = some_facts(threads=(a_thread(a_comment(VIEWER)),))  # said at minute 1
    assert _ids(facts) == ["FEEDBACK:T_1"]
    assert _ids(facts, Trust(settings=SettingsRecord(), turns=((at(0), at(2)),))) == []
    assert _ids(facts, Trust(settings=SettingsRecord(), turns=((at(0), None),))) == []
    assert _ids(facts, Trust(settings=SettingsRecord(), turns=((at(2), None), (at(-5), at(0))))) == [
        "FEEDBACK:T_1"
    ]
    others = some_facts(threads=(a_thread(a_comment(OWNER)),))
    assert _ids(others, Trust(settings=SettingsRecord(), turns=((at(0), None),))) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R3")
def test_the_setting_never_silences_the_own_account() -> None:
    """With `never` the token's account is nobody, unless it is listed."""
    facts = some_facts(threads=(a_thread(a_comment(VIEWER)),))
    never = SettingsRecord(own_account=OwnAccount.NEVER)
    assert _ids(facts, Trust(settings=never)) == []
    assert _ids(facts, Trust(settings=attrs.evolve(never, trusted=("olga",)))) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R3")
def test_a_strangers_word_does_not_move_a_threads_mark() -> None:
    """Only trusted words are compared with what was handed over."""
    handled = _handled(some_facts(threads=(a_thread(),)))
    noise = [a_comment(STRANGER, created_at=at(9)), a_comment(VIEWER, MARKED, created_at=at(9))]
    assert _actionable(some_facts(threads=(a_thread(a_comment(), *noise),)), handled) == []
