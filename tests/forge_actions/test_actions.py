"""Each action takes effect once, whatever dies or lags; what never works is given up."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from headway_core.forge_actions import (
    FORGE_ACTIONS,
    ActionStatus,
    Comment,
    ForgeAction,
    ForgeActionDuty,
    OpenPullRequest,
    Reply,
    RequestReview,
    Resolve,
    UnusableFile,
)
from headway_core.forge_actions.events import AgentOutputRefused, ForgeActionChanged
from headway_core.forge_actions.model import ACTION_LIMIT, ACTIONS_OF, MARK, Order
from headway_core.kernel.consumers import CONSUMER_POSITIONS, EventReader
from headway_core.kernel.errors import InvalidInput, NotFound, PermissionDenied, Unavailable
from headway_core.kernel.transactions import Transaction
from headway_core.processes import Exited
from headway_core.pull_requests.model import GitHubState
from headway_core.pull_requests.ports import ConversationPart
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.sessions import FixerRequest, WhenLive, run_of
from headway_testing.conversations import a_thread
from headway_testing.crash_points import Crash, CrashPoints, Point, PointedLedger, no_point
from headway_testing.fakes.worktrees import FakeWorktree
from headway_testing.harness import Harness
from headway_testing.observations import an_observation
from headway_testing.records import a_workspace

pytestmark = pytest.mark.anyio

OPEN = OpenPullRequest(head="headway/fix", base="main", title="Fix", body="", draft=False)
REPLY = Reply(thread_id="T_1", body="Done")
RESOLVE = Resolve(thread_id="T_1")
COMMENT = Comment(pull_request="PR_1", number=7, body="Please look")
REVIEW = RequestReview(pull_request="PR_1", number=7, reviewers=("mia",))
ORDERS: tuple[Order, ...] = (OPEN, REPLY, RESOLVE, COMMENT, REVIEW)


@pytest.fixture
async def harness() -> Harness:
    return await _built()


async def _built() -> Harness:
    harness = Harness()
    await harness.add_workspace(a_workspace(host_id="host-1", worktree_path="/worktrees/w1"))
    return harness


def _duty(harness: Harness, point: Point = no_point, host_id: str = "host-1") -> ForgeActionDuty:
    """The duty of one process, which may die at any point."""
    return harness.again(host_id=host_id, point=point).core.forge_actions.duty()


async def _ask(harness: Harness, order: Order) -> None:
    def work(tx: Transaction) -> None:
        tx.lock("w1")
        harness.core.forge_actions.steps().ask(tx, workspace_id="w1", session_id="s1", order=order)

    await harness.store.ledger.transact(work)


async def _actions(harness: Harness) -> list[ForgeAction]:
    table = harness.store.reader(FORGE_ACTIONS)
    return await harness.store.ledger.read(lambda tx: table.query(tx, ACTIONS_OF, workspace_id="w1"))


@pytest.mark.recovers("asked", "posting")
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
async def test_an_action_is_carried_out_once_wherever_its_process_dies(order: Order) -> None:
    """Death at every point before and after each call and each transaction, then another process."""
    for nth in range(50):
        harness = await _built()
        await _ask(harness, order)
        point = CrashPoints(nth)
        try:
            await _duty(harness, point).run()
        except Crash:
            await _duty(harness).run()  # at once: what is not shown yet is not written again
        if point.crashed:
            harness.clock.advance(READ_LAG)
            await _duty(harness).run()
        (action,) = await _actions(harness)
        assert (action.status, action.due_at) == (ActionStatus.DONE, None)
        assert [done for done, _ in harness.effects.done] == [order]
        if not point.crashed:
            assert nth >= 5
            return
    raise AssertionError("the duty does not come to its end")


@pytest.mark.recovers("posting")
async def test_a_pull_request_that_is_closed_at_once_is_not_opened_again() -> None:
    """Its process dies at every point, a person closes what is there: its mark says that it was opened."""
    for nth in range(50):
        harness = await _built()
        await _ask(harness, OPEN)
        point = CrashPoints(nth)

        async def closed_at_once(name: str, harness: Harness = harness, point: CrashPoints = point) -> None:
            harness.effects.closed.update(f"effect-{number}" for number in range(len(harness.effects.done)))
            await point(name)

        try:
            await _duty(harness, closed_at_once).run()
        except Crash:
            harness.clock.advance(READ_LAG)
            await _duty(harness).run()
        (action,) = await _actions(harness)
        assert (action.status, action.result) == (ActionStatus.DONE, "effect-0")
        assert [done for done, _ in harness.effects.done] == [OPEN]
        if not point.crashed:
            return
    raise AssertionError("the duty does not come to its end")


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
async def test_an_effect_that_is_not_shown_yet_is_not_repeated(harness: Harness, order: Order) -> None:
    """After a death behind the write nobody writes within the read lag; then the effect is found."""
    await _ask(harness, order)

    async def dies_after_write(name: str) -> None:
        if name == "after write":
            raise Crash(name)

    with pytest.raises(Crash):
        await _duty(harness, dies_after_write).run()
    harness.effects.lag = 1
    await _duty(harness).run()
    harness.clock.advance(READ_LAG)
    harness.effects.lag = 0
    await _duty(harness).run()
    assert [done for done, _ in harness.effects.done] == [order]
    assert [action.status for action in await _actions(harness)] == [ActionStatus.DONE]


async def test_a_pull_request_that_is_there_is_attached_and_not_opened_again(harness: Harness) -> None:
    """Somebody else's counts: it is looked for before the first attempt."""
    harness.effects.done.append((OPEN, "a person's"))
    await _ask(harness, OPEN)
    await _duty(harness).run()
    assert len(harness.effects.done) == 1
    (action,) = await _actions(harness)
    assert (action.status, action.attempts, action.result) == (ActionStatus.DONE, 0, "effect-0")


