"""A small agent: it writes down what people ask for, and answers reviewers.

    echo "Write a guide" | HEADWAY_OUT=/tmp python examples/small_agent.py

It does what every agent does: it reads its prompt on standard input, works in the folder in which it is
started, commits, pushes, leaves its answers in the folder that HEADWAY_OUT names, and ends.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

NOTES = Path("NOTES.md")


def git(*arguments: str) -> str:
    """Run git in the worktree; what it prints."""
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def note(text: str) -> None:
    """Add a line to the notes, commit it and push the branch."""
    with NOTES.open("a") as notes:
        notes.write(f"- {text}\n")
    git("add", str(NOTES))
    git("commit", "--quiet", "--message", "Note what is asked for")
    git("push", "--quiet", "origin", f"HEAD:refs/heads/{git('branch', '--show-current')}")


def leave(name: str, answer: object) -> None:
    """Leave an answer that Headway posts."""
    Path(os.environ["HEADWAY_OUT"], name).write_text(json.dumps(answer))


def causes(prompt: str) -> list[dict[str, object]]:
    """What a fixer's prompt says is to be fixed; nothing for a person's words."""
    _, fence, rest = prompt.partition("```json\n")
    data = json.loads(rest.partition("\n```")[0]) if fence else {}
    found: list[dict[str, object]] = data.get("causes", [])
    return found


def main() -> int:
    """Do what is asked; 0 when it is done."""
    prompt = sys.stdin.read().strip()
    to_fix = causes(prompt)
    threads = [str(cause["thread"]) for cause in to_fix if "thread" in cause]
    if threads:
        note(f"{len(threads)} remarks of reviewers")
        leave("replies.json", [{"thread": each, "text": "Noted.", "resolve": True} for each in threads])
        return 0
    if to_fix:
        print("checks and conflicts are beyond a small agent")
        return 1
    note(prompt)
    leave("pull-request.json", {"title": "Note what is asked for", "body": prompt})
    return 0


if __name__ == "__main__":
    sys.exit(main())
