"""Which commits were made in a worktree: what was fetched, checked out or fast-forwarded to was not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = pytest.mark.anyio


@pytest.fixture
def repository(tmp_path: Path, git: Run) -> Path:
    """A repository with a commit on `main` and one on `theirs`, and a worktree of the branch `mine`."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    _commit(repo, git, "first")
    git(repo, "checkout", "--quiet", "-b", "theirs")
    _commit(repo, git, "theirs")
    git(repo, "checkout", "--quiet", "main")
    git(repo, "worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "tree"))
    return repo


def _commit(at: Path, git: Run, name: str) -> str:
    (at / name).write_text(f"{name}\n")
    git(at, "add", name)
    git(at, "commit", "--quiet", "--message", name)
    return git(at, "rev-parse", "HEAD").strip()


async def made(repository: Path) -> tuple[str, ...]:
    tree = repository.parent / "tree"
    state = await GitWorktrees().state(str(repository), str(tree), "main")
    assert state is not None
    assert state.made is not None
    return state.made


@pytest.mark.parametrize(
    "words",
    [
        ("checkout", "--quiet", "--detach", "theirs"),
        ("merge", "--quiet", "--ff-only", "theirs"),
        ("reset", "--quiet", "--hard", "theirs"),
        ("rebase", "--quiet", "theirs"),
        ("pull", "--quiet", "--ff-only", ".", "theirs"),
        ("cherry-pick", "--ff", "theirs"),
    ],
)
async def test_what_others_made_was_not_made_here(repository: Path, git: Run, words: tuple[str, ...]) -> None:
    """However HEAD came to it."""
    tree = repository.parent / "tree"
    assert await made(repository) == ()
    git(tree, *words)
    assert git(tree, "rev-parse", "HEAD") == git(tree, "rev-parse", "theirs")
    assert await made(repository) == ()


@pytest.mark.parametrize(
    "words",
    [
        ("commit", "--quiet", "--allow-empty", "--message", "more"),
        ("commit", "--quiet", "--amend", "--message", "other"),
        ("cherry-pick", "theirs"),
        ("revert", "--no-edit", "HEAD"),
        ("merge", "--quiet", "--no-ff", "--message", "both", "theirs"),
        ("pull", "--quiet", "--no-rebase", "--no-edit", ".", "theirs"),
        ("rebase", "--quiet", "theirs"),
        ("pull", "--quiet", "--rebase", ".", "theirs"),
    ],
)
async def test_what_was_committed_here_was_made_here(
    repository: Path, git: Run, words: tuple[str, ...]
) -> None:
    """By whatever command; newest first, and what came before it too."""
    tree = repository.parent / "tree"
    mine = _commit(tree, git, "mine")
    git(tree, *words)
    head = git(tree, "rev-parse", "HEAD").strip()
    assert (await made(repository))[0] == head
    assert set(await made(repository)) == {head, mine}


async def test_it_is_remembered_of_every_branch_that_the_worktree_was_on(repository: Path, git: Run) -> None:
    """An agent commits on another branch and goes back; what others commit elsewhere is theirs."""
    tree = repository.parent / "tree"
    git(tree, "checkout", "--quiet", "-b", "other")
    there = _commit(tree, git, "there")
    git(tree, "checkout", "--quiet", "mine")
    _commit(repository, git, "a person's")
    assert await made(repository) == (there,)


async def test_a_program_that_shows_signatures_is_not_executed(repository: Path, git: Run) -> None:
    """`log.showSignature` makes git ask `gpg.program`, whatever an agent made of that."""
    tree, proof = repository.parent / "tree", repository.parent / "executed"
    program = repository.parent / "gpg"
    program.write_text(f"#!/bin/sh\necho '[GNUPG:] SIG_CREATED '>&2; touch {proof}\n")
    program.chmod(0o755)
    git(repository, "config", "gpg.program", str(program))
    git(repository, "config", "log.showSignature", "true")
    commit = git(tree, "cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig forged\n\n", 1)
    (tree / "object").write_text(commit)
    forged = git(tree, "hash-object", "-t", "commit", "-w", "object").strip()
    git(tree, "reset", "--quiet", "--hard", forged)
    await made(repository)
    assert not proof.exists()
