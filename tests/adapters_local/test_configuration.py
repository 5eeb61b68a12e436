"""What a repository's configuration would execute, or ask elsewhere, and our git does not; on real git.

Each case is run twice: by git as a person would, where it does what it says, and by ours.
"""

import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import anyio
import attrs
import pytest

from headway_core.kernel.errors import Unavailable
from headway_local import GitWorktrees, configuration
from headway_local import git as git_module
from headway_local.git import Git, GitRefused

Run = Callable[..., str]
pytestmark = pytest.mark.anyio
ANY = frozenset(range(256))


class Server:
    """A server that remembers what was asked of it, and lets nobody in."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Set-Cookie", "name=given; Max-Age=9999; Path=/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@attrs.frozen
class World:
    """A repository whose configuration somebody else writes, and a program that tells that it ran."""

    git: Run
    folder: Path
    repo: Path
    origin: Path
    evil: Path
    ran: Path
    server: Server

    def tries(self, words: tuple[str, ...]) -> bool:
        """Whether git, run plainly in a copy of the repository, executes the program."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.repo, copy, symlinks=True)
        subprocess.run(["git", *words], cwd=copy, check=False, capture_output=True, timeout=30)
        executed = self.ran.exists()
        self.ran.unlink(missing_ok=True)
        return executed


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def secure_server(world: World) -> Server:
    """One with a certificate that nobody trusts, which is the file `certificate`."""
    key, certificate = world.folder / "key", world.folder / "certificate"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return Server(context)


@pytest.fixture
def world(tmp_path: Path, git: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> World:
    programs = tmp_path / "programs"
    programs.mkdir()
    evil, ran = programs / "git-remote-evil", tmp_path / "ran"
    evil.write_text(f'#!/bin/sh\necho "$@" >> {ran}\nexit 1\n')
    evil.chmod(0o755)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{programs}")
    git(tmp_path, "config", "--global", "protocol.file.allow", "always")
    origin, repo = tmp_path / "origin", tmp_path / "repo"
    git(tmp_path, "init", "--quiet", str(origin))
    (origin / "file").write_text("one\n")
    (origin / ".gitattributes").write_text("file filter=evil diff=evil merge=evil\n")
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "--message=first")
    git(origin, "branch", "other")
    git(tmp_path, "clone", "--quiet", "--shared", str(origin), str(repo))
    for where, text in (("other", "theirs\n"), ("main", "mine\n")):
        git(repo, "checkout", "--quiet", where)
        (repo / "file").write_text(text)
        git(repo, "commit", "--quiet", "--all", f"--message={where}")
    (origin / "file").write_text("two\n")
    git(origin, "commit", "--quiet", "--all", "--message=second")
    return World(git, tmp_path, repo, origin, evil, ran, server)


def signed(world: World, kind: str) -> str:
    """A commit with something like a signature; its id."""
    tree = world.git(world.repo, "rev-parse", "HEAD^{tree}")
    header = f"gpgsig -----BEGIN {kind}-----\n \n abc\n -----END {kind}-----"
    text = f"tree {tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n{header}\n\nsigned\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        *(),
        cwd=world.repo,
        input=text,
        text=True,
        check=True,
        capture_output=True,
    )
    return made.stdout.strip()


@attrs.frozen
class Case:
    """Settings of a repository, and a command of git that obeys them."""

    settings: dict[str, str]
    words: tuple[str, ...]
    told: tuple[str, ...] | None = None
    """The keys of which a person hears; all of the settings when None."""
    before: tuple[str, ...] = ()
    """What is done first: a file that gets a line, or a kind of signature that is made."""


EDIT = ("edit",)
SSH = ("ls-remote", "ssh://localhost:1/x")
PGP, X509, BY_SSH = "PGP SIGNATURE", "SIGNED MESSAGE", "SSH SIGNATURE"
VERIFY = ("log", "-1", "--show-signature", "SIGNED")

