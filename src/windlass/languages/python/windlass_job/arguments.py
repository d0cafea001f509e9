"""Arguments as a function's annotations ask for them; used by `runner` for more than plain JSON types."""

# ruff: noqa: PLC0415

import base64
import datetime
import types
import typing
from enum import Enum

PLAIN = (str, int, float, bool, dict, list, object, typing.Any)
SAME_FIELD = {"database": "dbname", "dbname": "database"}


class InvalidArgument(Exception):
    """A given value does not fit its parameter's annotation."""


class Resource(dict):
    """A resource's value: `database` and `dbname` answer for each other; `**resource` passes real keys."""

    def __missing__(self, key):
        other = SAME_FIELD.get(key)
        if other is None or not super().__contains__(other):
            raise KeyError(key)
        return self[other]

    def get(self, key, default=None):
        """Like `dict.get`, with the same aliases as `resource[key]`."""
        try:
            return self[key]
        except KeyError:
            return default


def convert_argument(name: str, value, kind, namespace: dict):
    """The converted value; raises InvalidArgument, which names the parameter."""
    try:
        return convert(value, kind, namespace)
    except (ValueError, TypeError, KeyError) as problem:
        raise InvalidArgument(f"The argument {name!r} does not fit {show(kind)}: {problem}") from problem


def allows_none(kind, namespace: dict) -> bool:
    """Whether an annotation is `Optional[...]`, `... | None` or `None`."""
    kind = resolve(kind, namespace)
    return kind in (None, type(None)) or (is_union(kind) and type(None) in kind.__args__)


def convert(value, kind, namespace: dict):
    """The value as an instance of `kind`; what has no conversion stays as it is."""
    kind = resolve(kind, namespace)
    if value is None or any(kind is plain for plain in PLAIN):
        return value
    if hasattr(kind, "__metadata__"):
        return convert(value, kind.__origin__, namespace)
    if is_union(kind):
        return convert_union(value, kind.__args__, namespace)
    if hasattr(kind, "__origin__"):
        return convert_items(value, kind.__origin__, getattr(kind, "__args__", ()), namespace)
    return convert_class(value, kind) if isinstance(kind, type) else value


def resolve(kind, namespace: dict) -> typing.Any:
    """What a string annotation means in the script; None where it means nothing."""
    if isinstance(kind, typing.ForwardRef):
        kind = kind.__forward_arg__
    if not isinstance(kind, str):
        return kind
    try:
        return resolve(eval(kind, namespace), namespace)
    except (NameError, AttributeError, SyntaxError, TypeError):
        return None


def is_union(kind) -> bool:
    """Whether an annotation offers alternatives."""
    return isinstance(kind, types.UnionType) or getattr(kind, "__origin__", None) is typing.Union


def convert_union(value, members: tuple, namespace: dict):
    """The first alternative that the value fits, or the value itself."""
    for member in members:
        if any(member is plain for plain in PLAIN):
            if isinstance(value, object if member is typing.Any else member):
                return value
            continue
        try:
            return convert(value, member, namespace)
        except (ValueError, TypeError, KeyError):
            continue
    return value


def convert_items(value, origin, members: tuple, namespace: dict):
    """A JSON list or object with its members converted; `list[datetime]`, `dict[str, Model]`, `set[int]`."""
    if isinstance(value, list) and members and origin is not typing.Literal:
        items = [convert(item, members[0], namespace) for item in value]
        return origin(items) if origin in (set, frozenset, tuple) else items
    if isinstance(value, dict) and len(members) == 2:
        return {key: convert(item, members[1], namespace) for key, item in value.items()}
    return value


def convert_class(value, kind: type):
    """An instance of a class, from the JSON that stands for it."""
    if issubclass_safely(kind, Enum):
        return member_of(kind, value)
    if isinstance(value, str):
        return convert_text(value, kind)
    if hasattr(kind, "model_validate"):
        return kind.model_validate(value)
    if hasattr(kind, "parse_obj"):
        return kind.parse_obj(value)
    if isinstance(value, dict):
        return convert_object(value, kind)
    return kind(value) if isinstance(value, list) and kind in (set, frozenset, tuple) else value


def convert_text(value: str, kind: type):
    """A JSON string as the bytes, date or time that it spells."""
    if kind is bytes:
        return base64.b64decode(value.rpartition(";base64,")[2], validate=True)
    if kind in (datetime.datetime, datetime.date, datetime.time):
        return parse_time(value, kind)
    return value


def parse_time(value: str, kind):
    """An ISO 8601 text; a date may be given as the full time that a form sends."""
    if kind is datetime.date and len(value) > 10:
        return datetime.datetime.fromisoformat(value).date()
    return kind.fromisoformat(value)


def convert_object(value: dict, kind: type):
    """A JSON object as a dataclass or as a resource; other classes leave it as it is."""
    if hasattr(kind, "__dataclass_fields__"):
        return build(value, kind)
    if kind is Resource or kind.__name__[0].islower():
        return Resource(value)
    return value


def build(value: dict, kind: type):
    """A dataclass instance; keys that are no fields are dropped."""
    import sys

    namespace = vars(sys.modules[kind.__module__])
    fields = kind.__dataclass_fields__.values()
    known = [field for field in fields if field.init and field.name in value]
    return kind(**{field.name: convert(value[field.name], field.type, namespace) for field in known})


def member_of(kind, value):
    """An enum's member by its value, else by its name."""
    try:
        return kind(value)
    except ValueError:
        if isinstance(value, str) and value in kind.__members__:
            return kind[value]
        raise


def issubclass_safely(kind: type, parent: type) -> bool:
    """`issubclass` by the method resolution order, since TypedDict refuses the real one."""
    return parent in getattr(kind, "__mro__", ())


def show(kind) -> str:
    """An annotation as its author would write it."""
    return getattr(kind, "__name__", None) or str(kind)
