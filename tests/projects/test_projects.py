"""Registering repositories as projects."""

from functools import partial

import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput, NotFound
from headway_core.kernel.memory import MemoryStore
from headway_core.projects import (
    PROJECTS,
    ProjectArchived,
    ProjectChanged,
    ProjectRegistered,
    ProjectService,
    ProjectSteps,
)
from headway_testing.fakes import FakeForgeHosts, FakeGit, FakeWorktrees
from headway_testing.harness import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> MemoryStore:
    return World().store


@pytest.fixture
def git() -> FakeGit:
    git = FakeGit()
    git.add_repository("/src/demo")
    git.add_repository("/src/plain", origin_url="/srv/git/plain.git")
    git.add_repository("/src/twin", origin_url="git@github.com:else/demo.git")
    return git


@pytest.fixture
def steps(store: MemoryStore) -> ProjectSteps:
    return ProjectSteps(store.writer(PROJECTS))


@pytest.fixture
def service(store: MemoryStore, steps: ProjectSteps, git: FakeGit) -> ProjectService:
    return ProjectService(store.ledger, steps, FakeWorktrees(git))


async def payloads(store: MemoryStore) -> list[object]:
    found = await store.ledger.read(lambda tx: store.events.after(tx, 0))
    return [event.payload for event in found]


async def test_a_repository_tells_where_its_pull_requests_live(
    store: MemoryStore, service: ProjectService
) -> None:
    """Host, owner and name come from origin, the branch from the repository, the folder from the slug."""
    project = await service.register("/src/demo/deep/inside")
    assert (project.github_host, project.repository) == ("github.com", "octo/demo")
    assert (project.name, project.slug, project.default_branch) == ("demo", "demo", "main")
    assert project.repo_path == "/src/demo"
    assert project.worktree_base_path is None
    assert await payloads(store) == [ProjectRegistered(project=project)]


async def test_what_is_given_counts_more_than_what_is_found(service: ProjectService) -> None:
    """Every field can be said."""
    project = await service.register(
        "/src/plain",
        name=" My project ",
        slug="mine",
        github="octo/plain",
        host="127.0.0.1:8080",
        default_branch="trunk",
        worktree_base_path="/wt",
        startup_script="make setup",
        startup_timeout_s=60,
    )
    assert (project.name, project.slug) == ("My project", "mine")
    assert (project.github_host, project.repository) == ("127.0.0.1:8080", "octo/plain")
    assert (project.default_branch, project.worktree_base_path) == ("trunk", "/wt")
    assert (project.startup_script, project.startup_timeout_s) == ("make setup", 60)


async def test_a_repository_is_one_project_however_often_it_is_registered(
    store: MemoryStore, service: ProjectService
) -> None:
    """The second time gives the first project as it is."""
    first = await service.register("/src/demo")
    assert await service.register("/src/demo/src", name="Other", slug="other") == first
    assert len(await payloads(store)) == 1


async def test_a_repository_is_not_registered_for_another_place_on_github(
    store: MemoryStore, service: ProjectService
) -> None:
    """What was asked for by name is never ignored: pull requests would be opened in the wrong repository."""
    first = await service.register("/src/demo")
    assert await service.register("/src/demo", github="octo/demo", host="github.com") == first
    for github, host in (("octo/other", None), (None, "github.example")):
        with pytest.raises(Conflict, match=r"registered as octo/demo on github\.com"):
            await service.register("/src/demo", github=github, host=host)
    assert len(await payloads(store)) == 1


async def test_projects_of_one_name_get_slugs_of_their_own(service: ProjectService) -> None:
    """`demo`, then `demo-2`; a slug that was asked for is never bent."""
    await service.register("/src/demo")
    assert (await service.register("/src/twin")).slug == "demo-2"
    with pytest.raises(Conflict):
        await service.register("/src/plain", github="octo/plain", slug="demo-2")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("path", {"path": "/nowhere"}),
        ("github", {"path": "/src/plain"}),
        ("github", {"github": "octo"}),
        ("host", {"host": "git hub"}),
        ("default_branch", {"default_branch": "-x"}),
        ("slug", {"slug": "Not a slug"}),
        ("name", {"name": "  "}),
        ("name", {"name": "a\nb"}),
        ("worktree_base_path", {"worktree_base_path": "relative"}),
        ("startup_script", {"startup_script": " "}),
        ("startup_timeout_s", {"startup_timeout_s": 0}),
    ],
)
async def test_what_does_not_fit_is_refused_by_the_name_of_its_field(
    service: ProjectService, field: str, arguments: dict[str, str]
) -> None:
    """Nothing is registered then."""
    with pytest.raises(InvalidInput) as caught:
        await service.register(**{"path": "/src/demo", **arguments})  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.field == field
    assert await service.list() == []