EXECUTING = {
    "filter clean": Case({"filter.evil.clean": "EVIL"}, ("status",), before=EDIT),
    "filter smudge": Case({"filter.evil.smudge": "EVIL"}, ("checkout-index", "--force", "file"), before=EDIT),
    "filter without a name": Case({"filter..clean": "EVIL"}, ("status",), before=("edit", "no name")),
    "filter process": Case({"filter.evil.process": "EVIL"}, ("add", "file"), before=EDIT),
    "merge driver": Case({"merge.evil.driver": "EVIL"}, ("merge", "other")),
    "ssh": Case({"core.sshCommand": "EVIL"}, SSH),
    "git proxy": Case({"core.gitProxy": "EVIL"}, ("ls-remote", "git://localhost:1/x")),
    "alternate refs": Case({"core.alternateRefsCommand": "EVIL"}, ("fetch", "origin")),
    "gpg": Case({"gpg.program": "EVIL"}, VERIFY, before=(PGP,)),
    "gpg, openpgp": Case({"gpg.openpgp.program": "EVIL"}, VERIFY, before=(PGP,)),
    "gpg, x509": Case({"gpg.x509.program": "EVIL"}, VERIFY, before=(X509,)),
    "gpg, ssh": Case(
        {"gpg.ssh.program": "EVIL", "gpg.ssh.allowedSignersFile": "/dev/null"},
        VERIFY,
        ("gpg.ssh.program",),
        (BY_SSH,),
    ),
    "gpg, by itself": Case(
        {"gpg.program": "EVIL", "log.showSignature": "true"},
        ("log", "-1", "SIGNED"),
        ("gpg.program",),
        (PGP,),
    ),
    "key for ssh": Case(
        {"gpg.format": "ssh", "gpg.ssh.defaultKeyCommand": "EVIL"},
        ("commit", "--gpg-sign", "--allow-empty", "--message=m"),
        ("gpg.ssh.defaultkeycommand",),
    ),
    "signing": Case(
        {"commit.gpgSign": "true", "gpg.program": "EVIL"}, ("commit", "--allow-empty", "--message=m")
    ),
    "upload-pack": Case({"remote.origin.uploadpack": "EVIL"}, ("ls-remote", "origin")),
    "receive-pack": Case({"remote.origin.receivepack": "EVIL"}, ("push", "origin", "HEAD:new")),
    "helper of a remote": Case({"remote.origin.vcs": "evil"}, ("ls-remote", "origin")),
    "diff, external": Case({"diff.external": "EVIL"}, ("diff", "HEAD^")),
    "diff, command": Case({"diff.evil.command": "EVIL"}, ("diff", "HEAD^")),
    "diff, as text": Case({"diff.evil.textconv": "EVIL"}, ("diff", "HEAD^")),
    "diff, in a log": Case({"diff.evil.textconv": "EVIL"}, ("log", "-1", "--patch")),
    "helper of credentials": Case({"credential.helper": "!EVIL"}, ("ls-remote", "SERVER/x")),
    "helper for an address": Case({"credential.SERVER.helper": "!EVIL"}, ("ls-remote", "SERVER/x")),
    "asking for a password": Case({"core.askPass": "EVIL"}, ("ls-remote", "SERVER/x")),
    "watcher": Case({"core.fsmonitor": "EVIL"}, ("status",)),
    "hooks": Case({"core.hooksPath": "HOOKS"}, ("commit", "--allow-empty", "--message=m")),
    "transfer of large files": Case(
        {"lfs.customtransfer.x.path": "EVIL"}, ("-c", "filter.evil.clean=LFS", "status"), before=EDIT
    ),
    "extension of large files": Case(
        {"lfs.extension.x.clean": "EVIL"}, ("-c", "filter.evil.clean=LFS2", "status"), before=EDIT
    ),
}


def prepared(world: World, case: Case) -> tuple[dict[str, str], tuple[str, ...]]:
    """The settings and words of a case, with the names that this world has."""
    hooks = world.folder / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").symlink_to(world.evil)
    names = {
        "EVIL": str(world.evil),
        "!EVIL": f"!{world.evil}",
        "HOOKS": str(hooks),
        "filter.evil.clean=LFS": "filter.evil.clean=$(git config lfs.customtransfer.x.path); cat",
        "filter.evil.clean=LFS2": "filter.evil.clean=$(git config lfs.extension.x.clean)",
    }
    for step in case.before:
        if step == "edit":
            (world.repo / "file").write_text("mime\n")  # of the same size
        elif step == "no name":
            (world.repo / ".git/info/attributes").write_text("file filter=\n")
        else:
            names["SIGNED"] = signed(world, step)
    settings = {
        key.replace("SERVER", world.server.address): names.get(value, value)
        for key, value in case.settings.items()
    }
    return settings, tuple(
        names.get(word, word).replace("SERVER", world.server.address) for word in case.words
    )


