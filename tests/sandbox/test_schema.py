"""The sandbox speaks GitHub's own GraphQL: subset, documents, costs."""

import os
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from headway_core.pull_requests.check_rows import OUTCOMES
from headway_sandbox import graph

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("HEADWAY_GITHUB_DATA", ROOT.parent / "shared" / "data" / "github"))
DOCUMENTS = ROOT / "tests" / "data" / "github_documents"
# Search is discovery that we do not use.
NOT_SERVED = {"13_search_sweep.graphql"}


@pytest.fixture(scope="module")
def official() -> GraphQLSchema:
    """GitHub's published schema."""
    path = DATA / "schema.graphql"
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"GitHub's schema is not at {path}")
        pytest.skip(f"GitHub's schema is not at {path}: set HEADWAY_GITHUB_DATA")
    return build_schema(path.read_text(encoding="utf-8"), assume_valid=True)


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> list[str]:
    """Return everything in `ours` that is not in `theirs` in the same form."""
    found = []
    for name, mine in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = theirs.type_map.get(name)
        if other is None or type(mine) is not type(other):
            found.append(f"{name}: no such {type(mine).__name__}")
        else:
            found += _members(mine, other)
    return found


def _members(mine: GraphQLNamedType, other: Any) -> list[str]:
    match mine:
        case GraphQLEnumType():
            extra = set(mine.values) - set(other.values)
        case GraphQLUnionType():
            extra = {t.name for t in mine.types} - {t.name for t in other.types}
        case GraphQLObjectType() | GraphQLInterfaceType():
            extra = {i.name for i in mine.interfaces} - {i.name for i in other.interfaces}
            extra |= _fields(mine, other)
        case GraphQLInputObjectType():
            mine_types = {(n, str(f.type), repr(f.default_value)) for n, f in mine.fields.items()}
            theirs = {(n, str(f.type), repr(f.default_value)) for n, f in other.fields.items()}
            required = {n for n, f in other.fields.items() if is_required_input_field(f)}
            extra = {n for n, *_ in mine_types - theirs} | (required - set(mine.fields))
        case _:
            extra = set()
    return [f"{mine.name}.{name}" for name in sorted(extra)]


def _fields(mine: GraphQLObjectType | GraphQLInterfaceType, other: Any) -> set[str]:
    extra = set()
    for name, field in mine.fields.items():
        official_field = other.fields.get(name)
        if official_field is None or str(field.type) != str(official_field.type):
            extra.add(name)
            continue
        for arg_name, arg in field.args.items():
            there = official_field.args.get(arg_name)
            same = there is not None and str(arg.type) == str(there.type)
            if not same or repr(arg.default_value) != repr(there.default_value):
                extra.add(f"{name}({arg_name})")
        required = {n for n, a in official_field.args.items() if is_required_argument(a)}
        extra |= {f"{name}({n})" for n in required - set(field.args)}
    return extra


def _ours() -> GraphQLSchema:
    return build_schema(graph.SDL.read_text(encoding="utf-8"))


def test_subset_is_githubs_own(official: GraphQLSchema) -> None:
    """Every type, field, argument and enum value that we serve is GitHub's, with the same type."""
    assert differences(_ours(), official) == []


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("isDraft: Boolean!", "isDraft: Boolean", "PullRequest.isDraft"),
        ("  isDraft: Boolean!", "  isDrafty: Boolean!", "PullRequest.isDrafty"),
        ("nodes(ids: [ID!]!)", "nodes(ids: [ID!])", "Query.nodes(ids)"),
        ("  STARTUP_FAILURE\n", "  STARTUP_FAILURE\n  ODD\n", "CheckConclusionState.ODD"),
        ("  threadId: ID!\n", "", "ResolveReviewThreadInput.threadId"),
        ("= CheckRun | StatusContext", "= CheckRun | StatusContext | App", "StatusCheckRollupContext.App"),
    ],
)
def test_conformance_test_can_fail(official: GraphQLSchema, old: str, new: str, reported: str) -> None:
    """A field, argument, value, input or union member that is not GitHub's is found."""
    text = graph.SDL.read_text(encoding="utf-8")
    assert old in text
    assert reported in differences(build_schema(text.replace(old, new), assume_valid=True), official)


@pytest.mark.lesson("S1")
@pytest.mark.parametrize("name", ["CheckConclusionState", "CheckStatusState", "StatusState"])
def test_every_word_of_githubs_schema_has_its_outcome(official: GraphQLSchema, name: str) -> None:
    """Whatever its enums can say of a check is in the one table of outcomes, on purpose."""
    words = official.type_map[name]
    assert isinstance(words, GraphQLEnumType)
    assert set(words.values) <= set(OUTCOMES)


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("*.graphql")), ids=lambda path: path.stem)
def test_documents_are_valid_at_github(official: GraphQLSchema, path: Path) -> None:
    """Each document is valid against GitHub's schema, and, but for search, against ours."""
    document = parse(path.read_text(encoding="utf-8"))
    assert validate(official, document) == []
    assert bool(validate(graph.schema(), document)) == (path.name in NOT_SERVED)


@pytest.mark.parametrize(
    ("name", "variables", "points"),
    [
        ("02_sweep_nodes_lite", {"ids": ["x"] * 100}, 1),
        ("01_sweep_nodes", {"ids": ["x"] * 100}, 2),
        ("18_detail_checks_nodes", {"ids": ["x"] * 100}, 1),
        ("19_detail_conversation_nodes", {"ids": ["x"] * 20}, 5),
        ("05_detail_nodes", {"ids": ["x"] * 20}, 11),
        ("16_detail_one_by_number", {"owner": "o", "name": "n", "number": 1}, 1),
        ("03_sweep_repo", {"owner": "o", "name": "n", "first": 100}, 2),
    ],
)
def test_cost_follows_githubs_formula(name: str, variables: dict[str, Any], points: int) -> None:
    """The points of a document are those that GitHub's documented formula gives."""
    text = (DOCUMENTS / f"{name}.graphql").read_text(encoding="utf-8")
    assert graph.cost(graph.prepare(text), variables).points == points
