"""Fill in `$var:path` and `$res:path` (also `var://path`, `res://path`) in JSON values.

Called by workers on a job's arguments and by `resources/get_value_interpolated`, with a transaction of the
principal whose rights count. Only a string that is a reference and nothing else is replaced; resources are
filled in turn. A bare name without a slash means the principal's own: `$var:KEY` is `u/<username>/KEY`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from windlass.auth.permissions import Capability, Principal, require
from windlass.db.pool import Transaction
from windlass.errors import BadRequest, NotFound
from windlass.paths import ITEM_PATH, MAX_LENGTH, NAME
from windlass.resources import service as resources
from windlass.resources.values import decode, encode
from windlass.secrets import service as variables

# Without the slashes and the dollar, because an encoder may write them as escapes.
HINTS = (b"var:", b"res:")
REFERENCE = re.compile(r"\$(?P<kind>var|res):(?P<path>.*)|(?P<scheme>var|res)://(?P<name>[\w/-]+)", re.DOTALL)
KINDS = {"var": "variable", "res": "resource"}
MAX_DEPTH = 20
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A variable or resource that a value refers to."""

    kind: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What a reference stands for, with all below it filled in, and the length of its JSON text."""

    value: Any
    size: int


def has_references(value: bytes) -> bool:
    """Whether the JSON text may hold a reference; cheap, and never wrong when it says no."""
    return any(hint in value for hint in HINTS)


async def interpolate(tx: Transaction[Principal], value: bytes) -> bytes:
    """The JSON text with every reference filled in; the very same bytes when there is none.

    NotFound names a reference that leads nowhere, and where it stands; BadRequest a circle of resources, or
    one that is too deep or too large; Forbidden a token whose scopes do not reach.
    """
    if not has_references(value):
        return value
    try:
        tree = decode(value)
        filled = await _Filling(tx).fill(tree, ())
        return value if filled is tree else encode(filled)
    except RecursionError as error:
        raise BadRequest("the value is nested too deeply") from error


class _Filling:
    """One call of `interpolate`: each reference is looked up, and audited, once."""

    def __init__(self, tx: Transaction[Principal]) -> None:
        self._tx = tx
        self._known: dict[Reference, Filled] = {}

    async def fill(self, tree: Any, chain: tuple[Reference, ...]) -> Any:
        """The tree with its references filled in, or the tree itself; `chain` leads here from the top."""
        size = 0
        for reference, place in _references(tree):
            if reference not in self._known:
                self._known[reference] = await self._look_up(reference, (*chain, reference), place)
            size += self._known[reference].size
            if size > MAX_BYTES:
                raise BadRequest(f"the value grows over {MAX_BYTES} bytes when its references are filled in")
        return _replaced(tree, self._known) if size else tree

    async def _look_up(self, reference: Reference, chain: tuple[Reference, ...], place: str) -> Filled:
        _check_chain(chain)
        for path in self._candidates(reference.path):
            value = await self._read(Reference(kind=reference.kind, path=path))
            if value is not None:
                filled = await self.fill(decode(value), chain) if reference.kind == "resource" else value
                return Filled(value=filled, size=len(encode(filled)))
        raise NotFound(f"{reference} not found; it is referred to {_where(place, chain[:-1])}")

    def _candidates(self, path: str) -> Iterator[str]:
        if len(path) <= MAX_LENGTH and ITEM_PATH.fullmatch(path):
            yield path
        elif NAME.fullmatch(path):
            yield f"u/{self._tx.actor.username}/{path}"

    async def _read(self, reference: Reference) -> str | None:
        if reference.kind == "resource":
            require(self._tx.actor, Capability.RESOURCES_READ, path=reference.path)
            resource = await resources.find(self._tx, reference.path)
            return None if resource is None else resource.value or "null"
        require(self._tx.actor, Capability.VARIABLES_READ, path=reference.path)
        variable = await variables.find(self._tx, reference.path)
        return None if variable is None else await variables.read(self._tx, variable)


def _check_chain(chain: tuple[Reference, ...]) -> None:
    if chain[-1] in chain[:-1]:
        circle = " -> ".join(item.path for item in chain[chain.index(chain[-1]) :])
        raise BadRequest(f"resources refer to each other in a circle: {circle}")
    if len(chain) > MAX_DEPTH:
        raise BadRequest(f"resources refer to each other more than {MAX_DEPTH} deep, from {chain[0].path} on")


def _where(place: str, chain: tuple[Reference, ...]) -> str:
    return f"at {place or 'the top'}" + (f" of {chain[-1]}" if chain else "")


def _parse(text: Any) -> Reference | None:
    if not isinstance(text, str):
        return None
    match = REFERENCE.fullmatch(text)
    if match is None:
        return None
    kind = KINDS[match["kind"] or match["scheme"]]
    return Reference(kind=kind, path=match["path"] if match["kind"] else match["name"])


def _references(tree: Any) -> Iterator[tuple[Reference, str]]:
    stack = [(tree, "")]
    while stack:
        item, place = stack.pop()
        if isinstance(item, dict):
            stack += [(below, f"{place}.{key}".lstrip(".")) for key, below in item.items()]
        elif isinstance(item, list):
            stack += [(below, f"{place}[{index}]") for index, below in enumerate(item)]
        elif reference := _parse(item):
            yield reference, place


def _replaced(tree: Any, known: Mapping[Reference, Filled]) -> Any:
    if isinstance(tree, dict):
        return {key: _replaced(below, known) for key, below in tree.items()}
    if isinstance(tree, list):
        return [_replaced(below, known) for below in tree]
    reference = _parse(tree)
    return tree if reference is None else known[reference].value