@pytest.mark.parametrize("name", EXECUTING)
async def test_no_program_of_the_repository_runs(world: World, name: str) -> None:
    """What would have run does not run by our git, and a person is told which keys say it."""
    case = EXECUTING[name]
    settings, words = prepared(world, case)
    for key, value in settings.items():
        world.git(world.repo, "config", key, value)
    assert world.tries(words), "the case proves nothing"
    for run in (Git().ask, Git().change):
        await run(str(world.repo), *words, codes=ANY)
        assert not world.ran.exists()
    told = await Git().overruled(str(world.repo))
    assert told == (case.told or tuple(sorted(key.lower() for key in settings)))


@attrs.frozen
class Detour:
    """Settings of a repository by which git asks elsewhere, or in another way, and how the server sees it."""

    settings: dict[str, str]
    address: str
    sees: Callable[[str, dict[str, str]], bool]
    """By the path that was asked for, and the headers."""


def any_request(_path: str, _headers: dict[str, str]) -> bool:
    return True


def a_header(_path: str, headers: dict[str, str]) -> bool:
    return headers.get("x-evil") == "yes"


def a_cookie(_path: str, headers: dict[str, str]) -> bool:
    return "evil" in headers.get("cookie", "")


AWAY = "http://elsewhere.invalid/x"
DETOURS = {
    "proxy": Detour({"http.proxy": "SERVER"}, AWAY, any_request),
    "proxy for an address": Detour({"http.http://elsewhere.invalid.proxy": "SERVER"}, AWAY, any_request),
    "proxy of a remote": Detour(
        {"remote.away.proxy": "SERVER", "remote.away.url": AWAY}, "away", any_request
    ),
    "another address": Detour({"url.SERVER/.insteadOf": "http://elsewhere.invalid/"}, AWAY, any_request),
    "address for a name": Detour(
        {"http.curloptResolve": "elsewhere.invalid:PORT:127.0.0.1"},
        "http://elsewhere.invalid:PORT/x",
        any_request,
    ),
    "header": Detour({"http.extraHeader": "X-Evil: yes"}, "SERVER/x", a_header),
    "header for an address": Detour({"http.SERVER.extraHeader": "X-Evil: yes"}, "SERVER/x", a_header),
    "cookies": Detour({"http.cookieFile": "COOKIES"}, "SERVER/x", a_cookie),
}


@pytest.mark.parametrize("name", DETOURS)
async def test_nothing_is_asked_elsewhere(world: World, name: str) -> None:
    """What would have gone elsewhere, or with something besides, does not; and a person is told why."""
    detour, server = DETOURS[name], world.server
    (world.folder / "cookies").write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tevil\n")

    def named(text: str) -> str:
        text = text.replace("SERVER", server.address).replace("PORT", server.address.rpartition(":")[2])
        return text.replace("COOKIES", str(world.folder / "cookies"))

    for key, value in detour.settings.items():
        world.git(world.repo, "config", named(key), named(value))
    words = ("ls-remote", named(detour.address))
    world.tries(words)
    assert any(detour.sees(*request) for request in server.requests), "the case proves nothing"
    server.requests.clear()
    await Git().ask(str(world.repo), *words, codes=ANY)
    assert not any(detour.sees(*request) for request in server.requests)
    assert len(await Git().overruled(str(world.repo))) == 1


