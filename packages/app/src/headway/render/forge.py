"""What is asked of a forge, and what it allows, for people."""

from collections.abc import Sequence
from typing import assert_never

from rich.console import Console
from rich.table import Table

from headway.pulls import age, now
from headway.render.texts import Text
from headway.render.times import moment
from headway_core.api import (
    Comment,
    ForgeAction,
    ForgeBudget,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
    UnusableFile,
)


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
            Text(_ordered(each.order)),
            Text(f"{whose}, {age(each.created_at)}", style="dim"),
            Text(each.problem or ""),
        )
    console.print(table)


def _ordered(order: Order | UnusableFile) -> str:
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
        case UnusableFile(file=file):
            return f"use {file}"
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
    present = now()
    for each in values:
        held = each.blocked_until if each.blocked_until and each.blocked_until > present else None
        left = "-" if each.remaining is None else f"{each.remaining} of {each.limit}"
        table.add_row(
            Text(each.host),
            Text(each.resource),
            Text(left),
            Text(moment(each.resets_at)),
            Text(moment(held)),
            Text(age(each.told_at)),
        )
    console.print(table)
