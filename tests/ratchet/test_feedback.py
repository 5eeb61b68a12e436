"""Feedback: whose words ask for something, until when, and what bots say to us."""

from datetime import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.forge_actions.model import ActionStatus, ForgeAction, Reply, Resolve, own_mark
from headway_core.pull_requests.model import Author, PullRequestFacts, Review, ThreadComment
from headway_core.ratchet.causes import causes_of, is_actionable, is_exhausted, remember, with_items
from headway_core.ratchet.model import DEATH_LIMIT, ROUNDS_LIMIT, Handled
from headway_core.ratchet.trust import Trust, trust_in
from headway_core.settings.model import OwnAccount, ReviewTrigger, SettingsRecord
from headway_testing.clock import EPOCH
from headway_testing.conversations import (
    OWNER,
    STRANGER,
    VIEWER,
    a_comment,
    a_review,
    a_thread,
    at,
    some_facts,
)

TRUST = Trust(settings=SettingsRecord(trusted=("tidy[bot]",)))
TIDY = Author(login="tidy", node_id="B_tidy", is_bot=True)
"""A bot as GraphQL tells it."""
MARK = "<!-- headway:id-000001 -->"


def _ids(facts: PullRequestFacts, trust: Trust = TRUST) -> list[str]:
    return [cause.id for cause in causes_of(facts, trust)]


def _thread(*said: tuple[Author, float], edits: dict[int, float] | None = None, **changes: Any) -> Any:
    """A thread of comments by whom and when, in minutes; our own carry our mark."""
    comments = [
        a_comment(
            author,
            f"Done.\n\n{MARK}" if author is VIEWER else f"word {number}",
            id=f"C_{number}",
            created_at=at(minute),
            edited_at=at(edits[number]) if edits and number in edits else None,
        )
        for number, (author, minute) in enumerate(said)
    ]
    return some_facts(threads=(attrs.evolve(a_thread(*comments), **changes),))


def _done(
    facts: PullRequestFacts, handled: tuple[Handled, ...] = (), trust: Trust = TRUST, *, died: bool = False
) -> tuple[Handled, ...]:
    """After a fixer had what is actionable."""
    causes = [cause for cause in causes_of(facts, trust) if is_actionable(cause, handled)]
    return remember(handled, [with_items(cause, handled) for cause in causes], died=died)


def _again(facts: PullRequestFacts, handled: tuple[Handled, ...], trust: Trust = TRUST) -> bool:
    return any(is_actionable(cause, handled) for cause in causes_of(facts, trust))


# What a review says beside its threads


@pytest.mark.lesson("R25")
@pytest.mark.parametrize(
    ("trigger", "state"),
    [(ReviewTrigger.THREADS, "CHANGES_REQUESTED"), (ReviewTrigger.ALL, "COMMENTED")],
)
@pytest.mark.parametrize("thread_count", [0, 1, 3])
def test_a_reviews_words_and_its_threads_are_causes_of_their_own(
    trigger: ReviewTrigger, state: str, thread_count: int
) -> None:
    """However many threads it opened, its text is a cause; resolving them ends theirs alone."""
    trust = Trust(settings=SettingsRecord(review_trigger=trigger))
    review = a_review(state, id="R_1", body="Add a changelog entry", thread_count=thread_count)
    threads = tuple(
        a_thread(a_comment(review_id="R_1"), thread_id=f"T_{number}") for number in range(thread_count)
    )
    facts = some_facts(reviews=(review,), threads=threads)
    assert _ids(facts, trust) == [*(f"FEEDBACK:T_{number}" for number in range(thread_count)), "FEEDBACK:R_1"]
    assert _ids(some_facts(reviews=(review,)), trust) == ["FEEDBACK:R_1"]
    approved = a_review("APPROVED", id="R_2", submitted_at=at(2))
    assert _ids(some_facts(reviews=(review, approved)), trust) == []


# Approvals, and what is newer


def _approved(minute: float, author: Author = OWNER, **changes: Any) -> Review:
    return a_review("APPROVED", author, **{"id": "R_ok", "submitted_at": at(minute), "body": ""} | changes)


