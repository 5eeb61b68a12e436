"""How many fixers one thing gets, from what the forge tells to the dispatches: the ratchet feeds no loop."""

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from headway_core.processes import Exited
from headway_core.pull_requests import StatusRow, newest_checks
from headway_core.pull_requests.model import Author, Review, ReviewThread, ThreadComment
from headway_core.pull_requests.ports import ConversationPart
from headway_core.ratchet.decision import AwaitingReview, Decision, Dispatch, Ready, Stalled, StallReason
from headway_core.ratchet.sentences import sentence
from headway_core.sessions.model import PROMPTS, PROMPTS_OF
from headway_testing.conversations import OWNER, VIEWER, a_comment, a_review, a_thread, at
from headway_testing.observations import a_check

pytestmark = pytest.mark.anyio
HarnessT = Any

TIDY = Author(login="tidy", node_id="B_tidy", is_bot=True)
MARK = "<!-- headway:id-000001 -->"
UNCHANGED = Stalled(reason=StallReason.UNCHANGED, recheck_at=None)


def _talk(*said: tuple[Author, str, float], edited: float | None = None, **changes: Any) -> dict[str, Any]:
    """What a fetch sees of one thread, beside checks that pass: by whom, what and when, in minutes."""
    comments = [
        a_comment(author, text, id=f"C_{number}", created_at=at(minute))
        for number, (author, text, minute) in enumerate(said)
    ]
    if edited is not None:
        comments[0] = attrs.evolve(comments[0], body="Addressed", edited_at=at(edited))
    return _conversation(threads=[attrs.evolve(a_thread(*comments), **changes)])


def _conversation(
    threads: Iterable[ReviewThread] = (),
    reviews: Iterable[Review] = (),
    comments: tuple[ThreadComment, ...] | None = (),
) -> dict[str, Any]:
    part = ConversationPart(reviews=tuple(reviews), threads=tuple(threads), comments=comments)
    return {"checks": (a_check(),), "conversation": part}


async def _seen(harness: HarnessT, views: list[dict[str, Any]]) -> tuple[int, Decision]:
    """One view after the other; a fixer that is dispatched comes to its end at once."""
    await harness.workspace()
    await harness.core.settings.service().change(trusted=("tidy[bot]",))
    decision: Decision | None = None
    for view in views:
        decision = await harness.judge(**view)
        if isinstance(decision, Dispatch):
            await harness.end(Exited(exit_code=0))
            await harness.check()
            harness.clock.advance(1)
            await harness.see(**view)
            decision = await harness.check()
    assert decision is not None
    return len(await harness.dispatches()), attrs.evolve(decision, recheck_at=None)


async def _prompt(harness: HarnessT) -> str:
    table, session = harness.store.reader(PROMPTS), await harness.fixer()
    (found,) = await harness.store.ledger.read(lambda tx: table.query(tx, PROMPTS_OF, session_id=session.id))
    text: str = found.text
    return text


@pytest.mark.lesson("R1")
async def test_a_failing_status_that_is_posted_anew_gets_one_fixer(harness: HarnessT) -> None:
    """As often as its app likes: it is one build. Another build is another fixer's."""
    posted = StatusRow(
        context="ci/build", state="failure", commit="a" * 40, url="https://ci.example/7", summary="Failed"
    )
    posts = [attrs.evolve(posted, id=f"S{number}", created_at=at(number)) for number in range(6)]
    views = [{"checks": newest_checks([row])} for row in posts]
    assert await _seen(harness, views) == (1, UNCHANGED)
    rebuilt = attrs.evolve(posted, id="S9", created_at=at(9), url="https://ci.example/8")
    await harness.judge(checks=newest_checks([rebuilt]))
    assert len(await harness.dispatches()) == 2


@pytest.mark.lesson("R3")
async def test_a_bot_that_thanks_for_each_reply_gets_one_fixer(harness: HarnessT) -> None:
    """Its remark is one thing; what it says to our replies is none."""
    said: list[tuple[Author, str, float]] = [(TIDY, "Rename it", 1)]
    views = [_talk(*said)]
    for minute in range(2, 10, 2):
        said += [(VIEWER, f"Done\n\n{MARK}", minute), (TIDY, "Thank you!", minute + 1)]
        views.append(_talk(*said))
    fixers, decision = await _seen(harness, views)
    assert (fixers, decision) == (1, UNCHANGED)


