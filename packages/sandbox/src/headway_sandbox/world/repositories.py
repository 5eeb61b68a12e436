"""Repositories and the people in them."""

import secrets
from pathlib import Path

import attrs

from headway_sandbox import commands, facts, pulls, views
from headway_sandbox.errors import NotFound, Unprocessable
from headway_sandbox.git import Git
from headway_sandbox.records import Association, FormerName, Membership, Repository, User
from headway_sandbox.store import Transaction
from headway_sandbox.world.desk import Desk


def create_repository(desk: Desk, order: commands.CreateRepository) -> commands.RepositoryView:
    """Serve a repository."""
    tx = desk.tx
    origin = str(Path(order.origin).resolve())
    try:
        repository = facts.find_repository(tx, order.owner, order.name)
    except NotFound:
        repository = _add_repository(tx, order, origin)
    if repository.origin != origin:
        raise Unprocessable(f"origin: {order.owner}/{order.name} is served from {repository.origin}")
    for spec in order.users:
        _put_user(tx, repository, spec)
    return views.repository_view(tx, repository, url=desk.url)


def _add_repository(tx: Transaction, order: commands.CreateRepository, origin: str) -> Repository:
    for field, name in (("owner", order.owner), ("name", order.name)):
        _check_name(field, name)
    git = Git(Path(origin))
    git.check_repository()
    git.check_branch_name(order.default_branch)
    repository = tx.add(
        Repository(
            id=tx.next_id(),
            owner=order.owner,
            name=order.name,
            origin=origin,
            default_branch=order.default_branch,
            next_number=1,
            test_command=order.test_command,
            ci_env=order.ci_env,
            ci_on_push=False,  # what is there when the repository is served is no push
            ci_timeout=order.ci_timeout,
            required_checks=order.required_checks,
            required_apps=order.required_apps,
            required_approvals=order.required_approvals,
            requires_resolution=order.requires_resolution,
            requires_up_to_date=order.requires_up_to_date,
            ruleset=order.ruleset,
            mergeable_delay=order.mergeable_delay,
            mergeable_by_rest=order.mergeable_by_rest,
        )
    )
    pulls.follow(tx, repository)
    return tx.replace(repository, ci_on_push=order.ci_on_push)


def _check_name(field: str, name: str) -> None:
    if not name or not all(char.isalnum() or char in "-_." for char in name):
        raise Unprocessable(f"{field}: {name!r} is no GitHub name")


def change_repository(desk: Desk, order: commands.ChangeRepository) -> commands.RepositoryView:
    """Change settings."""
    given = {
        field.name: getattr(order, field.name)
        for field in attrs.fields(type(order))
        if field.name != "repository" and getattr(order, field.name) is not None
    }
    changed = desk.tx.replace(desk.repository(order.repository), **given)
    return views.repository_view(desk.tx, changed, url=desk.url)


def rename_repository(desk: Desk, order: commands.RenameRepository) -> commands.RepositoryView:
    """Rename or transfer a repository."""
    before = desk.repository(order.repository)
    owner, name = order.owner or before.owner, order.name or before.name
    if (owner, name) == (before.owner, before.name):
        return views.repository_view(desk.tx, before, url=desk.url)
    for field, text in (("owner", owner), ("name", name)):
        _check_name(field, text)
    for taken in desk.tx.find(Repository):
        if (taken.owner.lower(), taken.name.lower()) == (owner.lower(), name.lower()):
            raise Unprocessable(f"name: {owner}/{name} exists already")
    for former in desk.tx.find(FormerName, owner=owner, name=name):
        desk.tx.remove(former)  # a new name takes precedence over a redirect
    desk.tx.add(FormerName(id=desk.tx.next_id(), repository=before.id, owner=before.owner, name=before.name))
    renamed = desk.tx.replace(before, owner=owner, name=name)
    return views.repository_view(desk.tx, renamed, url=desk.url)


def create_user(desk: Desk, order: commands.CreateUser) -> commands.UserView:
    """Create a user or change a membership."""
    return views.user_view(desk.tx, _put_user(desk.tx, desk.repository(order.repository), order.user))


def _put_user(tx: Transaction, repository: Repository, spec: commands.UserSpec) -> User:
    try:
        user = facts.find_user(tx, spec.login)
    except NotFound:
        token = spec.token or f"ghp_{secrets.token_hex(18)}"
        user = tx.add(
            User(
                id=tx.next_id(),
                login=spec.login,
                token=token,
                bot=spec.bot,
                fine_grained=spec.fine_grained,
            )
        )
    known = facts.membership(tx, repository, user)
    member = Membership(
        id=known.id if known else tx.next_id(),
        repository=repository.id,
        user=user.id,
        permission=spec.permission,
        association=spec.association or _usual_association(repository, spec),
    )
    if known:
        tx.replace(member)
    else:
        tx.add(member)
    return user


def _usual_association(repository: Repository, spec: commands.UserSpec) -> Association:
    if spec.login.lower() == repository.owner.lower():
        return Association.OWNER
    return Association.COLLABORATOR if spec.permission.can_push else Association.NONE
