"""Why a workspace moves, or does not, for people."""

from rich.console import Console, Group, RenderableType

from headway import serialize
from headway.pulls import age
from headway.render.texts import Text
from headway_core.api import Explanation


def explanation(value: Explanation, console: Console) -> None:
    """Why it moves, or does not."""
    console.print(explained(value), soft_wrap=True)


def explained(value: Explanation) -> RenderableType:
    """An explanation in a few lines."""
    decision = serialize.decision(value.decision)
    decided = f"{decision['kind']}, {age(value.decided_at)}" if decision else "nothing was decided yet"
    lines = [
        f"decided: {decided}",
        f"because: {value.why}",
        f"next: {value.changes_when}",
        f"to do: {value.next_step}",
    ]
    if value.failure:
        lines.append(f"failed: {value.failure.what} ({age(value.failure.ended_at)})")
        lines.append(f"then: {value.failure.follows}")
    if value.url:
        parts = (
            ("state", value.state_at),
            ("checks", value.checks_at),
            ("conversation", value.conversation_at),
            ("mergeability", value.mergeability_at),
        )
        seen = ", ".join(f"{name} {age(at)}" for name, at in parts)
        lines.append(f"pull request: {value.url} {value.state}, checks {value.ci}, {value.mergeability}")
        lines.append(f"seen: {seen}")
    if value.problem:
        lines.append(f"last fetch failed: {value.problem}")
    if value.overruled:
        lines.append(
            f"git configuration of the repository that Headway does not obey: {', '.join(value.overruled)}"
        )
    lines += [f"cause: {cause.id}" for cause in value.causes]
    lines += [
        f"fixer: {dispatch.status} for {', '.join(cause.id for cause in dispatch.causes)}"
        f", {age(dispatch.created_at)}"
        for dispatch in value.dispatches
    ]
    return Group(*(Text(text) for text in lines))
