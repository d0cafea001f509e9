"""Create, read, change and delete resources. Called by `api/routes/resources.py` and `interpolate.py`.

Row level security decides what is seen; a resource that was shared with somebody may be changed without the
right to its folder, so that changes and deletions ask the row, and only new paths ask the principal.
"""

from collections.abc import Sequence
from dataclasses import replace

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Capability, Principal, require, require_write
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import Forbidden, NotFound
from windlass.resources.model import STATE, Changes, Filter, Found, NewResource, Resource, from_row
from windlass.secrets.refusals import told_plainly

queries = load(__file__)
SEARCH_CHARACTERS = 10_000
SEARCH_RESOURCES = 1_000


async def find(tx: Transaction[Principal], path: str) -> Resource | None:
    """The resource at the path, or None when the principal may see none. The path must be well formed."""
    row = await queries.find_resource(tx.connection, workspace=tx.actor.workspace, path=paths.check(path))
    return None if row is None else from_row(row)


async def get(tx: Transaction[Principal], path: str) -> Resource:
    """The resource at the path, or NotFound."""
    resource = await find(tx, path)
    if resource is None:
        raise NotFound(f"resource {path} not found")
    return resource


async def get_value(tx: Transaction[Principal], path: str) -> bytes:
    """The JSON text of the resource at the path as it is stored, or NotFound."""
    return ((await get(tx, path)).value or "null").encode()


async def list_resources(tx: Transaction[Principal], wanted: Filter) -> list[Resource]:
    """The resources that the principal may see, by path, without their values."""
    with told_plainly("the search"):
        rows = queries.list_resources(tx.connection, workspace=tx.actor.workspace, **vars(wanted))
        return [from_row(row) async for row in rows]


async def list_texts(tx: Transaction[Principal]) -> list[Found]:
    """The beginning of each value that the principal may see, for a content search."""
    rows = queries.list_texts(
        tx.connection, workspace=tx.actor.workspace, length=SEARCH_CHARACTERS, limit=SEARCH_RESOURCES
    )
    return [Found(**dict(row)) async for row in rows]


async def create(tx: Transaction[Principal], new: NewResource, *, update_if_exists: bool = False) -> None:
    """Make a resource. BadRequest when there is one that may not be replaced, Forbidden without the right."""
    _permit(tx, new.path, new.resource_type)
    if update_if_exists and (current := await find(tx, new.path)):
        _require(tx, new.path, current.resource_type)
    insert = queries.upsert_resource if update_if_exists else queries.insert_resource
    with told_plainly(f"resource {new.path}"):
        await insert(
            tx.connection, workspace=tx.actor.workspace, created_by=tx.actor.username,
            **(vars(new) | {"value": new.value.decode()}),
        )  # fmt: skip
    await audit.record(tx, "resources.create", "Created", new.path)


async def update(tx: Transaction[Principal], path: str, changes: Changes) -> None:
    """Change or rename a resource. NotFound, Forbidden, or BadRequest when the new path is taken."""
    current = await _lock(tx, path)
    text = {"value": changes["value"].decode()} if "value" in changes else {}
    changed = replace(current, **(changes | text))
    _require(tx, path, current.resource_type)
    _require(tx, changed.path, changed.resource_type)
    if changed.path != path:
        require_write(tx.actor, changed.path)
    with told_plainly(f"resource {changed.path}"):
        await queries.update_resource(
            tx.connection, workspace=tx.actor.workspace, old_path=path, path=changed.path,
            value=changed.value, resource_type=changed.resource_type, description=changed.description,
            labels=changed.labels,
        )  # fmt: skip
    await audit.record(tx, "resources.update", "Updated", path, new_path=changed.path)


async def update_value(tx: Transaction[Principal], path: str, value: bytes) -> None:
    """Replace the value of a resource; a script's state needs less than any other type."""
    await update(tx, path, {"value": value})


async def delete(tx: Transaction[Principal], path: str) -> None:
    """Delete a resource; NotFound, or Forbidden when the principal may only read it."""
    if not await delete_bulk(tx, [path]):
        await _refuse(tx, path)


async def delete_bulk(tx: Transaction[Principal], every: Sequence[str]) -> list[str]:
    """Delete those of the resources that the principal may delete, and tell which."""
    for path in every:
        require(tx.actor, Capability.RESOURCES_WRITE, path=paths.check(path))
    rows = queries.delete_resources(tx.connection, workspace=tx.actor.workspace, paths=list(every))
    gone = [row["path"] async for row in rows]
    for path in gone:
        await audit.record(tx, "resources.delete", "Delete", path)
    return gone


def _require(tx: Transaction[Principal], path: str, resource_type: str) -> None:
    capability = Capability.STATE_WRITE if resource_type == STATE else Capability.RESOURCES_WRITE
    require(tx.actor, capability, path=paths.check(path))


def _permit(tx: Transaction[Principal], path: str, resource_type: str) -> None:
    _require(tx, path, resource_type)
    require_write(tx.actor, path)


async def _lock(tx: Transaction[Principal], path: str) -> Resource:
    row = await queries.lock_resource(tx.connection, workspace=tx.actor.workspace, path=paths.check(path))
    return await _refuse(tx, path) if row is None else from_row(row)


async def _refuse(tx: Transaction[Principal], path: str) -> Resource:
    await get(tx, path)
    raise Forbidden(f"{tx.actor.username} may not change resource {path}")
