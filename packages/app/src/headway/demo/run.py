"""The rehearsal itself: build the world, run Headway on it, play the other people, sum up."""

import json
import shlex
import sys
import tempfile
import time
from pathlib import Path

import anyio
import anyio.to_thread
import attrs
from rich.console import Console

from headway import render
from headway.config import Config, is_on_server
from headway.demo import agent as scripted
from headway.demo.director import Director, open_issue, open_resumed
from headway.demo.world import OWNER, REPOSITORY, RESUMED, DemoWorld, Sandbox, build
from headway.opening import open  # noqa: A004  `headway.open` is the name
from headway.up import Screen, screen
from headway_core.api import (
    Card,
    Cause,
    DispatchStatus,
    Explanation,
    GitHubIssue,
    Headway,
    Manual,
    RatchetState,
    ResumeBranch,
    SettingsRecord,
    SourceKind,
    StatusReason,
)
from headway_local.agents import AgentProgram
from headway_sandbox import SandboxControl

AGENT = "demo"
_LIMIT_S = 300.0
"""A rehearsal that takes longer has failed."""

_PROMPT = "Add a module that says farewell, with a test: farewell('Ada') is 'Goodbye, Ada!'."


@attrs.frozen(kw_only=True)
class Summary:
    """What one rehearsal came to."""

    cards: tuple[Card, ...]
    explanations: tuple[Explanation, ...]
    seconds: float

    @property
    def causes(self) -> list[tuple[str, Cause]]:
        """Each cause that was dispatched, once: (workspace, cause)."""
        found: dict[tuple[str, str, str], tuple[str, Cause]] = {}
        for explanation in self.explanations:
            for dispatch in explanation.dispatches:
                for cause in dispatch.causes:
                    marks = ",".join(f"{item.key}={item.mark}" for item in cause.items)
                    found[explanation.workspace_id, cause.id, marks] = (explanation.workspace_id, cause)
        return list(found.values())

    @property
    def succeeded(self) -> bool:
        """Exactly three causes, one a workspace, one completed dispatch each; and everything is ready."""
        dispatches = [d for e in self.explanations for d in e.dispatches]
        return (
            len(self.causes) == len(dispatches) == len(SourceKind)
            and len({workspace for workspace, _ in self.causes}) == len(SourceKind)
            and all(d.status is DispatchStatus.COMPLETED for d in dispatches)
            and len(self.cards) == len(SourceKind)
            and all(is_ready(card) for card in self.cards)
        )

    def document(self) -> dict[str, object]:
        """What `--json` prints."""
        return {
            "workspaces": [
                {
                    "id": card.view.workspace.id,
                    "name": card.view.workspace.name,
                    "source": card.view.workspace.source.kind,
                    "status_reason": card.status_reason,
                    "ratchet_state": card.ratchet_state,
                    "pull_request": card.view.facts.url if card.view.facts else None,
                }
                for card in self.cards
            ],
            "causes": [{"workspace": workspace, "id": cause.id} for workspace, cause in self.causes],
            "dispatches": [
                {
                    "id": dispatch.id,
                    "workspace": dispatch.workspace_id,
                    "causes": [cause.id for cause in dispatch.causes],
                    "status": dispatch.status,
                    "attempts": dispatch.attempts,
                }
                for explanation in self.explanations
                for dispatch in explanation.dispatches
            ],
            "seconds": round(self.seconds, 1),
        }


async def rehearse(*, database: str | None, agent: str | None, as_json: bool) -> bool:
    """Run the demo to its end; whether it ended as it must."""
    began = time.monotonic()
    if database is not None:
        summary = await _on(database, agent, as_json=as_json, began=began)
    else:
        with tempfile.TemporaryDirectory(prefix="headway-demo-") as folder:
            summary = await _on(str(Path(folder, "demo.db")), agent, as_json=as_json, began=began)
    if as_json:
        print(json.dumps(summary.document(), indent=2))  # noqa: T201  the program's output
    else:
        _tell(summary, "a scripted program" if agent is None else "your own")
    return summary.succeeded


