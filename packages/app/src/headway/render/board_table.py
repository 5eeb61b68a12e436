"""The board for people: a row a workspace, as wide as fits."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table

from headway import pulls
from headway.render.texts import Text
from headway.terminal import one_line
from headway_core.api import Card, Column, Problem, ProblemKind

_STYLES = {Column.WORKING: "yellow", Column.WAITING: "cyan", Column.DONE: "green", None: "dim"}


_HEADINGS = ("workspace", "source", "branch", "pull request", "checks", "ratchet", "status", "address")
_FIRST_TO_GO = ("address", "source", "ratchet", "checks")
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
        left_out, unlimited = list[str](), options.update(max_width=1_000)
        table = self._table(left_out)
        for heading in _FIRST_TO_GO:
            if Measurement.get(console, unlimited, table).maximum > options.max_width:
                left_out.append(heading)
                table = self._table(left_out)
        yield table
        if left_out:
            yield Text(f"left out for want of width: {', '.join(left_out)}", style="dim")
        told: dict[str, list[str]] = defaultdict(list)
        for card in self._cards:
            for said in remarks(card):
                told[said].append(card.view.workspace.name)
        for said, names in told.items():  # what is true of many, as of GitHub, is said once
            whose = names[0] if len(names) == 1 else f"{len(names)} workspaces"
            yield Text(f"{whose}: {said}", style="dim")

    def _table(self, left_out: Collection[str]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        none_attached = all(card.view.facts is None for card in self._cards)
        headings = [h for h in _HEADINGS if h not in left_out and not (h == "address" and none_attached)]
        for heading in headings:
            table.add_column(heading, no_wrap=heading not in {"workspace", "branch"})
        for card in self._cards:
            cells = dict(zip(_HEADINGS, _cells(card), strict=True))
            table.add_row(*(cells[heading] for heading in headings))
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
        Text(view.facts.url if view.facts else "", style="dim"),
    )


_PREFIXES = {
    ProblemKind.FORGE: "GitHub was not read: ",
    ProblemKind.PART: "a part of the pull request could not be read: ",
}
_RELEASE = "; look at its worktree and at what runs there, then run headway workspace release"


def problems(card: Card) -> tuple[str, ...]:
    """All that is wrong, the gravest first, in words; text from outside may be in it."""
    return tuple(_PREFIXES.get(problem.kind, "") + _with_hint(problem) for problem in card.problems)


_NO_FOLDER = "git: cannot run"
"""How what git says begins when there is no folder to run it in."""


def _with_hint(problem: Problem) -> str:
    if problem.kind is ProblemKind.STOPPED:
        return f"{problem.text}{_RELEASE}"
    if problem.text.startswith(_NO_FOLDER):
        return f"{problem.text}; if the repository was moved, run headway init at its new path"
    return problem.text


def remarks(card: Card) -> tuple[str, ...]:
    """What a person should know: all that is wrong, the gravest first, then what is waited for."""
    told = [*problems(card)]
    told += [card.note] if card.note else []
    if card.view.workspace.is_live and (held := pulls.waits(card)):
        told.append(held)
    return tuple(told)


def line(card: Card) -> str:
    """A card in one line, for logs."""
    view = card.view
    number = f" #{view.facts.number}" if view.facts else ""
    remarked = "; ".join(remarks(card))
    because = f": {remarked}" if remarked else ""
    told = f"{view.workspace.name}{number}: {card.status_reason} (ratchet {card.ratchet_state}){because}"
    return one_line(told)