@pytest.mark.parametrize("key", ["sslVerify", "sslCAInfo"])
@pytest.mark.parametrize("where", ["http", "http.https://127.0.0.1"])
async def test_no_certificate_is_trusted_for_a_repository(world: World, key: str, where: str) -> None:
    """A repository neither switches the proof of a server's identity off, nor says who proves it."""
    server = secure_server(world)
    try:
        address = server.address.replace("http:", "https:")
        words = ("ls-remote", f"{address}/x")
        where = where.replace("https://127.0.0.1", address)
        value = "false" if key == "sslVerify" else str(world.folder / "certificate")
        world.tries(words)
        assert not server.requests
        world.git(world.repo, "config", f"{where}.{key}", value)
        world.tries(words)
        assert server.requests, "the case proves nothing"
        server.requests.clear()
        await Git().ask(str(world.repo), *words, codes=ANY)
        assert not server.requests
    finally:
        server.close()


async def test_an_address_that_leads_elsewhere_closes_the_way(world: World) -> None:
    """Nothing takes a rewritten address back, so nothing is asked, and the error says which key it is."""
    world.git(world.repo, "config", f"url.{world.repo}.insteadOf", str(world.origin))
    tip = world.git(world.origin, "rev-parse", "main")
    assert tip not in world.git(world.repo, "ls-remote", "origin", "refs/heads/main")
    with pytest.raises(GitRefused, match=r"is not obeyed: url\..*/repo\.insteadof"):
        await Git().ask(str(world.repo), "ls-remote", "origin")
    assert (await Git().ask(str(world.repo), "status")).code == 0
    world.git(world.repo, "config", "--global", f"url.{world.repo}.insteadOf", str(world.origin))
    assert (await Git().ask(str(world.repo), "ls-remote", "origin")).code == 0


async def test_a_repository_does_not_allow_a_protocol(world: World) -> None:
    """What the person forbids stays forbidden."""
    world.git(world.repo, "config", "--global", "protocol.file.allow", "never")
    world.git(world.repo, "config", "protocol.file.allow", "always")
    assert world.git(world.repo, "ls-remote", "origin")
    with pytest.raises(GitRefused, match="not allowed"):
        await Git().ask(str(world.repo), "ls-remote", "origin")


def put(world: World, file: str, text: str) -> Path:
    """A file of configuration, beside the repository's own."""
    path = world.repo / file
    path.write_text(text.replace("EVIL", str(world.evil)))
    return path


FILTER = '[filter "evil"]\n\tclean = EVIL\n'
HIDDEN = {
    "included": ("[include]\n\tpath = ../more\n", "more"),
    "included by what is included": ("[include]\n\tpath = ../one\n", "more"),
    "included for the folder": ('[includeIf "gitdir:**/.git"]\n\tpath = ../more\n', "more"),
    "included for the branch": ('[includeIf "onbranch:main"]\n\tpath = ../more\n', "more"),
    "of the worktree": ("[extensions]\n\tworktreeConfig = true\n", ".git/config.worktree"),
    "under a name with everything": ("", ".git/more"),
}


@pytest.mark.parametrize("name", HIDDEN)
async def test_no_place_for_a_program_is_overlooked(world: World, name: str) -> None:
    """Wherever git reads its configuration from, at the first look and after a change."""
    text, file = HIDDEN[name]
    ours = Git()
    (world.repo / "file").write_text("mime\n")
    assert (await ours.ask(str(world.repo), "status")).code == 0
    with (world.repo / ".git/config").open("a") as config:
        config.write(text)
    put(world, "one", "[include]\n\tpath = more\n")
    if name == "under a name with everything":
        driver = "e=v.i l\udcff"
        (world.repo / ".gitattributes").write_bytes(b"file filter=e=v.i\n")
        world.git(world.repo, "config", "filter.e=v.i.clean", str(world.evil))
        world.git(world.repo, "config", f"filter.{driver}.clean", str(world.evil))
    else:
        put(world, file, FILTER)
    assert world.tries(("status",)), "the case proves nothing"
    for _ in range(2):
        assert (await ours.ask(str(world.repo), "status")).code == 0
        assert not world.ran.exists()
    assert "filter.evil.clean" in await ours.overruled(str(world.repo)) or "everything" in name


