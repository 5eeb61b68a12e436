"""What people read on a terminal. Text from outside is printed as text, never as markup."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from headway import pulls, serialize
from headway.pulls import age
from headway.terminal import visible
from headway_core.api import (
    ArchiveResult,
    Busy,
    Card,
    Column,
    Comment,
    Explanation,
    ForgeAction,
    ForgeBudget,
    HoldsIgnored,
    Host,
    InitOutput,
    KnownHost,
    NotDue,
    OpenPullRequest,
    Order,
    ProblemKind,
    Project,
    Reply,
    RequestReview,
    Resolve,
    Session,
    Settled,
    Workspace,
)

_STYLES = {Column.WORKING: "yellow", Column.WAITING: "cyan", Column.DONE: "green", None: "dim"}


_HEADINGS = ("workspace", "source", "branch", "pull request", "checks", "ratchet", "status")
_FIRST_TO_GO = ("source", "ratchet", "checks")
"""What a narrow terminal does without, before names are cut."""


def board(cards: Sequence[Card], console: Console) -> None:
    """The board once."""
    console.print(BoardTable(cards))


class BoardTable:
    """A row a workspace, and below them what a person should know beside the statuses; as wide as fits."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = cards

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._cards:
            yield Text("no workspaces: headway workspace create")
            return
        table, left_out, unlimited = self._table(()), list[str](), options.update(max_width=1_000)
        for heading in _FIRST_TO_GO:
            if Measurement.get(console, unlimited, table).maximum > options.max_width:
                left_out.append(heading)
                table = self._table(left_out)
        yield table
        told: dict[str, list[str]] = defaultdict(list)
        for card in self._cards:
            for said in remarks(card):
                told[said].append(card.view.workspace.name)
        for said, names in told.items():  # what is true of many, as of GitHub, is said once
            whose = names[0] if len(names) == 1 else f"{len(names)} workspaces"
            yield Text(f"{whose}: {said}", style="dim")

    def _table(self, left_out: Collection[str]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        shown = [heading for heading in _HEADINGS if heading not in left_out]
        for heading in shown:
            table.add_column(heading, no_wrap=heading not in {"workspace", "branch"})
        for card in self._cards:
            cells = dict(zip(_HEADINGS, _cells(card), strict=True))
            table.add_row(*(cells[heading] for heading in shown))
        return table


def _cells(card: Card) -> tuple[Text, ...]:
    view = card.view
    return (
        Text(view.workspace.name, no_wrap=True, overflow="ellipsis"),
        Text(view.workspace.source.kind),
        Text(view.workspace.branch, no_wrap=True, overflow="ellipsis"),
        Text(f"#{view.facts.number} {card.pr_state.lower()}" if view.facts else "-"),
        Text(card.ci.lower() if view.facts else "-"),
        Text(card.ratchet_state.lower()),
        Text(card.status_reason, style=_STYLES[card.column]),
    )


_PREFIXES = {
    ProblemKind.FORGE: "GitHub was not read: ",
    ProblemKind.PART: "a part of the pull request could not be read: ",
}


def remarks(card: Card) -> tuple[str, ...]:
    """What a person should know: all that is wrong, the gravest first, then what is waited for."""
    told = [_PREFIXES.get(problem.kind, "") + problem.text for problem in card.problems]
    told += [card.note] if card.note else []
    if card.view.workspace.is_live and (held := pulls.waits(card)):
        told.append(held)
    return tuple(visible(text) for text in told)


def line(card: Card) -> str:
    """A card in one line, for logs."""
    view = card.view
    number = f" #{view.facts.number}" if view.facts else ""
    told = "; ".join(remarks(card))
    because = f": {told}" if told else ""
    return f"{view.workspace.name}{number}: {card.status_reason} (ratchet {card.ratchet_state}){because}"


def project(value: Project, console: Console) -> None:
    """A registered project."""
    console.print(
        Text(f"{value.slug}: {value.repo_path} is {value.repository} on {value.github_host}"), soft_wrap=True
    )


def host(value: Host, console: Console) -> None:
    """A host after a command."""
    console.print(Text(f"{value.id} {_standing(value)}: {visible(value.name)}"))


def hosts(values: Sequence[KnownHost], console: Console) -> None:
    """All hosts, a row each."""
    if not values:
        console.print(Text("no hosts: headway up"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("host", "machine", "standing", "last seen"):
        table.add_column(heading, overflow="fold")
    for each in values:
        name, seen = Text(visible(each.host.name)), _moment(each.seen_at)
        table.add_row(Text(each.host.id), name, _standing(each.host), seen)
    console.print(table)


def _standing(host: Host) -> str:
    if host.retired_at is not None:
        return "retired"
    return "there" if host.lost_at is None else "lost"


def workspace(value: Workspace, console: Console) -> None:
    """A workspace after a command."""
    console.print(Text(f"{value.id} {value.status} {value.branch}: {value.name}"), soft_wrap=True)


def session(value: Session, console: Console) -> None:
    """A session after a command."""
    console.print(Text(_session(value)), soft_wrap=True)


def _session(value: Session) -> str:
    detail = f": {value.end_detail}" if value.end_detail else ""
    ended = f" ({value.end_reason}{detail})" if value.end_reason else ""
    return visible(f"{value.id} {value.label} {value.agent} {value.status}{ended}")


def details(card: Card, output: InitOutput, console: Console) -> None:
    """A workspace with its sessions and its provisioning's output."""
    console.print(BoardTable([card]))
    for name, value in serialize.card(card).items():
        if value is not None:
            console.print(Text(f"  {name}: {value}"), soft_wrap=True)
    if card.view.facts is not None:
        pulls.show(card, console)
    for each in card.view.sessions:
        console.print(Text(f"  session {_session(each)}"), soft_wrap=True)
    if output.text:
        console.print(Text(visible(output.text.rstrip())), soft_wrap=True)


def archive(value: ArchiveResult, console: Console) -> None:
    """How an archive ended."""
    match value:
        case Settled(workspace=settled):
            kept = f", work kept at {settled.preserved}" if settled.preserved else ""
            problem = f": {visible(settled.error)}" if settled.error else ""
            console.print(Text(f"{settled.id} {settled.status}{kept}{problem}"), soft_wrap=True)
        case Busy(workspace_id=busy):
            console.print(Text(f"{busy}: somebody else acts on it now; nothing was done"))
        case NotDue(workspace=left, reason=reason):
            console.print(Text(f"{left.id} {left.status}: {reason}"))
        case HoldsIgnored(files=files):
            console.print(
                Text("nothing was done: the worktree has files that git ignores, which would be lost:")
            )
            for file in files:
                console.print(Text(f"  {file}"))
            console.print("archive with --lose-ignored to lose them")


def actions(values: Sequence[ForgeAction], console: Console) -> None:
    """What was asked for at GitHub, a row each."""
    if not values:
        console.print(Text("nothing was asked for"))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for each in values:
        whose = "a person" if each.session_id is None else "an agent"
        table.add_row(
            Text(each.status.lower()),
            Text(visible(_ordered(each.order))),
            Text(f"{whose}, {age(each.created_at)}", style="dim"),
            Text(visible(each.problem or "")),
        )
    console.print(table)


def _ordered(order: Order) -> str:
    match order:
        case OpenPullRequest(head=head, base=base):
            return f"open a pull request of {head} into {base}"
        case Reply(thread_id=thread):
            return f"reply to {thread}"
        case Resolve(thread_id=thread):
            return f"resolve {thread}"
        case Comment(number=number):
            return f"comment on #{number}"
        case RequestReview(number=number, reviewers=reviewers):
            return f"ask {', '.join(reviewers)} to review #{number}"
        case _:
            assert_never(order)


def budgets(values: Sequence[ForgeBudget], console: Console) -> None:
    """The budgets of forges, a row each."""
    if not values:
        console.print(Text("no forge was asked yet"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("host", "budget", "left", "resets", "held back until", "told"):
        table.add_column(heading, overflow="fold")
    now = pulls.now()
    for each in values:
        held = each.blocked_until if each.blocked_until and each.blocked_until > now else None
        left = "-" if each.remaining is None else f"{each.remaining} of {each.limit}"
        table.add_row(
            Text(visible(each.host)),
            Text(visible(each.resource)),
            Text(left),
            Text(_moment(each.resets_at)),
            Text(_moment(held)),
            Text(age(each.told_at)),
        )
    console.print(table)


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def settings(values: Mapping[str, object], console: Console) -> None:
    """Settings, as `headway settings set` takes them."""
    for name, value in values.items():
        console.print(
            Text(f"{name} = {value if isinstance(value, str) else json.dumps(value)}"), soft_wrap=True
        )


def explanation(value: Explanation, console: Console) -> None:
    """Why it moves, or does not."""
    console.print(explained(value), soft_wrap=True)


def explained(value: Explanation) -> RenderableType:
    """An explanation in a few lines."""
    decided = serialize.decision(value.decision)
    kind = decided["kind"] if decided else "nothing"
    lines = [
        f"decided: {kind}, {age(value.decided_at)}",
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
    lines += [f"cause: {cause.id}" for cause in value.causes]
    lines += [
        f"fixer: {dispatch.status} for {', '.join(cause.id for cause in dispatch.causes)}"
        f", {age(dispatch.created_at)}"
        for dispatch in value.dispatches
    ]
    return Group(*(Text(visible(text)) for text in lines))
