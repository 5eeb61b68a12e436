"""`headway up`: the runner, and the board while it runs."""

import json
import signal
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, nullcontext

import anyio
from rich.console import Console
from rich.live import Live

from headway import render, serialize
from headway.terminal import tell, terminal
from headway_core.api import Card, Headway, Unavailable

LOOK_AGAIN_S = 2.0
"""Between looks at a board that could not be read."""


async def run_until_stopped(hw: Headway, *, as_json: bool) -> None:
    """Run until SIGINT or SIGTERM, showing the board. Agents that run go on under their supervisors."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:  # to the end: people ask twice
        async with hw.running(), anyio.create_task_group() as group:
            if not as_json:
                told = "headway: running; interrupt ends it, and agents that run go on"
                terminal(stderr=True).print(told, soft_wrap=True)
            group.start_soon(_show_for_ever, hw, as_json)
            async for _ in signals:
                break
            group.cancel_scope.cancel()


async def _show_for_ever(hw: Headway, as_json: bool) -> None:  # noqa: FBT001  start_soon takes no keywords
    with screen(as_json=as_json) as display:
        told = ""
        while True:
            try:
                async with aclosing(hw.board.views()) as boards:
                    async for cards in boards:
                        display.show(cards)
                        told = ""
            except Unavailable as error:
                if told != str(error):
                    tell(f"headway: {error}; the board is looked at again, and the runner goes on")
                told = str(error)
            await anyio.sleep(LOOK_AGAIN_S)


class Screen:
    """Shows boards one after the other: a live table on a terminal, a line a change otherwise."""

    def __init__(self, console: Console, live: Live | None, *, as_json: bool) -> None:
        self._console = console
        self._live = live
        self._as_json = as_json
        self._shown: dict[str, str] = {}

    def show(self, cards: list[Card]) -> None:
        """Show what changed."""
        if self._live is not None:
            self._live.update(render.BoardTable(cards), refresh=True)
            return
        for card in cards:
            line = json.dumps(serialize.card(card)) if self._as_json else render.line(card)
            if self._shown.get(card.view.workspace.id) != line:
                self._shown[card.view.workspace.id] = line
                print(line, file=self._console.file, flush=True)  # rich would end the process itself


@contextmanager
def screen(*, as_json: bool, stderr: bool = False) -> Iterator[Screen]:
    """A screen on standard output, or on standard error when the output is a program's."""
    console = terminal(stderr=stderr)
    live = Live(console=console, auto_refresh=False) if console.is_terminal and not as_json else None
    with live or nullcontext():
        yield Screen(console, live, as_json=as_json)