@pytest.mark.lesson("R3")
async def test_a_bot_that_edits_its_remark_gets_one_fixer(harness: HarnessT) -> None:
    """To "addressed", again and again."""
    remark = (TIDY, "Rename it", 1.0)
    views = [_talk(remark), *[_talk(remark, edited=minute) for minute in range(2, 7)]]
    assert await _seen(harness, views) == (1, UNCHANGED)


@pytest.mark.lesson("R3")
async def test_a_bot_that_is_never_content_gets_three_fixers(harness: HarnessT) -> None:
    """It says something new after each, and nobody else does: then a person is told."""
    views = [_talk(*[(TIDY, f"And {n}", float(n)) for n in range(1, last)]) for last in range(2, 9)]
    fixers, decision = await _seen(harness, views)
    assert (fixers, decision) == (3, UNCHANGED)
    assert "A fixer has had everything that is left to fix" in sentence(decision).why


@pytest.mark.lesson("R3")
async def test_a_person_who_is_never_content_gets_a_fixer_each_time(harness: HarnessT) -> None:
    """Until the budget is used: people are no loop."""
    await harness.core.settings.service().change(budget_between_progress=9)
    views = [_talk(*[(OWNER, f"And {n}", float(n)) for n in range(1, last)]) for last in range(2, 8)]
    assert (await _seen(harness, views))[0] == 6


@pytest.mark.lesson("R25", "R27")
async def test_a_reviews_text_is_handed_over_with_its_threads(harness: HarnessT) -> None:
    """One fixer has both in its prompt; a thread that is resolved leaves the text to the reviewer."""
    review = a_review("CHANGES_REQUESTED", id="R_1", body="Add a changelog entry", thread_count=1)
    thread = a_thread(a_comment(body="Rename this", review_id="R_1"))
    fixers, _ = await _seen(harness, [_conversation([thread], [review])])
    assert fixers == 1
    prompt = await _prompt(harness)
    assert "Rename this" in prompt
    assert "Add a changelog entry" in prompt
    resolved = await harness.judge(**_conversation([], [review]), commit="c" * 40)
    assert isinstance(resolved, AwaitingReview)
    assert len(await harness.dispatches()) == 1


@pytest.mark.lesson("R25")
async def test_a_reviews_text_is_handed_over_though_its_thread_is_resolved(harness: HarnessT) -> None:
    """Its threads were resolved before anybody looked: the text is still asked for."""
    review = a_review("CHANGES_REQUESTED", id="R_1", body="Add a changelog entry", thread_count=1)
    fixers, _ = await _seen(harness, [_conversation([], [review])])
    assert fixers == 1
    assert "Add a changelog entry" in await _prompt(harness)


async def test_a_comment_of_the_conversation_gets_one_fixer(harness: HarnessT) -> None:
    """Its words are in the prompt; it stays known when it can't be read, and then it is its author's turn."""
    await harness.core.settings.service().change(review_trigger="conversation")
    asked = (a_comment(body="/fix the typo in the guide", id="IC_1"),)
    fixers, decision = await _seen(harness, [_conversation(comments=asked), _conversation(comments=None)])
    assert (fixers, decision) == (1, UNCHANGED)
    assert "/fix the typo in the guide" in await _prompt(harness)
    assert isinstance(await harness.judge(**_conversation(comments=asked), commit="c" * 40), AwaitingReview)
    assert isinstance(await harness.judge(**_conversation(), commit="c" * 40), Ready)


async def test_a_persons_comment_answers_a_comment(harness: HarnessT) -> None:
    """A reply of ours in the conversation, as one in a thread, makes it the author's turn."""
    await harness.core.settings.service().change(review_trigger="conversation")
    view = _conversation(comments=(a_comment(body="@olga why?", id="IC_1"),))
    assert await _seen(harness, [view]) == (1, UNCHANGED)
    await harness.core.forge_actions.service().comment("w1", "Because")
    assert isinstance(await harness.judge(**view), AwaitingReview)