@pytest.mark.lesson("R25")
@pytest.mark.parametrize(
    "comment",
    [
        a_comment(created_at=at(6)),
        a_comment(created_at=at(5)),
        a_comment(created_at=at(1), edited_at=at(6)),
        a_comment(created_at=at(6), edited_at=at(4)),
        a_comment(created_at=at(2), review_id="R_ok"),
        a_comment(attrs.evolve(OWNER, login="OLGA"), created_at=at(6)),
    ],
    ids=[
        "later",
        "in the same second",
        "edited later",
        "edited as a draft",
        "said with the approval",
        "spelled otherwise",
    ],
)
def test_words_that_no_approval_follows_are_heard(comment: ThreadComment) -> None:
    """An approval ends what its author had said before it, and nothing else."""
    facts = some_facts(threads=(a_thread(comment),), reviews=(_approved(5),))
    assert _ids(facts) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R25")
def test_a_request_that_is_edited_after_the_approval_is_heard() -> None:
    """Edited text is judged again: its author has written after the approval; what a bot edits is not new."""
    request = a_review("CHANGES_REQUESTED", id="R_1")
    edited = attrs.evolve(request, edited_at=at(6))
    assert _ids(some_facts(reviews=(request, _approved(5)))) == []
    assert _ids(some_facts(reviews=(edited, _approved(5)))) == ["FEEDBACK:R_1"]
    assert _ids(some_facts(reviews=(edited, _approved(7)))) == []
    assert _ids(some_facts(reviews=(attrs.evolve(edited, author=TIDY), _approved(5, TIDY)))) == []


# The marks of what we post

_QUOTED = [
    f"No, keep it.\n\n> Done.\n>\n> {MARK}",
    f"> Done.\n> {MARK}\n\nNo, keep it.",
    f"On Monday olga wrote:\nDone.\n\n{MARK}\n\n-- \nSent from my telephone",
    f"No: `{MARK}`",
    f"{MARK} No, keep it.",
    f"    {MARK}",
    f"```\n{MARK}\n```",
]


@pytest.mark.lesson("R3")
@pytest.mark.parametrize("author", [OWNER, VIEWER])
@pytest.mark.parametrize("text", _QUOTED)
def test_a_quoted_mark_does_not_make_words_ours(text: str, author: Author) -> None:
    """Who answers an e-mail quotes our reply, mark and all: the words are the person's."""
    assert own_mark(text) is None
    assert _ids(some_facts(threads=(a_thread(a_comment(author, text)),))) == ["FEEDBACK:T_1"]
    review = a_review("CHANGES_REQUESTED", author, id="R_1", body=text)
    assert _ids(some_facts(reviews=(review,))) == ["FEEDBACK:R_1"]


@pytest.mark.lesson("R3")
@pytest.mark.parametrize("author", [OWNER, TIDY, attrs.evolve(VIEWER, is_viewer=False)])
def test_a_mark_that_another_account_wrote_is_no_mark(author: Author) -> None:
    """Everybody can read a mark, and repeat it at its very place."""
    text = f"Please rename\n\n{MARK}"
    assert own_mark(text) == MARK
    assert _ids(some_facts(threads=(a_thread(a_comment(author, text)),))) == ["FEEDBACK:T_1"]


@pytest.mark.lesson("R3")
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  \n\n"])
@pytest.mark.parametrize("before", ["Done.\n\n", "Done.\r\n\r\n", "> Please rename\n\nDone.\n\n", ""])
def test_our_mark_at_its_place_makes_words_ours(before: str, end: str) -> None:
    """Whatever the forge does to ends of lines, and whatever our own reply quotes."""
    facts = some_facts(threads=(a_thread(a_comment(VIEWER, f"{before}{MARK}{end}")),))
    assert _ids(facts) == []


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60), tail=st.text(alphabet="ab>` ", min_size=1, max_size=9))
def test_no_text_after_a_mark_is_lost(text: str, tail: str) -> None:
    """A mark that words follow, in the same line or the next, is quoted."""
    if tail.strip():
        assert own_mark(f"{text}\n{MARK}{tail}") is None
        assert own_mark(f"{text}\n{MARK}\n{tail}") is None


# The names of actors


