"""When an observation is believed, and what it leaves alone (I5)."""

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests import Believed, Refused, believe, ci_of, no_checks
from headway_core.pull_requests.model import (
    Base,
    CheckOutcome,
    CIStatus,
    DecisionSource,
    GitHubState,
    Head,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
    ReviewDecision,
)
from headway_core.pull_requests.ports import ConversationPart, Observation
from headway_core.pull_requests.reconciliation import FORMER_KEPT, RefusalReason, changed_fields, switched
from headway_core.settings.model import CIScope, SettingsRecord
from headway_testing.clock import EPOCH
from headway_testing.observations import a_check, an_observation

A, B, C = "a" * 40, "b" * 40, "c" * 40
SETTINGS = SettingsRecord()
QUIET = SETTINGS.quiet_time_s


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


@attrs.define
class Case:
    """A snapshot that is fed observations."""

    snapshot: PullRequestSnapshot = attrs.Factory(
        lambda: PullRequestSnapshot(workspace_id="w", node_id="PR_1")
    )
    watch: PullRequestWatch = attrs.Factory(lambda: PullRequestWatch(workspace_id="w"))
    number: int = 0
    settings: SettingsRecord = SETTINGS

    def see(
        self, observation: Observation, seconds: float = 0, *, number: int | None = None
    ) -> Believed | Refused:
        self.number += 1
        belief = believe(
            self.snapshot,
            self.watch,
            observation,
            number=self.number if number is None else number,
            began_at=at(seconds),
            now=at(seconds + 1),
            settings=self.settings,
        )
        self.watch = belief.watch
        if isinstance(belief, Believed):
            self.snapshot = belief.snapshot
        return belief

    def must(self, observation: Observation, seconds: float = 0) -> tuple[str, ...]:
        belief = self.see(observation, seconds)
        assert isinstance(belief, Believed), belief
        return belief.changed

    def refused(self, observation: Observation, seconds: float = 0, **more: Any) -> RefusalReason:
        before = self.snapshot
        belief = self.see(observation, seconds, **more)
        assert isinstance(belief, Refused)
        assert self.snapshot is before
        return belief.reason

    @property
    def facts(self) -> PullRequestFacts:
        assert self.snapshot.facts is not None
        return self.snapshot.facts


def test_the_first_observation_is_all_facts() -> None:
    """Everything that was read is stored, and the head is first seen now."""
    case = Case()
    changed = case.must(an_observation())
    assert set(changed) == {field.name for field in attrs.fields(PullRequestFacts)}
    assert (case.snapshot.head_seen_at, case.snapshot.observation) == (at(1), 1)
    assert (case.facts.checks_complete, case.facts.conversation_complete) == (True, True)


@pytest.mark.lesson("S18")
def test_what_finds_nothing_new_changes_nothing_but_the_watch() -> None:
    """The snapshot stays the same object; its parts are as old as the newer fetch."""
    case = Case()
    case.must(an_observation())
    before = case.snapshot
    assert case.must(an_observation(), 50) == ()
    assert case.snapshot is before
    watch = case.watch
    assert {watch.fetch_began_at, watch.checks_at, watch.conversation_at, watch.mergeability_at} == {at(50)}


@pytest.mark.lesson("S18")
def test_a_fetch_that_began_earlier_is_refused() -> None:
    """Order is by the number drawn at the beginning, whichever answer comes first."""
    case = Case()
    case.see(an_observation(title="new"), number=5)
    assert case.refused(an_observation(title="old"), number=4) is RefusalReason.OLDER_FETCH
    assert case.refused(an_observation(title="same"), number=5) is RefusalReason.OLDER_FETCH


@pytest.mark.lesson("S18")
def test_a_fetch_that_found_nothing_new_counts_too() -> None:
    """An earlier fetch that comes after one that changed nothing is refused all the same."""
    case = Case()
    case.see(an_observation(), number=1)
    case.see(an_observation(), number=3)
    assert case.snapshot.observation == 1
    assert case.refused(an_observation(title="old"), number=2) is RefusalReason.OLDER_FETCH