async def _on(database: str, agent: str | None, *, as_json: bool, began: float) -> Summary:
    beside = Config.beside(database)
    # The demo's own folder, also where the database has none beside it.
    folder = beside.data_dir / "demo" if is_on_server(database) else beside.data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sandbox = Sandbox(await anyio.to_thread.run_sync(build, folder / "world"))
    try:
        await sandbox.revive()
        config = attrs.evolve(
            beside,
            data_dir=folder,
            github_api_url=sandbox.url,
            github_token=sandbox.token,
            agents={AGENT: AgentProgram(command=_command(agent))},
        )
        with screen(as_json=False, stderr=as_json) as display:
            async with open(config=config) as hw, sandbox.control() as control:
                await hw.settings.change(_quick)
                await _create_workspaces(hw, sandbox.world, control)
                async with hw.running():
                    await _play(hw, Director(control, sandbox.revive), display)
                return await _sum_up(hw, began)
    finally:
        with anyio.CancelScope(shield=True):
            await sandbox.stop()


def _command(agent: str | None) -> tuple[str, ...]:
    return tuple(shlex.split(agent)) if agent else (sys.executable, scripted.__file__)


_LIVE = (DispatchStatus.PENDING, DispatchStatus.RUNNING)


def _quick(settings: SettingsRecord) -> SettingsRecord:
    """A rehearsal does not wait as long as real life does."""
    return attrs.evolve(
        settings,
        default_agent=AGENT,
        ratchet_default=True,
        quiet_time_s=1,
        cadence_hot_s=1,
        cadence_settled_s=1,
        cadence_quiet_s=1,
        discovery_s=1,
    )


async def _create_workspaces(hw: Headway, world: DemoWorld, control: SandboxControl) -> None:
    """One workspace from each source; the keys make it the same three after any crash."""
    project = await hw.projects.register(str(world.repository), github=f"{OWNER}/{REPOSITORY}")
    issue = await open_issue(control)
    await open_resumed(control)
    for key, command in (
        ("manual", Manual(project_id=project.id, name="Say farewell", initial_prompt=_PROMPT)),
        ("issue", GitHubIssue(project_id=project.id, number=issue.number, url=_url(issue.number))),
        ("resumed", ResumeBranch(project_id=project.id, branch=RESUMED)),
    ):
        await hw.workspaces.create(command, idempotency_key=f"demo {key}")


def _url(number: int) -> str:
    return f"https://github.com/{OWNER}/{REPOSITORY}/issues/{number}"


async def _play(hw: Headway, director: Director, display: Screen) -> None:
    """Until each story's event was seen and everything is ready."""
    with anyio.move_on_after(_LIMIT_S):
        async with anyio.create_task_group() as group:
            group.start_soon(director.play)
            async for cards in hw.board.views():
                display.show(cards)
                if director.done and await _all_fixed(hw, cards):
                    break
            group.cancel_scope.cancel()


async def _all_fixed(hw: Headway, cards: list[Card]) -> bool:
    """Everything is ready, and was not always: each workspace has had its fixer, and it has ended."""
    if not all(is_ready(card) for card in cards):
        return False
    explanations = [await hw.ratchet.explain(card.view.workspace.id) for card in cards]
    return all(
        explanation.dispatches and not any(each.status in _LIVE for each in explanation.dispatches)
        for explanation in explanations
    )


def is_ready(card: Card) -> bool:
    """The end of every story."""
    return card.ratchet_state is RatchetState.READY and card.status_reason is StatusReason.READY_TO_MERGE


async def _sum_up(hw: Headway, began: float) -> Summary:
    cards = await hw.board.cards()
    explanations = [await hw.ratchet.explain(card.view.workspace.id) for card in cards]
    return Summary(cards=tuple(cards), explanations=tuple(explanations), seconds=time.monotonic() - began)


def _tell(summary: Summary, agent: str) -> None:
    console = Console(highlight=False, markup=False)
    dispatches = [d for e in summary.explanations for d in e.dispatches]
    names = {card.view.workspace.id: card.view.workspace.name for card in summary.cards}
    console.print()
    console.print(render.BoardTable(summary.cards))
    console.print(
        f"\n{len(summary.causes)} causes, {len(dispatches)} dispatches, {summary.seconds:.1f} s."
        f" The agent was {agent}; git, worktrees, processes, tests and HTTP were real."
    )
    for dispatch in dispatches:
        causes = ", ".join(cause.id.partition(":")[0] for cause in dispatch.causes)
        console.print(f"  {names[dispatch.workspace_id]}: {causes}, one fixer, {dispatch.status}")
    if not summary.succeeded:
        console.print("the rehearsal did not end as it must", style="red")
