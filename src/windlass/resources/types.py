"""Resource types: the workspace's own and, read-only, those of the workspace `admins`, which all share."""

from collections.abc import Mapping
from dataclasses import replace

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Principal
from windlass.db.pool import Transaction
from windlass.errors import NotFound
from windlass.resources.model import NewResourceType, ResourceType, TypeChanges
from windlass.resources.service import queries
from windlass.secrets.refusals import told_plainly


async def list_types(tx: Transaction[Principal], name: str | None = None) -> list[ResourceType]:
    """The types that resources of this workspace may have, by name."""
    with told_plainly("the search"):
        rows = queries.list_types(tx.connection, workspace=tx.actor.workspace, name=name)
        return [ResourceType(**dict(row)) async for row in rows]


async def get(tx: Transaction[Principal], name: str) -> ResourceType:
    """One type, or NotFound."""
    found = await list_types(tx, paths.check_name(name, "resource type"))
    if not found:
        raise NotFound(f"resource type {name} not found")
    return found[0]


async def file_types(tx: Transaction[Principal]) -> Mapping[str, ResourceType]:
    """The types whose values are kept as a file or a set of files, by name."""
    return {found.name: found for found in await list_types(tx) if found.format_extension or found.is_fileset}


async def create(tx: Transaction[Principal], new: NewResourceType) -> None:
    """Make a type; BadRequest when this workspace has one of that name."""
    paths.check_name(new.name, "resource type")
    schema = None if new.schema is None else new.schema.decode()
    row = vars(new) | {"schema": schema, "created_by": tx.actor.username}
    with told_plainly(f"resource type {new.name}"):
        await queries.insert_type(tx.connection, workspace=tx.actor.workspace, **row)
    await audit.record(tx, "resource_types.create", "Created", new.name)


async def update(tx: Transaction[Principal], name: str, changes: TypeChanges) -> None:
    """Change a type of this workspace; NotFound when it is not this workspace's own."""
    text = {"schema": changes["schema"].decode()} if "schema" in changes else {}
    changed = replace(await get(tx, name), **(changes | text))
    with told_plainly(f"resource type {name}"):
        updated = await queries.update_type(
            tx.connection, workspace=tx.actor.workspace, name=name, schema=changed.schema,
            description=changed.description, format_extension=changed.format_extension,
            is_fileset=changed.is_fileset,
        )  # fmt: skip
    if updated is None:
        raise NotFound(f"resource type {name} is not this workspace's own")
    await audit.record(tx, "resource_types.update", "Updated", name)


async def delete(tx: Transaction[Principal], name: str) -> None:
    """Delete a type of this workspace, or NotFound. Resources of the type stay."""
    name = paths.check_name(name, "resource type")
    if await queries.delete_type(tx.connection, workspace=tx.actor.workspace, name=name) is None:
        raise NotFound(f"resource type {name} not found")
    await audit.record(tx, "resource_types.delete", "Delete", name)