@pytest.mark.parametrize(
    ("listed", "author", "trusted"),
    [
        ("tidy[bot]", TIDY, True),
        ("tidy", TIDY, True),
        ("Tidy[Bot]", TIDY, True),
        ("tidy", attrs.evolve(TIDY, login="tidy[bot]"), True),
        ("tidy[bot]", attrs.evolve(TIDY, login="tidy[bot]", is_bot=False), True),
        ("B_tidy", TIDY, True),
        ("b_tidy", TIDY, False),
        ("tidy[bot]", Author(login="tidy", node_id="U_9"), False),
        ("tidy", Author(login="tidy", node_id="U_9"), True),
        ("tidyup[bot]", TIDY, False),
        ("[bot]", TIDY, False),
    ],
)
def test_an_app_has_one_name_with_and_without_its_suffix(
    listed: str, author: Author, *, trusted: bool
) -> None:
    """`x` and `x[bot]` are one actor, however the source writes it; a person by the app's name is not it."""
    trust = Trust(settings=SettingsRecord(trusted=(listed,)))
    assert trust.trusts(author) is trusted
    assert bool(_ids(some_facts(threads=(a_thread(a_comment(author)),)), trust)) is trusted


# What bots say to us


@pytest.mark.lesson("R3")
@pytest.mark.parametrize("bot", [TIDY, attrs.evolve(TIDY, login="tidy[bot]", is_bot=False)])
def test_a_bot_that_thanks_for_a_reply_asks_for_nothing(bot: Author) -> None:
    """After each reply of ours, as often as it likes, and whichever bot it is."""
    handled = _done(_thread((bot, 1)))
    other = attrs.evolve(bot, node_id="B_other")
    for thanks in ([(bot, 3)], [(bot, 3), (bot, 4)], [(bot, 3), (VIEWER, 4), (other, 5)]):
        facts = _thread((bot, 1), (VIEWER, 2), *thanks)
        assert _ids(facts) == ["FEEDBACK:T_1"]
        assert not _again(facts, handled)
    assert _ids(_thread((VIEWER, 2), (bot, 3))) == []


@pytest.mark.lesson("R26")
def test_a_bots_thanks_stay_thanks_when_our_reply_is_deleted() -> None:
    """Deleting makes no cause: that we replied is known from what was posted."""
    handled, gone = _done(_thread((TIDY, 1))), _thread((TIDY, 1), (TIDY, 3))
    reply = ForgeAction(
        id="id-1",
        workspace_id="w1",
        session_id=None,
        order=Reply(thread_id="T_1", body="Done."),
        status=ActionStatus.DONE,
        due_at=None,
        created_at=at(2),
    )

    def again(*actions: ForgeAction) -> bool:
        return _again(gone, handled, trust_in(TRUST.settings, (), actions))

    assert not again(reply)
    assert again()
    assert again(attrs.evolve(reply, status=ActionStatus.FAILED))
    assert again(attrs.evolve(reply, order=Reply(thread_id="T_2", body="Done.")))
    assert again(attrs.evolve(reply, order=Resolve(thread_id="T_1")))
    assert again(attrs.evolve(reply, created_at=at(4)))


@pytest.mark.lesson("R3")
def test_a_person_who_answers_our_reply_is_heard_and_so_is_the_bot_after_him() -> None:
    """A person's word opens the thread again, for bots too, until our next reply."""
    handled = _done(_thread((TIDY, 1)))
    said = [(TIDY, 1), (VIEWER, 2), (TIDY, 3), (OWNER, 4)]
    assert _again(_thread(*said), handled)
    handled = _done(_thread(*said), handled)
    assert not _again(_thread(*said), handled)
    assert _again(_thread(*said, (TIDY, 5)), handled)
    assert not _again(_thread(*said, (VIEWER, 5), (TIDY, 6)), handled)
    strangers = attrs.evolve(STRANGER, login="eve")
    assert not _again(_thread(*said, (VIEWER, 5), (strangers, 6), (TIDY, 7)), handled)


@pytest.mark.lesson("R3")
def test_a_bots_edit_is_no_news_and_a_persons_is() -> None:
    """A bot ticks off its remark; a person who edits his has said something else."""
    for author, again in ((TIDY, False), (OWNER, True)):
        handled = _done(_thread((author, 1)))
        assert _again(_thread((author, 1), edits={0: 5}), handled) is again
    every = Trust(settings=attrs.evolve(TRUST.settings, review_trigger=ReviewTrigger.ALL))
    for author, again in ((TIDY, False), (OWNER, True)):
        review = a_review("COMMENTED", author)
        handled = _done(some_facts(reviews=(review,)), (), every)
        edited = some_facts(reviews=(attrs.evolve(review, edited_at=at(5)),))
        assert _again(edited, handled, every) is again


