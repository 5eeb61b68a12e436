"""What is known of a pull request, for people."""

from rich.console import Console
from rich.table import Table

from headway.pulls import NONE_YET, age, checks_of, count, counting, parts, waits
from headway.render.texts import Text
from headway_core.api import Card, PullRequestSnapshot


def pull_request(card: Card, console: Console) -> None:
    """The pull request for people, a line a part."""
    view, facts = card.view, card.view.facts
    if facts is None:
        console.print(Text(f"{view.workspace.name}: {_none_yet(view.snapshot)}"), soft_wrap=True)
    else:
        console.print(Text(f"#{facts.number} {facts.title}  {facts.url}"), soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    for part in parts(card):
        table.add_row(f"  {part.name}", Text(part.summary), Text(age(part.at), style="dim"))
    if facts is not None:
        console.print(table)
    if view.watch.unread:
        console.print(
            Text(f"could not be read, and is as it was: {'; '.join(view.watch.unread)}"), soft_wrap=True
        )
    if view.watch.failure_summary:
        since = age(view.watch.failing_since)
        console.print(
            Text(f"the last look failed, first {since}: {view.watch.failure_summary}"), soft_wrap=True
        )
    if held := waits(card):
        console.print(Text(held), soft_wrap=True)


def _none_yet(snapshot: PullRequestSnapshot) -> str:
    if snapshot.taken is not None:
        return f"{NONE_YET}; #{snapshot.taken} of its branch is workspace {snapshot.taken_by}'s"
    tied = ", ".join(f"#{number}" for number in snapshot.tied)
    return f"{NONE_YET}; its branch has several: {tied} (headway pr attach)" if tied else NONE_YET


def checks(card: Card, console: Console) -> None:
    """The checks for people, a line each."""
    if card.view.facts is None:
        pull_request(card, console)
        return
    counts = counting(card)
    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks_of(card):
        more = " (does not count)" if check not in counts else " (required)" if check.required else ""
        name = Text(f"{check.name}{more}")
        table.add_row(check.outcome, name, Text(check.word.lower()), Text(check.url or "", style="dim"))
    console.print(table)
    console.print(Text(f"{card.ci.lower()}, as read {age(card.view.watch.checks_at)}"))


def threads(card: Card, console: Console) -> None:
    """The unresolved threads for people: where, and a line a comment."""
    facts = card.view.facts
    if facts is None:
        pull_request(card, console)
        return
    for thread in facts.threads:
        line = "" if thread.line is None else f":{thread.line}"
        outdated = " (outdated)" if thread.outdated else ""
        console.print(Text(f"{thread.id}  {thread.path}{line}{outdated}"), soft_wrap=True)
        for comment in thread.comments:
            body = " ".join(comment.body.split())
            console.print(Text(f"  {comment.author.login}: " + body), soft_wrap=True)
    told = count(len(facts.threads), "unresolved thread")
    console.print(Text(f"{told}, as read {age(card.view.watch.conversation_at)}"))
