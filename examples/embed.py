"""An application that embeds Headway: its own agent, its own database, and the log of events as its feed.

    python examples/embed.py REPOSITORY OWNER/NAME "What to do"

It asks an agent for one piece of work in a worktree of its own, tells what happens as it happens, and ends
when the agent has. The agent is this file again, called with --agent: a program that reads its
prompt on standard input, works in the folder that it is started in and ends.
"""

import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import anyio
import attrs

import headway

AGENT = headway.AgentProgram(command=(sys.executable, str(Path(__file__).resolve()), "--agent"))


async def work(repository: str, github: str, task: str) -> None:
    """Have it done; what is stored lies beside the database, and a second run goes on with it."""
    config = attrs.evolve(headway.Config.beside("embedded.db"), agents={"notes": AGENT})
    async with headway.open(config=config) as hw:
        await hw.settings.change(default_agent="notes")
        project = await hw.projects.register(repository, github=github)
        begun = await hw.events.position()
        workspace = await hw.workspaces.create(
            headway.Manual(project_id=project.id, name=task, initial_prompt=task), idempotency_key=task
        )
        async with (
            hw.running(),
            aclosing(hw.events.follow(begun, workspace_id=workspace.id)) as events,
        ):
            async for event in events:
                print(f"{event.at:%H:%M:%S} {event.payload.event}", flush=True)
                if isinstance(event.payload, headway.SessionEnded):
                    break
        card = await hw.board.get(workspace.id)
        print(f"{card.status_reason}: {card.view.workspace.branch} in {card.view.workspace.worktree_path}")


def agent() -> None:
    """Write the task down, and commit it."""
    with Path("NOTES.md").open("a") as notes:
        notes.write(f"- {sys.stdin.read().strip()}\n")
    identity = ("-c", "user.name=Notes", "-c", "user.email=notes@localhost")
    subprocess.run(["git", "add", "NOTES.md"], check=True)
    subprocess.run(["git", *identity, "commit", "--quiet", "-m", "Note what is to be done"], check=True)


def main() -> None:
    """The application, or its agent."""
    match sys.argv[1:]:
        case ["--agent"]:
            agent()
        case [repository, github, task]:
            anyio.run(work, repository, github, task)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