@pytest.mark.parametrize("error", [Unavailable("github", "is down"), PermissionDenied("github", "refuses")])
@pytest.mark.parametrize(
    ("order", "call"),
    [*((order, "before write") for order in ORDERS), (OPEN, "before find")],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_what_always_fails_is_given_up(
    harness: Harness, order: Order, error: Exception, call: str
) -> None:
    """After so many attempts, pauses between them, and a reason: also when only the looking fails."""
    await _ask(harness, order)

    async def fails(name: str) -> None:
        if name == call:
            raise error

    pauses = []
    (action,) = await _actions(harness)
    while action.due_at is not None:
        await _duty(harness, fails).run()
        (action,) = await _actions(harness)
        if action.due_at is not None:
            pauses.append(action.due_at - harness.clock.now())
            harness.clock.advance(pauses[-1])
    assert (action.status, action.attempts, action.due_at) == (ActionStatus.FAILED, ACTION_LIMIT, None)
    assert action.problem is not None
    assert pauses == sorted(pauses)
    assert len(pauses) == ACTION_LIMIT - 1
    assert harness.effects.done == []


@pytest.mark.lesson("S11")
async def test_after_a_limit_the_others_wait_unasked(harness: Harness) -> None:
    """One attempt met it; the rest of the round is put off as long, and loses none of its attempts."""
    harness.effects.refusals.append(Unavailable("github", "secondary rate limit", retry_after_s=600))
    for order in (REPLY, RESOLVE, COMMENT):
        await _ask(harness, order)
    calls: list[str] = []

    async def count(name: str) -> None:
        calls.append(name)

    await _duty(harness, count).run()
    assert calls.count("before write") == 1
    actions = await _actions(harness)
    assert [action.attempts for action in actions] == [1, 0, 0]
    assert {action.due_at for action in actions} == {harness.clock.now() + timedelta(seconds=600)}
    harness.clock.advance(600)
    await _duty(harness).run()
    assert [done for done, _ in harness.effects.done] == [REPLY, RESOLVE, COMMENT]


async def test_what_github_refuses_is_not_tried_again(harness: Harness) -> None:
    """Its content won't get better; other actions go on."""
    harness.effects.refusals.append(InvalidInput("body", "is too long"))
    await _ask(harness, REPLY)
    await _ask(harness, RESOLVE)
    await _duty(harness).run()
    assert [action.status for action in await _actions(harness)] == [ActionStatus.FAILED, ActionStatus.DONE]


async def test_a_pull_request_before_its_push_is_opened_after_it(harness: Harness) -> None:
    """GitHub refuses it while the branch is not there: it waits, is told on the board, and is opened then."""
    harness.effects.branches = set()
    await _ask(harness, OPEN)
    for _ in range(ACTION_LIMIT + 3):
        await _duty(harness).run()
        (action,) = await _actions(harness)
        assert (action.status, action.waits_for_push) == (ActionStatus.PENDING, True)
        assert action.due_at is not None
        assert READ_LAG <= action.due_at - harness.clock.now() <= timedelta(minutes=10)
        harness.clock.advance(action.due_at - harness.clock.now())
    harness.effects.branches = {OPEN.head}
    await _duty(harness).run()
    (action,) = await _actions(harness)
    assert (action.status, action.problem) == (ActionStatus.DONE, None)
    assert [done for done, _ in harness.effects.done] == [OPEN]


@pytest.mark.parametrize("refusal", ["No commits between main and headway/fix", "Draft is not supported"])
async def test_what_github_says_of_a_pull_request_is_told_and_tried_for_a_day(
    harness: Harness, refusal: str
) -> None:
    """Whatever the reason is, a later push may mend it; after a day it is given up, with the reason."""
    await _ask(harness, OPEN)
    began = harness.clock.now()
    for _ in range(200):
        harness.effects.refusals.append(InvalidInput("pull request", refusal))
        await _duty(harness).run()
        (action,) = await _actions(harness)
        assert refusal in (action.problem or "")
        if action.due_at is None:
            break
        harness.clock.advance(action.due_at - harness.clock.now())
    (action,) = await _actions(harness)
    assert action.status is ActionStatus.FAILED
    assert timedelta(days=1) <= harness.clock.now() - began <= timedelta(days=1, minutes=10)


async def test_a_session_s_end_is_taken_for_a_push(harness: Harness) -> None:
    """The next turn may have pushed: nobody waits for ten minutes then."""
    harness.effects.branches = set()
    await _ask(harness, OPEN)
    harness.clock.advance(7200)
    await _duty(harness).run()
    harness.effects.branches = {OPEN.head}
    harness.clock.advance(1)
    await _session_ends(harness)
    await harness.core.events.reader().catch_up(harness.core.forge_actions.agent_output())
    await _duty(harness).run()
    assert [done for done, _ in harness.effects.done] == [OPEN]


async def test_of_two_that_wait_the_later_one_counts(harness: Harness) -> None:
    """An agent says it better the second time; one pull request is opened."""
    harness.effects.branches = set()
    await _ask(harness, OPEN)
    await _duty(harness).run()
    better = attrs.evolve(OPEN, title="Fix it well", head="headway/other")
    await _ask(harness, better)
    harness.effects.branches = None
    harness.clock.advance(600)
    await _duty(harness).run()
    first, second = await _actions(harness)
    assert (first.status, first.problem) == (ActionStatus.FAILED, "a later one was asked for")
    assert second.status is ActionStatus.DONE
    assert [done for done, _ in harness.effects.done] == [better]


async def test_a_workspace_that_has_one_by_now_opens_no_other(harness: Harness) -> None:
    """Somebody opened one from another branch while it waited."""
    harness.effects.branches = set()
    await _ask(harness, OPEN)
    await _duty(harness).run()
    harness.forge.numbers[7] = "PR_1"
    harness.forge.observations["PR_1"] = an_observation()
    await harness.core.pull_requests.service().attach_number("w1", 7)
    harness.effects.branches = None
    harness.clock.advance(600)
    await _duty(harness).run()
    assert [action.status for action in await _actions(harness)] == [ActionStatus.FAILED]
    assert harness.effects.done == []


@pytest.mark.parametrize(
    ("branch", "head"),
    [
        ("agent/other", "agent/other"),
        ("headway/fix-login", "headway/fix-login"),
        ("main", "headway/fix-login"),
        ("headway/held", "headway/fix-login"),
        (None, "headway/fix-login"),
    ],
)
@pytest.mark.lesson("S16")
async def test_a_pull_request_is_opened_from_the_branch_that_the_agent_is_on(
    harness: Harness, branch: str | None, head: str
) -> None:
    """It may have switched; the base, and what another workspace holds, is not opened from, nor no branch."""
    held = a_workspace("w2", branch="headway/held", branch_claim="github.com/octo/demo:headway/held")
    await harness.add_workspace(held)
    tree = FakeWorktree(repo_path="/nowhere/demo", branch=branch)  # type: ignore[arg-type]  # detached
    harness.git.worktrees["/worktrees/w1"] = tree
    await _session_ends(harness, pull_request_json=b'{"title": "Fix"}')
    await harness.core.events.reader().catch_up(harness.core.forge_actions.agent_output())
    (action,) = await _actions(harness)
    assert isinstance(action.order, OpenPullRequest)
    assert (action.order.head, action.order.base) == (head, "main")


async def test_another_hosts_workspace_is_left_to_its_host(harness: Harness) -> None:
    """One host acts for a workspace."""
    await _ask(harness, REPLY)
    await _duty(harness, host_id="host-2").run()
    assert [action.status for action in await _actions(harness)] == [ActionStatus.PENDING]


_FILES = {"replies_json": "replies.json", "pull_request_json": "pull-request.json"}


async def _agent_ends(harness: Harness, **files: bytes) -> None:
    """A chat ran, left files behind and ended; the pull request has the thread T_1."""
    observation = an_observation(conversation=ConversationPart(reviews=(), threads=(a_thread(),)))
    harness.forge.observations["PR_1"] = observation
    await harness.store.ledger.transact(
        lambda tx: harness.core.pull_requests.steps().attach(tx, "w1", "PR_1")
    )
    await harness.core.pull_requests.service().refresh_workspace("w1")
    await _session_ends(harness, **files)


async def _session_ends(harness: Harness, **files: bytes) -> None:
    """The same in a workspace that may have no pull request."""
    session: Any = await harness.core.sessions.service().start_chat("w1", "go")
    await harness.core.sessions.executor().round()
    for name, content in files.items():
        harness.processes.files[run_of(session.id, 1), _FILES[name]] = content
    harness.processes.end(session.id, Exited(exit_code=0))
    await harness.core.sessions.executor().round()


@pytest.mark.recovers("agent-output")
async def test_agent_words_become_intents_with_the_consumers_position() -> None:
    """Death before or after any transaction: the words are taken once, and never lost."""
    for nth in range(100):
        harness = await _built()
        await _agent_ends(harness, replies_json=b'[{"thread": "T_1", "text": "Done", "resolve": true}]')
        point = CrashPoints(nth)
        for ledger in (PointedLedger(harness.store.ledger, point), harness.store.ledger):
            reader = EventReader(ledger, harness.store.events, harness.store.writer(CONSUMER_POSITIONS))
            try:
                await reader.catch_up(harness.core.forge_actions.agent_output())
            except Crash:
                continue
        assert [action.order for action in await _actions(harness)] == [REPLY, RESOLVE]
        if not point.crashed:
            return
    raise AssertionError("the consumer does not come to its end")


@pytest.mark.parametrize(
    ("files", "orders"),
    [
        ({"replies_json": b'[{"thread": "T_9", "text": "Hello"}]'}, []),
        (
            {"replies_json": b'[{"thread": "T_9"}, {"thread": "T_1", "text": "Done", "resolve": true}]'},
            [REPLY, RESOLVE],
        ),
        (
            {"replies_json": b'[{"thread": "T_1", "text": "Done"}' + b', {"thread": "T_1"}' * 32_000 + b"]"},
            [REPLY],
        ),
        ({"pull_request_json": b'{"title": "x", "body": "\\ud800"}'}, []),
        ({"pull_request_json": b'{"title": "x\\u0000"}'}, []),
    ],
    ids=["of a resolved thread", "beside one that is fine", "very many", "half of a pair", "NUL"],
)
async def test_words_that_can_not_be_used_are_told(
    harness: Harness, files: dict[str, bytes], orders: list[Order]
) -> None:
    """One event for a file says why, and the intents are those of the entries that can be used."""
    await _agent_ends(harness, **files)
    await harness.core.events.reader().catch_up(harness.core.forge_actions.agent_output())
    actions = await _actions(harness)
    assert [action.order for action in actions if not isinstance(action.order, UnusableFile)] == orders
    (unusable,) = [action for action in actions if isinstance(action.order, UnusableFile)]
    assert (unusable.status, unusable.due_at, unusable.session_id is None) == (
        ActionStatus.FAILED,
        None,
        False,
    )
    await _duty(harness).run()
    assert [done for done, _ in harness.effects.done] == orders
    log = await harness.store.ledger.read(lambda tx: harness.store.events.after(tx, 0, limit=1000))
    refused = [each.payload.problem for each in log if isinstance(each.payload, AgentOutputRefused)]
    assert refused == [unusable.problem]
    told = [e.payload for e in log if isinstance(e.payload, ForgeActionChanged)]
    assert [(e.action_id, e.problem) for e in told if e.status is ActionStatus.FAILED] == [
        (unusable.id, unusable.problem)
    ]


async def _with_thread(harness: Harness, **changes: Any) -> None:
    """w1 has an open pull request with the unresolved thread T_1."""
    talk = ConversationPart(reviews=(), threads=(a_thread(),))
    harness.forge.observations["PR_1"] = an_observation(conversation=talk, **changes)
    await harness.store.ledger.transact(
        lambda tx: harness.core.pull_requests.steps().attach(tx, "w1", "PR_1")
    )
    await harness.core.pull_requests.service().refresh_workspace("w1")


async def test_what_people_ask_for_is_done_once_with_a_mark(harness: Harness) -> None:
    """Reply, resolve, comment, ask for a review: intents in their order, each with a mark of its own."""
    await _with_thread(harness)
    service = harness.core.forge_actions.service()
    await service.reply("w1", "T_1", "Done", actor="mia")
    await service.resolve("w1", "T_1", actor="mia")
    await service.comment("w1", "Please look", actor="mia")
    await service.request_review("w1", ["@mia", "mia"], actor="mia")
    for _ in range(2):
        await _duty(harness).run()
    assert [done for done, _ in harness.effects.done] == [REPLY, RESOLVE, COMMENT, REVIEW]
    actions = await _actions(harness)
    assert [mark for _, mark in harness.effects.done] == [action.mark for action in actions]
    assert all(MARK.search(action.mark) for action in actions)
    assert {action.session_id for action in actions} == {None}
    log = await harness.store.ledger.read(lambda tx: harness.store.events.after(tx, 0, limit=1000))
    asked = [e.actor for e in log if isinstance(e.payload, ForgeActionChanged) and e.payload.attempts == 0]
    assert asked == ["mia"] * 4


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("thread_id", lambda s: s.reply("w1", "T_9", "Done")),
        ("thread_id", lambda s: s.resolve("w1", "T_9")),
        ("body", lambda s: s.reply("w1", "T_1", " \n")),
        ("body", lambda s: s.comment("w1", "x" * 60_001)),
        ("reviewers", lambda s: s.request_review("w1", [])),
        ("reviewers", lambda s: s.request_review("w1", ["-evil"])),
        ("reviewers", lambda s: s.request_review("w1", ["a b"])),
        ("reviewers", lambda s: s.request_review("w1", [f"u{n}" for n in range(16)])),
    ],
)
async def test_what_people_may_not_ask_for(harness: Harness, field: str, call: Any) -> None:
    """The error names the field, and nothing is stored."""
    await _with_thread(harness)
    with pytest.raises(InvalidInput) as error:
        await call(harness.core.forge_actions.service())
    assert error.value.field == field
    assert await _actions(harness) == []


