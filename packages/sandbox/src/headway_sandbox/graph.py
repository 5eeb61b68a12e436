"""POST /graphql: the schema, documents that are parsed once, and answers in GitHub's shape."""

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import cast

import attrs
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    parse,
    validate,
    visit,
)
from graphql.type import GraphQLInterfaceType

from headway_sandbox import resolvers
from headway_sandbox.cost import Cost, cost_of
from headway_sandbox.errors import SandboxError
from headway_sandbox.resolvers import RESOLVERS, Call
from headway_sandbox.serialize import Json

SDL = resources.files(__package__).joinpath("schema.graphql")

# GitHub declares databaseId as Int and answers more than 32 bits; a strict Int would answer null.
_LARGE_INT = GraphQLScalarType("LargeInt", serialize=lambda value: cast("int", value))


@functools.cache
def schema() -> GraphQLSchema:
    """Return the executable schema, built once."""
    built = build_schema(SDL.read_text(encoding="utf-8"))
    for type_ in built.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                field.resolve = RESOLVERS.get(type_.name, {}).get(name) or _default
                if name == "databaseId":
                    large = GraphQLNonNull(_LARGE_INT)
                    field.type = large if isinstance(field.type, GraphQLNonNull) else _LARGE_INT
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = lambda obj, _info, _type: resolvers.type_name(obj)
    return built


def _default(obj: object, info: object, **arguments: object) -> object:
    if isinstance(obj, Mapping):
        return obj[info.field_name]  # type: ignore[attr-defined] # GraphQLResolveInfo
    return resolvers.default(obj, info, **arguments)  # type: ignore[arg-type] # GraphQLResolveInfo


@attrs.frozen
class Prepared:
    """A document that was parsed and validated: usable unless it has errors."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    @property
    def operation_names(self) -> tuple[str, ...]:
        """Return the names of the document's operations."""
        definitions = self.document.definitions if self.document else ()
        return tuple(
            node.name.value for node in definitions if isinstance(node, OperationDefinitionNode) and node.name
        )


@functools.lru_cache(maxsize=256)
def prepare(text: str) -> Prepared:
    """Parse and validate; clients send few documents many times."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return Prepared(None, (error,))
    return Prepared(document, tuple(validate(schema(), document)))


def lacking(prepared: Prepared, fields: frozenset[str]) -> list[Json]:
    """How an older server refuses a document that asks for fields which its schema lacks."""
    if prepared.document is None:
        return []
    types = TypeInfo(schema())
    finder = _Finder(types, fields)
    visit(prepared.document, TypeInfoVisitor(types, finder))
    return finder.found


class _Finder(Visitor):
    """Collects what is asked for and lacking, in the words of GitHub's GraphQL."""

    def __init__(self, types: TypeInfo, fields: frozenset[str]) -> None:
        super().__init__()
        self.found: list[Json] = []
        self._types = types
        self._fields = fields

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._types.get_parent_type()
        name = node.name.value
        if parent is not None and f"{parent.name}.{name}" in self._fields:
            told: dict[str, Json] = {
                "path": ["query", name],
                "extensions": {"code": "undefinedField", "typeName": parent.name, "fieldName": name},
                "message": f"Field '{name}' doesn't exist on type '{parent.name}'",
            }
            self.found.append(told)


def cost(prepared: Prepared, variables: Mapping[str, object]) -> Cost:
    """Return what the document costs."""
    if prepared.document is None or prepared.errors:
        return Cost(0, 0)
    return cost_of(schema(), prepared.document, variables)


def execute(
    prepared: Prepared, call: Call, *, variables: Mapping[str, object], operation: str | None
) -> dict[str, Json]:
    """Return the answer's JSON: data, and errors in GitHub's shape beside it."""
    if prepared.document is None or prepared.errors:
        return {"errors": shape_errors(prepared.errors)}
    result = execute_sync(
        schema(),
        prepared.document,
        context_value=call,
        variable_values=dict(variables),
        operation_name=operation,
    )
    assert isinstance(result, ExecutionResult)
    answer: dict[str, Json] = {"data": cast("Json", result.data)}
    if result.errors:
        answer["errors"] = shape_errors(result.errors)
    return answer


def shape_errors(errors: Sequence[GraphQLError]) -> list[Json]:
    """Write errors as GitHub does: type at the top level, path, locations, message."""
    return [_shape(error) for error in errors]


def _shape(error: GraphQLError) -> Json:
    shaped: dict[str, Json] = {}
    if isinstance(error.original_error, SandboxError):
        shaped["type"] = error.original_error.graphql_type
    if error.path is not None:
        shaped["path"] = list(error.path)
    shaped["locations"] = [
        {"line": location.line, "column": location.column} for location in error.locations or ()
    ]
    shaped["message"] = error.message
    return shaped
