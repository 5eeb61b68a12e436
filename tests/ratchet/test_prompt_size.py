"""A prompt has a size: what is taken, what is left out, and that nothing left out counts as handled."""

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.processes import Exited
from headway_core.pull_requests.model import (
    Base,
    CheckOutcome,
    Head,
    Mergeability,
    PullRequestFacts,
    ReviewThread,
)
from headway_core.pull_requests.ports import ConversationPart
from headway_core.ratchet.causes import causes_of
from headway_core.ratchet.decision import Dispatch
from headway_core.ratchet.model import CauseKind
from headway_core.ratchet.prompt import FixerPrompt, fixer_prompt
from headway_core.ratchet.trust import Trust
from headway_core.settings.model import SettingsRecord
from headway_testing.clock import EPOCH
from headway_testing.conversations import OWNER, VIEWER, a_comment, a_review, a_thread, at, some_facts
from headway_testing.observations import a_check

TRUST = Trust(settings=SettingsRecord())
LEAST = 32_768
MARK = "\n<!-- headway:id-1 -->"


def _prompt(facts: PullRequestFacts, trust: Trust = TRUST) -> FixerPrompt:
    """Never larger than it may be, and its data are those of the causes that it carries."""
    prompt = fixer_prompt(facts, causes_of(facts, trust), trust)
    assert len(prompt.text.encode()) <= trust.settings.prompt_limit_bytes
    assert [cause["id"] for cause in _causes(prompt)] == [cause.id for cause in prompt.causes]
    return prompt


def _causes(prompt: FixerPrompt) -> list[dict[str, Any]]:
    inside = prompt.text.partition("```json\n")[2].partition("\n```")[0]
    found: list[dict[str, Any]] = json.loads(inside)["causes"]
    return found


def _long_thread(number: int, name: str = "T_1", body: str = "a" * 8_000) -> ReviewThread:
    said = [a_comment(id=f"C_{n}", body=f"word {n} {body}", created_at=at(n)) for n in range(number)]
    return a_thread(*said, thread_id=name)


def _words(comments: list[dict[str, Any]]) -> list[int]:
    return [int(comment["text"].split()[1]) for comment in comments]


def test_of_a_very_long_thread_the_newest_words_are_quoted() -> None:
    """In the order of reading; how many older ones there are is said, in the data and outside."""
    prompt = _prompt(some_facts(threads=(_long_thread(300),)))
    (thread,) = _causes(prompt)
    words = _words(thread["comments"])
    assert words == list(range(300 - len(words), 300))
    assert len(words) >= 6
    assert thread["comments_left_out"] == 300 - len(words)
    assert f"Left out: {300 - len(words)} comments." in prompt.text.partition("```")[0]


def test_what_nobody_has_answered_comes_first() -> None:
    """Of two threads, and within one: what is newer than our reply goes before what is newer in all."""
    answered = [
        *_long_thread(12, "T_answered").comments,
        a_comment(VIEWER, f"Done{MARK}", created_at=at(500)),
    ]
    waiting = [
        a_comment(id=f"D_{n}", body=f"word {n} {'b' * 8_000}", created_at=at(n - 200)) for n in range(4)
    ]
    facts = some_facts(
        threads=(a_thread(*answered, thread_id="T_answered"), a_thread(*waiting, thread_id="T_waits"))
    )
    first, second = _causes(_prompt(facts))
    assert (first["id"], second["id"]) == ("FEEDBACK:T_answered", "FEEDBACK:T_waits")
    assert _words(second["comments"]) == [0, 1, 2, 3]
    assert _words(first["comments"])[-1] == 11
    assert len(first["comments"]) < 8


def test_each_thread_is_told_of_before_any_is_told_whole() -> None:
    """A long thread crowds out no other one."""
    short = [a_thread(a_comment(created_at=at(-n)), thread_id=f"T_{n}") for n in range(2, 51)]
    prompt = _prompt(some_facts(threads=(_long_thread(100), *short)))
    assert len(prompt.causes) == 50


def test_no_more_threads_are_carried_than_can_be_answered() -> None:
    """Of 70 small ones, and reviews beside them, the 50 newest: as many as replies are taken of a turn."""
    threads = [a_thread(a_comment(created_at=at(n)), thread_id=f"T_{n}") for n in range(70)]
    review = a_review("CHANGES_REQUESTED", submitted_at=at(-1))
    prompt = _prompt(some_facts(threads=tuple(threads), reviews=(review,)))
    expected = [*(f"FEEDBACK:T_{n}" for n in range(20, 70)), f"FEEDBACK:{review.id}"]
    assert [cause.id for cause in prompt.causes] == expected
    assert "Left out: 20 causes." in prompt.text


def test_threads_that_do_not_fit_are_not_carried() -> None:
    """The newest are; how many are left out is said."""
    threads = [
        a_thread(a_comment(body=f"word {n} {'a' * 2_000}", created_at=at(n)), thread_id=f"T_{n}")
        for n in range(300)
    ]
    prompt = _prompt(some_facts(threads=tuple(threads)))
    carried = [cause.id for cause in prompt.causes]
    assert carried == [f"FEEDBACK:T_{n}" for n in range(300 - len(carried), 300)]
    assert 20 < len(carried) < 30
    assert f"Left out: {300 - len(carried)} causes." in prompt.text


