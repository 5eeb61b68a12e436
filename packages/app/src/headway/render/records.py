"""Projects, hosts, workspaces, sessions and settings for people, each after a command or in a list."""

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from headway import serialize
from headway.render.board_table import BoardTable, problems
from headway.render.pull_requests import pull_request
from headway.render.texts import Text
from headway.render.times import moment
from headway_core.api import (
    ArchiveResult,
    Busy,
    Card,
    HoldsIgnored,
    Host,
    InitOutput,
    KnownHost,
    NotDue,
    PreservedOf,
    Project,
    Session,
    Settled,
    Workspace,
)

KIBI = 1024
PRESERVED = "preserved/"
"""What is kept beside a branch lies below such a place."""
IGNORED = "it holds ignored files"
"""In the error of an archive that found some where `git status` does not look: in submodules."""
LOSE_IGNORED = "archive with --lose-ignored to lose them"


def project(value: Project, console: Console) -> None:
    """A registered project."""
    console.print(
        Text(f"{value.slug}: {value.repo_path} is {value.repository} on {value.github_host}"), soft_wrap=True
    )


def projects(values: Sequence[Project], console: Console) -> None:
    """All projects, a row each."""
    if not values:
        console.print(Text("no projects: headway init"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("project", "repository", "default branch", "path", ""):
        table.add_column(heading, overflow="fold")
    for each in values:
        repository = f"{each.repository} on {each.github_host}"
        removed = "removed" if each.archived else ""
        table.add_row(
            *(Text(told) for told in (each.slug, repository, each.default_branch, each.repo_path)),
            removed,
        )
    console.print(table)


def project_details(value: Project, console: Console) -> None:
    """A project with everything that is set of it."""
    project(value, console)
    for name, told in serialize.project(value).items():
        if told is not None and name not in _TOLD_ALREADY:
            console.print(Text(f"  {name}: {told}"), soft_wrap=True)


_TOLD_ALREADY = frozenset({"slug", "version", "repo_path", "github_host", "github_owner", "github_repo"})


def project_removed(value: Project, console: Console) -> None:
    """A project after its removal."""
    console.print(Text(f"{value.slug} is removed; {value.repo_path} stays as it is"), soft_wrap=True)


def host(value: Host, console: Console) -> None:
    """A host after a command."""
    console.print(Text(f"{value.id} {_standing(value)}: {value.name}"))


def hosts(values: Sequence[KnownHost], console: Console) -> None:
    """All hosts, a row each."""
    if not values:
        console.print(Text("no hosts: headway up"))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("host", "machine", "standing", "last seen"):
        table.add_column(heading, overflow="fold")
    for each in values:
        name, seen = Text(each.host.name), moment(each.seen_at)
        table.add_row(Text(each.host.id), name, _known_standing(each), seen)
    console.print(table)


def _known_standing(known: KnownHost) -> str:
    return "stopped" if known.host.is_available and not known.runs else _standing(known.host)


def _standing(host: Host) -> str:
    if host.retired_at is not None:
        return "retired"
    return "there" if host.lost_at is None else "lost"


def workspace(value: Workspace, console: Console) -> None:
    """A workspace after a command."""
    console.print(Text(f"{value.id} {value.status} {value.branch}: {value.name}"), soft_wrap=True)


def session(value: Session, console: Console) -> None:
    """A session after a command."""
    console.print(Text(_session(value)), soft_wrap=True)


def _session(value: Session) -> str:
    detail = f": {value.end_detail}" if value.end_detail else ""
    ended = f" ({value.end_reason}{detail})" if value.end_reason else ""
    return f"{value.id} {value.label} {value.agent} {value.status}{ended}"


def details(card: Card, output: InitOutput, console: Console) -> None:
    """A workspace with its sessions and its provisioning's output."""
    console.print(BoardTable([card]))
    fields = {**serialize.card(card), "problems": "; ".join(problems(card)) or None}
    if not card.view.workspace.is_live:  # what was wrong before the archive is wrong no more
        fields |= {"error": None, "warning": None}
    for name, value in fields.items():
        if value is not None:
            console.print(Text(f"  {name}: {value}"), soft_wrap=True)
    if card.view.facts is not None:
        pull_request(card, console)
    for each in card.view.sessions:
        console.print(Text(f"  session {_session(each)}"), soft_wrap=True)
    if output.text:
        console.print(Text(output.text.rstrip(), lines=True), soft_wrap=True)


def preserved(values: Sequence[PreservedOf], console: Console) -> None:
    """What is kept of workspaces, its places below each."""
    if not values:
        console.print(Text("nothing is preserved"))
    for each in values:
        its, kept = each.workspace, each.preserved
        told = f"{its.id} {its.status} {its.branch}: {_size(kept.size)}, since {moment(kept.since)}"
        console.print(Text(told), soft_wrap=True)
        for place in kept.places:
            console.print(Text(f"  {place}"), soft_wrap=True)


def _size(size: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < KIBI:
            return f"{size} {unit}"
        size //= KIBI
    return f"{size} GiB"


def dropped(value: Workspace, console: Console) -> None:
    """What was preserved of a workspace is gone."""
    told = f"{value.id}: nothing is preserved any more; its branch {value.branch} stays"
    console.print(Text(told), soft_wrap=True)


def archive(value: ArchiveResult, console: Console) -> None:
    """How an archive ended."""
    match value:
        case Settled(workspace=settled):
            kept = f", work kept at {settled.preserved}" if settled.preserved else ""
            failed = settled.error is not None and settled.is_live  # of an archived one it is an older error
            problem = f": {settled.error}" if failed else ""
            console.print(Text(f"{settled.id} {settled.status}{kept}{problem}"), soft_wrap=True)
            if PRESERVED in (settled.preserved or "") and not settled.is_live:
                told = f"headway workspace restore {settled.id} makes a new workspace with it"
                console.print(Text(told), soft_wrap=True)
            if IGNORED in problem:
                console.print(LOSE_IGNORED)
        case Busy(workspace_id=busy):
            console.print(Text(f"{busy}: somebody else acts on it now; nothing was done"))
        case NotDue(workspace=left, reason=reason):
            console.print(Text(f"{left.id} {left.status}: {reason}"))
        case HoldsIgnored(files=files):
            console.print(
                Text("nothing was done: the worktree has files that git ignores, which would be lost:")
            )
            for file in files:
                console.print(Text(f"  {file}"))
            console.print(LOSE_IGNORED)


def settings(values: Mapping[str, object], console: Console) -> None:
    """Settings, as `headway settings set` takes them."""
    for name, value in values.items():
        console.print(
            Text(f"{name} = {value if isinstance(value, str) else json.dumps(value)}"), soft_wrap=True
        )