async def test_what_holds_only_in_a_new_worktree_is_found(world: World) -> None:
    """A condition that the worktree of the question does not meet may be met by the one that it makes."""
    with (world.repo / ".git/config").open("a") as config:
        config.write('[includeIf "gitdir:**/worktrees/**"]\n\tpath = ../more\n')
    put(world, "more", '[filter "evil"]\n\tsmudge = EVIL\n[include]\n\tpath = again\n')
    put(world, "again", '[filter "other"]\n\tsmudge = EVIL\n')
    assert world.tries(("worktree", "add", "--detach", "../plain"))
    world.git(world.repo, "worktree", "prune")
    await Git().change(str(world.repo), "worktree", "add", "--detach", "../ours")
    assert not world.ran.exists()
    told = await Git().overruled(str(world.repo))
    assert {"filter.evil.smudge", "filter.other.smudge"} <= set(told)


@pytest.mark.parametrize("deep", [False, True])
async def test_a_repository_within_runs_nothing(world: World, *, deep: bool) -> None:
    """`git status` looks into submodules, which have a configuration of their own."""
    inner = world.repo / "inner"
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(inner))
    if deep:
        world.git(world.folder, "clone", "--quiet", str(world.origin), str(inner / "inner"))
        world.git(inner, "add", "inner")
        world.git(inner, "commit", "--quiet", "--message=inner")
    world.git(world.repo, "add", "inner")
    world.git(world.repo, "commit", "--quiet", "--message=inner")
    deepest = inner / "inner" if deep else inner
    (deepest / "file").write_text("owt\n")
    ours = Git()
    assert (await ours.ask(str(world.repo), "status")).code == 0
    world.git(deepest, "config", "filter.evil.clean", str(world.evil))
    assert world.tries(("status",)), "the case proves nothing"
    assert "inner" in (await ours.ask(str(world.repo), "status", "--porcelain")).out
    assert not world.ran.exists()
    assert "filter.evil.clean" in await ours.overruled(str(world.repo))


@pytest.mark.parametrize("kind", ["names nothing", "is no link", "is gone", "is empty"])
async def test_a_broken_repository_within_is_none(world: World, kind: str) -> None:
    """A submodule whose git folder is gone is to us what it is to git: mostly nothing."""
    inner = world.repo / "inner"
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(inner))
    world.git(world.repo, "add", "inner")
    shutil.rmtree(inner / ".git")
    if kind == "is empty":
        (inner / ".git").mkdir()
    elif kind != "is gone":
        (inner / ".git").write_text("gitdir: ../nowhere\n" if kind == "names nothing" else "x")
    codes = frozenset({0})
    try:
        world.git(world.repo, "status")
    except subprocess.CalledProcessError as error:
        codes = frozenset({error.returncode})
    await Git().ask(str(world.repo), "status", codes=codes)


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge"])
async def test_an_index_that_is_none_blocks_nobody(world: World, kind: str) -> None:
    """What lies in place of the index is not waited for, and not read into memory."""
    index = world.repo / ".git/index"
    index.unlink()
    if kind == "pipe":
        os.mkfifo(index)
    elif kind == "folder":
        index.mkdir()
    else:
        with index.open("wb") as file:
            file.truncate(1 << 40)
    with anyio.fail_after(10), pytest.raises(Unavailable):
        await Git().ask(str(world.repo), "status", limit_s=2)
    assert (await Git().ask("/", "version")).code == 0


@pytest.mark.parametrize("own", [False, True])
async def test_the_worktree_is_where_its_git_folder_is(world: World, *, own: bool) -> None:
    """`core.worktree` makes git look elsewhere: an archive that believed it lost what was here."""
    tree, elsewhere = world.folder / "tree", world.folder / "elsewhere"
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(elsewhere))
    world.git(world.repo, "config", "extensions.worktreeConfig", "true")
    if own:
        world.git(world.repo, "worktree", "add", "--quiet", "--detach", str(tree), "origin/main")
        world.git(tree, "config", "--worktree", "core.worktree", str(elsewhere))
    else:
        world.git(world.folder, "clone", "--quiet", str(world.origin), str(tree))
        world.git(tree, "config", "core.worktree", str(elsewhere))
    (tree / "secret").write_text("work\n")
    assert "secret" not in world.git(tree, "status", "--porcelain")
    assert (await Git().ask(str(tree), "status", "--porcelain")).out == "?? secret\n"
    (tree / "deep").mkdir()
    assert (await Git().ask(str(tree / "deep"), "rev-parse", "--show-toplevel")).line == str(tree)
    assert "core.worktree" in await Git().overruled(str(tree))