def test_an_older_updated_at_is_refused() -> None:
    """A replica that lags is not believed."""
    case = Case()
    case.must(an_observation(updated_at=at(10)))
    lagging = an_observation(updated_at=at(9), title="old")
    assert case.refused(lagging) is RefusalReason.OLDER_UPDATED_AT


@pytest.mark.lesson("R23", "S21")
def test_an_observation_of_another_pull_request_is_refused() -> None:
    """Facts of PR_2 are never stored for a workspace that has PR_1, nor for one that has none."""
    case = Case()
    assert case.refused(an_observation("PR_2")) is RefusalReason.OTHER_PULL_REQUEST
    none = Case(snapshot=PullRequestSnapshot(workspace_id="w"))
    assert none.refused(an_observation("PR_1")) is RefusalReason.OTHER_PULL_REQUEST


def test_merged_is_final() -> None:
    """What was merged is never open again, but goes on telling its conversation."""
    case = Case()
    case.must(an_observation(state=GitHubState.MERGED))
    late = an_observation(state=GitHubState.OPEN, updated_at=at(99))
    assert case.refused(late) is RefusalReason.MERGED_IS_FINAL
    assert case.must(an_observation(state=GitHubState.MERGED, title="Renamed")) == ("title",)


@pytest.mark.lesson("S10")
def test_closed_may_be_open_again() -> None:
    """CLOSED to OPEN is believed."""
    case = Case()
    case.must(an_observation(state=GitHubState.CLOSED))
    assert case.must(an_observation(updated_at=at(5))) == ("state", "updated_at")


def test_a_former_head_is_refused_until_it_is_seen_twice_as_the_tip() -> None:
    """A late answer is refused; a force-push back is believed at the second read."""
    case = Case()
    case.must(an_observation(commit=A))
    case.must(an_observation(commit=B))
    assert case.snapshot.former_heads == (A,)
    assert case.refused(an_observation(commit=A)) is RefusalReason.UNCONFIRMED
    assert case.refused(an_observation(commit=A), 4) is RefusalReason.UNCONFIRMED  # it may lag still
    assert "head" in case.must(an_observation(commit=A), 5)
    assert case.facts.head.commit == A
    assert case.snapshot.former_heads == (B,)


def test_two_late_answers_with_a_newer_one_between_are_no_force_push() -> None:
    """The two reads must follow each other."""
    case = Case()
    case.must(an_observation(commit=A))
    case.must(an_observation(commit=B))
    case.refused(an_observation(commit=A))
    case.must(an_observation(commit=B), 5)
    assert case.refused(an_observation(commit=A), 10) is RefusalReason.UNCONFIRMED


def test_a_former_head_that_is_not_the_tip_is_never_believed() -> None:
    """The record of the pull request lags behind its branch: read as often as you like, it is old."""
    case = Case()
    case.must(an_observation(commit=A))
    case.must(an_observation(commit=B))
    lagging = an_observation(commit=A, head=Head(ref="x", commit=A, repository=None, tip=B))
    for n in range(3):
        assert case.refused(lagging, n * 60) is RefusalReason.UNCONFIRMED


@pytest.mark.parametrize("state", [GitHubState.OPEN, GitHubState.CLOSED])
def test_an_older_updated_at_is_refused_however_often_it_is_told(state: GitHubState) -> None:
    """A replica that lags without an end replaces nothing, neither of an open one nor of a closed one."""
    case = Case()
    case.must(an_observation(commit=A))
    case.must(an_observation(commit=B, state=state, updated_at=at(30)), 60)
    lagging = an_observation(commit=A, state=state, head=Head(ref="x", commit=A, repository=None, tip=B))
    for n in range(3):
        assert case.refused(lagging, 120 + n * 60) is RefusalReason.OLDER_UPDATED_AT
    assert case.facts.head.commit == B


