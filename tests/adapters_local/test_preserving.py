"""Nothing that was written is lost: what `put_away` keeps, refuses and brings back (I12, L7)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput
from headway_core.workspaces.ports import PutAwayOrder, Standing, WorktreeOrder, WorktreeOutcome
from headway_local import GitWorktrees

Run = Callable[..., str]
Before = Callable[[Callable[[], object]], None]
pytestmark = [pytest.mark.anyio, pytest.mark.one_backend, pytest.mark.lesson("L7")]
PRESERVED = "refs/headway/preserved/one"
SECRET = "SECRET of 42 words"
BRANCH = "refs/heads/headway/one"


@attrs.frozen
class Workspace:
    """A worktree `one` on the branch `headway/one`, of a repository with an origin and the file `f`."""

    root: Path
    order: WorktreeOrder
    git: Run

    @property
    def folder(self) -> Path:
        return Path(self.order.path)

    @property
    def repo(self) -> Path:
        return Path(self.order.repo_path)

    @property
    def kept(self) -> Path:
        return Path(self.order.base_path, ".headway-preserved/one/1/worktree")

    def away(self, *, lose_ignored: bool = False) -> PutAwayOrder:
        return PutAwayOrder(
            workspace_id="one",
            repo_path=self.order.repo_path,
            base_path=self.order.base_path,
            path=self.order.path,
            lose_ignored=lose_ignored,
        )

    async def put_away(self, *, lose_ignored: bool = False) -> tuple[str, ...]:
        return (await GitWorktrees().put_away(self.away(lose_ignored=lose_ignored))).kept

    async def restore(self) -> Path:
        """A fresh worktree on the branch, with what was preserved."""
        order = attrs.evolve(
            self.order, workspace_id="two", path=f"{self.order.base_path}/two", new_branch=False
        )
        assert await GitWorktrees().create(order) is WorktreeOutcome.CREATED
        await GitWorktrees().bring_back(order.repo_path, order.base_path, order.path, "one")
        return Path(order.path)

    def sh(self, script: str, **environment: str) -> None:
        """What an agent does in the worktree."""
        self.sh_at(self.folder, script, **environment)

    def sh_at(self, folder: Path, script: str, **environment: str) -> None:
        """The same elsewhere."""
        subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env={
                **os.environ,
                "LIB": str(self.root / "lib"),
                "W": str(self.folder),
                "SECRET": SECRET,
                **environment,
            },
            check=False,
            capture_output=True,
        )

    def show(self, ref: str, name: str) -> str:
        """A file as a ref has it."""
        return self.git(self.repo, "show", f"{ref}:{name}")

    def holds(self, text: str = SECRET) -> bool:
        """Whether some file on the disk, or an object that a ref reaches, has the text."""
        return any(text.encode() in content for content in contents(self.root))


def contents(root: Path) -> Iterator[bytes]:
    """Every file, and every blob that a ref of any repository reaches."""
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        if "objects" not in path.parts:
            yield path.read_bytes()
        if path.name == "HEAD" and (path.parent / "objects").is_dir():
            yield from reachable(path.parent)


def reachable(git_folder: Path) -> Iterator[bytes]:
    listed = subprocess.run(
        ["git", "--git-dir", git_folder, "rev-list", "--objects", "--all"], capture_output=True, check=False
    )
    ids = b"\n".join(line.split(b" ")[0] for line in listed.stdout.splitlines())
    command = ["git", "--git-dir", str(git_folder), "cat-file", "--batch"]
    yield subprocess.run(command, input=ids, capture_output=True, check=False).stdout


def everything(folder: Path) -> dict[str, bytes]:
    """All files in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@pytest.fixture
