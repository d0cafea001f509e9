"""Resources and their types: create, read, list, change, delete; values as stored or filled in."""

from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from windlass.api import shapes
from windlass.api.access import Actor, Routes
from windlass.api.paging import Page, PerPage, csv
from windlass.api.responses import fragment, json, raw_json, text
from windlass.auth.permissions import Capability
from windlass.resources import service, types
from windlass.resources.interpolate import interpolate
from windlass.resources.model import (
    Changes,
    Filter,
    NewResource,
    NewResourceType,
    Resource,
    ResourceType,
    TypeChanges,
)
from windlass.resources.values import encode

routes = Routes("resources")
READ, WRITE, STATE_WRITE = Capability.RESOURCES_READ, Capability.RESOURCES_WRITE, Capability.STATE_WRITE


class NewResourceBody(BaseModel):
    """The protocol's CreateResource."""

    path: str
    value: Any
    resource_type: str
    description: str | None = None
    labels: list[str] | None = None

    def to_model(self) -> NewResource:
        """What the room takes."""
        return NewResource(value=encode(self.value), **self.model_dump(exclude_none=True, exclude={"value"}))


class ResourceChanges(BaseModel):
    """The protocol's EditResource; what is absent stays as it is, so does what is null except the value."""

    path: str | None = None
    value: Any = None
    resource_type: str | None = None
    description: str | None = None
    labels: list[str] | None = None

    def to_model(self) -> Changes:
        """What the room takes."""
        changes = Changes(**self.model_dump(exclude_none=True, exclude={"value"}))
        if "value" in self.model_fields_set:
            changes["value"] = encode(self.value)
        return changes


class ResourceValue(BaseModel):
    """A new value."""

    value: Any


class ResourcePaths(BaseModel):
    """Several resources."""

    paths: list[str] = Field(max_length=10_000)


class NewResourceTypeBody(BaseModel):
    """The protocol's ResourceType, as it is created."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    name: str
    schema_: Any = Field(None, alias="schema")
    description: str | None = None
    format_extension: str | None = None
    is_fileset: bool | None = None

    def to_model(self) -> NewResourceType:
        """What the room takes."""
        schema = None if self.schema_ is None else encode(self.schema_)
        return NewResourceType(schema=schema, **self.model_dump(exclude_none=True, exclude={"schema_"}))


class ResourceTypeChanges(BaseModel):
    """The protocol's EditResourceType; a null extension takes it away, any other null changes nothing."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    schema_: Any = Field(None, alias="schema")
    description: str | None = None
    format_extension: str | None = None
    is_fileset: bool | None = None

    def to_model(self) -> TypeChanges:
        """What the room takes."""
        changes = TypeChanges(**self.model_dump(exclude_none=True, exclude={"schema_"}))
        if "format_extension" in self.model_fields_set:
            changes["format_extension"] = self.format_extension or None
        if self.schema_ is not None:
            changes["schema"] = encode(self.schema_)
        return changes


def _view(resource: Resource, **more: Any) -> dict[str, Any]:
    shown = vars(resource) | {"is_oauth": False, "is_linked": False, "is_refreshed": False} | more
    return {name: part for name, part in shown.items() if part is not None}


def _type_view(found: ResourceType) -> dict[str, Any]:
    shown = vars(found) | {"schema": fragment(found.schema)}
    return {name: part for name, part in shown.items() if part is not None}


@routes.post("/w/{workspace}/resources/create", STATE_WRITE, defers_path=True, status_code=201)
async def create(actor: Actor, body: NewResourceBody, update_if_exists: bool = False) -> Response:
    """Make a resource; 400 when there is one that may not be replaced. Operators may make state only."""
    async with actor.transaction() as tx:
        await service.create(tx, body.to_model(), update_if_exists=update_if_exists)
    return text(f"resource {body.path} created", 201)


@routes.post("/w/{workspace}/resources/update/{path:path}", WRITE)
async def update(actor: Actor, path: str, body: ResourceChanges) -> Response:
    """Change or rename a resource."""
    async with actor.transaction() as tx:
        await service.update(tx, path, body.to_model())
    return text(f"resource {body.path or path} updated")


@routes.post("/w/{workspace}/resources/update_value/{path:path}", STATE_WRITE)
async def update_value(actor: Actor, path: str, body: ResourceValue) -> Response:
    """Replace the value of a resource. Operators may change state only."""
    async with actor.transaction() as tx:
        await service.update_value(tx, path, encode(body.value))
    return text(f"value of resource {path} updated")


@routes.get("/w/{workspace}/resources/get/{path:path}", READ, response_model=shapes.Resource)
async def get(actor: Actor, path: str) -> Response:
    """A resource with its value as it is stored."""
    async with actor.transaction() as tx:
        resource = await service.get(tx, path)
    return json(_view(resource) | {"value": fragment(resource.value)})


@routes.get("/w/{workspace}/resources/get_value/{path:path}", READ)
async def get_value(actor: Actor, path: str) -> Response:
    """The value as it is stored."""
    async with actor.transaction() as tx:
        return raw_json(await service.get_value(tx, path))


