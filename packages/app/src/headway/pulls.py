"""What is known of a workspace's pull request, part by part, and how old each part is."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from headway.serialize import Json
from headway_core.api import record_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway_core.api import Card, Check, PullRequestFacts

NONE_YET = "no pull request is attached"


@attrs.frozen(kw_only=True)
class Part:
    """A part of the view: read together, and as old as its reading."""

    name: str
    at: datetime | None
    """When the fetch began that read it whole; None: never."""
    summary: str
    """What it says, in a line."""
    facts: Json


def parts(card: Card) -> tuple[Part, ...]:
    """State, checks, conversation, mergeability; nothing when no pull request is attached."""
    facts, watch = card.view.facts, card.view.watch
    if facts is None:
        return ()
    decision = facts.review_decision.lower() if facts.review_decision else "no decision"
    return (
        Part(name="state", at=watch.state_at, summary=_standing(card, facts), facts=_state(card, facts)),
        Part(
            name="checks",
            at=watch.checks_at,
            summary=f"{card.ci.lower()}: {_tally(facts.checks)}{_missed(card)}",
            facts={
                "ci_status": card.ci,
                "complete": facts.checks_complete,
                "count": len(facts.checks),
                "missing": missing(card),
            },
        ),
        Part(
            name="conversation",
            at=watch.conversation_at,
            summary=f"{decision}, {count(len(facts.threads), 'unresolved thread')}",
            facts={
                "review_decision": facts.review_decision,
                "decision_source": facts.decision_source,
                "unresolved_threads": len(facts.threads),
                "reviews": len(facts.reviews),
                "complete": facts.conversation_complete,
            },
        ),
        Part(
            name="mergeability",
            at=watch.mergeability_at,
            summary=facts.mergeability.lower(),
            facts={"mergeability": facts.mergeability},
        ),
    )


def _standing(card: Card, facts: PullRequestFacts) -> str:
    queue = f", in the merge queue: {facts.merge_queue.state.lower()}" if facts.merge_queue else ""
    head = f"{facts.head.commit[:12]} of {facts.head.ref} into {facts.base.ref}"
    return f"{card.pr_state.lower()}, {head}{queue}"


def _state(card: Card, facts: PullRequestFacts) -> Json:
    plain = record_data(facts)
    names = ("number", "url", "title", "state", "draft", "head", "base", "updated_at", "merge_queue")
    return {**{name: plain[name] for name in names}, "pr_state": card.pr_state, "author": facts.author.login}


def _tally(checks: Sequence[Check]) -> str:
    tally = Counter(check.outcome for check in checks)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.items())) or "none"


def missing(card: Card) -> list[str]:
    """The names of the checks that the base requires, or that the head before had, and that are not there."""
    return sorted(set(card.view.counted.missing))


def _missed(card: Card) -> str:
    names = missing(card)
    return f"; missing: {', '.join(names)}" if names else ""


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def document(card: Card, now: datetime) -> Json:
    """What `headway pr show --json` prints: each part with its age in seconds."""
    view = card.view
    return {
        "workspace": view.workspace.id,
        "attached": view.facts is not None,
        "tied": list(view.snapshot.tied),
        "taken": view.snapshot.taken,
        "taken_by": view.snapshot.taken_by,
        "parts": {part.name: {**_age(part.at, now), **part.facts} for part in parts(card)},
        "problem": view.watch.failure_summary,
        "failing_since": _moment(view.watch.failing_since),
        "unread": list(view.watch.unread),
        "next_look_at": _moment(view.watch.due_at),
        "held_back_until": _moment(held_back(card, now)),
    }


def checks_document(card: Card, now: datetime) -> Json:
    """What `headway pr checks --json` prints."""
    view = card.view
    return {
        "workspace": view.workspace.id,
        **_age(view.watch.checks_at, now),
        "ci_status": card.ci,
        "complete": view.facts is not None and view.facts.checks_complete,
        "checks": [{**record_data(check), "counts": check in counting(card)} for check in checks_of(card)],
    }


def threads_document(card: Card, now: datetime) -> Json:
    """What `headway pr threads --json` prints."""
    facts = card.view.facts
    return {
        "workspace": card.view.workspace.id,
        **_age(card.view.watch.conversation_at, now),
        "complete": facts is not None and facts.conversation_complete,
        "threads": [record_data(thread) for thread in (facts.threads if facts else ())],
    }


def _age(at: datetime | None, now: datetime) -> Json:
    return {"at": _moment(at), "age_s": None if at is None else round((now - at).total_seconds(), 1)}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def checks_of(card: Card) -> tuple[Check, ...]:
    return card.view.facts.checks if card.view.facts else ()


def counting(card: Card) -> tuple[Check, ...]:
    facts = card.view.facts
    return card.view.counted.checks if facts else ()


def held_back(card: Card, now: datetime) -> datetime | None:
    """Until when nobody looks by himself; None: somebody does."""
    until = card.view.held_back_until
    return until if until is not None and until > now else None


def waits(card: Card) -> str | None:
    """Why nobody looks at present, when that is so."""
    until = held_back(card, now())
    return f"GitHub is not read by itself until {until:%H:%M:%S} UTC (headway pr limits)" if until else None


def now() -> datetime:
    """The present moment, at the edge: from it ages are made for those who look."""
    return datetime.now(UTC)  # noqa: TID251  for people, and nothing is decided by it


def age(at: datetime | None) -> str:
    """How long ago, roughly."""
    if at is None:
        return "never"
    seconds = max((now() - at).total_seconds(), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
