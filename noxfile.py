"""The project's tasks. `python -m nox -l` lists them."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests"]

PACKAGES = ("core", "adapters-sql", "adapters-github", "adapters-local", "sandbox", "testing", "app")
PINS = ("-c", "requirements/dev.txt")
TESTING = (
    "pytest", "pytest-cov", "pytest-timeout", "pytest-xdist", "hypothesis", "trio", "graphql-core", "psutil",
)  # fmt: skip


def install(session: nox.Session, *extras: str) -> None:
    """Install every package of the workspace as a developer has it, and what the task needs."""
    editable = [word for package in PACKAGES for word in ("-e", f"packages/{package}")]
    session.install(*PINS, *editable, *extras)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, rehearsed: three workspaces, three causes, three fixers. No network, no account."""
    install(session)
    session.run("headway", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the many random kills."""
    install(session, *TESTING, "import-linter")
    lessons = {"PYTHONPATH": "tests"}
    # A module's tests run on one worker, since servers start for a module. More workers than cores, since
    # whole commands are waited for; those begin first, as they take longest (tests/conftest.py).
    spread = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
    session.run("pytest", "-q", *spread, "-p", "lessons", *session.posargs, env=lessons)


@nox.session
def kills(session: nox.Session) -> None:
    """The demo killed at twenty random moments, and a hundred workspaces while they are worked on."""
    install(session, *TESTING)
    session.run("pytest", "--kills", "-n", "3", "-rP", *session.posargs)  # -rP: their figures


@nox.session
def coverage(session: nox.Session) -> None:
    """The tests with branch coverage."""
    install(session, *TESTING, "import-linter")
    session.run("pytest", "-n", "2", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*PINS, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, over everything that is ours."""
    install(session, "mypy", *TESTING)
    session.run("mypy", *(f"packages/{package}/src" for package in PACKAGES))
    session.run("mypy", "tests", "benchmarks", "examples", "docs")


@nox.session
def imports(session: nox.Session) -> None:
    """The laws about imports: rooms, adapters as leaves, no I/O in core."""
    install(session, "import-linter")
    session.run("lint-imports")


@nox.session
def lessons(session: nox.Session) -> None:
    """Which rows of the table of lessons have a passing test: the last lines of the tests."""
    session.notify("tests")


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks: ratios against a baseline in the same run."""
    install(session, *TESTING, "sqlalchemy[asyncio]", "aiosqlite", "asyncpg")
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        session.run("python", str(script))


@nox.session
def example(session: nox.Session) -> None:
    """A real package with its own tests, repaired by the ordinary `headway up`."""
    install(session, "pytest")
    session.run("python", "examples/repair_a_package.py", *session.posargs)


@nox.session
def adapter(session: nox.Session) -> None:
    """A forge of somebody else, installed with headway-testing alone, and proven by the published suites."""
    session.install(*PINS, "./packages/core", "./packages/testing", "./examples/forge_in_memory", "trio")
    with session.chdir("examples/forge_in_memory"):
        session.run("pytest", "-p", "no:cacheprovider", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """The simulator: `-- --runs 10000 --seed 1`, `--exhaustive`, `--teeth 400`, `--replay SEED`,
    `--invariants`.
    """
    session.install(*PINS, "-e", "packages/core", "-e", "packages/testing")
    session.run("python", "tests/simulation/simulate.py", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """What is believed while a forge answers wrongly: `-- --cycles 10000 --seed 1 --over-http --jobs 2`."""
    install(session)
    session.run("python", "tests/faults/inject.py", *session.posargs)
