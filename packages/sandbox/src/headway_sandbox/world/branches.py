"""Branches: what a push would do, without one."""

from headway_sandbox import checks, commands, facts, pulls
from headway_sandbox.errors import Unprocessable
from headway_sandbox.world.desk import Desk


def delete_branch(desk: Desk, order: commands.DeleteBranch) -> commands.Done:
    """Delete a branch."""
    repository = desk.repository(order.repository)
    if order.branch == repository.default_branch:
        raise Unprocessable(f"branch: {order.branch!r} is the default branch")
    if oid := facts.tip(desk.tx, repository, order.branch):
        facts.git_of(repository).delete_branch(order.branch, old=oid)
        pulls.follow(desk.tx, repository)
    return commands.Done()


def commit_files(desk: Desk, order: commands.CommitFiles) -> commands.CommitView:
    """Commit files onto a branch."""
    repository = desk.repository(order.repository)
    git = facts.git_of(repository)
    git.check_branch_name(order.branch)
    facts.require_push(desk.tx, repository, desk.user(order.user, repository), "CreateCommitOnBranch")
    old = facts.tip(desk.tx, repository, order.branch)
    parent = old or checks.commit_named(desk.tx, repository, order.start or repository.default_branch)
    tree = git.tree_with(parent, order.files)
    if tree == git.tree_of(parent) and old is not None:
        return commands.CommitView(oid=parent)
    commit = git.commit_tree(tree, parents=(parent,), message=order.message, author=order.user)
    git.move_branch(order.branch, old=old, new=commit)
    pulls.follow(desk.tx, repository)
    return commands.CommitView(oid=commit)


def force_push(desk: Desk, order: commands.ForcePush) -> commands.CommitView:
    """Move a branch to any commit."""
    repository = desk.repository(order.repository)
    git = facts.git_of(repository)
    git.check_branch_name(order.branch)
    facts.require_push(desk.tx, repository, desk.user(order.user, repository), "UpdateRef")
    commit = checks.commit_named(desk.tx, repository, order.commit)
    git.move_branch(order.branch, old=facts.tip(desk.tx, repository, order.branch), new=commit)
    pulls.follow(desk.tx, repository)
    return commands.CommitView(oid=commit)