async def test_a_project_is_found_by_id_and_by_slug(service: ProjectService) -> None:
    """And by nothing else."""
    project = await service.register("/src/demo")
    assert await service.get(project.id) == await service.get("demo") == project
    with pytest.raises(NotFound):
        await service.get("other")


async def test_an_archived_project_takes_no_new_work(
    store: MemoryStore, steps: ProjectSteps, service: ProjectService
) -> None:
    """`live` refuses it like an unknown one; archiving twice says nothing new."""
    project = await service.register("/src/demo")
    assert await store.ledger.transact(lambda tx: steps.live(tx, project.id)) == project
    archived = await service.archive("demo")
    assert archived == attrs.evolve(project, archived=True, version=project.version + 1)
    assert await service.archive("demo") == archived
    for unknown in (project.id, "nobody"):
        with pytest.raises(NotFound):
            await store.ledger.transact(partial(lambda key, tx: steps.live(tx, key), unknown))
    assert (await payloads(store))[1:] == [ProjectArchived(project_id=project.id, archived=True)]


async def test_a_moved_repository_is_adopted_only_by_who_may(
    store: MemoryStore, service: ProjectService, git: FakeGit
) -> None:
    """Where it may lie at the old path of another host it is another project."""
    first = await service.register("/src/demo")
    del git.repositories["/src/demo"]
    git.add_repository("/src/moved")
    adopted = await service.register("/src/moved", adopt=True)
    assert adopted == attrs.evolve(first, repo_path="/src/moved", version=first.version + 1)
    assert (await payloads(store))[1:] == [ProjectChanged(project=adopted, changed=("repo_path",))]
    del git.repositories["/src/moved"]
    git.add_repository("/src/again")
    assert (await service.register("/src/again")).slug == "demo-2"


async def test_of_two_that_lost_their_repository_none_is_guessed(
    service: ProjectService, git: FakeGit
) -> None:
    """A person says which of them has moved."""
    git.add_repository("/src/clone")
    for path in ("/src/demo", "/src/clone"):
        await service.register(path)
        del git.repositories[path]
    git.add_repository("/src/moved")
    with pytest.raises(Conflict, match="demo, demo-2"):
        await service.register("/src/moved", adopt=True)
    assert (await service.change("demo-2", path="/src/moved")).repo_path == "/src/moved"
    assert (await service.register("/src/moved", adopt=True)).slug == "demo-2"


async def test_an_archived_project_is_back_when_it_is_registered(service: ProjectService) -> None:
    """As it was, whatever its address: with the place on GitHub given or not."""
    first = await service.register("/src/plain", github="octo/plain")
    for options in ({}, {"github": "octo/plain"}):
        await service.archive(first.slug)
        back = await service.register("/src/plain", **options)  # type: ignore[arg-type]  # texts
        assert attrs.evolve(back, version=0) == first


async def test_a_repository_of_another_host_is_no_project(
    store: MemoryStore, steps: ProjectSteps, git: FakeGit
) -> None:
    """Neither a new one nor, when the forge's address has changed, one that is known; other hosts go on."""
    hosts = FakeForgeHosts()
    service = ProjectService(store.ledger, steps, FakeWorktrees(git), hosts)
    git.add_repository("/src/other", origin_url="git@gitlab.com:octo/demo.git")
    for github, host in ((None, None), ("octo/demo", None), ("octo/demo", "gitlab.com")):
        with pytest.raises(InvalidInput, match="host"):
            await service.register("/src/other", github=github, host=host)
    await service.register("/src/demo")
    assert (await service.register("/src/other", host="github.com")).github_host == "github.com"
    hosts.host = "git.example"
    with pytest.raises(InvalidInput, match="host"):
        await service.register("/src/demo")
