"""A to-do list with a loop and a database of its own, whose items are done by agents.

    python examples/todo.py REPOSITORY OWNER/NAME "What to do" "What else to do"

Stop it whenever you like: the next call goes on where this one was. It keeps its own tables in todo.db, and
Headway keeps its things beside headway.db.
"""

import asyncio
import sqlite3
import sys
from contextlib import aclosing, closing

import headway

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (title TEXT PRIMARY KEY, workspace TEXT NOT NULL, outcome TEXT);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
INSERT OR IGNORE INTO progress VALUES (1, 0);
"""


class TodoList:
    """The application's own database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(SCHEMA)

    def add(self, title: str, workspace_id: str) -> None:
        """Remember which workspace an item is done in; repeating it changes nothing."""
        with self._database:
            item = (title, workspace_id)
            self._database.execute("INSERT OR IGNORE INTO items VALUES (?, ?, NULL)", item)

    def position(self) -> int:
        """How far the log of events was read."""
        (position,) = self._database.execute("SELECT position FROM progress").fetchone()
        return int(position)

    def record(self, event: headway.DomainEvent) -> None:
        """Store what an event means for the list and that it was read, in one transaction."""
        with self._database:
            if isinstance(event.payload, headway.SessionEnded):
                item = (event.payload.status, event.workspace_id)
                self._database.execute("UPDATE items SET outcome = ? WHERE workspace = ?", item)
            self._database.execute("UPDATE progress SET position = ?", (event.position,))

    def outcomes(self) -> list[tuple[str, str | None]]:
        """Every item, and how it ended; None while it has not."""
        return self._database.execute("SELECT title, outcome FROM items ORDER BY title").fetchall()


async def ask(hw: headway.Headway, todo: TodoList, project: headway.Project, titles: list[str]) -> None:
    """Have a workspace for each item: the key makes it the same one, however often this is called."""
    for title in titles:
        command = headway.Manual(project_id=project.id, name=title, initial_prompt=title)
        workspace = await hw.workspaces.create(command, idempotency_key=f"todo: {title}")
        todo.add(title, workspace.id)


async def follow(hw: headway.Headway, todo: TodoList) -> None:
    """Read the log from where it was left, until every item has an outcome."""
    async with aclosing(hw.events.follow(todo.position())) as events:
        while not all(outcome for _, outcome in todo.outcomes()):
            todo.record(await anext(events))


async def main(repository: str, github: str, titles: list[str]) -> None:
    """Have all items done; the loop is the application's own, and so may be other tasks beside this one."""
    with closing(sqlite3.connect("todo.db")) as database:
        todo = TodoList(database)
        async with headway.open("sqlite:///headway.db") as hw:
            project = await hw.projects.register(repository, github=github)
            await ask(hw, todo, project, titles)
            async with hw.running(), asyncio.timeout(600):
                await follow(hw, todo)
        for title, outcome in todo.outcomes():
            print(f"{title}: {outcome}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