def test_within_one_second_only_lasting_tells_of_a_closed_one() -> None:
    """Its branch may go on without it, and `updatedAt` is the same: what is told again later is believed."""
    case = Case()
    closed: dict[str, Any] = {"state": GitHubState.CLOSED, "updated_at": at(0)}
    case.must(an_observation(commit=A))
    case.must(an_observation(commit=B, **closed), 1)
    back = an_observation(commit=A, head=Head(ref="x", commit=A, repository=None, tip=B), **closed)
    assert case.refused(back, 2) is RefusalReason.UNCONFIRMED
    assert case.refused(back, 6) is RefusalReason.UNCONFIRMED
    assert "head" in case.must(back, 7)


def test_a_base_never_seen_is_unconfirmed_within_the_lag() -> None:
    """Of two bases that are told within seconds neither is known to be newer: no `updatedAt` moves."""
    one, two, three = (Base(ref="main", commit=commit) for commit in (A, B, C))
    case = Case()
    case.must(an_observation(base=one), 0)
    assert case.refused(an_observation(base=two), 4) is RefusalReason.UNCONFIRMED
    assert case.refused(an_observation(base=three), 4.5) is RefusalReason.UNCONFIRMED
    assert case.must(an_observation(base=three), 5) == ("base",)
    moved = an_observation(base=two, updated_at=at(6))
    assert "base" in case.must(moved, 7)  # a retargeting moves it


def test_an_earlier_report_of_a_run_is_unconfirmed() -> None:
    """Its app corrected what had ended, under the same id: the end that it told first is the older one."""

    def ended(outcome: CheckOutcome, seconds: float) -> Observation:
        return an_observation(checks=(a_check(outcome=outcome, completed_at=at(seconds)),))

    case = Case()
    case.must(ended(CheckOutcome.PASSED, 10), 15)
    assert case.must(ended(CheckOutcome.FAILED, 20), 25) == ("checks",)
    assert case.refused(ended(CheckOutcome.PASSED, 10), 26) is RefusalReason.UNCONFIRMED
    assert case.must(ended(CheckOutcome.PASSED, 30), 35) == ("checks",)


@pytest.mark.lesson("S7")
@pytest.mark.parametrize("name", [field.name for field in attrs.fields(PullRequestFacts)])
def test_every_field_that_a_write_changes_is_named(name: str) -> None:
    """Each of the facts alone, and all of them with the first observation: none is forgotten."""
    case = Case()
    everything = case.must(an_observation())
    assert name in everything
    changes: dict[str, Any] = {name: object()}
    changed = attrs.evolve(case.facts, **changes)
    assert changed_fields(case.snapshot, attrs.evolve(case.snapshot, facts=changed)) == (name,)


def test_former_heads_are_bounded() -> None:
    """The newest twenty are kept."""
    case = Case()
    commits = [f"{n:040x}" for n in range(30)]
    for commit in commits:
        case.must(an_observation(commit=commit))
    assert case.snapshot.former_heads == tuple(commits[29 - FORMER_KEPT : 29])


@pytest.mark.lesson("S5")
def test_a_part_that_was_not_read_keeps_its_facts_and_its_age() -> None:
    """A partial answer clears nothing."""
    case = Case()
    case.must(an_observation(checks=(a_check(outcome=CheckOutcome.FAILED),)))
    before = case.facts
    partial = an_observation(
        checks=None, conversation=None, mergeability=None, problems=("checks: forbidden",)
    )
    assert case.must(partial, 60) == ()
    assert case.facts is before
    watch = case.watch
    assert (watch.state_at, watch.checks_at, watch.conversation_at) == (at(60), at(0), at(0))


def test_checks_of_another_commit_are_not_read() -> None:
    """A rollup of the former head leaves the checks as they were, and says nothing of the new head."""
    case = Case()
    old = an_observation(commit=A, checks=(a_check(outcome=CheckOutcome.FAILED),))
    case.must(old)
    torn = attrs.evolve(an_observation(commit=B), checks=old.checks)
    case.must(torn, 30)
    assert not case.facts.checks_complete
    assert case.watch.checks_at == at(0)
    assert ci_of(case.snapshot, CIScope.ALL) is CIStatus.UNKNOWN