def test_of_very_many_checks_those_that_are_told_of_are_carried() -> None:
    """The newest; their outputs where these fit; and feedback is heard beside them."""
    checks = [
        a_check(
            f"test {n}", CheckOutcome.FAILED, summary="x" * 2_000, completed_at=EPOCH + timedelta(seconds=n)
        )
        for n in range(2_000)
    ]
    facts = some_facts(checks=tuple(checks), threads=(a_thread(),), mergeability=Mergeability.CONFLICT)
    prompt = _prompt(facts)
    ci, conflict, thread = _causes(prompt)
    assert conflict["base"] == "main"
    assert thread["comments"][0]["text"] == "Please rename"
    names = {check["name"] for check in ci["checks"]}
    assert {f"test {n}" for n in range(1_980, 2_000)} <= names
    assert "summary" in ci["checks"][-1]
    assert {item.key for item in prompt.causes[0].items} == {
        check.identity for check in checks if check.name in names
    }
    assert f"{2_000 - len(names)} checks" in prompt.text


def test_reviews_are_cut_alike() -> None:
    """Fifty long reviews: the newest that fit, and each in its own cause."""
    reviews = [
        a_review(
            "CHANGES_REQUESTED",
            attrs.evolve(OWNER, login=f"o{n}"),
            id=f"R_{n}",
            submitted_at=at(n),
            body="r" * 8_000,
        )
        for n in range(50)
    ]
    prompt = _prompt(some_facts(reviews=tuple(reviews)))
    carried = [cause.id for cause in prompt.causes]
    assert carried == [f"FEEDBACK:R_{n}" for n in range(50 - len(carried), 50)]


@pytest.mark.parametrize("character", ["a", "直", "𐌰", "\n", "`", "\ud800"], ids=ascii)
def test_a_text_that_is_larger_in_json_is_cut_by_its_size(character: str) -> None:
    """A script that takes twelve bytes a letter crowds out nothing: the cut is said beside the text."""
    prompt = _prompt(some_facts(threads=(a_thread(a_comment(body=character * 8_192)),)))
    ((comment,),) = [cause["comments"] for cause in _causes(prompt)]
    assert set(comment["text"]) == {character}
    assert comment.get("characters_left_out", 0) == 8_192 - len(comment["text"])


HUGE = "𐌰" * 9_000
WORST = {
    CauseKind.CI: {
        "checks": (attrs.evolve(a_check(HUGE, CheckOutcome.FAILED), word=HUGE, url=HUGE, summary=HUGE),)
    },
    CauseKind.CONFLICT: {"mergeability": Mergeability.CONFLICT},
    CauseKind.FEEDBACK: {
        "threads": (attrs.evolve(a_thread(a_comment(attrs.evolve(OWNER, login=HUGE), HUGE)), path=HUGE),)
    },
}


@pytest.mark.parametrize(("kind", "changes"), WORST.items(), ids=lambda value: str(value)[:10])
def test_something_is_always_told(kind: CauseKind, changes: dict[str, Any]) -> None:
    """In the smallest size that the setting takes, with every name as large as it may be."""
    small = Trust(settings=SettingsRecord(prompt_limit_bytes=LEAST))
    facts = some_facts(
        title=HUGE,
        url=HUGE,
        head=Head(ref=HUGE, commit="a" * 40, repository=None, tip=None),
        base=Base(ref=HUGE, commit="b" * 40),
        **changes,
    )
    prompt = _prompt(facts, small)
    assert [cause.kind for cause in prompt.causes] == [kind]


ALPHABET = st.text(alphabet="a`\n直𐌰\u2028", max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.tuples(ALPHABET, st.integers(1, 900), st.integers(0, 50)), max_size=40),
    checks=st.integers(0, 300),
    size=st.integers(LEAST, 100_000),
)
def test_no_prompt_is_larger_than_it_may_be(
    words: list[tuple[str, int, int]], checks: int, size: int
) -> None:
    """However much is said: some causes are carried, each with its data, and the rest is counted."""
    threads = tuple(
        a_thread(
            *(a_comment(id=f"C_{n}_{m}", body=text * times, created_at=at(n + m)) for m in range(number + 1)),
            thread_id=f"T_{n}",
        )
        for n, (text, times, number) in enumerate(words)
    )
    failed = tuple(a_check(f"t{n}", CheckOutcome.FAILED, summary=f"{n}" * 500) for n in range(checks))
    facts = some_facts(threads=threads, checks=failed)
    trust = Trust(settings=SettingsRecord(prompt_limit_bytes=size))
    prompt = _prompt(facts, trust)
    causes = causes_of(facts, trust)
    assert bool(prompt.causes) == bool(causes)
    left_out = len(causes) - len(prompt.causes)
    assert (f"{left_out} causes" in prompt.text) == (left_out > 0)
    for cause, told in zip(prompt.causes, _causes(prompt), strict=True):
        assert len(cause.items) == len(told["checks"]) if cause.kind is CauseKind.CI else told["comments"]


@pytest.mark.anyio
async def test_what_did_not_fit_comes_to_the_next_fixer(harness: Any) -> None:
    """It is in no dispatch whose prompt did not tell of it, so none of it counts as handled."""
    await harness.workspace()
    talk = ConversationPart(
        reviews=(),
        threads=tuple(
            a_thread(a_comment(body="b" * 8_000, created_at=at(-n)), thread_id=f"T_{n}") for n in range(1, 11)
        ),
    )
    seen = {"checks": (a_check(),), "conversation": talk}
    told: list[str] = []
    decision = await harness.judge(**seen)
    while isinstance(decision, Dispatch):
        dispatch = (await harness.dispatches())[-1]
        assert tuple(cause.id for cause in dispatch.causes) == decision.cause_ids
        told += decision.cause_ids
        await harness.end(Exited(exit_code=0))
        await harness.check()
        harness.clock.advance(1)
        await harness.see(**seen)
        decision = await harness.check()
    assert sorted(told) == sorted(f"FEEDBACK:T_{n}" for n in range(1, 11))
    assert told[0] == "FEEDBACK:T_1"
