"""TypeScript types as JSON Schema, read from the syntax tree; used by `signature`.

A name that the script does not declare, such as `Postgresql` or `RT.Postgresql`, is a resource of the type
`postgresql`. So is a declared object type, since scripts spell out the resources that they use.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from tree_sitter import Node

from windlass.languages.shared.typescript.literals import NO_LITERAL, json_type, literal, member_name
from windlass.languages.shared.typescript.syntax import field, has_token, inner, text_of

SIMPLE: dict[str, dict] = {
    "string": {"type": "string"},
    "String": {"type": "string"},
    "number": {"type": "number"},
    "Number": {"type": "number"},
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "Boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "Object": {"type": "object"},
    "Record": {"type": "object"},
    "Map": {"type": "object"},
    "Pick": {"type": "object"},
    "Omit": {"type": "object"},
    "Date": {"type": "string", "format": "date-time"},
    "Base64": {"type": "string", "contentEncoding": "base64"},
    "Email": {"type": "string", "format": "email"},
    "Sql": {"type": "string", "format": "sql"},
    "S3Object": {"type": "object", "format": "resource-s3_object"},
}
OBJECT = {"type": "object"}
LISTS = {"Array", "ReadonlyArray", "Set", "ReadonlySet", "Iterable"}
TRANSPARENT = {"Required", "Readonly", "NonNullable", "Awaited", "Promise", "NoInfer"}
# The language's own classes, which no JSON value stands for.
OPAQUE = {"Function", "RegExp", "Error", "URL", "File", "Blob", "Buffer", "ArrayBuffer", "Uint8Array", "Symbol"}
DYNAMIC = {"DynSelect_": "dynselect-", "DynMultiselect_": "dynmultiselect-"}
NOTHING = ("null", "undefined")
LABELS = ("label", "kind")

Read = TypeVar("Read")

_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def resource_type(name: str) -> str:
    """The resource type that a type's name stands for: `MsTeams` is `ms_teams`."""
    return _WORD_BORDER.sub("_", name).lower()


def annotated(node: Node | None) -> Node | None:
    """The type behind a colon."""
    parts = inner(node) if node else []
    return parts[0] if parts else None


def alternatives(node: Node) -> Iterator[Node]:
    """The members of a union, in order."""
    for part in inner(node):
        if part.type == "union_type":
            yield from alternatives(part)
        else:
            yield unwrapped(part)


def unwrapped(node: Node) -> Node:
    """A type without the brackets around it."""
    while node.type == "parenthesized_type" and inner(node):
        node = inner(node)[0]
    return node


def is_nothing(node: Node) -> bool:
    """Whether a type is `null` or `undefined`."""
    return node.type == "literal_type" and text_of(node) in NOTHING


