"""Python annotations and literals as JSON Schema, read from the syntax tree; used by `signature`."""

import ast
from collections.abc import Iterator

SIMPLE: dict[str, dict] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "complex": {},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
    "object": {},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "timedelta": {},
    "None": {},
    "Any": {},
    "Decimal": {"type": "number"},
    "UUID": {"type": "string", "format": "uuid"},
    "S3Object": {"type": "object", "format": "resource-s3_object"},
}
LISTS = {
    "list",
    "List",
    "tuple",
    "Tuple",
    "set",
    "Set",
    "frozenset",
    "FrozenSet",
    "Sequence",
    "Iterable",
    "Collection",
}
OBJECTS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}
TRANSPARENT = {"Final", "Required", "NotRequired", "ReadOnly"}
DYNAMIC = {"DynSelect_": "dynselect_", "DynMultiselect_": "dynmultiselect_"}
ENUM_BASES = {"Enum", "StrEnum", "IntEnum"}
NO_LITERAL = object()


def name_of(node: ast.expr | None) -> str:
    """The last part of a name: `List` for `typing.List`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr | None) -> object:
    """The JSON value of a literal; `NO_LITERAL` for every other expression."""
    if node is None:
        return NO_LITERAL
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NO_LITERAL
    return value if is_json(value) else NO_LITERAL


def is_json(value: object) -> bool:
    """Whether a literal is made of JSON's own types; tuples and sets are not, nor are infinities."""
    if isinstance(value, list):
        return all(is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    if isinstance(value, float):
        return value - value == 0
    return value is None or isinstance(value, str | int)


def schema_of_values(values: list) -> dict:
    """An enum of literals, with a type where they share one."""
    types = {json_type(value) for value in values}
    return {"type": types.pop(), "enum": values} if len(types) == 1 else {"enum": values}


def json_type(value: object) -> str:
    """JSON Schema's word for the type of a literal."""
    words = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return words.get(type(value), "null")


class Annotations:
    """What annotations of one module stand for, by the classes and aliases which it defines."""

    def __init__(self, module: ast.Module) -> None:
        self._classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
        self._aliases = dict(aliases(module))
        self._open: set[str] = set()

    def schema(self, node: ast.expr | None) -> dict:
        """The schema of one annotation; `{}` where nothing is known."""
        if isinstance(node, ast.Constant):
            return self._text(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union([node.left, node.right])
        if isinstance(node, ast.Subscript):
            return self._generic(name_of(node.value), members(node.slice))
        if isinstance(node, ast.Attribute) and name_of(node.value) != "wmill":
            return self._known(node.attr) or {}
        return self._name(name_of(node)) if node else {}

    def optional(self, node: ast.expr | None) -> bool:
        """Whether an annotation allows None."""
        if isinstance(node, ast.Constant):
            parsed = parse_text(node.value)
            return node.value is None or (parsed is not None and self.optional(parsed))
        if isinstance(node, ast.BinOp):
            return self.optional(node.left) or self.optional(node.right)
        if isinstance(node, ast.Subscript):
            kind, inner = name_of(node.value), members(node.slice)
            return kind == "Optional" or (kind in {"Union", "Annotated"} and any(map(self.optional, inner)))
        alias = self._aliases.get(name_of(node))
        return alias is not None and alias is not node and self._guarded(name_of(node), self.optional, alias, False)

    def default(self, node: ast.expr | None) -> object:
        """The JSON value of a default: a literal, or an enum's member; `NO_LITERAL` otherwise."""
        member = node.value if isinstance(node, ast.Attribute) and node.attr == "value" else node
        if isinstance(member, ast.Attribute) and name_of(member.value) in self._classes:
            return self._members(self._classes[name_of(member.value)]).get(member.attr, NO_LITERAL)
        return literal(node)

    def _text(self, value: object) -> dict:
        parsed = parse_text(value)
        return self.schema(parsed) if parsed is not None else {}

    def _union(self, nodes: list[ast.expr]) -> dict:
        found: list[dict] = []
        for node in flatten(nodes):
            schema = self.schema(node)
            if schema not in found:
                found.append(schema)
        if len(found) == 1:
            return found[0]
        return {"anyOf": found} if found and {} not in found else {}

    def _generic(self, name: str, inner: list[ast.expr]) -> dict:
        if name in {"Optional", "Union"}:
            return self._union(inner)
        if name == "Literal":
            return schema_of_values([value for node in inner if (value := literal(node)) is not NO_LITERAL])
        if name == "Annotated":
            return self.schema(inner[0]) | described(inner[1:])
        if name in TRANSPARENT:
            return self.schema(inner[0])
        if name in LISTS:
            items = self.schema(inner[0])
            return {"type": "array", "items": items} if items else {"type": "array"}
        return {"type": "object"} if name in OBJECTS else self._name(name)

    def _name(self, name: str) -> dict:
        known = self._known(name)
        if known is not None:
            return known
        if name in self._aliases:
            return self._guarded(name, self.schema, self._aliases[name], {})
        return {"type": "object", "format": f"resource-{name}"} if name[:1].islower() else {}

    def _known(self, name: str) -> dict | None:
        if name in self._classes:
            return self._class(self._classes[name])
        for prefix, form in DYNAMIC.items():
            if name.startswith(prefix):
                return {"type": "object", "format": form + name.removeprefix(prefix)}
        if name in LISTS:
            return {"type": "array"}
        if name in OBJECTS:
            return {"type": "object"}
        return dict(SIMPLE[name]) if name in SIMPLE else None

    def _class(self, node: ast.ClassDef) -> dict:
        if any(name_of(base) in ENUM_BASES for base in node.bases):
            return schema_of_values(list(self._members(node).values()))
        if node.name[0].islower():
            return {"type": "object", "format": f"resource-{node.name}"}
        return self._guarded(node.name, self._object, node, {"type": "object"})

    def _guarded(self, name: str, read, node, otherwise):
        """Read a named definition once on the way down, so that one that contains itself ends."""
        if name in self._open:
            return otherwise
        self._open.add(name)
        try:
            return read(node)
        finally:
            self._open.discard(name)

    def _object(self, node: ast.ClassDef) -> dict:
        fields = list(self._fields(node))
        properties = {field.target.id: self._field(field) for field in fields if isinstance(field.target, ast.Name)}
        required = [name for name, schema in properties.items() if not schema.pop("has_default")]
        return {"type": "object", "properties": properties, "required": required, "order": list(properties)}

    def _fields(self, node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
        for base in node.bases:
            parent = self._classes.get(name_of(base))
            if parent is not None and parent is not node:
                yield from self._guarded(f"bases of {node.name}", lambda one: list(self._fields(one)), parent, [])
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and name_of(field_kind(field)) != "ClassVar":
                yield field

    def _field(self, field: ast.AnnAssign) -> dict:
        schema, value = self.schema(field.annotation), field.value
        has_default = value is not None or self.optional(field.annotation)
        if isinstance(value, ast.Call):
            schema |= described([value])
            has_default = self.optional(field.annotation) or call_has_default(value)
            value = call_default(value)
        default = self.default(value)
        return schema | ({} if default is NO_LITERAL else {"default": default}) | {"has_default": has_default}

    def _members(self, node: ast.ClassDef) -> dict[str, object]:
        values: dict[str, object] = {}
        as_text = any(name_of(base) == "StrEnum" for base in node.bases)
        for line in node.body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                name, value = line.targets[0].id, literal(line.value)
                if isinstance(line.value, ast.Call) and name_of(line.value.func) == "auto":
                    value = name.lower() if as_text else len(values) + 1
                if value is not NO_LITERAL:
                    values[name] = value
        return values


def aliases(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names that a module's top level gives to types: `Color = Literal[...]`."""
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def members(node: ast.expr) -> list[ast.expr]:
    """What stands between the brackets of a generic annotation."""
    return list(node.elts) if isinstance(node, ast.Tuple) and node.elts else [node]


def flatten(nodes: list[ast.expr]) -> Iterator[ast.expr]:
    """The alternatives of a union without None, those of nested `|` included."""
    for node in nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            yield from flatten([node.left, node.right])
        elif not (isinstance(node, ast.Constant) and node.value is None):
            yield node


def parse_text(value: object) -> ast.expr | None:
    """A string annotation as an expression."""
    if not isinstance(value, str):
        return None
    try:
        return ast.parse(value.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def described(extras: list[ast.expr]) -> dict:
    """The description in `Annotated[T, "..."]` or `Field(description="...")`."""
    for extra in extras:
        words = (
            [key.value for key in extra.keywords if key.arg == "description"]
            if isinstance(extra, ast.Call)
            else [extra]
        )
        if words and isinstance(text := literal(words[0]), str):
            return {"description": text}
    return {}


def field_kind(field: ast.AnnAssign) -> ast.expr:
    """A field's annotation without its brackets."""
    return field.annotation.value if isinstance(field.annotation, ast.Subscript) else field.annotation


def call_default(call: ast.Call) -> ast.expr | None:
    """The default that `field(default=...)` or `Field(...)` gives."""
    named = [key.value for key in call.keywords if key.arg == "default"]
    first = call.args[0] if call.args and name_of(call.func) == "Field" else None
    return named[0] if named else first


def call_has_default(call: ast.Call) -> bool:
    """Whether a field's call leaves the field optional; `Field(...)` with the ellipsis does not."""
    if name_of(call.func) not in {"field", "Field"}:
        return True
    if any(key.arg == "default_factory" for key in call.keywords):
        return True
    default = call_default(call)
    return default is not None and not (isinstance(default, ast.Constant) and default.value is ...)