async def test_what_a_person_configured_is_obeyed(world: World) -> None:
    """The global configuration stays in force, also for a key that the repository sets too."""
    mine = world.folder / "mine"
    mine.write_text(f"#!/bin/sh\necho mine >> {world.folder}/mine-ran\ncat\n")
    mine.chmod(0o755)
    (world.repo / "file").write_text("mime\n")
    world.git(world.repo, "config", "--global", "filter.evil.clean", str(mine))
    world.git(world.repo, "config", "--global", "http.extraHeader", "X-Mine: yes")
    world.git(world.repo, "config", "--global", "credential.helper", f"!{mine}")
    for key, value in (("filter.evil.clean", str(world.evil)), ("credential.helper", f"!{world.evil}")):
        world.git(world.repo, "config", key, value)
    world.git(world.repo, "config", "http.extraHeader", "X-Evil: yes")
    await Git().ask(str(world.repo), "status")
    assert (world.folder / "mine-ran").exists()
    (world.folder / "mine-ran").unlink()
    await Git().ask(str(world.repo), "ls-remote", f"{world.server.address}/x", codes=ANY)
    assert (world.folder / "mine-ran").exists()
    assert not world.ran.exists()
    _, headers = world.server.requests[0]
    assert (headers.get("x-mine"), headers.get("x-evil")) == ("yes", None)


async def test_what_a_repository_only_repeats_is_no_news(world: World) -> None:
    """Nothing is told of what holds anyway."""
    for key, value in (
        ("filter.lfs.clean", "git-lfs clean -- %f"),
        ("filter.lfs.required", "true"),
        ("credential.helper", "store"),
    ):
        world.git(world.repo, "config", "--global", key, value)
        world.git(world.repo, "config", key, value)
    world.git(world.repo, "config", "http.sslVerify", "true")
    world.git(world.repo, "config", "core.fsmonitor", "true")
    assert await Git().overruled(str(world.repo)) == ()


async def test_merges_are_as_without_a_driver(world: World) -> None:
    """A driver of the repository gives way to git's own merge, with its conflicts."""
    world.git(world.repo, "config", "merge.evil.driver", "true")
    answer = await Git().change(str(world.repo), "merge", "other", codes=ANY)
    assert answer.code == 1
    assert "<<<<<<<" in (world.repo / "file").read_text()
    world.git(world.repo, "merge", "--abort")
    world.git(world.repo, "checkout", "--quiet", "other")
    (world.repo / "file").write_text("one\n")
    world.git(world.repo, "commit", "--quiet", "--all", "--message=as before")
    world.git(world.repo, "checkout", "--quiet", "main")
    assert (await Git().change(str(world.repo), "merge", "--no-edit", "other")).code == 0
    assert (world.repo / "file").read_text() == "mine\n"


