"""After an archive or its refusal every word that lay in a worktree is somewhere, or was listed and lost."""
# ruff: noqa: ASYNC240 - what people do to files between two calls blocks nobody

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway_core.kernel.errors import Conflict
from headway_core.workspaces.ports import PutAwayOrder, WorktreeOrder
from headway_local import GitWorktrees

pytestmark = pytest.mark.anyio

STEPS = {
    "write": "echo $T >>f",
    "write another": "mkdir -p d; echo $T >d/g",
    "stage": "echo $T >f; git add f",
    "commit": "echo $T >c; git add -A; git commit -qm c",
    "stash": "echo $T >f; git stash -qu",
    "delete": "git rm -qf f || rm -f f",
    "init": "mkdir -p n; cd n; git init -q; echo $T >p; git add -A; git commit -qm n",
    "init in it": "mkdir -p n/n; cd n/n; git init -q; echo $T >p; git add -A; git commit -qm n",
    "swallow": "git add -A; git commit -qm s",
    "bare": "git init -q --bare b.git; echo $T >b.git/description",
    "submodule": "git submodule add -qf ../../lib m; git commit -qm m",
    "work in the submodule": "cd m && echo $T >p && git add -A && git commit -qm p",
    "stash in the submodule": "cd m && echo $T >l && git stash -q",
    "deinit": "git submodule deinit -qf m",
    "assume": "git update-index --assume-unchanged f; echo $T >>f",
    "skip": "git update-index --skip-worktree f; echo $T >>f",
    "sparse": "git sparse-checkout set d; echo $T >f",
    "detach": "git checkout -q --detach; echo $T >c; git add -A; git commit -qm d",
    "branch": "git checkout -q headway/one",
    "orphan": "git checkout -q --orphan o; echo $T >>c; git add -A",
    "reset": "git reset -q --hard HEAD~1",
    "conflict": "git checkout -qf -b x$T; echo $T >f; git commit -qam x; git checkout -qf -; echo a$T >f;"
    " git commit -qam y; git merge -q x$T",
    "rebase": "git checkout -qf -b x$T; echo $T >f; git commit -qam x; git checkout -qf -; echo a$T >f;"
    " git commit -qam y; echo b$T >>c; git rebase -q --autostash x$T",
    "intent": "echo $T >i; git add -N i",
    "ignore": "echo e >>.gitignore; echo $T >e",
    "ident": "echo 'f ident' >.gitattributes; echo '$Id: '$T' $' >f",
    "ref of a blob": "git update-ref refs/worktree/b $(echo $T | git hash-object -w --stdin)",
    "ref of a tag": "git tag -am $T t; git update-ref refs/worktree/t $(git rev-parse t); git tag -d t",
    "pick": "git checkout -qf -b p$T; echo $T >f; git commit -qam 1; echo $T >r; git add r; git commit -qm 2;"
    " git checkout -qf -; echo b$T >f; git commit -qam 0; git cherry-pick HEAD..p$T; git branch -qD p$T",
    "on main": "git symbolic-ref HEAD refs/heads/main",
    "a file in its place": "cd ..; rm -rf one; echo $T >one",
    "returns": "echo '* text=auto' >.gitattributes; printf \"$T\\r\\n\" >f",
    "no .git": "rm -rf .git",
    "its own .git": "rm -rf .git; git init -q; echo $T >p; git add -A; git commit -qm own",
    "prune": "git -C ../../repo worktree prune",
    "worktree ref": "git update-ref refs/worktree/w HEAD",
    "no logs": "rm -rf $(git rev-parse --git-dir)/logs",
    "locks": "touch $(git rev-parse --git-dir)/index.lock",
    "no index": "rm -f $(git rev-parse --git-dir)/index",
    "lock it": "git worktree lock .",
    "not readable": "mkdir -p q; echo $T >q/q; chmod 0 q/q q",
    "odd": "mkfifo pi; ln -s $T li; echo $T >$'a\\nb'; ln f h",
}
WORD = re.compile(rb"word[0-9]+x")


def run(folder: Path, script: str, home: Path, word: str = "") -> bytes:
    environment = {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_EDITOR": "true",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "T": word,
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=False
    )
    return done.stdout


def repositories(root: Path) -> Iterator[Path]:
    for head in root.rglob("HEAD"):
        if (head.parent / "objects").is_dir():
            yield head.parent


def objects(git_folder: Path, home: Path, what: str) -> bytes:
    listed = f"git --git-dir=. --work-tree=/ rev-list --objects {what} 2>/dev/null | cut -d' ' -f1"
    return run(git_folder, f"{listed} | git --git-dir=. --work-tree=/ cat-file --batch", home)


def words(root: Path, home: Path, also: Path | None = None) -> set[bytes]:
    """The words in files, and in what is reachable in repositories; `also` is a worktree's own git folder."""
    found: set[bytes] = set()
    for path in root.rglob("*"):
        if path.is_symlink():
            found |= set(WORD.findall(bytes(path.readlink())))
        elif path.is_file() and not {"objects", "logs"} & set(
            path.parts
        ):  # a log names branches, called by words
            found |= set(WORD.findall(path.read_bytes()))
    for git_folder in repositories(root):
        what = "--all --reflog" if git_folder.parent.name == "repo" else "--all --reflog --indexed-objects"
        found |= set(WORD.findall(objects(git_folder, home, what)))
    if also is not None and also.exists():
        found |= set(WORD.findall(objects(also, home, "--all --reflog HEAD")))
        found |= set(WORD.findall(objects(also, home, "--all --indexed-objects")))
    return found


@given(steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6), lose=st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.one_backend
@pytest.mark.lesson("L7")
async def test_no_word_is_lost(home: Path, steps: list[str], lose: bool) -> None:
    """Whatever people and agents did there, in whatever order."""
    (home / ".gitconfig").write_text(
        '[user]\n\tname = A\n\temail = a@b\n[protocol "file"]\n\tallow = always\n'
        "[init]\n\tdefaultBranch = main\n"
    )
    root = Path(tempfile.mkdtemp(prefix="headway-words-", dir=home.parent))
    for name in ("repo", "lib"):
        (root / name).mkdir()
        run(root / name, "git init -q; echo l >l; echo f >f; git add .; git commit -qm first", home)
    order = WorktreeOrder(
        workspace_id="one",
        repo_path=str(root / "repo"),
        base_path=str(root / "base"),
        path=str(root / "base" / "one"),
        branch="headway/one",
        new_branch=True,
        base_branch="main",
    )
    await GitWorktrees().create(order)
    folder = Path(order.path)
    for number, step in enumerate(steps):
        if folder.is_dir():
            run(folder, STEPS[step], home, f"word{number}x")
    admin = root / "repo/.git/worktrees/one"
    before = words(root, home, admin)
    ignored = set()
    if lose:
        ignored = set(WORD.findall((folder / "e").read_bytes())) if (folder / "e").exists() else set()
    away = PutAwayOrder(
        workspace_id="one",
        repo_path=order.repo_path,
        base_path=order.base_path,
        path=order.path,
        lose_ignored=lose,
    )
    refused = ""
    try:
        kept = (await GitWorktrees().put_away(away)).kept
    except Conflict as error:
        refused, kept = str(error), ()
    if folder.exists():
        assert re.search("ignored|locked", refused)
        assert words(root, home, admin) >= before
    else:
        assert words(root, home) >= before - ignored
        assert (await GitWorktrees().put_away(away)).kept == kept
    run(root, "chmod -R u+rwX .", home)
    shutil.rmtree(root)