class Types:
    """What the types of one script stand for, by the aliases, interfaces and enums which it declares."""

    def __init__(self, root: Node) -> None:
        self._declared = dict(declarations(root))
        self._open: set[str] = set()

    def schema(self, node: Node | None) -> dict:
        """The schema of one type; `{}` where nothing is known."""
        read = self._READERS.get(node.type) if node else None
        return read(self, node) if read and node else {}

    def optional(self, node: Node | None) -> bool:
        """Whether a type allows null or undefined."""
        node = unwrapped(node) if node else None
        if node is None:
            return False
        if node.type == "union_type":
            return any(is_nothing(part) or self.optional(part) for part in alternatives(node))
        target = self._declared.get(text_of(node)) if node.type == "type_identifier" else None
        if target is None or target.type != "type_alias_declaration":
            return False
        return self._guarded(text_of(node), lambda: self.optional(field(target, "value")), False)

    def default(self, node: Node | None) -> object:
        """The JSON value of a default: a literal, or an enum's member; `NO_LITERAL` otherwise."""
        if node is not None and node.type == "member_expression":
            target = self._declared.get(text_of(field(node, "object")))
            if target is not None and target.type == "enum_declaration":
                return dict(members(target)).get(text_of(field(node, "property")), NO_LITERAL)
        return literal(node)

    def is_plainly(self, node: Node | None, name: str) -> bool:
        """Whether a type is `name`, alone or beside null and undefined."""
        if node is None:
            return False
        node = unwrapped(node)
        parts = list(alternatives(node)) if node.type == "union_type" else [node]
        return [text_of(part) for part in parts if not is_nothing(part)] == [name] and name not in self._declared

    def _literal(self, node: Node) -> dict:
        value = literal(annotated(node))
        return {} if value is NO_LITERAL or value is None else {"type": json_type(value), "enum": [value]}

    def _union(self, node: Node) -> dict:
        found: list[dict] = []
        for part in alternatives(node):
            schema = self.schema(part)
            if not is_nothing(part) and schema not in found:
                found.append(schema)
        return union_of(found)

    def _list(self, node: Node) -> dict:
        return list_of(self.schema(annotated(node)))

    def _first(self, node: Node) -> dict:
        return self.schema(annotated(node))

    def _object(self, node: Node) -> dict:
        found = list(properties(node))
        if not found:
            return {"type": "object"}
        named = {name: self.schema(annotated(field(part, "type"))) for name, part in found}
        required = [name for name, part in found if not self._may_lack(part)]
        return {"type": "object", "properties": named, "required": required, "order": list(named)}

    def _may_lack(self, part: Node) -> bool:
        return has_token(part, "?") or self.optional(annotated(field(part, "type")))

    def _intersection(self, node: Node) -> dict:
        return merged([self.schema(part) for part in inner(node)])

    def _generic(self, node: Node) -> dict:
        name = last_name(field(node, "name") or node)
        arguments = inner(field(node, "type_arguments") or node)
        if name == "Resource":
            value = literal(annotated(arguments[0]))
            return {"type": "object", "format": f"resource-{value}"} if isinstance(value, str) else {"type": "object"}
        if name in LISTS:
            return list_of(self.schema(arguments[0]))
        if name in TRANSPARENT:
            return self.schema(arguments[0])
        if name == "Partial":
            return {key: value for key, value in self.schema(arguments[0]).items() if key != "required"}
        return self._named(name)

    def _identifier(self, node: Node) -> dict:
        return self._named(text_of(node))

    def _qualified(self, node: Node) -> dict:
        name = last_name(node)
        return resource(name) if text_of(node).startswith("RT.") else self._known(name) or resource(name)

    def _named(self, name: str) -> dict:
        if name in self._declared:
            return self._guarded(name, lambda: self._declaration(name, self._declared[name]), {"type": "object"})
        return dict(known) if (known := self._known(name)) is not None else resource(name)

    def _known(self, name: str) -> dict | None:
        for prefix, form in DYNAMIC.items():
            if name.startswith(prefix):
                return {"type": "object", "format": form + name.removeprefix(prefix)}
        if name in LISTS:
            return {"type": "array"}
        return {} if name in OPAQUE else SIMPLE.get(name)

    def _declaration(self, name: str, node: Node) -> dict:
        if node.type == "enum_declaration":
            return enum_of([value for _, value in members(node)])
        if node.type == "class_declaration":
            return resource(name)
        schema = self._interface(node) if node.type == "interface_declaration" else self.schema(field(node, "value"))
        return as_resource(name, schema) if "properties" in schema and "format" not in schema else schema

    def _interface(self, node: Node) -> dict:
        parents = [parent for child in inner(node) if child.type == "extends_type_clause" for parent in inner(child)]
        return merged([*(self.schema(parent) for parent in parents), self.schema(field(node, "body"))])

    def _guarded(self, name: str, read: Callable[[], Read], otherwise: Read) -> Read:
        """Read a named type once on the way down, so that one that contains itself ends."""
        if name in self._open:
            return otherwise
        self._open.add(name)
        try:
            return read()
        finally:
            self._open.discard(name)

    _READERS: dict[str, Callable[["Types", Node], dict]] = {
        "predefined_type": lambda self, node: SIMPLE.get(text_of(node), {}),
        "type_identifier": _identifier,
        "nested_type_identifier": _qualified,
        "generic_type": _generic,
        "literal_type": _literal,
        "template_literal_type": lambda self, node: {"type": "string"},
        "union_type": _union,
        "intersection_type": _intersection,
        "array_type": _list,
        "tuple_type": lambda self, node: {"type": "array"},
        "readonly_type": _first,
        "parenthesized_type": _first,
        "object_type": _object,
        "interface_body": _object,
    }