async def test_without_an_open_pull_request_nothing_is_asked(harness: Harness) -> None:
    """None attached, one that is closed, and no such workspace."""
    service = harness.core.forge_actions.service()
    with pytest.raises(InvalidInput, match="workspace_id"):
        await service.comment("w1", "Hello")
    await _with_thread(harness, state=GitHubState.CLOSED)
    with pytest.raises(InvalidInput, match="workspace_id"):
        await service.comment("w1", "Hello")
    with pytest.raises(NotFound):
        await service.comment("nobody", "Hello")


# After the pull request


async def _ends_after(
    harness: Harness, *, how: str, state: GitHubState, began_later: bool = False
) -> list[Order]:
    """An agent leaves words for a pull request, and the workspace's own is over by then."""
    if began_later:
        await _over(harness, state)
        harness.clock.advance(60)
    if how == "chat":
        session: Any = await harness.core.sessions.service().start_chat("w1", "go")
    else:
        request = FixerRequest(workspace_id="w1", label=how, causes=(), prompt="go", when_live=WhenLive.LEAVE)
        session = await harness.core.sessions.fixers().acquire_and_dispatch(request)
    session_id = getattr(session, "id", None) or session.session_id
    await harness.core.sessions.executor().round()
    if not began_later:
        await _over(harness, state)
    harness.processes.files[run_of(session_id, 1), "pull-request.json"] = b'{"title": "Again"}'
    if how == "stopped":
        await harness.core.sessions.service().stop(session_id)
    else:
        harness.processes.end(session_id, Exited(exit_code=0))
    await harness.core.sessions.executor().round()
    await harness.core.events.reader().catch_up(harness.core.forge_actions.agent_output())
    return [action.order for action in await _actions(harness) if isinstance(action.order, OpenPullRequest)]