async def workspace(tmp_path: Path, git: Run, home: Path) -> Workspace:
    with (home / ".gitconfig").open("a") as file:
        file.write('[protocol "file"]\n\tallow = always\n')
    for name in ("repo", "lib"):
        folder = tmp_path / name
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
        (folder / "f").write_text("hello\n")
        (folder / "old.txt").write_text("old\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=first")
    git(tmp_path, "clone", "--quiet", "--bare", "repo", "origin.git")
    git(tmp_path / "repo", "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(tmp_path / "repo", "fetch", "--quiet", "origin")
    order = WorktreeOrder(
        workspace_id="one",
        repo_path=str(tmp_path / "repo"),
        base_path=str(tmp_path / "base"),
        path=str(tmp_path / "base" / "one"),
        branch="headway/one",
        new_branch=True,
        base_branch="main",
    )
    await GitWorktrees().create(order)
    return Workspace(tmp_path, order, git)


@pytest.fixture
def before_it_goes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Before:
    """Have somebody act between the look at the worktree and the step that takes its folder away."""
    rename = Path.rename

    def have(act: Callable[[], object]) -> None:
        def acted(self: Path, target: Path) -> Path:
            if self == workspace.folder:
                act()
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", acted)

    return have


NESTED = 'mkdir n; cd n; git init -q; echo "$SECRET" >p; git add .; git commit -qm p; cd ..;'
SUBMODULE = 'git submodule add -q "$LIB" lib; cd lib; echo "$SECRET" >p; git add .; git commit -qm p; cd ..;'
DETACHED = 'git checkout -q --detach; echo "$SECRET" >p; git add .; git commit -qm d; git checkout -q -;'
KINDS: dict[str, tuple[str, str]] = {
    # of issue 10
    "no .git": ("folder", 'rm .git; echo "$SECRET" >p'),
    "another repository": (
        "folder",
        'rm .git; git init -q; echo "$SECRET" >p; git add .; git commit -qm p',
    ),
    "a repository inside": ("folder", f"{NESTED} git add .; git commit -qm n"),
    "a submodule with a commit": ("folder", f"{SUBMODULE} git add .; git commit -qm bump"),
    "assume-unchanged": (BRANCH, 'git update-index --assume-unchanged f; echo "$SECRET" >>f'),
    "only the reflog": ("git", DETACHED),
    # further ones: the folder is no worktree any more
    "no .git, and pruned": ("folder", 'rm .git; echo "$SECRET" >p; git -C ../../repo worktree prune'),
    ".git points elsewhere": ("folder", 'echo "gitdir: ../../lib/.git" >.git; echo "$SECRET" >p'),
    ".git is a link": ("folder", 'mv .git ../pointer; ln -s ../pointer .git; echo "$SECRET" >p'),
    "a bare repository inside": (
        "folder",
        f"{NESTED} git clone -q --bare n bare.git; rm -rf n",
    ),
    "nested in nested": ("folder", f"mkdir o; cd o; git init -q; {NESTED}"),
    "a repository without a commit inside": ("folder", 'git init -q inner; echo "$SECRET" >inner/p'),
    "a worktree of another repository inside": (
        "folder",
        'git -C "$LIB" worktree add -q "$W/inner" -b x; echo "$SECRET" >inner/p',
    ),
    "a name that git refuses": ("folder", 'mkdir .GIT; echo "$SECRET" >.GIT/p'),
    "a submodule with a stash": (
        "folder",
        'git submodule add -q "$LIB" lib; git commit -qm lib; cd lib; echo "$SECRET" >f; git stash -q',
    ),
    "a submodule that was taken out": (
        "folder",
        f"{SUBMODULE} git add .; git commit -qm bump; git submodule deinit -qf lib",
    ),
    "a submodule in a submodule": (
        "folder",
        (
            'git submodule add -q "$LIB" lib; git commit -qm lib; cd lib;'
            ' git submodule add -q "$LIB" in; cd in;'
            ' echo "$SECRET" >p; git add .; git commit -qm p; cd ..; git add .;'
            " git commit -qm in; cd ..; git add .;"
            " git commit -qm bump"
        ),
    ),
    # hidden from git's status
    "a detached HEAD": ("git", 'git checkout -q --detach; echo "$SECRET" >p; git add .; git commit -qm d'),
    "a detached HEAD, the folder is gone": (
        "git",
        'git checkout -q --detach; echo "$SECRET" >p; git add .; git commit -qm d; cd ..; rm -rf "$W"',
    ),
    "skip-worktree": (BRANCH, 'git update-index --skip-worktree f; echo "$SECRET" >>f'),
    "outside the sparse checkout": (
        BRANCH,
        (
            "mkdir a b; echo 1 >a/x; echo 1 >b/y; git add .; git commit -qm ab; git sparse-checkout set a;"
            ' mkdir b; echo "$SECRET" >b/y'
        ),
    ),
    "intent to add": (BRANCH, 'echo "$SECRET" >p; git add -N p'),
    "an ident that was changed": (
        "raw",
        (
            "printf 'f ident\\n' >.gitattributes; printf '$Id$\\n' >f; git add .; git commit -qm i;"
            ' echo "\\$Id: $SECRET \\$" >f'
        ),
    ),
    "the old time and size": (
        BRANCH,
        (
            'printf "%s" "$SECRET" | tr S s >f; git commit -qam s; touch -r f ../t; printf "%s" "$SECRET" >f;'
            " touch -r ../t f"
        ),
    ),
    "what was staged": ("index", 'echo "$SECRET" >f; git add f; echo other >f'),
    "what was staged, the folder is gone": ("index", 'echo "$SECRET" >f; git add f; cd ..; rm -rf "$W"'),
    "only the reflog, the folder is gone": ("git", f'{DETACHED} cd ..; rm -rf "$W"'),
    "its own refs": (
        "git",
        (
            'git checkout -q --detach; echo "$SECRET" >p; git add .; git commit -qm d;'
            " git update-ref refs/worktree/mine HEAD; git checkout -q -;"
            " rm -r $(git rev-parse --git-dir)/logs"
        ),
    ),
    "a rebase in conflict, with an autostash": (
        "git",
        (
            "git checkout -qb o; echo o >f; git commit -qam o; git checkout -q -; echo m >f;"
            " git commit -qam m;"
            ' echo "$SECRET" >old.txt; git rebase -q --autostash o; git checkout -q -f HEAD -- .'
        ),
    ),
    "a merge in conflict": (
        "work",
        (
            "git checkout -qb o; echo o >f; git commit -qam o; git checkout -q -; echo m >f;"
            " git commit -qam m;"
            ' git merge -q o; echo "$SECRET" >>f'
        ),
    ),
    # named by the worktree's git folder alone
    "a ref of a blob": (
        "object",
        'git update-ref refs/worktree/b $(echo "$SECRET" | git hash-object -w --stdin)',
    ),
    "a ref of a tree": (
        "object",
        'echo "$SECRET" >p; git add .; git update-ref refs/worktree/t $(git write-tree); git reset -q --hard',
    ),
    "a ref of a tag": (
        "object",
        'git tag -a -m "$SECRET" T; git update-ref refs/worktree/t $(git rev-parse T); git tag -d T',
    ),
    "commits that are still to be picked": (
        "git",
        (
            'git checkout -qb s; echo 1 >f; git commit -qam 1; echo "$SECRET" >p; git add .;'
            " git commit -qm 2; git checkout -q -; echo 0 >f; git commit -qam 0;"
            " git cherry-pick HEAD..s; git branch -D s;"
            " cd $(git rev-parse --git-dir); rm -rf logs ORIG_HEAD AUTO_MERGE"
        ),
    ),
    "the message of a squashed merge": (
        "git",
        (
            "git checkout -qb o; echo o >x; git add .; git commit -qm o; git checkout -q -;"
            ' git merge -q --squash o; echo "$SECRET" >$(git rev-parse --git-dir)/SQUASH_MSG'
        ),
    ),
    # submodules whose remote does not have it
    "a submodule with a file that git cleans": (
        "folder",
        (
            'git submodule add -q "$LIB" lib; cd lib; echo "f ident" >.gitattributes; echo \'$Id$\' >f;'
            " git add .; git commit -qm i; git push -q origin HEAD:x; cd ..; git add .; git commit -qm bump;"
            ' echo "\\$Id: $SECRET \\$" >lib/f'
        ),
    ),
    "a submodule with a ref that says that it was pushed": (
        "folder",
        f"{SUBMODULE} git -C lib update-ref refs/remotes/origin/x HEAD; git add .; git commit -qm bump",
    ),
    "a submodule whose remote is gone": (
        "folder",
        (
            'git submodule add -q "$LIB" lib; cd lib; git init -q --bare ../../gone.git;'
            ' git remote add gone ../../gone.git; echo "$SECRET" >p; git add .; git commit -qm p;'
            " git push -q gone HEAD:main; rm -rf ../../gone.git; cd ..; git add .; git commit -qm bump"
        ),
    ),
    "a submodule without its repository": (
        "folder",
        'git submodule add -q "$LIB" lib; git commit -qm lib; rm -rf lib/.git; echo "$SECRET" >lib/p',
    ),
    # what stands in the worktree's place
    "a file in place of the worktree": ("folder", 'cd ..; rm -rf "$W"; echo "$SECRET" >"$W"'),
    "a HEAD that would be an option": (
        "folder",
        'echo "$SECRET" >p; echo "--output=$W/../evil" >$(git rev-parse --git-dir)/HEAD',
    ),
    "a pipe that would say whose it is": (
        BRANCH,
        'echo "$SECRET" >p; cd $(git rev-parse --git-dir); rm headway-workspace; mkfifo headway-workspace',
    ),
    "a branch that is checked out elsewhere": (
        "work",
        'git symbolic-ref HEAD refs/heads/main; echo "$SECRET" >p',
    ),
    "a filter that drops everything": (
        "raw",
        (
            'git config --global filter.x.clean "echo nothing"; echo "f filter=x" >.gitattributes; git add .;'
            ' git commit -qm x; echo "$SECRET" >f'
        ),
    ),
    "a filter of the repository that drops everything": (
        BRANCH,
        (
            'git config filter.x.clean "echo nothing"; echo "f filter=x" >.gitattributes; git add .;'
            ' git commit -qm x; echo "$SECRET" >f'
        ),
    ),
    "a tracked repository whose returns git takes away": (
        "raw",
        (
            'git clone -q --bare "$LIB" x.git; rm -rf x.git/hooks; touch x.git/refs/k; git add -f .;'
            " echo '* text=auto' >.gitattributes; git add .; git commit -qm fixture;"
            " printf '%s\\r\\n' \"$SECRET\" >x.git/description"
        ),
    ),
    # locks that somebody left
    "a stale lock of the index": (
        BRANCH,
        'echo "$SECRET" >p; touch $(git rev-parse --git-dir)/index.lock',
    ),
    "a stale lock of the configuration": (
        BRANCH,
        'echo "$SECRET" >p; touch $(git rev-parse --git-common-dir)/config.lock',
    ),
    "a stale lock of the branch": (
        "work",
        'echo "$SECRET" >p; touch $(git rev-parse --git-common-dir)/refs/heads/headway/one.lock',
    ),
    "an index that git can't read": (
        "folder",
        'echo "$SECRET" >p; echo broken >$(git rev-parse --git-dir)/index',
    ),
    "an index that git can't read, the folder is gone": (
        "git",
        f'{DETACHED} echo broken >$(git rev-parse --git-dir)/index; cd ..; rm -rf "$W"',
    ),
    "files that lie elsewhere for git": (
        BRANCH,
        (
            "mkdir ../away; git config extensions.worktreeConfig true;"
            ' git config --worktree core.worktree "$W/../away"; echo "$SECRET" >p'
        ),
    ),
    "a marker as of a worktree that is being made": (
        BRANCH,
        'touch ../.headway-making-one; echo "$SECRET" >p',
    ),
    "case that git is told to ignore": (BRANCH, 'git config core.ignoreCase true; echo "$SECRET" >F'),
    "an untracked cache": (
        BRANCH,
        'git update-index --untracked-cache; git status; touch -r . ../t; echo "$SECRET" >p; touch -r ../t .',
    ),
    "a marker, and nothing that says whose it is": (
        BRANCH,
        'touch ../.headway-making-one; rm $(git rev-parse --git-dir)/headway-workspace; echo "$SECRET" >p',
    ),
    "a branch that is gone": (BRANCH, 'echo "$SECRET" >p; git update-ref -d HEAD'),
    "a huge file": (BRANCH, 'dd if=/dev/zero of=p bs=1M count=40; echo "$SECRET" >>p'),
    # odd names and files
    "names that are no text": (BRANCH, "printf '%s' \"$SECRET\" >$'a\\nb\\377'; mkfifo pipe; ln -s no link"),
    "hard links": (BRANCH, 'echo "$SECRET" >p; ln p q'),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_status_does_not_show_is_kept(workspace: Workspace, kind: str) -> None:
    """Whatever way words were hidden: the worktree goes, a ref or a file has them, and where is told."""
    place, script = KINDS[kind]
    workspace.sh(script)
    kept = await workspace.put_away()
    assert not workspace.folder.exists()
    assert workspace.holds()
    expected = {"folder": str(workspace.kept), BRANCH: BRANCH}.get(place, f"{PRESERVED}/{place}")
    assert any(each == expected or each.startswith(f"{expected}-") for each in kept)
    assert await workspace.put_away() == kept
    preserved = await GitWorktrees().preserved(workspace.order.repo_path, workspace.order.base_path)
    assert [place for each in preserved for place in each.places] == [p for p in kept if p != BRANCH]
    assert await GitWorktrees().standing(str(workspace.repo), str(workspace.folder)) is Standing.MISSING


REFUSED = {
    "ignored": ("echo .env >.gitignore; git add .; git commit -qm i; echo s >.env", r"ignored files: \.env"),
    "ignored, in a repository": (
        "echo n/ >.gitignore; git add .; git commit -qm i; git init -q n",
        "ignored files: n/",
    ),
    "ignored, in a submodule": (
        (
            'git submodule add -q "$LIB" lib; git commit -qm lib; cd lib;'
            " echo .env >$(git rev-parse --git-dir)/info/exclude; echo s >.env"
        ),
        r"ignored files: lib/\.env",
    ),
    "ignored, with a name that is no text": (
        "echo 'i*' >.gitignore; git add .; git commit -qm i; echo s >$'i\\xff'",
        r"ignored files: i.udcff",
    ),
    "locked": ("git worktree lock --reason mine .; echo s >p", "locked: mine; git worktree unlock"),
    "a worktree inside": ("git worktree add -q ./inner -b inner", "inner lies in it"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_refusal_leaves_everything_as_it_was(workspace: Workspace, kind: str) -> None:
    """It says what and where; files, index and branch are the same, byte for byte."""
    script, words = REFUSED[kind]
    workspace.sh(f"echo staged >f; git add f; {script}")
    admin = workspace.repo / ".git/worktrees/one"
    before = everything(workspace.folder), everything(admin), workspace.git(workspace.repo, "for-each-ref")
    with pytest.raises(Conflict, match=words):
        await workspace.put_away()
    after = everything(workspace.folder), everything(admin), workspace.git(workspace.repo, "for-each-ref")
    assert after == before


async def test_a_locked_worktree_that_is_not_there_waits(workspace: Workspace) -> None:
    """A person has locked it because it lies on a disk that comes and goes: what git knows of it stays."""
    workspace.sh("git worktree lock .; mv ../one ../away")
    with pytest.raises(Conflict, match="git worktree unlock"):
        await workspace.put_away()
    workspace.sh_at(workspace.folder.parent, "mv away one")
    assert workspace.git(workspace.folder, "status", "--porcelain") == ""


CIRCLES = {
    "in place of the worktree": "cd ..; rm -rf one; ln -s one one",
    "where its .git points": 'ln -s loop ../loop; echo "gitdir: ../loop/x" >.git',
    "where the repository says that it is": (
        'git=$(git rev-parse --git-dir); ln -s loop ../loop; echo "$W/../loop/x" >$git/gitdir'
    ),
}


@pytest.mark.parametrize("circle", CIRCLES)
async def test_links_in_a_circle_break_that_worktree_alone(workspace: Workspace, circle: str) -> None:
    """It is broken, refused or kept whole like any other; the repository's other worktrees go on."""
    order = workspace.order
    workspace.sh(CIRCLES[circle])
    assert await GitWorktrees().standing(order.repo_path, order.path) is Standing.BROKEN
    assert await GitWorktrees().state(order.repo_path, order.path, "main") is None
    assert all(
        s.holds_work for s in await GitWorktrees().strays(order.repo_path, order.base_path, frozenset())
    )
    with pytest.raises((Conflict, InvalidInput)):
        await GitWorktrees().create(order)
    if workspace.folder.is_symlink():
        with pytest.raises(InvalidInput, match="symbolic link"):
            await workspace.put_away()
    else:
        assert await workspace.put_away() == (str(workspace.kept),)
    other = attrs.evolve(order, workspace_id="two", branch="headway/two", path=f"{order.base_path}/two")
    assert await GitWorktrees().create(other) is WorktreeOutcome.CREATED
    assert await GitWorktrees().standing(other.repo_path, other.path) is Standing.STANDS


async def test_a_marker_is_no_word_that_a_worktree_may_go(workspace: Workspace) -> None:
    """Neither a retry nor a removal discards a worktree for it, also when its owner is unknown."""
    order = workspace.order
    workspace.sh(KINDS["a marker, and nothing that says whose it is"][1])
    (stray,) = await GitWorktrees().strays(order.repo_path, order.base_path, frozenset())
    assert stray.holds_work
    with pytest.raises(Conflict, match="uncommitted"):
        await GitWorktrees().remove(order.repo_path, order.base_path, order.path, lose_ignored=True)
    workspace.sh("touch ../.headway-making-one")
    assert await GitWorktrees().create(order) is WorktreeOutcome.REUSED
    assert (workspace.folder / "p").read_text().strip() == SECRET


async def test_tracked_files_of_a_repository_are_files(workspace: Workspace) -> None:
    """What a project's tests read as a bare repository goes with the worktree; changes of it are saved."""
    workspace.sh(
        "mkdir t; git clone -q --bare ../../lib t/x.git; rm -rf t/x.git/hooks; touch t/x.git/refs/k;"
        " git add -f ."
    )
    workspace.sh("git commit -qm fixture; echo changed >t/x.git/description")
    assert await workspace.put_away() == (BRANCH,)
    assert workspace.show(BRANCH, "t/x.git/description") == "changed"


async def test_an_empty_folder_is_nothing(workspace: Workspace) -> None:
    """It goes, and nothing is kept of it."""
    workspace.sh("rm -rf .git *")
    assert await workspace.put_away() == ()
    assert not workspace.folder.exists()


async def test_a_file_in_place_of_a_worktree_comes_back(workspace: Workspace) -> None:
    """Beside the branch's files, under a name that says whose it is."""
    workspace.sh('cd ..; rm -rf "$W"; echo "$SECRET" >"$W"')
    await workspace.put_away()
    back = await workspace.restore()
    assert sorted(path.name for path in back.iterdir()) == [".git", "f", "old.txt", "worktree-of-one"]


async def test_ignored_files_go_with_a_word(workspace: Workspace) -> None:
    """And nothing is kept of them."""
    workspace.sh("echo .env >.gitignore; git add .; git commit -qm i; echo s >.env")
    assert await workspace.put_away(lose_ignored=True) == ()


async def test_everything_is_committed_on_the_branch(workspace: Workspace) -> None:
    """Changed, staged, untracked, renamed and deleted files are on the branch, by the repository's user."""
    (workspace.folder / "f").write_text("changed\n")
    (workspace.folder / "new dir").mkdir()
    (workspace.folder / "new dir" / "ünï\tcode.txt").write_text("new\n")
    workspace.git(workspace.folder, "mv", "old.txt", "renamed.txt")
    assert await workspace.put_away() == (BRANCH,)
    assert workspace.show("headway/one", "f") == "changed"
    assert workspace.show("headway/one", "new dir/ünï\tcode.txt") == "new"
    assert "renamed.txt" in workspace.git(workspace.repo, "ls-tree", "--name-only", "headway/one")
    log = workspace.git(workspace.repo, "log", "-1", "--format=%an|%ae|%cn|%s|%b", "headway/one")
    assert log.startswith("Ada Lovelace|ada@example.org|Ada Lovelace|Save work in progress|")
    assert "Headway-Workspace: one" in log


async def test_without_a_user_headway_signs(workspace: Workspace, home: Path) -> None:
    """A repository that knows no user does not make the work be lost; nor does signing that is asked for."""
    (home / ".gitconfig").write_text("[commit]\n\tgpgSign = true\n[user]\n\tuseConfigOnly = true\n")
    (workspace.folder / "new.txt").write_text("new\n")
    assert await workspace.put_away() == (BRANCH,)
    signed = workspace.git(workspace.repo, "log", "-1", "--format=%an <%ae>", "headway/one")
    assert signed == "Headway <headway@localhost>"


async def test_a_branch_that_moved_is_left_where_it_is(workspace: Workspace, before_it_goes: Before) -> None:
    """Somebody commits to it meanwhile: the ref keeps the work then, and no commit is passed over."""
    workspace.sh('echo "$SECRET" >p')
    other = workspace.git(workspace.repo, "commit-tree", f"{BRANCH}^{{tree}}", "-p", BRANCH, "-m", "other")
    before_it_goes(lambda: workspace.git(workspace.repo, "update-ref", BRANCH, other))
    assert await workspace.put_away() == (f"{PRESERVED}/work",)
    assert workspace.git(workspace.repo, "rev-parse", BRANCH) == other
    assert workspace.show(f"{PRESERVED}/work", "p") == SECRET


async def test_a_locked_branch_is_left_where_it_is(workspace: Workspace) -> None:
    """The ref keeps the work then."""
    workspace.sh('echo "$SECRET" >p; touch $(git rev-parse --git-common-dir)/refs/heads/headway/one.lock')
    tip = workspace.git(workspace.repo, "rev-parse", BRANCH)
    assert await workspace.put_away() == (f"{PRESERVED}/work",)
    assert workspace.git(workspace.repo, "rev-parse", BRANCH) == tip
    assert workspace.show(f"{PRESERVED}/work", "p") == SECRET


async def test_a_clean_submodule_goes_with_its_worktree(workspace: Workspace) -> None:
    """Its remote has everything."""
    workspace.sh('git submodule add -q "$LIB" lib; git commit -qm lib')
    assert await workspace.put_away() == ()


async def test_a_kept_folder_comes_back_into_a_new_worktree(workspace: Workspace) -> None:
    """Its files and no others; a `.git` that was not the worktree's under another name."""
    workspace.sh('rm .git old.txt; git init -q; echo "$SECRET" >p; git add .; git commit -qm p; mkfifo pipe')
    await workspace.put_away()
    back = await workspace.restore()
    assert sorted(path.name for path in back.iterdir()) == [".git", ".git-of-one", "f", "p"]
    assert workspace.git(back, "rev-parse", "--abbrev-ref", "HEAD") == "headway/one"
    assert workspace.git(back, "--git-dir=.git-of-one", "log", "--format=%s") == "p"
    (back / "p").write_text("mine\n")
    await GitWorktrees().bring_back(str(workspace.repo), workspace.order.base_path, str(back), "one")
    assert (back / "p").read_text() == "mine\n"


async def test_a_submodule_comes_back_with_its_commits(workspace: Workspace) -> None:
    """Its repository, which lay in the git folder of the worktree, is in it again."""
    workspace.sh(f"{SUBMODULE} git add .; git commit -qm bump")
    await workspace.put_away()
    back = await workspace.restore()
    assert workspace.git(back / "lib", "log", "-1", "--format=%s") == "p"
    assert workspace.git(back, "status", "--porcelain") == ""


async def test_work_comes_back_as_it_was(workspace: Workspace) -> None:
    """What a ref keeps is uncommitted again, and what was staged is staged."""
    workspace.sh(
        "git checkout -q --detach; echo staged >f; git add f; echo later >f; rm old.txt; echo new >p"
    )
    assert await workspace.put_away() == (f"{PRESERVED}/index", f"{PRESERVED}/work")
    back = await workspace.restore()
    assert workspace.git(back, "show", ":f") == "staged"
    assert ((back / "f").read_text(), (back / "p").read_text()) == ("later\n", "new\n")
    assert not (back / "old.txt").exists()


async def test_a_deleted_branch_is_made_where_the_work_was(workspace: Workspace) -> None:
    """By the parent of what a ref keeps, and by the log of a kept git folder."""
    workspace.sh("git checkout -q --detach; echo new >p")
    tip = workspace.git(workspace.repo, "rev-parse", BRANCH)
    await workspace.put_away()
    workspace.git(workspace.repo, "update-ref", "-d", BRANCH)
    base = workspace.order.base_path
    assert await GitWorktrees().make_preserved_branch(str(workspace.repo), base, "headway/one", "one")
    assert workspace.git(workspace.repo, "rev-parse", BRANCH) == tip
    workspace.git(workspace.repo, "commit", "--quiet", "--allow-empty", "--message=more")
    workspace.git(workspace.repo, "update-ref", BRANCH, "HEAD")
    order = attrs.evolve(workspace.order, workspace_id="two", path=f"{base}/two", new_branch=False)
    await GitWorktrees().create(order)
    told = (await GitWorktrees().bring_back(str(workspace.repo), base, order.path, "one")).told
    assert any("git log" in each and "got since" in each for each in told)


async def test_what_is_written_while_it_is_removed_stays(
    workspace: Workspace, before_it_goes: Before
) -> None:
    """A leftover in which somebody begins to work is there again, as it was."""
    before_it_goes(lambda: (workspace.folder / "late").write_text(SECRET))
    with pytest.raises(Conflict, match="somebody works in it"):
        await GitWorktrees().remove(
            str(workspace.repo), workspace.order.base_path, str(workspace.folder), lose_ignored=False
        )
    assert (workspace.folder / "late").read_text() == SECRET
    assert "late" in workspace.git(workspace.folder, "status", "--porcelain")


async def test_a_kept_worktree_is_still_one(workspace: Workspace) -> None:
    """A folder that was kept whole is looked into with git, and no new worktree is mistaken for it."""
    workspace.sh(NESTED)
    await workspace.put_away()
    assert workspace.git(workspace.kept, "log", "--format=%s") == "first"
    assert workspace.git(workspace.kept, "rev-parse", "--git-dir") == str(workspace.kept.parent / "git")


async def test_dropped_is_gone(workspace: Workspace) -> None:
    """Refs and folders, and dropping nothing is no error."""
    workspace.sh(f"{NESTED} echo staged >f; git add f")
    await workspace.put_away()
    for _ in range(2):
        await GitWorktrees().drop_preserved(str(workspace.repo), workspace.order.base_path, "one")
    assert not workspace.holds()
    assert "preserved" not in workspace.git(workspace.repo, "for-each-ref")


async def test_the_ref_of_an_older_version_makes_room(workspace: Workspace) -> None:
    """What was kept by `refs/headway/preserved/<id>` stays kept, under a name behind the id."""
    tip = workspace.git(workspace.repo, "rev-parse", "HEAD")
    workspace.git(workspace.repo, "update-ref", PRESERVED, tip)
    workspace.sh("git checkout -q --detach; echo new >p")
    assert await workspace.put_away() == (f"{PRESERVED}/earlier-{tip[:12]}", f"{PRESERVED}/work")


async def test_what_is_written_while_it_goes_is_kept(workspace: Workspace, before_it_goes: Before) -> None:
    """Between the look and the step somebody writes: the folder is kept whole."""
    before_it_goes(lambda: (workspace.folder / "late").write_text(SECRET))
    assert await workspace.put_away() == (str(workspace.kept),)
    assert (workspace.kept / "late").read_text() == SECRET


@pytest.mark.parametrize("kind", ["no .git", "a repository inside", "assume-unchanged", "only the reflog"])
async def test_a_removal_has_the_same_eyes(workspace: Workspace, kind: str) -> None:
    """What recovery and a failed provisioning remove holds none of this, and it is work to recovery."""
    workspace.sh(KINDS[kind][1])
    with pytest.raises((Conflict, InvalidInput)):
        await GitWorktrees().remove(
            str(workspace.repo), workspace.order.base_path, str(workspace.folder), lose_ignored=True
        )
    (stray,) = await GitWorktrees().strays(str(workspace.repo), workspace.order.base_path, frozenset())
    assert (stray.holds_work, stray.owner) == (True, "one")
    assert workspace.folder.exists()