def declarations(root: Node) -> Iterator[tuple[str, Node]]:
    """The types that a script's top level declares, by name."""
    kinds = ("type_alias_declaration", "interface_declaration", "enum_declaration", "class_declaration")
    for node in inner(root):
        target = field(node, "declaration") if node.type == "export_statement" else node
        if target is not None and target.type in kinds:
            yield text_of(field(target, "name")), target


def properties(node: Node) -> Iterator[tuple[str, Node]]:
    """The named properties of an object type."""
    for part in inner(node):
        name = field(part, "name")
        if part.type == "property_signature" and name is not None and name.type != "computed_property_name":
            yield member_name(name), part


def members(node: Node) -> Iterator[tuple[str, object]]:
    """The members of an enum with their values, those that count on from the one before included."""
    following: object = 0
    for part in inner(field(node, "body") or node):
        name = field(part, "name") or part
        value = literal(field(part, "value")) if part.type == "enum_assignment" else following
        following = value + 1 if isinstance(value, int | float) else NO_LITERAL
        if value is not NO_LITERAL:
            yield member_name(name), value


def last_name(node: Node) -> str:
    """`C` of `A.B.C`."""
    return text_of(field(node, "name")) if node.type == "nested_type_identifier" else text_of(node)


def resource(name: str) -> dict:
    """A resource, by the name of its type in TypeScript."""
    return {"type": "object", "format": f"resource-{resource_type(name)}"}


def as_resource(name: str, schema: dict) -> dict:
    """A declared object type: a resource may hold more than it says, and less."""
    return resource(name) | {"properties": schema["properties"], "order": schema["order"]}


def list_of(items: dict) -> dict:
    """A list of such items."""
    return {"type": "array", "items": items} if items else {"type": "array"}


def enum_of(values: list) -> dict:
    """An enum of literals, with a type where they share one."""
    types = {json_type(value) for value in values}
    return {"type": types.pop(), "enum": values} if len(types) == 1 else {"enum": values}


def merged(schemas: list[dict]) -> dict:
    """What fits all of several object types; `{}` where one is none."""
    if any(schema.get("type") != "object" for schema in schemas):
        return {}
    found: dict = {}
    for schema in schemas:
        found |= schema.get("properties") or {}
    required = [name for schema in schemas for name in schema.get("required") or ()]
    return {"type": "object", "properties": found, "required": required, "order": list(found)} if found else OBJECT


def union_of(found: list[dict]) -> dict:
    """What fits one of several types: an enum, an object told by its label, or any of them."""
    if {} in found or not found:
        return {}
    if all("enum" in schema for schema in found):
        values = [value for schema in found for value in schema["enum"]]
        return {"type": "boolean"} if set(map(repr, values)) == {"True", "False"} else enum_of(values)
    if {"type": "string"} in found:  # `"a" | string` only suggests
        found = [schema for schema in found if schema.get("type") != "string" or "enum" not in schema]
    if len(found) == 1:
        return found[0]
    return labelled(found) or {"anyOf": found}


def labelled(found: list[dict]) -> dict:
    """Object types that each have a `label` or a `kind` of one fixed text; `{}` unless all do."""
    for key in LABELS:
        titles = [title_by(key, schema) for schema in found]
        if all(titles):
            pairs = zip(titles, found, strict=True)
            return {
                "type": "object",
                "oneOf": [{"type": "object", "title": title} | plain(one) for title, one in pairs],
            }
    return {}


def title_by(key: str, schema: dict) -> str:
    """The one text that a property may have; empty when there is none."""
    values = (schema.get("properties") or {}).get(key, {}).get("enum") or ()
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""


def plain(schema: dict) -> dict:
    """A declared object type without the resource that it may be."""
    return {key: value for key, value in schema.items() if key != "format"}