@routes.get("/w/{workspace}/resources/get_value_interpolated/{path:path}", READ)
async def get_value_interpolated(actor: Actor, path: str, job_id: UUID | None = None) -> Response:
    """The value with its references filled in. `job_id` changes nothing: the token says whose."""
    async with actor.transaction() as tx:
        return raw_json(await interpolate(tx, await service.get_value(tx, path)))


@routes.get("/w/{workspace}/resources/exists/{path:path}", READ)
async def exists(actor: Actor, path: str) -> Response:
    """Whether there is such a resource that the caller may see."""
    async with actor.transaction() as tx:
        return json(await service.find(tx, path) is not None)


@routes.get("/w/{workspace}/resources/list", READ, response_model=list[shapes.Resource])
async def list_resources(
    actor: Actor, resource_type: str | None = None, resource_type_exclude: str | None = None,
    path_start: str | None = None, path: str | None = None, description: str | None = None,
    value: str | None = None, broad_filter: str | None = None, label: str | None = None, page: Page = 1,
    per_page: PerPage | None = None,
) -> Response:  # fmt: skip
    """Resources by path, without their values."""
    wanted = Filter(
        resource_types=csv(resource_type), excluded_types=csv(resource_type_exclude), path_start=path_start,
        path=path, description=description, value=value, broad=broad_filter, label=label, page=page,
        per_page=per_page,
    )  # fmt: skip
    async with actor.transaction() as tx:
        return json([_view(resource) for resource in await service.list_resources(tx, wanted)])


@routes.get("/w/{workspace}/resources/list_names/{name}", READ)
async def list_names(actor: Actor, name: str) -> Response:
    """Name and path of the resources of a type."""
    async with actor.transaction() as tx:
        found = await service.list_resources(tx, Filter(resource_types=[name]))
    return json([{"name": resource.path.rsplit("/", 1)[-1], "path": resource.path} for resource in found])


@routes.get("/w/{workspace}/resources/list_search", READ)
async def list_search(actor: Actor) -> Response:
    """Path and the beginning of the value of every resource, for a search in the contents."""
    async with actor.transaction() as tx:
        return json(await service.list_texts(tx))


@routes.delete("/w/{workspace}/resources/delete/{path:path}", WRITE)
async def delete(actor: Actor, path: str) -> Response:
    """Delete a resource."""
    async with actor.transaction() as tx:
        await service.delete(tx, path)
    return text(f"resource {path} deleted")


@routes.delete("/w/{workspace}/resources/delete_bulk", WRITE)
async def delete_bulk(actor: Actor, body: ResourcePaths) -> Response:
    """Delete several resources; the answer names those that are gone."""
    async with actor.transaction() as tx:
        return json(await service.delete_bulk(tx, body.paths))


@routes.get("/w/{workspace}/resources/file_resource_type_to_file_ext_map", READ)
async def file_resource_type_to_file_ext_map(actor: Actor) -> Response:
    """How the values of file types are kept on disk, by type."""
    async with actor.transaction() as tx:
        found = await types.file_types(tx)
    return json({
        name: {"format_extension": kind.format_extension, "is_fileset": kind.is_fileset}
        for name, kind in found.items()
    })  # fmt: skip


@routes.get("/w/{workspace}/resources/type/list", READ, response_model=list[shapes.ResourceType])
async def list_types(actor: Actor) -> Response:
    """The resource types of the workspace and the shared ones."""
    async with actor.transaction() as tx:
        return json([_type_view(found) for found in await types.list_types(tx)])


@routes.get("/w/{workspace}/resources/type/listnames", READ)
async def list_type_names(actor: Actor) -> Response:
    """The names of the resource types."""
    async with actor.transaction() as tx:
        return json([found.name for found in await types.list_types(tx)])


@routes.get("/w/{workspace}/resources/type/get/{path:path}", READ, response_model=shapes.ResourceType)
async def get_type(actor: Actor, path: str) -> Response:
    """One resource type."""
    async with actor.transaction() as tx:
        return json(_type_view(await types.get(tx, path)))


@routes.get("/w/{workspace}/resources/type/exists/{path:path}", READ)
async def exists_type(actor: Actor, path: str) -> Response:
    """Whether there is such a resource type."""
    async with actor.transaction() as tx:
        return json(bool(await types.list_types(tx, path)))


@routes.post("/w/{workspace}/resources/type/create", WRITE, status_code=201)
async def create_type(actor: Actor, body: NewResourceTypeBody) -> Response:
    """Make a resource type; 400 when the workspace has one of that name."""
    async with actor.transaction() as tx:
        await types.create(tx, body.to_model())
    return text(f"resource type {body.name} created", 201)


@routes.post("/w/{workspace}/resources/type/update/{path:path}", WRITE)
async def update_type(actor: Actor, path: str, body: ResourceTypeChanges) -> Response:
    """Change a resource type of the workspace."""
    async with actor.transaction() as tx:
        await types.update(tx, path, body.to_model())
    return text(f"resource type {path} updated")


@routes.delete("/w/{workspace}/resources/type/delete/{path:path}", WRITE)
async def delete_type(actor: Actor, path: str) -> Response:
    """Delete a resource type of the workspace; its resources stay."""
    async with actor.transaction() as tx:
        await types.delete(tx, path)
    return text(f"resource type {path} deleted")
