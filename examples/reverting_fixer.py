"""A fixer that knows one remedy: it reverts the newest commit of its branch, and pushes.

It is what an agent is to Headway: a program that reads its prompt on standard input, works in the
worktree and ends.
"""

import subprocess
import sys


def git(*arguments: str) -> str:
    """Run git in the worktree."""
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def main() -> None:
    """Revert and push, when checks fail; leave everything else alone."""
    if '"id": "CI"' not in sys.stdin.read():
        return
    git("-c", "user.name=Fixer", "-c", "user.email=fixer@localhost", "revert", "--no-edit", "HEAD")
    git("push", "origin", f"HEAD:refs/heads/{git('branch', '--show-current')}")


if __name__ == "__main__":
    main()