@pytest.mark.parametrize(
    "moved", [{"commit": B}, {"base": Base(ref="main", commit=C)}, {"base": Base(ref="next", commit=B)}]
)
def test_mergeability_is_unknown_when_head_or_base_moved_and_nothing_newer_is_told(
    moved: dict[str, Any],
) -> None:
    """What was known of the former pair of commits is not known of the new one."""
    case = Case()
    case.must(an_observation(mergeability=Mergeability.CONFLICT, base=Base(ref="main", commit=B)))
    pair = {"commit": A, "base": Base(ref="main", commit=B), **moved}
    case.must(an_observation(mergeability=None, **pair), 60)
    expected = (
        Mergeability.CONFLICT if pair["commit"] == A and pair["base"].commit == B else Mergeability.UNKNOWN
    )
    assert case.facts.mergeability is expected


def test_mergeability_of_a_record_that_lags_its_branch_is_not_read() -> None:
    """It may be told of the branch's own tip: what was known of the record's head stands."""
    case = Case()
    case.must(an_observation(commit=A, mergeability=Mergeability.CONFLICT))
    head = Head(ref="x", commit=A, repository=None, tip=B)
    for told in (Mergeability.CLEAN, Mergeability.UNKNOWN):
        case.must(an_observation(commit=A, head=head, mergeability=told, updated_at=at(30)), 60)
        assert case.facts.mergeability is Mergeability.CONFLICT
        assert case.watch.mergeability_at == at(0)


def test_unknown_mergeability_is_an_answer() -> None:
    """GitHub that does not know takes back what it said."""
    case = Case()
    case.must(an_observation(mergeability=Mergeability.CLEAN))
    assert case.must(an_observation(mergeability=Mergeability.UNKNOWN), 5) == ("mergeability",)


def test_githubs_decision_goes_before_a_derived_one() -> None:
    """Which of the two it is, is stored; a derived one stays while the conversation is not read."""
    from headway_core.pull_requests.model import Author, Review  # noqa: PLC0415  no other test needs it

    review = Review(
        id="R1", author=Author(login="bob", can_push=True), state="APPROVED", body="", submitted_at=at(0)
    )
    talk = ConversationPart(reviews=(review,), threads=())
    case = Case()
    case.must(an_observation(conversation=talk))
    assert (case.facts.review_decision, case.facts.decision_source) == (
        ReviewDecision.APPROVED,
        DecisionSource.DERIVED,
    )
    assert case.must(an_observation(conversation=None)) == ()
    case.must(an_observation(conversation=talk, review_decision=ReviewDecision.REVIEW_REQUIRED))
    assert (case.facts.review_decision, case.facts.decision_source) == (
        ReviewDecision.REVIEW_REQUIRED,
        DecisionSource.GITHUB,
    )


@pytest.mark.lesson("S4")
def test_no_checks_are_green_after_the_quiet_time_alone() -> None:
    """A fetch that began after the quiet time and saw none makes it so; the next head starts anew."""
    case = Case()
    case.must(an_observation(checks=()))
    assert ci_of(case.snapshot, CIScope.ALL) is CIStatus.UNKNOWN
    assert case.must(an_observation(checks=()), QUIET) == ()  # it began before the quiet time's end
    assert case.must(an_observation(checks=()), QUIET + 1) == ("quiet_passed",)
    assert ci_of(case.snapshot, CIScope.ALL) is CIStatus.SUCCESS
    assert no_checks(case.snapshot)
    case.must(an_observation(commit=B, checks=()), QUIET + 2)
    assert not case.snapshot.quiet_passed
    assert ci_of(case.snapshot, CIScope.ALL) is CIStatus.UNKNOWN