@pytest.fixture
def readings(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often git read the configuration since the last question."""
    real, log, folder = shutil.which("git"), world.folder / "log", world.folder / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def count() -> int:
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return sum("--show-scope" in line for line in lines)

    return count


async def test_the_configuration_is_read_when_it_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, readings: Callable[[], int]
) -> None:
    """One more process for a repository and a change of its configuration, for all its worktrees."""
    trees = [world.folder / name for name in ("one", "two")]
    for tree in trees:
        world.git(world.repo, "worktree", "add", "--quiet", "--detach", str(tree))
    monkeypatch.setattr(configuration, "SETTLING_NS", 0)
    ours, counts = Git(), []
    for key in ("a.b", "c.d"):
        world.git(world.repo, "config", key, "x")
        for tree in (*trees, world.repo, *trees):
            await ours.ask(str(tree), "status")
        counts.append(readings())
    world.git(world.repo, "config", "--global", "a.b", "y")
    await ours.ask(str(world.repo), "status")
    assert [*counts, readings()] == [1, 1, 1]


async def test_a_file_that_may_change_unseen_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch, readings: Callable[[], int]
) -> None:
    """What was written a moment ago may be written once more and look the same: it is not remembered."""
    monkeypatch.setattr(configuration, "SETTLING_NS", 10**18)
    ours = Git()
    for _ in range(3):
        await ours.ask(str(world.repo), "status")
    assert readings() == 3


async def test_the_state_of_a_worktree_tells_what_is_not_obeyed(world: World) -> None:
    """What an agent wrote is in what is said of its worktree, and no longer when it was taken back."""
    tree = world.folder / "tree"
    world.git(world.repo, "worktree", "add", "--quiet", "-b", "new", str(tree))
    world.git(tree, "config", "filter.evil.clean", str(world.evil))
    worktrees = GitWorktrees()
    for keys in (("filter.evil.clean",), ()):
        state = await worktrees.state(str(world.repo), str(tree), "main")
        assert state is not None
        assert state.overruled == keys
        world.git(tree, "config", "--unset-all", "filter.evil.clean") if keys else None
    assert not world.ran.exists()


async def test_keys_are_told_as_text_of_a_bounded_size(world: World) -> None:
    """A key has a part that may be anything: what is told can be stored and shown."""
    for name in (b"a\xffb", b"a\x1b[31mb", b"x" * 5_000, *(b"%d" % number for number in range(100))):
        with (world.repo / ".git/config").open("ab") as config:
            config.write(b'[filter "%s"]\n\tclean = cat\n' % name)
    told = await Git().overruled(str(world.repo))
    assert len(told) == git_module.KEYS_LIMIT
    assert all(len(key.encode()) <= git_module.KEY_LIMIT and "\x1b" not in key for key in told)
    assert (await Git().ask(str(world.repo), "status")).code == 0


@pytest.mark.parametrize("named", [False, True])
async def test_large_files_are_kept_elsewhere_where_a_project_says_so(world: World, *, named: bool) -> None:
    """Our git runs git LFS in a repository that is named, and not what that says in its place."""
    lfs = world.folder / "programs/git-lfs"
    lfs.write_text(f'#!/bin/sh\necho "$1" >> {world.folder}/lfs-ran\nexit 1\n')
    lfs.chmod(0o755)
    (world.repo / ".gitattributes").write_text("file filter=lfs\n")
    world.git(world.repo, "config", "filter.lfs.process", str(world.evil))
    world.git(world.repo, "worktree", "add", "--quiet", "--detach", str(world.folder / "tree"))
    (world.folder / "tree/.gitattributes").write_text("file filter=lfs\n")
    (world.folder / "tree/file").write_text("mime\n")
    world.ran.unlink(missing_ok=True)
    ours = Git(lfs_repositories=[str(world.repo)] if named else [])
    await ours.ask(str(world.folder / "tree"), "status", codes=ANY)
    assert not world.ran.exists()
    assert (world.folder / "lfs-ran").exists() == named


async def test_one_word_does_not_hide_another(world: World) -> None:
    """A harmless value, in the same repository or in one within it, takes no other's place."""
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(world.repo / "inner"))
    world.git(world.repo, "add", "inner")
    world.git(world.repo / "inner", "config", "filter.evil.clean", "")
    world.git(world.repo, "config", "filter.evil.clean", str(world.evil))
    world.git(world.repo, "config", "--add", "core.fsmonitor", str(world.evil))
    (world.repo / "file").write_text("mime\n")
    assert world.tries(("status",)), "the case proves nothing"
    await Git().ask(str(world.repo), "status")
    assert not world.ran.exists()
    assert await Git().overruled(str(world.repo)) == ("core.fsmonitor", "filter.evil.clean")


async def test_a_configuration_that_git_refuses_is_told(world: World) -> None:
    """What git says of a broken file is the answer to every command."""
    (world.repo / ".git/config").write_text("[broken\n")
    with pytest.raises(GitRefused, match="status: fatal: bad config line 1"):
        await Git().ask(str(world.repo), "status")
    assert (await Git().ask(str(world.repo), "status", codes=frozenset({128}))).code == 128
