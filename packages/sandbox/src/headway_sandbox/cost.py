"""The points of a query by GitHub's documented formula, from its declared shape.

Requests are the sum over connections of the number of their parents, assuming that every
`first` and `last` is reached; points are a hundredth of them, at least one. Whether `nodes(ids:)`
multiplies what is below it is not documented; it is assumed.
"""

from collections.abc import Mapping

import attrs
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

_REQUESTS_A_POINT = 100


@attrs.frozen
class Cost:
    """What a query costs before it is executed."""

    requests: int
    nodes: int

    @property
    def points(self) -> int:
        """Return the points that are charged."""
        return max(1, round(self.requests / _REQUESTS_A_POINT))


def cost_of(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, object]) -> Cost:
    """Return the cost of the document's operation; it has been validated before."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    total = Cost(0, 0)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            walk = _Walk(schema=schema, fragments=fragments, values=_values(node, variables))
            total = walk.add(total, node.selection_set, schema.get_root_type(node.operation), 1)
    return total


def _values(operation: OperationDefinitionNode, variables: Mapping[str, object]) -> dict[str, object]:
    defaults = {
        definition.variable.name.value: _literal(definition.default_value, {})
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return {**defaults, **variables}


def _literal(node: ValueNode | None, values: Mapping[str, object]) -> object:
    match node:
        case VariableNode():
            return values.get(node.name.value)
        case IntValueNode():
            return int(node.value)
        case ListValueNode():
            return list(node.values)
        case _:
            return None


@attrs.frozen(kw_only=True)
class _Walk:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    values: Mapping[str, object]

    def add(self, total: Cost, selections: SelectionSetNode | None, parent: object, times: int) -> Cost:
        for node in selections.selections if selections else ():
            match node:
                case FieldNode():
                    total = self._field(total, node, parent, times)
                case InlineFragmentNode():
                    name = node.type_condition.name.value if node.type_condition else None
                    inner = self.schema.get_type(name) if name else parent
                    total = self.add(total, node.selection_set, inner, times)
                case FragmentSpreadNode():
                    fragment = self.fragments[node.name.value]
                    inner = self.schema.get_type(fragment.type_condition.name.value)
                    total = self.add(total, fragment.selection_set, inner, times)
        return total

    def _field(self, total: Cost, node: FieldNode, parent: object, times: int) -> Cost:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return total
        definition = parent.fields.get(node.name.value)
        if definition is None or node.selection_set is None:
            return total
        inner = get_named_type(definition.type)
        arguments = {
            argument.name.value: _literal(argument.value, self.values) for argument in node.arguments or ()
        }
        if inner.name.endswith("Connection"):
            size = arguments.get("first") or arguments.get("last") or 1
            page = size if isinstance(size, int) else 1
            total = Cost(total.requests + times, total.nodes + times * page)
            times *= page
        elif isinstance(ids := arguments.get("ids"), list):
            total = Cost(total.requests, total.nodes + len(ids))
            times *= max(1, len(ids))
        return self.add(total, node.selection_set, inner, times)
