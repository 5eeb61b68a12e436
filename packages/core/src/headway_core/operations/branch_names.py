"""Names of new branches: `<prefix>/<slug>`, with `-2`, `-3` where that is taken."""

from collections.abc import Set as AbstractSet

from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.slugs import first_free, slug
from headway_core.workspaces.steps import WorkspaceSteps


def free_branch(
    tx: ReadTransaction,
    workspaces: WorkspaceSteps,
    *,
    project_id: str,
    prefix: str,
    name: str,
    taken: AbstractSet[str] = frozenset(),
) -> str:
    """The first such branch that no live workspace holds and that is not in `taken`."""

    def is_taken(candidate: str) -> bool:
        branch = f"{prefix}/{candidate}"
        return branch in taken or workspaces.holder_of_branch(tx, project_id, branch) is not None

    return f"{prefix}/{first_free(slug(name, otherwise='workspace'), is_taken)}"