async def _over(harness: Harness, state: GitHubState) -> None:
    harness.clock.advance(60)
    harness.forge.observations["PR_1"] = an_observation(state=state, updated_at=harness.clock.now())
    await harness.store.ledger.transact(
        lambda tx: harness.core.pull_requests.steps().attach(tx, "w1", "PR_1")
    )
    await harness.core.pull_requests.service().refresh_workspace("w1")


@pytest.mark.parametrize("state", [GitHubState.MERGED, GitHubState.CLOSED])
@pytest.mark.parametrize("how", ["stopped", "ratchet", "fix-ci", "chat"])
async def test_words_from_before_the_end_of_a_pull_request_open_no_other_one(
    harness: Harness, how: str, state: GitHubState
) -> None:
    """A fixer that was cancelled, one that came to its end, and a chat: a person decides, and it is said."""
    assert await _ends_after(harness, how=how, state=state) == []
    (refused,) = await harness.payloads(AgentOutputRefused)
    told = f"the workspace's pull request is {state.lower()}: a person decides about another one"
    assert refused.problem == f"pull-request.json: {told}"


@pytest.mark.parametrize(("how", "opens"), [("chat", True), ("fix-ci", False)])
async def test_who_begins_after_the_end_of_a_pull_request_may_open_another_one(
    harness: Harness, how: str, *, opens: bool
) -> None:
    """A person who asks an agent for more work has decided; a fixer mends, and opens nothing."""
    orders = await _ends_after(harness, how=how, state=GitHubState.MERGED, began_later=True)
    assert bool(orders) is opens


@pytest.mark.parametrize("state", [GitHubState.MERGED, GitHubState.CLOSED])
async def test_what_waits_to_be_opened_is_dropped_when_another_one_came_and_went(
    harness: Harness, state: GitHubState
) -> None:
    """The order was for a workspace without a pull request, and it has had one since."""
    await _ask(harness, OPEN)
    await _over(harness, state)
    await _duty(harness).run()
    (action,) = await _actions(harness)
    assert action.status is ActionStatus.FAILED
    assert action.problem is not None
    assert "a person decides" in action.problem
    assert harness.effects.done == []