# Rounds of a thread


def _rounds(
    said: list[tuple[Author, float]], handled: tuple[Handled, ...] = (), **changes: Any
) -> tuple[int, tuple[Handled, ...]]:
    """How many fixers a bot gets that says something new after each, and what is remembered then."""
    fixers, minute = 0, max(at for _, at in said)
    while _again(_thread(*said, **changes), handled):
        handled = _done(_thread(*said, **changes), handled)
        fixers, minute = fixers + 1, minute + 1
        assert fixers <= 10
        said.append((TIDY, minute))
    return fixers, handled


@pytest.mark.lesson("R3")
def test_a_thread_that_a_bot_keeps_open_gets_three_fixers() -> None:
    """It says something else after each, to nobody's reply: the fourth would do no better."""
    said: list[tuple[Author, float]] = [(TIDY, 1)]
    fixers, handled = _rounds(said)
    assert fixers == ROUNDS_LIMIT == 3
    (cause,) = causes_of(_thread(*said), TRUST)
    assert not is_exhausted(cause, handled)


@pytest.mark.lesson("R3")
def test_a_persons_word_or_changed_code_opens_further_rounds() -> None:
    """A person's word is a fixer of its own, and three follow it; code that changes gives three again."""
    said: list[tuple[Author, float]] = [(TIDY, 1)]
    _, handled = _rounds(said)
    changed = list(said)
    fixers, outdated = _rounds(changed, handled, outdated=True)
    assert fixers == ROUNDS_LIMIT
    assert not _again(_thread(*changed), outdated)
    spoken = [*said, (OWNER, 90.0)]
    fixers, _ = _rounds(spoken, handled)
    assert fixers == 1 + ROUNDS_LIMIT
    heard_not = [*said, (STRANGER, 90.0)]
    assert _rounds(heard_not, handled)[0] == 0


def test_a_person_is_never_too_much() -> None:
    """Who speaks or edits again and again is heard each time."""
    handled: tuple[Handled, ...] = ()
    for minute in range(1, 9):
        facts = _thread(*[(OWNER, float(n)) for n in range(1, minute + 1)])
        assert _again(facts, handled)
        handled = _done(facts, handled)
    review = a_review("CHANGES_REQUESTED")
    for minute in range(2, 9):
        facts = some_facts(reviews=(attrs.evolve(review, edited_at=at(minute)),))
        assert _again(facts, handled)
        handled = _done(facts, handled)


@pytest.mark.lesson("R6")
def test_deaths_are_rounds_of_the_words_that_come_after_them() -> None:
    """Fixers that died for a bot's remark exhaust it; its next remark is no reason for a fourth."""
    handled: tuple[Handled, ...] = ()
    for _ in range(DEATH_LIMIT):
        handled = _done(_thread((TIDY, 1)), handled, died=True)
    (cause,) = causes_of(_thread((TIDY, 1)), TRUST)
    assert is_exhausted(cause, handled)
    assert not _again(_thread((TIDY, 1), (TIDY, 2)), handled)
    assert _again(_thread((TIDY, 1), (OWNER, 2)), handled)


SPEAKERS = {"olga": OWNER, "bot": TIDY, "ours": VIEWER, "sam": STRANGER}


@settings(max_examples=150, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(SPEAKERS)), max_size=24))
def test_bots_alone_never_get_more_than_three_fixers(names: list[str]) -> None:
    """Whoever speaks in whatever order: no more fixers than three, and three for each word of a person."""
    said: list[tuple[Author, float]] = []
    handled: tuple[Handled, ...] = ()
    fixers = 0
    for minute, name in enumerate(names):
        said.append((SPEAKERS[name], float(minute)))
        facts = _thread(*said)
        if _again(facts, handled):
            assert name in ("olga", "bot")
            handled = _done(facts, handled)
            fixers += 1
            assert not _again(facts, handled)
    people = names.count("olga")
    assert fixers <= ROUNDS_LIMIT + people * (1 + ROUNDS_LIMIT)
    assert fixers >= people


