"""The documents that we send: valid against GitHub's schema, and no dearer than their budget."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
    validate,
)

import headway_sandbox
from headway_github.detail import DETAILS_A_CALL
from headway_github.documents import BRANCHES_A_CALL, NAMES, Document, branches, document
from headway_sandbox import graph
from headway_sandbox.cost import cost_of

DOCUMENTS = {name: document(name) for name in NAMES} | {"branches": branches(BRANCHES_A_CALL)}


@cache
def _schema(path: Path) -> GraphQLSchema:
    # GitHub's own schema does not pass the checks of newer validators.
    return build_schema(path.read_text(), assume_valid=True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_against_githubs_schema(name: str, github_data: Path) -> None:
    """Names, types, arguments and variables are GitHub's own."""
    assert validate(_schema(github_data / "schema.graphql"), parse(DOCUMENTS[name].text)) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid_against_the_sandbox(name: str) -> None:
    """What is rehearsed is what is sent."""
    schema = Path(str(headway_sandbox.__file__)).with_name("schema.graphql")
    assert validate(_schema(schema), parse(DOCUMENTS[name].text)) == []


def test_a_wrong_document_is_refused(github_data: Path) -> None:
    """The validation can fail: a field that GitHub does not have."""
    wrong = DOCUMENTS["detail"].text.replace("isDraft", "isDrafty")
    assert validate(_schema(github_data / "schema.graphql"), parse(wrong)) != []


def _requests(found: Document, ids: int) -> int:
    """GitHub's formula: connections, each as often as its parents may be, first and last reached in full."""
    tree = parse(found.text)
    fragments = {d.name.value: d for d in tree.definitions if isinstance(d, FragmentDefinitionNode)}
    (operation,) = [d for d in tree.definitions if isinstance(d, OperationDefinitionNode)]

    def count(selection: SelectionSetNode | None, parents: int) -> int:
        total = 0
        for node in selection.selections if selection else ():
            if isinstance(node, FragmentSpreadNode):
                total += count(fragments[node.name.value].selection_set, parents)
            elif isinstance(node, InlineFragmentNode):
                total += count(node.selection_set, parents)
            elif isinstance(node, FieldNode):
                size = _page(node)
                many = ids if node.name.value == "nodes" and node.arguments else 1
                total += (parents if size else 0) + count(node.selection_set, parents * (size or many))
        return total

    return count(operation.selection_set, 1)


def _page(node: FieldNode) -> int:
    """How many entries a connection is asked for; 0 for what is none."""
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            assert isinstance(argument.value, IntValueNode)
            return int(argument.value.value)
    return 0


REQUESTS = {
    "detail": 1140,  # 20 pull requests x (contexts, last commit, its suites, its timeline, reviews, threads,
    # remarks, the comments of 50 threads)
    "branches": 50,
    "threads": 51,
    "asked": 3,
    "contexts": 1,
    "suites": 1,
    "head_suites": 1,
    "group_checks": 1,
    "reviews": 1,
    "comments": 1,
    "required": 1,
    "opened": 2,
    "thread": 2,
    "resolve": 0,
    "viewer": 0,
    "account": 0,
    "issue": 0,
    "open_pull_request": 0,
    "resolve_thread": 0,
}
"""By GitHub's formula; a hundred are a point, and no call costs less than one."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_costs_what_is_known(name: str) -> None:
    """A new nested list, or a longer page, fails here, however cheap it is."""
    assert _requests(DOCUMENTS[name], DETAILS_A_CALL) == REQUESTS[name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_sandbox_charges_the_same(name: str) -> None:
    """Two independent estimators, one of them with the schema's types, agree."""
    ids = {"ids": [f"PR_{n}" for n in range(DETAILS_A_CALL)]}
    cost = cost_of(graph.schema(), parse(DOCUMENTS[name].text), ids)
    assert cost.requests == REQUESTS[name]


def test_no_call_is_dear() -> None:
    """The dearest is eleven points: 5,000 an hour are 454 of them, and 9,000 pull requests in full."""
    assert round(max(REQUESTS.values()) / 100) == 11


def test_the_estimate_is_githubs_formula() -> None:
    """GitHub's documented example: 5,101 requests are 51 points."""
    text = """query { viewer { repositories(first: 100) { edges { repository: node {
        issues(first: 50) { edges { issue: node { labels(first: 60) { edges { label: node { id } } } } } }
    } } } } }"""
    assert _requests(Document("example", text), 1) == 5101


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_query_reads_what_it_costs_and_only_mutations_write(name: str) -> None:
    """The budget is told with every answer; a mutation is marked, so that it is sent once."""
    found = DOCUMENTS[name]
    assert ("rateLimit" in found.text) is not found.writes
    assert found.writes is bool(re.search(r"^mutation ", found.text, re.MULTILINE))


@pytest.mark.lesson("S13")
def test_every_list_is_paged(github_data: Path) -> None:
    """Each connection that we read whole tells its total and its next page."""
    text: Any = DOCUMENTS["detail"].text
    assert text.count("totalCount") == text.count("pageInfo { hasNextPage endCursor }") == 5


def test_the_rollups_own_state_is_never_asked_beside_its_contexts() -> None:
    """GitHub computes another, pessimistic state then."""
    for found in DOCUMENTS.values():
        assert not re.search(r"statusCheckRollup \{[^}]*\bstate\b", found.text)


def test_a_document_for_each_number_of_branches() -> None:
    """One alias and one variable a branch; names are variables, never text of the query."""
    text = branches(2).text
    assert "$b0: String!, $b1: String!" in text
    assert "of0: pullRequests(states: [OPEN], headRefName: $b0" in text
    assert "of1: pullRequests(states: [OPEN], headRefName: $b1" in text
    assert "of2" not in text
