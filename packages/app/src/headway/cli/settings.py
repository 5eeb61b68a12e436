"""`headway settings`."""

import json
from typing import TYPE_CHECKING

from cyclopts import App

from headway import render, serialize
from headway.cli.shell import ACTOR, AsJson, answer, note, perform
from headway_core.api import SettingsRecord

if TYPE_CHECKING:
    from headway_core.api import Headway

app = App(name="settings", help="Quiet time, budgets, limits, trust.")


@app.command
def show(*, as_json: AsJson = False) -> None:
    """All settings as they are."""
    document = serialize.settings(perform(lambda hw: hw.settings.get(), as_json=as_json))
    answer(document, lambda console: render.settings(document, console), as_json=as_json)


@app.command(name="set")
def set_(name: str, value: str, /, *, as_json: AsJson = False) -> None:
    """Change one setting.

    Parameters
    ----------
    value
        JSON, or a plain text where a text is wanted.
    """

    async def work(hw: "Headway") -> tuple[SettingsRecord, tuple[str, ...]]:
        changed = await hw.settings.change(None, actor=ACTOR, **{name: _value(value)})
        return changed, await hw.settings.unknown_trusted() if name == "trusted" else ()

    changed, unknown = perform(work, as_json=as_json)
    document = serialize.settings(changed)
    for each in unknown:
        note(f"GitHub knows nobody called {each}: what that name says is not heard. Look at its spelling.")
    answer(document, lambda console: render.settings({name: document[name]}, console), as_json=as_json)


@app.command
def reset(name: str, /, *, as_json: AsJson = False) -> None:
    """Give one setting its default again."""

    async def work(hw: "Headway") -> SettingsRecord:
        return await hw.settings.reset(name, actor=ACTOR)

    document = serialize.settings(perform(work, as_json=as_json))
    answer(document, lambda console: render.settings({name: document[name]}, console), as_json=as_json)


def _value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value