def test_quiet_time_needs_a_complete_view() -> None:
    """Checks that were last read before its end do not count as none."""
    case = Case()
    case.must(an_observation(checks=()))
    case.must(an_observation(checks=None), QUIET + 10)
    assert not case.snapshot.quiet_passed


def test_pending_checks_are_overdue_after_the_limit_since_the_newest_start() -> None:
    """A re-run starts the clock again; what is done is overdue no more."""
    limit = SETTINGS.ci_limit_s
    slow = a_check(outcome=CheckOutcome.PENDING, started_at=at(10))
    case = Case()
    case.must(an_observation(checks=(slow,)))
    assert case.must(an_observation(checks=(slow,)), limit) == ("quiet_passed",)
    assert case.must(an_observation(checks=(slow,)), limit + 10) == ("ci_overdue",)
    again = a_check(outcome=CheckOutcome.PENDING, started_at=at(limit), run_id="2")
    assert case.must(an_observation(checks=(again,)), limit + 20) == ("checks", "ci_overdue")
    assert not case.snapshot.ci_overdue


@pytest.mark.lesson("S10", "R23")
def test_a_switch_leaves_nothing_of_the_former_pull_request() -> None:
    """Facts, former heads, times and booleans are gone with the write."""
    case = Case()
    case.must(an_observation(commit=A, checks=()))
    case.must(an_observation(commit=B, checks=()), QUIET * 2)
    case.snapshot = switched(case.snapshot, "PR_2", at(500))
    fresh = PullRequestSnapshot(
        workspace_id="w", node_id="PR_2", attached_at=at(500), observation=case.snapshot.observation
    )
    assert case.snapshot == fresh
    assert case.refused(an_observation("PR_1", commit=B)) is RefusalReason.OTHER_PULL_REQUEST
    case.must(an_observation("PR_2", commit=A))


_COMMITS = st.sampled_from([A, B, C])


@st.composite
def _observations(draw: st.DrawFn) -> Observation:
    commit = draw(_COMMITS)
    read = draw(st.booleans())
    return an_observation(
        draw(st.sampled_from(["PR_1", "PR_1", "PR_2"])),
        commit=commit,
        state=draw(st.sampled_from(GitHubState)),
        title=draw(st.sampled_from(["one", "two"])),
        updated_at=at(draw(st.integers(0, 5))),
        checks=(a_check(outcome=draw(st.sampled_from(CheckOutcome))),) if read else None,
        mergeability=draw(st.none() | st.sampled_from(Mergeability)),
        conversation=draw(st.none() | st.just(ConversationPart(reviews=(), threads=()))),
    )


@pytest.mark.lesson("S18")
@given(st.lists(st.tuples(_observations(), st.integers(1, 12)), max_size=10))
def test_no_fact_is_replaced_by_an_older_one_nor_cleared(steps: list[tuple[Observation, int]]) -> None:
    """Over any sequence of answers: numbers and updatedAt only grow, read parts stay read, merged stays."""
    case = Case()
    believed = 0
    for observation, number in steps:
        before, watch = case.snapshot, case.watch
        belief = case.see(observation, number=number)
        if isinstance(belief, Refused):
            assert case.snapshot is before
            continue
        assert number > believed
        believed = number
        assert observation.state.node_id == "PR_1"
        if before.facts is None:
            continue
        assert case.facts.updated_at >= before.facts.updated_at
        if before.facts.state is GitHubState.MERGED:
            assert case.facts.state is GitHubState.MERGED
        if observation.checks is None:
            assert (case.facts.checks, case.watch.checks_at) == (before.facts.checks, watch.checks_at)
        assert case.facts.conversation_complete >= before.facts.conversation_complete


@given(_observations(), _observations())
def test_the_same_answer_makes_the_same_facts(first: Observation, second: Observation) -> None:
    """Belief is a function: whoever fetched, the snapshot is the same (I8)."""
    one, other = Case(), Case()
    for case in (one, other):
        case.see(first)
        case.see(second)
    assert (one.snapshot, one.watch) == (other.snapshot, other.watch)
