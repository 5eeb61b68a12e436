"""A scripted program in an agent's place: it reads a prompt on standard input and works in its worktree.

It knows the demo's three tasks and how to repair each; nothing of Headway but what the prompt and
the environment tell any agent. Standard library and git only.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FAREWELL = """def farewell(name):
    return "{word}, " + name + "!"
"""
TEST_FAREWELL = """import unittest

from farewell import farewell


class FarewellTest(unittest.TestCase):
    def test_farewell(self):
        self.assertEqual(farewell("Ada"), "Goodbye, Ada!")
"""
SHOUT = """def shout(name):
    return name.upper() + "!"
"""
SHOUT_CAREFUL = """def shout(name):
    if not name:
        raise ValueError("nobody to shout at")
    return name.upper() + "!"
"""
TEST_SHOUT = """import unittest

from shout import shout


class ShoutTest(unittest.TestCase):
    def test_shout(self):
        self.assertEqual(shout("Ada"), "ADA!")
"""


def git(*arguments: str) -> str:
    """Run git in the worktree and return what it prints."""
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)  # noqa: S603, S607  ours
    return done.stdout.strip()


def push(message: str) -> None:
    """Commit what changed, if anything did, and push the branch."""
    git("add", "--all")
    if git("status", "--porcelain"):
        git(*_IDENTITY, "commit", "--message", message)
    git("push", "origin", f"HEAD:refs/heads/{git('branch', '--show-current')}")


def say(name: str, words: object) -> None:
    """Leave words for GitHub: Headway posts them."""
    Path(os.environ["HEADWAY_OUT"], name).write_text(json.dumps(words))


def begin(prompt: str) -> None:
    """The first work of a workspace: write the feature, push, ask for a pull request."""
    if "farewell" in prompt.lower():
        Path("farewell.py").write_text(FAREWELL.format(word="Bye"))  # a bug, which its test will find
        Path("test_farewell.py").write_text(TEST_FAREWELL)
        title = "Say farewell"
    else:
        Path("shout.py").write_text(SHOUT)
        Path("test_shout.py").write_text(TEST_SHOUT)
        title = "Shout a name"
    push(title)
    say("pull-request.json", {"title": title, "body": "Written by a scripted agent."})


def fix(facts: dict[str, object]) -> None:
    """A fixer's work: one repair for each cause."""
    replies = []
    for cause in facts["causes"]:  # type: ignore[attr-defined]  # the prompt's own JSON
        if cause["id"] == "CI":
            Path("farewell.py").write_text(FAREWELL.format(word="Goodbye"))
        elif cause["id"] == "CONFLICT":
            keep_both_greetings(cause["base"])
        else:
            Path("shout.py").write_text(SHOUT_CAREFUL)
            replies.append(
                {"thread": cause["thread"], "text": "Done: an empty name is refused now.", "resolve": True}
            )
    push("Fix what was found")
    if replies:
        say("replies.json", replies)


def keep_both_greetings(base: str) -> None:
    """Merge the base, and keep the lines of both sides."""
    git("fetch", "origin", base)
    merged = subprocess.run(  # noqa: S603  ours
        ["git", *_IDENTITY, "merge", "--no-edit", "FETCH_HEAD"],  # noqa: S607  the git on the path is meant
        check=False,
        capture_output=True,
    )
    if merged.returncode != 0:
        lines = Path("greetings.txt").read_text().splitlines()
        kept = [line for line in lines if not line.startswith(("<<<<<<<", "=======", ">>>>>>>"))]
        Path("greetings.txt").write_text("\n".join(kept) + "\n")


_IDENTITY = ("-c", "user.name=Scripted Agent", "-c", "user.email=agent@localhost")


def main() -> None:
    """Fix what the prompt's data names, or else begin."""
    prompt = sys.stdin.read()
    _, fence, rest = prompt.partition("```json\n")
    facts = json.loads(rest.partition("\n```")[0]) if fence else None
    if isinstance(facts, dict) and "causes" in facts:
        fix(facts)
    else:
        begin(prompt)


if __name__ == "__main__":
    main()