def test_ours_during_a_turn_is_a_reply_too() -> None:
    """What the token's account wrote without a mark while an agent ran is the agent's."""
    during = attrs.evolve(TRUST, turns=((at(1.5), at(2.5)),))
    unmarked = a_comment(VIEWER, "Done", id="C_1", created_at=at(2))
    bots = [a_comment(TIDY, id=f"C_{n}", created_at=at(n)) for n in (1, 3)]
    facts = some_facts(threads=(a_thread(bots[0], unmarked, bots[1]),))
    handled = _done(some_facts(threads=(a_thread(bots[0]),)), (), during)
    assert not _again(facts, handled, during)
    never = Trust(settings=attrs.evolve(TRUST.settings, own_account=OwnAccount.NEVER))
    assert _ids(some_facts(threads=(a_thread(unmarked),)), never) == []


def test_times_are_those_of_the_forge() -> None:
    """The marks are told in UTC, with the person's last word beside the thread's."""
    (cause,) = causes_of(_thread((OWNER, 1), (TIDY, 2), (OWNER, 3), (TIDY, 4)), TRUST)
    (item,) = cause.items
    marks = [datetime.fromisoformat(text) for text in (item.mark, item.person_mark or "")]
    assert [(mark - EPOCH).total_seconds() for mark in marks] == [240, 180]


# The conversation

EVERY = Trust(settings=SettingsRecord(review_trigger=ReviewTrigger.CONVERSATION, trusted=("tidy",)))


@pytest.mark.parametrize(
    ("author", "heard"),
    [
        (OWNER, True),
        (attrs.evolve(OWNER, can_push=None, association="COLLABORATOR"), True),
        (STRANGER, False),
        (attrs.evolve(OWNER, can_push=False), False),
        (attrs.evolve(STRANGER, can_push=None, association="CONTRIBUTOR"), False),
        (attrs.evolve(STRANGER, login="tidy"), True),
        (TIDY, False),
        (VIEWER, True),
    ],
)
def test_what_trusted_people_ask_in_the_conversation_is_a_cause(author: Author, *, heard: bool) -> None:
    """With the setting alone, of people alone, and nobody's that Headway itself wrote."""
    facts = some_facts(comments=(a_comment(author, "/fix the typo", id="IC_1"),))
    assert _ids(facts, EVERY) == (["FEEDBACK:IC_1"] if heard else [])
    for trigger in (ReviewTrigger.THREADS, ReviewTrigger.ALL):
        trust = attrs.evolve(EVERY, settings=attrs.evolve(EVERY.settings, review_trigger=trigger))
        assert _ids(facts, trust) == []
    marked = some_facts(comments=(a_comment(VIEWER, f"/fix the typo\n\n{MARK}", id="IC_1"),))
    assert _ids(marked, EVERY) == []


def test_a_comment_of_the_conversation_is_handled_once_and_ends_with_an_approval() -> None:
    """An edit makes it new; hidden it is gone; what was said after the approval is heard."""
    asked = a_comment(body="/fix the typo", id="IC_1", created_at=at(2))
    handled = _done(some_facts(comments=(asked,)), (), EVERY)

    def again(*comments: ThreadComment, **changes: Any) -> bool:
        return _again(some_facts(comments=comments, **changes), handled, EVERY)

    assert not again(asked)
    assert again(attrs.evolve(asked, edited_at=at(3)))
    assert again(asked, attrs.evolve(asked, id="IC_2"))
    assert not again(asked, attrs.evolve(asked, id="IC_2", minimized=True))
    later = attrs.evolve(asked, id="IC_2", created_at=at(6))
    assert again(asked, later, reviews=(_approved(5),))
    assert not again(asked, later, reviews=(_approved(7),))
    assert _ids(some_facts(comments=(asked,), conversation_complete=False), EVERY) == []


def test_the_widest_trigger_hears_what_the_others_hear() -> None:
    """Threads and the bodies of reviews that comment are causes beside the conversation."""
    facts = some_facts(
        threads=(a_thread(),), reviews=(a_review("COMMENTED"),), comments=(a_comment(id="IC_1"),)
    )
    assert _ids(facts, EVERY) == ["FEEDBACK:T_1", "FEEDBACK:R_COMMENTED", "FEEDBACK:IC_1"]
